//! What plimsoll is built from: every dependency has a licence that ours goes with, none comes from anywhere but a
//! registry, and each direct one says what it is for. Works without a network, for the platform it runs on.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// Licences that MIT OR Apache-2.0 goes with, whatever the dependency is for.
const ACCEPTED: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that the house does without, with the reason.
const UNWANTED: [(&str, &str); 4] = [
    ("rsa", "RUSTSEC-2023-0071: tokens are signed with ring's HMAC, by a provider of our own"),
    ("openssl-sys", "TLS is rustls: no system library, no C headers"),
    ("aws-lc-sys", "the provider of rustls is ring: one library of C is enough"),
    ("chrono", "HTTP dates are httpdate's; all else is std's"),
];

/// What cargo knows about the build for this platform.
fn metadata() -> Value {
    let version = output("rustc", &["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let arguments = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host];
    serde_json::from_str(&output(env!("CARGO"), &arguments)).expect("cargo metadata is JSON")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("to run");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Every package that the build may use, plimsoll aside.
fn dependencies() -> Vec<Value> {
    let mut metadata = metadata();
    let Value::Array(packages) = metadata["packages"].take() else { panic!("cargo lists no packages") };
    let others: Vec<Value> = packages.into_iter().filter(|package| package["name"] != "plimsoll").collect();
    assert!(others.len() > 50, "cargo lists only {} dependencies", others.len());
    others
}

/// Whether a licence expression can be met with accepted licences alone.
fn is_accepted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    any(&mut words).is_some_and(|accepted| accepted && words.is_empty())
}

/// `a OR b`; AND binds closer. `None` where this is no expression.
fn any(words: &mut &[&str]) -> Option<bool> {
    let mut accepted = all(words)?;
    while take(words, "OR") {
        accepted |= all(words)?;
    }
    Some(accepted)
}

fn all(words: &mut &[&str]) -> Option<bool> {
    let mut accepted = one(words)?;
    while take(words, "AND") {
        accepted &= one(words)?;
    }
    Some(accepted)
}

fn one(words: &mut &[&str]) -> Option<bool> {
    if take(words, "(") {
        let accepted = any(words)?;
        return take(words, ")").then_some(accepted);
    }
    let (name, rest) = words.split_first()?;
    *words = rest;
    if take(words, "WITH") {
        let (exception, rest) = words.split_first()?;
        *words = rest;
        // An exception only permits more.
        return Some(
            ACCEPTED.contains(name) || ACCEPTED.contains(&format!("{name} WITH {exception}").as_str()),
        );
    }
    Some(ACCEPTED.contains(name))
}

/// Takes an operator from the front. SPDX has them in capitals or in small letters.
fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word || *first == word.to_lowercase() => {
            *words = rest;
            true
        }
        _ => false,
    }
}

/// Every dependency of a manifest that no comment explains, and every one that is not from a registry. A comment speaks
/// for the lines below it, up to the next blank line or table.
fn unexplained(manifest: &str) -> Vec<String> {
    let (mut faults, mut inside, mut explained) = (Vec::new(), false, false);
    for (number, line) in manifest.lines().enumerate().map(|(number, line)| (number + 1, line.trim())) {
        if line.is_empty() || line.starts_with('[') {
            explained = false;
            inside = if line.is_empty() { inside } else { line.contains("dependencies") };
        } else if line.starts_with('#') {
            explained = true;
        } else if inside {
            let name = line.split('=').next().unwrap_or_default().trim();
            if !explained {
                faults.push(format!("Cargo.toml:{number}: no comment says what `{name}` is for"));
            }
            if line.contains("git =") || line.contains("path =") {
                faults.push(format!("Cargo.toml:{number}: `{name}` is not from a registry"));
            }
        }
    }
    faults
}

#[test]
fn every_licence_is_accepted() {
    let refused: Vec<String> = dependencies()
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_accepted))
        .map(|package| format!("{} {}: licence {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

#[test]
fn every_source_is_a_registry() {
    for package in dependencies() {
        let source = package["source"].as_str().unwrap_or("a path");
        assert!(source.starts_with("registry+"), "{} comes from {source}", package["name"]);
    }
}

#[test]
fn the_lists_of_crates_are_true() {
    let dependencies = dependencies();
    let names: BTreeSet<&str> = dependencies.iter().filter_map(|package| package["name"].as_str()).collect();
    for (name, reason) in UNWANTED {
        assert!(!names.contains(name), "{name} is a dependency: {reason}");
    }
}

#[test]
fn every_direct_dependency_says_what_it_is_for() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let faults = unexplained(&std::fs::read_to_string(manifest).expect("a manifest"));
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn a_dependency_without_a_word_is_found() {
    let manifest = "[dependencies]\n# Bytes.\na = \"1\"\nb = \"1\"\n\nc = \"1\"\n[dev-dependencies]\nd = { git = \"x\" }\n\
                    # A neighbour.\ne = { path = \"../e\" }\n[lints.rust]\nf = 1\n";
    let faults = unexplained(manifest);
    let expected = [
        "Cargo.toml:6: no comment says what `c` is for",
        "Cargo.toml:8: no comment says what `d` is for",
        "Cargo.toml:8: `d` is not from a registry",
        "Cargo.toml:10: `e` is not from a registry",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn an_expression_is_read_as_it_is_meant() {
    let accepted = [
        "MIT",
        "MIT/Apache-2.0",
        "MIT or Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT AND (GPL-3.0-only OR ISC)",
        "GPL-3.0-only AND MPL-2.0 OR MIT",
    ];
    for expression in accepted {
        assert!(is_accepted(expression), "{expression}");
    }
    let refused = [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT AND (GPL-3.0-only OR MPL-2.0)",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "(MIT",
        "MIT ISC",
        "MIT OR",
        "MIT Or ISC",
    ];
    for expression in refused {
        assert!(!is_accepted(expression), "{expression}");
    }
}
