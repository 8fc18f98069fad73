//! The corpora of the fuzz targets, replayed: what the fuzzer once found worth keeping holds in every ordinary run, and needs
//! neither cargo-fuzz nor time.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../fuzz/src/lib.rs"]
pub mod fuzz;

use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

/// A path below `fuzz`.
fn place(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(below)
}

/// The files and directories in one below `fuzz`.
fn entries(below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(place(below)).unwrap_or_else(|error| panic!("fuzz/{below}: {error}"));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_input_that_is_kept_holds() {
    for (target, check) in fuzz::TARGETS {
        let inputs = entries(&format!("corpus/{target}"));
        assert!(inputs.len() >= 10, "the corpus of {target} has {} inputs", inputs.len());
        let fails = |path: &&PathBuf| {
            let input = fs::read(path).unwrap();
            catch_unwind(|| check(&input)).is_err()
        };
        let failing: Vec<&PathBuf> = inputs.iter().filter(fails).collect();
        assert!(failing.is_empty(), "{target} does not hold for {failing:?}");
    }
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_row() {
    let known: BTreeSet<String> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |below: &str| -> BTreeSet<String> {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries(below).iter().map(stem).collect()
    };
    assert_eq!(stems("fuzz_targets"), known);
    assert_eq!(stems("corpus"), known);
    let readme = fs::read_to_string(place("README.md")).unwrap();
    for name in known {
        let rows = readme.lines().filter(|line| line.starts_with(&format!("| `{name}` |"))).count();
        assert_eq!(rows, 2, "fuzz/README.md says of {name} what it holds, and how long it has run");
    }
}
