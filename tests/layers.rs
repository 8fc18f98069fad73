//! Holds the code to the invariants of the house (see the crate's documentation): which room may know which, what the
//! pure rooms never do, and what exists in one place only. It reads the source; what it says names the file, the line
//! and the rule.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "layers/house.rs"]
mod house;
#[path = "layers/scan.rs"]
mod scan;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path as FilePath,
};

use house::{CLOCKS, HOUSE, IMPURE_STD, MOST_LINES, ONLY_IN, PRINTS, PROBLEM, Room};
use scan::{Path, Scanned, scan};

/// Every break of a rule in these sources, and every import that the table allows although nothing uses it.
fn faults(sources: &BTreeMap<String, String>, crates: &[String]) -> Vec<String> {
    let scanned: BTreeMap<&str, Scanned> =
        sources.iter().map(|(path, text)| (path.as_str(), scan(text))).collect();
    let tests = test_places(&scanned);
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for (path, file) in &scanned {
        if tests.iter().any(|place| path.starts_with(place.as_str())) {
            continue;
        }
        let mut check = Check { path, file, crates, faults: &mut faults };
        check.habits(&sources[*path]);
        check.clocks();
        check.problems(&sources[*path]);
        match path.split('/').collect::<Vec<_>>()[..] {
            ["src", "lib.rs"] => check.only_declares_rooms(),
            ["src", "main.rs"] => check.only_calls_cli(),
            ["src", name, _, ..] => match HOUSE.iter().find(|room| room.name == name) {
                Some(room) => used.extend(check.room(room).into_iter().map(|other| (room.name, other))),
                None => check.fault(1, "tests/layers/house.rs knows no such room: give it a rule"),
            },
            _ => check.fault(1, "a file outside the rooms"),
        }
    }
    // Two names from one line are one fault.
    faults.dedup();
    for room in &HOUSE {
        for other in room.imports {
            if !used.contains(&(room.name, (*other).to_owned())) {
                faults.push(format!(
                    "tests/layers/house.rs: `{}` does not import `{other}`: take it out of the table",
                    room.name
                ));
            }
        }
    }
    faults
}

/// Where tests are: files and directories named `tests`, and modules that are declared for tests only.
fn test_places(scanned: &BTreeMap<&str, Scanned>) -> Vec<String> {
    let mut places = Vec::new();
    for (path, file) in scanned {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let own = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs")).unwrap_or(path);
        let inside = if path.ends_with("/lib.rs") { parent } else { own };
        for module in &file.test_modules {
            places.extend([format!("{inside}/{module}.rs"), format!("{inside}/{module}/")]);
        }
    }
    places
}

/// One file, being checked.
struct Check<'a> {
    path: &'a str,
    file: &'a Scanned,
    crates: &'a [String],
    faults: &'a mut Vec<String>,
}

impl Check<'_> {
    fn fault(&mut self, line: usize, rule: &str) {
        self.faults.push(format!("{}:{line}: {rule}", self.path));
    }

    /// What holds for every file.
    fn habits(&mut self, text: &str) {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            self.fault(
                MOST_LINES + 1,
                &format!("{lines} lines, {MOST_LINES} at most: split it where it shows a line"),
            );
        }
        if !text.starts_with("//!") {
            self.fault(1, "a file starts with `//!`: what it is for");
        }
        let file = self.file;
        for three in file.tokens.windows(3) {
            match [0, 1, 2].map(|i| three[i].text.as_str()) {
                ["mod", name, "{"] => {
                    self.fault(
                        three[0].line,
                        &format!("`mod {name}` is not for tests: give it a file of its own"),
                    );
                }
                ["extern", "crate", _] => self.fault(three[0].line, "`extern crate` hides who is imported"),
                _ => {}
            }
        }
    }

    /// Freshness has one clock. What names std's clocks elsewhere reads time behind its back.
    fn clocks(&mut self) {
        if CLOCKS.contains(&self.path) {
            return;
        }
        let file = self.file;
        for path in &file.paths {
            let names: Vec<&str> = path.segments.iter().map(String::as_str).collect();
            if names.ends_with(&["SystemTime", "now"]) || matches!(names[..], ["std", .., "Instant"]) {
                self.fault(
                    path.line,
                    "freshness has one clock, observe::Clock; timers of sockets are tokio's",
                );
            }
        }
    }

    /// Errors become responses in one place.
    fn problems(&mut self, text: &str) {
        if self.path == PROBLEM || self.path.starts_with("src/origin/") {
            return;
        }
        if let Some(at) = text.lines().position(|line| line.contains("problem+json")) {
            self.fault(at + 1, &format!("only {PROBLEM} turns errors into responses"));
        }
    }

    fn only_declares_rooms(&mut self) {
        let file = self.file;
        for item in file.tokens.split_inclusive(|token| token.text == ";") {
            let words: Vec<&str> = item.iter().map(|token| token.text.as_str()).collect();
            if !matches!(words[..], ["pub", "mod", _, ";"]) {
                self.fault(
                    item[0].line,
                    "the crate's root holds its documentation and its rooms, nothing else",
                );
            }
        }
    }

    fn only_calls_cli(&mut self) {
        let file = self.file;
        for path in file.paths.iter().filter(|path| path.segments[0] == "plimsoll") {
            if path.segments.get(1).is_none_or(|name| name != "cli") {
                self.fault(path.line, "the binary calls plimsoll::cli and nothing else");
            }
        }
    }

    /// Checks what a room's file imports and does; says which other rooms it imports.
    fn room(&mut self, room: &Room) -> BTreeSet<String> {
        let file = self.file;
        let mut others = BTreeSet::new();
        for path in &file.paths {
            match self.target(path) {
                Target::Own => {}
                Target::Root => {
                    self.fault(path.line, "name the room: the crate's root hides who is imported");
                }
                Target::Room(other) if other == room.name => {}
                Target::Room(other) => {
                    if !room.imports.contains(&other.as_str()) {
                        let rule = format!("`{}` must not import `{other}`: {}", room.name, room.reason);
                        self.fault(path.line, &rule);
                    }
                    others.insert(other);
                }
                Target::Crate(name) => self.external(room, &name, path.line),
            }
        }
        if !room.waits {
            for token in file.tokens.iter().filter(|token| matches!(token.text.as_str(), "async" | "await")) {
                self.fault(token.line, &format!("`{}` never waits: {}", room.name, room.reason));
            }
        }
        if room.crates.is_some() {
            self.purity(room);
        }
        others
    }

    fn external(&mut self, room: &Room, name: &str, line: usize) {
        if room.crates.is_some_and(|known| !known.contains(&name)) {
            self.fault(line, &format!("`{}` is pure, so it must not use the crate `{name}`", room.name));
        } else if let Some((_, rooms)) = ONLY_IN.iter().find(|(owned, _)| *owned == name)
            && !rooms.contains(&room.name)
        {
            self.fault(line, &format!("`{name}` is for {} alone", rooms.join(" and ")));
        }
    }

    fn purity(&mut self, room: &Room) {
        let file = self.file;
        for path in file.paths.iter().filter(|path| path.segments[0] == "std") {
            if let Some(part) = path.segments.get(1).filter(|part| IMPURE_STD.contains(&part.as_str())) {
                self.fault(path.line, &format!("`{}` is pure, so it has no use for std::{part}", room.name));
            }
        }
        for two in file.tokens.windows(2) {
            if PRINTS.contains(&two[0].text.as_str()) && two[1].text == "!" {
                self.fault(two[0].line, &format!("`{}` is pure, so it must not print", room.name));
            }
        }
    }

    /// Where a path leads.
    fn target(&self, path: &Path) -> Target {
        let mut rest = path.segments.as_slice();
        while rest.first().is_some_and(|first| rest.len() > 1 && first == "self") {
            rest = &rest[1..];
        }
        let ups = rest.iter().take_while(|segment| *segment == "super").count();
        let from_root = match rest {
            [only] if only == "crate" && !path.imported => return Target::Own, // `pub(crate)`
            [first, after @ ..] if first == "crate" => after,
            _ if ups > 0 && ups >= self.depth() => &rest[ups..],
            _ if ups > 0 => return Target::Own,
            [first, ..] if (path.imported || rest.len() > 1) && self.crates.contains(first) => {
                return Target::Crate(first.clone());
            }
            _ => return Target::Own,
        };
        match from_root.first().map(String::as_str) {
            None | Some("*" | "self") => Target::Root,
            Some(name) => Target::Room(name.to_owned()),
        }
    }

    /// How many modules deep this file's module is: 1 for `src/key/mod.rs`.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

enum Target {
    /// The room itself, a local name, or std.
    Own,
    /// The crate's root as a whole.
    Root,
    Room(String),
    Crate(String),
}

/// Every file below `src`, by its path from the package's root.
fn house() -> BTreeMap<String, String> {
    fn walk(directory: &FilePath, root: &FilePath, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    walk(&root.join("src"), root, &mut files);
    files
}

/// The names of all direct dependencies, as code writes them.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside && !line.starts_with('#'), line.split_once('=')) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}

#[test]
fn the_house_keeps_its_rules() {
    let faults = faults(&house(), &dependencies());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The table in the crate's documentation is the table in `house`: who reads one knows the other.
#[test]
fn the_map_shows_the_house() {
    let map = &house()["src/lib.rs"];
    let shown: BTreeMap<String, BTreeSet<String>> = map
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|row| {
            let (name, cells) = row.split_once("`]").unwrap();
            let imports = cells.rsplit('|').nth(1).unwrap();
            (name.to_owned(), imports.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        })
        .collect();
    let meant: BTreeMap<String, BTreeSet<String>> = HOUSE
        .iter()
        .map(|room| (room.name.to_owned(), room.imports.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(shown, meant, "the map in src/lib.rs (left) and the table in tests/layers/house.rs (right)");
}

#[path = "layers/broken.rs"]
mod broken;
