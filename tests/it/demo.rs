//! The demonstration, as the real program shows it where there is no terminal.

use serde_json::Value;

use crate::support::{Ended, run};

/// What it prints, with lifetimes that are left masked: chance and clocks decide them.
const GOLDEN: &str = include_str!("demo.golden.txt");

/// Masks the digits after `ttl=`, and keeps the columns where they are.
fn masked(text: &str) -> String {
    let mut parts = text.split("ttl=");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        let width = part.len() - rest.len();
        masked += &["ttl=", "*", &" ".repeat(width.saturating_sub(1)), rest].concat();
    }
    masked
}

/// What the table leaves out of an outcome: the status of a success, and the word before why it was forwarded.
fn brief(outcome: &str) -> String {
    outcome.trim_start_matches("200 ").replace("fwd=uri-miss; ", "").replace("fwd=", "")
}

fn demo(more: &[&str]) -> Ended {
    run(&[&["demo", "--exit"], more].concat())
}

#[test]
fn the_demonstration_prints_its_table() {
    let ended = demo(&[]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    let printed = masked(&ended.out);
    assert!(
        printed == GOLDEN,
        "The demonstration prints something else than tests/it/demo.golden.txt. If it should, put this there:\n\n\
         {printed}"
    );
    assert!(!ended.out.contains('\x1b'), "no colours where there is no terminal");
}

#[test]
fn the_demonstration_as_json_says_what_the_table_says() {
    let ended = demo(&["--json"]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    let whole: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(whole["ok"], true);
    let rows = whole["rows"].as_array().expect("rows");
    let mut lines = GOLDEN.lines().skip(2);
    for row in rows {
        let text = |name: &str| row[name].as_str().expect("text");
        assert_eq!(row["wrong"], Value::Null, "{row}");
        let level = row["level"].as_u64().map_or_else(|| "-".to_owned(), |level| level.to_string());
        let line = lines.next().expect("a line of the table for each row");
        let [first, second] = ["first", "second"].map(|name| masked(&brief(text(name))));
        let cells =
            [text("system"), text("request"), &level, first.trim_end(), second.trim_end(), text("why")];
        for cell in cells {
            assert!(line.contains(cell), "`{cell}` is not in `{line}`");
        }
        assert!(line.ends_with(&format!("{} of {}", row["saved"], row["requests"])), "{line}");
    }
    let end = format!("The origin never saw {} of {} requests.", whole["saved"], whole["requests"]);
    assert!(GOLDEN.contains(&end), "{end}");
    assert_eq!(lines.next(), Some(""), "the table has no more rows than the JSON");
}

#[test]
fn two_demonstrations_at_the_same_time_do_not_get_into_each_others_way() {
    let other = std::thread::spawn(|| demo(&[]));
    let ended = [demo(&[]), other.join().expect("no panic")];
    for ended in ended {
        assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
        assert!(ended.out.ends_with("Every row behaved as its level demands.\n"), "{}", ended.out);
    }
}
