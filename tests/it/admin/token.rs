//! Where the token comes from, and that nothing starts without one that needs one.

use std::fs;

use super::{TOKEN, with_token};
use crate::support::{Ended, Program, get, run, run_on, run_with_token};

const OPEN: &str = "[origin]\nurl = \"http://127.0.0.1:1\"\n[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"0.0.0.0:0\"\n";

/// Holds that nothing was started, and that this was said.
fn did_not_start(ended: &Ended, said: &[&str]) {
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    for text in said {
        assert!(ended.err.contains(text), "it does not say {text:?}: {}", ended.err);
    }
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let said = ["other machines can reach", "PLIMSOLL_ADMIN_TOKEN", "token_file"];
    did_not_start(&run_on("serve", OPEN), &said);
    for address in ["0.0.0.0:0", "[::]:0"] {
        let arguments =
            ["serve", "--origin", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--admin", address];
        did_not_start(&run(&arguments), &said);
        for bad in ["", "short", "0123456789 abcdef"] {
            let ended = run_with_token(bad, &arguments);
            did_not_start(&ended, &["PLIMSOLL_ADMIN_TOKEN: the token"]);
            assert!(bad.is_empty() || !ended.err.contains(bad), "{}", ended.err);
        }
    }
}

#[test]
fn check_warns_of_an_address_that_needs_a_token_and_has_none() {
    let ended = run_on("check", OPEN);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    let warning = "test.toml:6:10: warning: other machines can reach `0.0.0.0:0`, and there is no token here";
    assert!(ended.out.contains(warning) && ended.out.contains("PLIMSOLL_ADMIN_TOKEN"), "{}", ended.out);
    let ended = run_on("check", &format!("{OPEN}token = \"{TOKEN}\"\n"));
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "test.toml: ok, 0 routes, 0 warnings\n"));
}

#[test]
fn a_token_that_is_none_is_refused_at_its_place_and_not_shown() {
    for command in ["serve", "check"] {
        for (line, place, said) in [
            ("token = \"\"", "test.toml:7:1", "the token is empty"),
            ("token = \"hunter2\"", "test.toml:7:1", "16 are the least"),
            ("token_file = \"no/such\"", "test.toml:7:14", "`no/such` cannot be read"),
            ("token_file = \"test.toml\"", "test.toml:7:14", "the token has a space"),
            ("token_file = \"/dev/null\"", "test.toml:7:14", "the token is empty"),
            (
                "token = \"0123456789abcdef\"\ntoken_file = \"a\"",
                "test.toml:8:1",
                "both `token` and `token_file`",
            ),
        ] {
            let ended = run_on(command, &format!("{OPEN}{line}\n"));
            did_not_start(&ended, &[place, said]);
            assert!(!ended.err.contains("hunter2") && !ended.err.contains("0123456789"), "{}", ended.err);
        }
    }
}

/// Whether an admin place on all addresses is opened by the token, and by nothing else.
async fn is_opened_by_the_token(mut program: Program) {
    program.line();
    let port = program.address().port();
    let ask = || get(([127, 0, 0, 1], port).into(), "/api/routes").field("host", "admin.example");
    assert_eq!(ask().send().await.status, 401);
    assert_eq!(with_token(ask(), &TOKEN.to_uppercase()).send().await.status, 401);
    assert_eq!(with_token(ask(), TOKEN).send().await.status, 200);
}

#[tokio::test]
async fn the_token_is_in_the_environment() {
    let arguments =
        ["serve", "--origin", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"];
    is_opened_by_the_token(Program::start_with_token(TOKEN, &arguments)).await;
    // It counts on the loopback address too.
    let arguments = arguments.map(|word| if word == "0.0.0.0:0" { "127.0.0.1:0" } else { word });
    is_opened_by_the_token(Program::start_with_token(TOKEN, &arguments)).await;
}

#[tokio::test]
async fn the_token_is_in_the_config_or_in_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("to write a file");
    let origin = ([127, 0, 0, 1], 1).into();
    for line in [format!("token = \"{TOKEN}\""), format!("token_file = \"{}\"", file.display())] {
        is_opened_by_the_token(Program::serve(origin, &format!("[admin]\nlisten = \"0.0.0.0:0\"\n{line}")))
            .await;
    }
}
