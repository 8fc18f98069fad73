//! Every kind of fault, with its place.

use std::collections::BTreeSet;

use super::*;

/// What is written after [`LEAST`], which has two lines, and what it is told.
const FAULTS: &[(&str, &[&str])] = &[
    // TOML itself.
    ("[cache\ncapacity = 1", &["toml-syntax 3:7"]),
    ("connect_timeout = 30s", &["toml-syntax 3:19"]),
    ("connect_timeout =", &["toml-syntax 3:18"]),
    ("connect_timeout = \"30s", &["toml-syntax 3:23"]),
    ("host", &["toml-syntax 3:5"]),
    ("url = \"http://y\"", &["duplicate-key 3:1"]),
    ("[cache]\n[cache]", &["duplicate-key 4:2"]),
    // Keys.
    ("urll = 1", &["unknown-key 3:1"]),
    ("[cahce]", &["unknown-key 3:2"]),
    ("[routes]", &["unknown-key 3:2"]),
    ("[[routes]]", &["unknown-key 3:3"]),
    ("[cache]\nlisten = 1", &["unknown-key 4:1"]),
    ("[[route]]\npath = \"/\"\nlevel=1\nstate = { qurey = [] }", &["unknown-key 6:11"]),
    (
        "[[route]]\npath = \"/\"\nlevel=1\nstate.headers = [{ name = \"a\", chose = [] }]",
        &["unknown-key 6:32"],
    ),
    ("[[route]]\nname = \"a\"", &["missing-key 3:1"]),
    ("[[route]]\npath = \"/\"\nlevel=1\nstate.headers = [{ choose = [\"a\"] }]", &["missing-key 6:18"]),
    // Types.
    ("host = 1", &["wrong-type 3:8"]),
    ("connect_timeout = 30", &["wrong-type 3:19"]),
    ("connect_timeout = true", &["wrong-type 3:19"]),
    ("[cache]\ncapacity = 1024", &["wrong-type 4:12"]),
    ("[cache]\nmax_variants = \"4\"", &["wrong-type 4:16"]),
    ("[server]\ntrusted_proxies = \"10.0.0.1\"", &["wrong-type 4:19"]),
    ("[[cache]]", &["wrong-type 3:1"]),
    ("[route]\npath = \"/\"", &["wrong-type 3:1"]),
    ("[[route]]\npath = \"/\"\ndeclare = \"yes\"", &["wrong-type 5:11"]),
    ("[[route]]\npath = \"/\"\nlevel=1\nstate.headers = [1]", &["wrong-type 6:18"]),
    ("[[route]]\npath = \"/\"\nlevel=1\nstate = []", &["wrong-type 6:9"]),
    // Values.
    ("connect_timeout = \"30 sec\"", &["bad-duration 3:19"]),
    ("connect_timeout = \"\"", &["bad-duration 3:19"]),
    ("connect_timeout = \"99999999999999999999s\"", &["bad-duration 3:19"]),
    ("connect_timeout = \"0s\"", &["out-of-range 3:19"]),
    ("[cache]\ncapacity = \"64 KB\"", &["bad-size 4:12"]),
    ("[cache]\ncapacity = \"0 B\"", &["out-of-range 4:12"]),
    ("[cache]\nmax_variants = 0", &["out-of-range 4:16"]),
    ("[cache]\nmax_variants = 99999999999999999999", &["out-of-range 4:16"]),
    ("[cache]\nprofile = \"rfc911\"", &["unknown-word 4:11"]),
    ("[cache]\ncapacity = \"1 MiB\"\nmax_object = \"2 MiB\"", &["object-over-capacity 5:14"]),
    ("[server]\nworkers = 1025", &["out-of-range 4:11"]),
    ("[server]\nmax_connections = 0", &["out-of-range 4:19"]),
    ("[server]\nmax_fields = 1001", &["out-of-range 4:14"]),
    ("[server]\nmax_head = \"1 B\"", &["out-of-range 4:12"]),
    ("[server]\nmax_head = \"2 MiB\"", &["out-of-range 4:12"]),
    ("[server]\nmax_target = \"64 KiB\"", &["out-of-range 4:14"]),
    ("[server]\nhead_timeout = \"0s\"", &["out-of-range 4:16"]),
    ("[server]\nlisten = []", &["out-of-range 4:10"]),
    ("[server]\nlisten = \"localhost:80\"", &["bad-address 4:10"]),
    ("[server]\nlisten = [\"127.0.0.1:80\", \"unix:\"]", &["bad-address 4:33"]),
    ("[server]\nlisten = [\"127.0.0.1:81\", \"127.0.0.1:81\"]", &["duplicate-listen 4:27"]),
    ("[server]\nlisten = \"127.0.0.1:81\"\n[admin]\nlisten = \"127.0.0.1:81\"", &["duplicate-listen 6:10"]),
    ("[server]\nlisten = \"0.0.0.0:81\"\n[origin2]\n", &["unknown-key 5:2"]),
    ("[server]\ntrusted_proxies = [\"10.0.0.1/8\"]", &["bad-network 4:20"]),
    ("[server]\ntrusted_proxies = [\"10.0.0.1\", \"10.0.0.1/32\"]", &["duplicate-item 4:32"]),
    (
        "[server]\ntrusted_proxies = [\"0.0.0.0/0\", \"::/0\"]",
        &["trusts-everybody 4:20", "trusts-everybody 4:33"],
    ),
    ("[admin]\nlisten = \"0.0.0.0:9090\"", &["no-admin-token 4:10"]),
    ("[admin]\ntoken = \"0123456789abcdef\"\nlisten = \"0.0.0.0:9090\"", &[]),
    ("[admin]\ntoken_file = \"no/such\"\nlisten = \"0.0.0.0:9090\"", &[]),
    ("[admin]\ntoken = \"0123456789abcdef\"\ntoken_file = \"a\"", &["two-tokens 5:1"]),
    ("[admin]\ntoken = \"\"", &["bad-token 4:1"]),
    ("[admin]\ntoken = \"0123456789abcde\"", &["bad-token 4:1"]),
    ("[admin]\ntoken = \"0123456789 abcdef\"", &["bad-token 4:1"]),
    ("[admin]\ntoken = 12", &["wrong-type 4:9"]),
    ("[admin]\ntoken_file = \"\"", &["bad-token 4:14"]),
    ("[admin]\nlisten = \"unix:/a\"", &["bad-address 4:10"]),
    ("[identity]\nuser = [\"x-user\"]", &["bad-identity 4:9"]),
    ("[identity]\nuser = [\"header:x user\"]", &["bad-field-name 4:17"]),
    ("[identity]\nsession = [\"cookie:a*b\"]", &["bad-identity 4:20"]),
    ("[identity]\nuser = []", &["no-user-identity 4:8"]),
];

/// What is written into a `[[route]]` after its path, from line 5 on, and what it is told.
const ROUTE_FAULTS: &[(&str, &[&str])] = &[
    ("name = \"default\"", &["bad-name 5:8"]),
    ("name = \"a b\"", &["bad-name 5:10"]),
    ("name = \"\"", &["bad-name 5:8"]),
    ("level = 6", &["out-of-range 5:9"]),
    ("level = -1", &["out-of-range 5:9"]),
    ("level = \"permanet\"", &["unknown-word 5:9"]),
    ("level = \"whatever\"", &["unknown-word 5:9"]),
    ("host = \"\"", &["bad-host 5:8"]),
    ("methods = [\"get\"]", &["bad-method 5:12"]),
    ("methods = [\"GET\", \"GET\"]", &["duplicate-item 5:19"]),
    ("with_query = [\"a=b\"]", &["bad-query-name 5:17"]),
    ("host = \"a*.b\"", &["bad-host 5:8"]),
    ("tags = [\"\"]", &["bad-tag 5:10"]),
    ("tags = [\"a:{id}\"]", &["bad-tag 5:13"]),
    ("jitter = 1.5", &["bad-fraction 5:10"]),
    ("jitter = \"ten\"", &["bad-fraction 5:10"]),
    ("jitter = true", &["wrong-type 5:10"]),
    ("min_ttl = \"2s\"\nmax_ttl = \"1s\"", &["min-over-max 5:11"]),
    ("ignore = [\"set-cookie\"]", &["ignore-undeclared 5:1"]),
    ("level = 3\nignore = [\"set-cookie\"]", &["ignore-undeclared 6:1"]),
    ("level = 1\nignore = [\"content-length\"]", &["reserved-field 6:11"]),
    ("level = 1\nignore = [\"set-cookie\"]", &["ignored-fields 6:1"]),
    ("level = 1\nstate.query = [\"a\", \"%61\"]", &["duplicate-item 6:21"]),
    ("level = 1\nstate.headers = [\"accept\", \"Accept\"]", &["duplicate-item 6:28"]),
    ("level = 1\nstate.headers = [\"a b\"]", &["bad-field-name 6:18"]),
    ("level = 1\nstate.headers = [\"host\"]", &["reserved-field 6:18"]),
    ("level = 1\nstate.headers = [\"connection\"]", &["reserved-field 6:18"]),
    ("level = 1\nstate.headers = [\"cookie\"]", &["identity-field 6:18"]),
    ("level = 1\nstate.headers = [\"x-api-key\"]", &["identity-field 6:18"]),
    ("level = 1\nstate.headers = [{ name = \"x\", choose = [\"a, b\"] }]", &["bad-choice 6:42"]),
    ("level = 1\nstate.headers = [{ name = \"x\", choose = [] }]", &["out-of-range 6:41"]),
    ("level = 1\nstate.headers = [\"accept-encoding\"]", &["redundant-field 6:18"]),
    ("level = 1\nforward = [\"authorization\"]", &["identity-field 6:12"]),
    ("level = 1\nforward = [\"te\"]", &["reserved-field 6:12"]),
    ("level = 1\nforward = [\"x-tenant\"]", &["unkeyed-field 6:12"]),
    // Where nothing is stored, no field is a danger: it only does nothing.
    ("level = 3\nforward = [\"authorization\"]", &["useless-key 6:1"]),
    ("level = 4\nstate.headers = [\"cookie\"]", &["useless-key 6:1"]),
    // A level that cannot be read is not one that was left out.
    ("levle = 1\nttl = \"1s\"\nignore = [\"set-cookie\"]", &["unknown-key 5:1"]),
    ("level = 7\nttl = \"1s\"\nignore = [\"set-cookie\"]", &["out-of-range 5:9"]),
    ("level: 1\nttl = \"1s\"\nignore = [\"set-cookie\"]", &["toml-syntax 5:6"]),
    ("level = 1\nttl = \"1s\"", &["permanent-ttl 6:1"]),
    ("level = 2", &["always-validated 5:9"]),
    ("level = 2\nttl = \"0s\"", &[]),
    ("level = 2\nmin_ttl = \"1s\"", &[]),
    (
        "level = 4\nttl = \"1s\"\nstate.query = [\"a\"]\ntags = [\"x\"]",
        &["useless-key 6:1", "useless-key 7:1", "useless-key 8:1"],
    ),
    ("level = 5\nforward = []\nclient_directives = \"honour\"", &["useless-key 6:1", "useless-key 7:1"]),
    ("ttl = \"1s\"", &["useless-key 5:1"]),
    ("declare = true", &["useless-key 5:1"]),
    ("declare = false", &[]),
    ("client_directives = \"honor\"", &["unknown-word 5:21", "useless-key 5:1"]),
    ("level = 1\nwith_query = [\"a\", \"b\"]\nstate.query = [\"b\"]", &["unkeyed-parameter 6:15"]),
];

/// Whole files, and what they are told.
const FILES: &[(&str, &[&str])] = &[
    ("", &["missing-key 1:1"]),
    ("\u{feff}", &["missing-key 1:1"]),
    ("# nothing\r\n", &["missing-key 1:1"]),
    ("\n\n[origin]\n", &["missing-key 3:1"]),
    ("url = \"http://x\"", &["missing-key 1:1", "unknown-key 1:1"]),
    ("[origin]\nurl = \"x\"", &["bad-url 2:7"]),
    ("[origin]\nurl = \"http://x/api\"", &["bad-url 2:16"]),
    ("[origin]\nurl = '''\nhttp://x/api'''", &["bad-url 2:7"]),
    ("[origin]\nurl = \"http://\\u0078/api\"", &["bad-url 2:7"]),
    ("[origin]\nurl = \"http://127.0.0.1:8080\"", &["origin-is-self 2:7"]),
    ("[server]\nlisten = \"0.0.0.0:81\"\n[origin]\nurl = \"http://127.0.0.1:81\"", &["origin-is-self 4:7"]),
    // What is missing because a line is not TOML is not missing.
    ("[origin]\nurl = \"http://x\n", &["toml-syntax 2:16"]),
    ("origin = 3", &["wrong-type 1:10", "missing-key 1:1"]),
    ("\u{feff}[origin]\r\nurl = \"http://x\"\r\n\thöst = 1\r\n", &["toml-syntax 3:3"]),
    ("\u{feff}[origin]\r\nurl = \"http://x\"\r\n\t\"höst\" = 1\r\n", &["unknown-key 3:2"]),
];

fn every_case() -> impl Iterator<Item = (String, BTreeSet<String>)> {
    let owned = |told: &[&str]| told.iter().map(|&told| told.to_owned()).collect();
    let least = FAULTS.iter().map(move |(more, told)| (with(more), owned(told)));
    let routes = ROUTE_FAULTS
        .iter()
        .map(move |(more, told)| (with(&format!("[[route]]\npath = \"/a\"\n{more}\n")), owned(told)));
    least.chain(routes).chain(FILES.iter().map(move |(text, told)| ((*text).to_owned(), owned(told))))
}

#[test]
fn every_fault_is_told_with_its_place() {
    let mut wrong = Vec::new();
    for (text, expected) in every_case() {
        let told: BTreeSet<String> = told(&text).into_iter().collect();
        if told != expected {
            wrong.push(format!("told {told:?}, expected {expected:?}, in\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fault_says_what_would_be_right() {
    for (text, _) in every_case() {
        let errors =
            Config::parse("p.toml", &text).map_or_else(|errors| errors.errors, |loaded| loaded.warnings);
        assert!(errors.iter().all(|error| !error.help.is_empty()), "in\n{text}");
    }
}

#[test]
fn there_is_a_case_for_every_code() {
    let mut seen: BTreeSet<String> = every_case()
        .flat_map(|(_, told)| told)
        .filter_map(|told| told.split(' ').next().map(str::to_owned))
        .collect();
    // Those of files that cannot be read, and of two routes, have tests of their own.
    seen.extend(
        [
            "unreadable-file",
            "unreadable-token",
            "not-utf8",
            "duplicate-route",
            "duplicate-route-name",
            "bad-path",
        ]
        .map(str::to_owned),
    );
    let all: BTreeSet<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
    assert_eq!(seen, all);
}

#[test]
fn routes_that_repeat_one_another_are_told_of() {
    let text = with(
        "[[route]]\npath = \"/a/b\"\n[[route]]\nname = \"other\"\npath = \"/a/b\"\n[[route]]\npath = \"/a-b\"\n",
    );
    assert_eq!(told(&text), ["duplicate-route 7:8", "duplicate-route-name 8:1"]);
    let named = with("[[route]]\nname = \"n\"\npath = \"/a\"\n[[route]]\nname = \"n\"\npath = \"/b\"\n");
    assert_eq!(told(&named), ["duplicate-route-name 7:8"]);
}

#[test]
fn routes_that_could_not_be_read_repeat_nothing() {
    let text = with(
        "[[route]]\nname = \"\"\npath = \"/a\"\n[[route]]\nname = \"\"\npath = \"/a\"\nhost = \"\"\n\
         [[route]]\npath = \"/a\"\nmethods = [\"get\"]\n[[route]]\nname = \"b\"\npath = \"/a\"\n",
    );
    assert_eq!(told(&text), ["bad-name 4:8", "bad-name 7:8", "bad-host 9:8", "bad-method 12:12"]);
}

#[test]
fn paths_are_patterns() {
    for (path, place) in [
        ("product", "4:9"),
        ("/{id", "4:10"),
        ("/a}", "4:11"),
        ("/{}", "4:11"),
        ("/{a}/{a}", "4:15"),
        ("/{a}{b}", "4:13"),
        ("/{*r}/x", "4:14"),
        ("/x{*r}", "4:11"),
        ("/a/../b", "4:12"),
        ("/é?q", "4:11"),
        ("/a b", "4:11"),
    ] {
        assert_eq!(
            told(&with(&format!("[[route]]\npath = \"{path}\"\n"))),
            [format!("bad-path {place}")],
            "{path}"
        );
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "[server]\nlisten = \"8080\"\nworkers = 0\n[origin]\nurl = 3000\nhost = client\n[cache]\ncapacity = \"1 GB\"\n\
                [cash]\n[[route]]\npath = \"a\"\nttl = 5\n[[route]]\nlevel = 9\n[identity]\nuser = []\n";
    assert_eq!(
        told(text),
        [
            "bad-address 2:10",
            "out-of-range 3:11",
            "wrong-type 5:7",
            "toml-syntax 6:8",
            "bad-size 8:12",
            "unknown-key 9:2",
            "bad-path 11:9",
            "wrong-type 12:7",
            "out-of-range 14:9",
            "no-user-identity 16:8",
        ]
    );
}

#[test]
fn what_a_help_repeats_of_the_file_upsets_no_terminal() {
    let text = with("[[route]]\npath = \"a\\u001b[31m\\nb\"\n");
    let errors = Config::parse("p.toml", &text).unwrap_err().to_string();
    assert!(errors.ends_with("write \"/a\u{fffd}[31m\u{fffd}b\""), "{errors}");
}
