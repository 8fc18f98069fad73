//! Messages to the letter.

use super::*;

fn rendered(text: &str) -> String {
    match Config::parse("config/plimsoll.toml", text) {
        Ok(loaded) => loaded.warnings.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n\n"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn an_unknown_key_suggests_the_nearest() {
    assert_eq!(
        rendered(&with("\n\n\n[cache]\n# c\n\n\n\n\ncapasity = \"1 GiB\"\n")),
        "config/plimsoll.toml:12:1: error: unknown key `capasity` in [cache]\n   \
           |\n\
         12 | capasity = \"1 GiB\"\n   \
           | ^^^^^^^^ did you mean `capacity`?"
    );
}

#[test]
fn an_empty_file_lacks_the_origin() {
    assert_eq!(
        rendered(""),
        "config/plimsoll.toml:1:1: error: `origin.url` is missing: where is the API?\n  \
           |\n\
         1 |\n  \
           | ^ add [origin] with url = \"http://127.0.0.1:3000\""
    );
}

#[test]
fn a_bare_number_asks_for_its_unit() {
    assert_eq!(
        rendered(&with("connect_timeout = 30")),
        "config/plimsoll.toml:3:19: error: `connect_timeout` wants a duration in quotes, not a bare number\n  \
           |\n\
         3 | connect_timeout = 30\n  \
           |                   ^^ write \"30s\" for seconds, or use another unit: ms, m, h, d"
    );
}

#[test]
fn the_caret_is_under_the_part_of_a_value_that_is_at_fault() {
    assert_eq!(
        rendered("[origin]\n\turl = \"http://üser@x\"  # c\n"),
        "config/plimsoll.toml:2:16: error: the origin's URL has a user and password\n  \
           |\n\
         2 | \turl = \"http://üser@x\"  # c\n  \
           | \t              ^^^^^ leave them out: plimsoll adds no credentials of its own"
    );
}

#[test]
fn text_without_quotes_is_shown_with_them() {
    assert_eq!(
        rendered("[origin]\nurl = http://x\n"),
        "config/plimsoll.toml:2:7: error: the text `http://x` has no quotes\n  \
           |\n\
         2 | url = http://x\n  \
           |       ^^^^^^^^ write \"http://x\""
    );
}

#[test]
fn a_warning_says_what_would_be_better() {
    assert_eq!(
        rendered(&with("[[route]]\npath = \"/a\"\nlevel = \"changing\"\n")),
        "config/plimsoll.toml:5:9: warning: every answer is validated at the origin each time, unless the origin gives \
         it a lifetime\n  \
           |\n\
         5 | level = \"changing\"\n  \
           |         ^^^^^^^^^^ add ttl = \"30s\", or another lifetime; ttl = \"0s\" says that it is meant"
    );
}

#[test]
fn errors_are_a_blank_line_apart() {
    let text = rendered("[origin]\nurl = 1\nhost = \"clint\"\n");
    assert_eq!(
        text,
        "config/plimsoll.toml:2:7: error: `url` wants a URL, not a bare number\n  \
           |\n\
         2 | url = 1\n  \
           |       ^ write a URL in quotes\n\
         \n\
         config/plimsoll.toml:3:8: error: `host` does not know the word `clint`\n  \
           |\n\
         3 | host = \"clint\"\n  \
           |        ^^^^^^^ did you mean \"client\"?"
    );
}

#[test]
fn flags_are_named_in_their_errors() {
    let errors = Config::for_origin("ftp://x", Some("localhost:80")).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "--origin: error: plimsoll does not speak `ftp`\n   = use http or https\n\n\
         --listen: error: `localhost:80` is a name, not an address\n   = write \"127.0.0.1:80\" or \"[::1]:80\""
    );
    let own = Config::for_origin("http://localhost:8080", None).unwrap_err();
    assert_eq!(own.errors[0].code, Code::OriginIsSelf);
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let code = |path: &Path| {
        let error = Config::load(path).unwrap_err().errors.remove(0);
        (error.message, error.location.map(|at| (at.line, at.column)))
    };
    assert_eq!(code(&dir.path().join("none.toml")), ("there is no such file".to_owned(), None));
    assert_eq!(code(dir.path()), ("this is a directory".to_owned(), None));
    let latin = dir.path().join("latin.toml");
    std::fs::write(&latin, b"# a\r\n# caf\xe9\r\n").unwrap();
    assert_eq!(code(&latin), ("this file is not UTF-8 text".to_owned(), Some((2, 6))));
    std::fs::write(&latin, LEAST).unwrap();
    assert!(Config::load(&latin).is_ok());
}

#[test]
fn a_message_shows_no_token() {
    assert_eq!(
        rendered(&with("[admin]\ntoken = \"hunter2\"\n")),
        "config/plimsoll.toml:4:1: error: the token has 7 characters, and 16 are the least; make one: openssl rand -hex 32\n  \
           |\n\
         4 | token = \"*******\"\n  \
           | ^^^^^ or name a file with token_file"
    );
    for line in
        ["token = hunter2", "tokn = 'hunter2'", "token 'hunter2'", "token = ['hunter2']", "token = \"hunter2"]
    {
        let text = rendered(&with(&format!("[admin]\n{line}\n")));
        assert!(text.contains("error") && !text.contains("hunter2"), "{text}");
    }
}
