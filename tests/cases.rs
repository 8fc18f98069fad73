//! Holds `tests/CASES.md` to the sources: every test that it names exists, and every case has a test and a source.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const CASES: &str = include_str!("CASES.md");

/// The rows of all tables, cell by cell.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let is_row = |line: &&str| {
        line.starts_with('|') && !line.starts_with("|---") && *line != "| case | tests | source |"
    };
    CASES.lines().filter(is_row).map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// What stands between backticks, if it could be the name of a test.
fn names(text: &'static str) -> impl Iterator<Item = &'static str> {
    let could_be =
        |name: &&str| name.contains('_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    text.split('`').skip(1).step_by(2).filter(could_be)
}

/// Every Rust file below this directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    here.chain(directories.iter().flat_map(|directory| self::files(directory))).collect()
}

/// The functions of this source that are marked as tests.
fn tests_in(source: &str) -> BTreeSet<String> {
    let mut is_test = false;
    let mut tests = BTreeSet::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let name = rest.split('(').next().unwrap_or_default();
            if std::mem::take(&mut is_test) {
                tests.insert(name.to_owned());
            }
        }
    }
    tests
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src", "tests"].into_iter().flat_map(|place| files(&root.join(place)));
    let tests: BTreeSet<String> =
        sources.flat_map(|file| tests_in(&fs::read_to_string(file).unwrap())).collect();
    let named: BTreeSet<&str> = CASES.lines().flat_map(names).collect();
    let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    assert!(named.len() > 100, "only {} tests are named", named.len());
}

#[test]
fn every_case_has_a_test_and_a_source() {
    let mut count = 0;
    for row in rows() {
        let [case, tests, source] = row[..] else { panic!("not three cells: {row:?}") };
        assert!(!case.is_empty() && names(tests).count() > 0, "{row:?}");
        assert!(source.starts_with("CVE-") || source.starts_with("RFC "), "{row:?}");
        count += 1;
    }
    assert!(count > 50, "only {count} cases");
}

#[test]
fn a_function_without_the_attribute_is_no_test() {
    let source = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(flavor = \"x\")]\nasync fn two() {}\n";
    assert_eq!(tests_in(source), ["one", "two"].map(str::to_owned).into());
}
