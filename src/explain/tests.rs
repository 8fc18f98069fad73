use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::{live::part_said, *};
use crate::{
    cli::serve::Parts,
    config::Config,
    decision::{Answered, Framing, Verdict, judge},
    observe::{Clock as _, LogSink, ManualClock, SystemClock},
    proxy::Shared,
    semantics::partial::Part,
    store::{Entry, EntryParts, HeadBlock, Inserted, SegmentWriter, Stamped},
};

/// The config that teaches.
const CONFIG: &str = include_str!("../../config/plimsoll.toml");

/// Explains by the config that teaches: a request with these fields (`-H`), and the answer with this `--status` and these
/// fields (`--response`), as the command line has them.
fn explained(args: &[&str]) -> Value {
    let config = Config::parse("plimsoll.toml", CONFIG).unwrap().config;
    let shared = Parts::new(config, Arc::new(SystemClock::start()), Arc::new(LogSink)).unwrap().shared;
    let (mut fields, mut url, mut status, mut answer) = (Vec::new(), "", None, HeaderMap::new());
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "-H" => fields.push(field(words.next().unwrap()).unwrap()),
            "--status" => status = Some(words.next().unwrap().parse().unwrap()),
            "--response" => answer.extend([field(words.next().unwrap()).unwrap()]),
            path => url = path,
        }
    }
    let question =
        Question::new(http::Method::GET, url.parse().unwrap(), fields, bytes::Bytes::new(), "localhost")
            .unwrap();
    let given = (status.is_some() || !answer.is_empty())
        .then(|| GivenAnswer { status: status.unwrap_or(StatusCode::OK), fields: answer });
    let now = SystemClock::start().now();
    let explanation = explain(&question, given.as_ref(), shared.routes(), shared.settings(), now).unwrap();
    serde_json::to_value(explanation).unwrap()
}

#[test]
fn a_permanent_literal_path_has_a_key_and_level_1() {
    let said = explained(&["/product/1234&language=french"]);
    assert_eq!(said["route"]["name"], "product-text");
    assert_eq!(said["level"]["number"], 1);
    assert_eq!(said["evidence"][0]["name"], "route-declared");
    assert_eq!(said["key"], "GET http://localhost/product/1234&language=french");
    assert_eq!(said["decision"]["action"], "fetch");
}

#[test]
fn a_personal_url_bypasses_and_is_advised_to_name_the_resource() {
    let said = explained(&["/my-cart"]);
    assert_eq!(said["route"]["name"], "my-cart");
    assert_eq!(said["level"]["name"], "user");
    assert_eq!(said["decision"]["reason"], "route-declared");
    assert_eq!(said["key"], "GET http://localhost/my-cart");
    assert!(said["advice"][0].as_str().unwrap().contains("/cart/5678"));
}

#[test]
fn chance_is_level_5() {
    let said = explained(&["/random"]);
    assert_eq!(said["level"]["number"], 5);
    assert_eq!(said["decision"]["fwd"], "bypass");
}

#[test]
fn what_stays_behind_is_named() {
    let said = explained(&["-H", "Cookie: a=1", "-H", "X-Api-Key: k", "/product/1234?language=french&utm=1"]);
    assert_eq!(said["left_behind"]["query"], serde_json::json!(["utm"]));
    assert_eq!(said["left_behind"]["fields"], serde_json::json!(["cookie", "x-api-key"]));
    assert_eq!(said["origin_request"]["target"], "/product/1234?language=french");
}

#[test]
fn an_answer_can_be_judged_before_deploying() {
    let stored = explained(&["--status", "200", "/product/1234"]);
    assert_eq!(stored["response"]["verdict"], "store");
    assert_eq!(stored["lifetime"], "30s");
    let discarded = explained(&["--response", "Set-Cookie: sid=1", "/product/1234"]);
    assert_eq!(discarded["response"]["verdict"], "discard");
    assert_eq!(discarded["response"]["reason"], "set-cookie");
    assert_eq!(discarded["level"]["number"], 4);
}

#[test]
fn an_undeclared_request_with_a_session_says_so() {
    let said = explained(&["-H", "Cookie: sid=1", "/elsewhere"]);
    assert_eq!(said["route"]["name"], "default");
    assert_eq!(said["evidence"][0]["name"], "request-session");
    assert_eq!(said["level"]["number"], 4);
    assert!(said["advice"][0].as_str().unwrap().starts_with("core/stateless"));
}

#[test]
fn what_the_client_would_see_is_said_where_it_is_certain() {
    let said = explained(&["/my-cart"]);
    assert_eq!(said["cache_status"], "plimsoll; fwd=bypass; level=3; route=my-cart; detail=route-declared");
    assert_eq!(explained(&["/product/1234"])["cache_status"], Value::Null);
    let stored = explained(&["--status", "200", "/product/1234"]);
    assert_eq!(stored["cache_status"], "plimsoll; fwd=uri-miss; stored; level=2; route=product");
}

#[test]
fn what_comes_next_is_planned_with_what_would_be_stored() {
    let again = |args: &[&str]| explained(args)["response"]["again"].clone();
    assert_eq!(again(&["--status", "200", "/product/1234"]), "hit");
    assert_eq!(again(&["--response", "Cache-Control: no-cache", "/product/1234"]), "validate");
    assert_eq!(again(&["--response", "Set-Cookie: sid=1", "/product/1234"]), "bypass");
    assert_eq!(again(&["--status", "200", "/elsewhere"]), "fetch");
}

#[test]
fn who_asks_for_nothing_but_what_is_stored_gets_no_answer_of_the_origins() {
    let said = explained(&["-H", "Cache-Control: only-if-cached", "--status", "200", "/product/1234"]);
    assert_eq!(said["decision"]["action"], "only-if-cached");
    assert_eq!((&said["response"], &said["cache_status"]), (&Value::Null, &Value::Null));
}

/// A proxy with these lines of config, and no network.
fn at_rest(lines: &str) -> Arc<Shared> {
    let text = format!("[origin]\nurl = \"http://127.0.0.1:1\"\n{lines}");
    let config = Config::parse("test.toml", &text).unwrap_or_else(|errors| panic!("{errors}")).config;
    Parts::new(config, clock(), Arc::new(LogSink)).unwrap().shared
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))
}

fn question(url: &str, fields: &[&str]) -> Question {
    let fields = fields.iter().map(|text| field(text).unwrap()).collect();
    Question::new(Method::GET, url.parse().unwrap(), fields, Bytes::new(), "localhost").unwrap()
}

/// Stores this answer to this request, judged as the proxy would.
fn store(shared: &Shared, question: &Question, answer: &[&str], content: &str) {
    let now = shared.now();
    let preview = question.preview(now, shared.settings(), shared.routes()).unwrap();
    let keyed = keyed(&preview).unwrap();
    let fields: HeaderMap = answer.iter().map(|text| field(text).unwrap()).collect();
    let answered = Answered {
        status: StatusCode::OK,
        fields: &fields,
        framing: Framing::Length(content.len() as u64),
        asked: now,
        received: now,
        with_content: true,
        chance: 0.0,
    };
    let policy = &shared.settings().policy;
    let judgement = judge(&answered, question.fields(), keyed, &preview.route, policy);
    let Verdict::Store { stored, .. } = judgement.verdict else { panic!("{judgement:?}") };
    let store = shared.store();
    let mut body = SegmentWriter::new(store.budget(), Some(content.len() as u64));
    body.push(content.as_bytes());
    let entry = Entry::new(
        store.budget(),
        EntryParts {
            key: keyed.key.clone(),
            meta: *stored,
            head: HeadBlock::from_fields(&fields),
            body: body.finish(),
            stamped: Stamped::new(store.purge_clock().now(), []),
        },
    );
    assert_eq!(store.insert(entry, &|_| false), Inserted::Stored);
}

#[test]
fn an_explanation_is_read_back_as_it_was_written() {
    let shared = at_rest("");
    let question = question("/a", &["Accept-Language: fr"]);
    store(&shared, &question, &["Cache-Control: max-age=60", "Vary: accept-language"], "abc");
    let live = explain_live(&question, &shared).unwrap();
    let json = serde_json::to_string(&live).unwrap();
    assert_eq!(serde_json::from_str::<Live>(&json).unwrap(), live);
}

#[test]
fn what_a_stored_response_nominates_is_shown_unless_it_says_who_asks() {
    let shared = at_rest("[cache]\nprofile = \"rfc9111\"\n[identity]\nuser = [\"header:x-tenant\"]\n");
    let names = ["x-theme", "x-tenant", "cookie", "authorization", "x-api-key", "proxy-authorization"];
    let fields = names.map(|name| format!("{name}: secret"));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let question = question("/a", &fields);
    let vary = format!("Vary: {}, x-absent", names.join(", "));
    store(&shared, &question, &["Cache-Control: public, max-age=60", &vary], "abc");
    let live = explain_live(&question, &shared).unwrap();
    let shown: Vec<_> = live.stored[0]
        .varies_by
        .iter()
        .map(|field| (&*field.name, field.value.as_deref(), field.hidden))
        .collect();
    assert_eq!(shown[0], ("x-theme", Some("secret"), false));
    for (at, name) in names.iter().enumerate().skip(1) {
        assert_eq!(shown[at], (*name, None, true));
    }
    assert_eq!(shown[6], ("x-absent", None, false));
    let sent = live.explanation.origin_request.fields;
    let sent = |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(
        (sent("x-theme"), sent("x-tenant"), sent("cookie")),
        (Some("secret"), Some("(hidden)"), Some("(hidden)"))
    );
    assert_eq!((live.now.action.as_ref(), live.stored[0].selected), ("hit", true));
}

#[test]
fn explicit_state_that_says_who_asks_is_hidden_in_the_key_too() {
    let shared =
        at_rest("[[route]]\npath = \"/mine\"\nlevel = \"user\"\nstate = { headers = [\"authorization\"] }\n");
    let live = explain_live(&question("/mine", &["Authorization: Bearer secret"]), &shared).unwrap();
    let said = serde_json::to_string(&live).unwrap();
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(live.explanation.key.unwrap(), "GET http://localhost/mine authorization=(hidden)");
}

#[test]
fn a_stored_response_is_told_with_all_that_decides_about_it() {
    let shared = at_rest("");
    let question = question("/a", &[]);
    let answer = [
        "Cache-Control: max-age=60, stale-while-revalidate=5, stale-if-error=9",
        "Age: 3",
        "Content-Type: text/plain",
        "Content-Encoding: gzip",
        "ETag: W/\"a\"",
        "Last-Modified: Tue, 14 Nov 2023 00:00:00 GMT",
    ];
    store(&shared, &question, &answer, "abcde");
    let said = serde_json::to_value(&explain_live(&question, &shared).unwrap().stored[0]).unwrap();
    let memory = said["memory_bytes"].as_u64().unwrap();
    assert!(memory > 300, "{memory}");
    let expected = serde_json::json!({
        "selected": true, "status": 200, "level": { "number": 2, "name": "changing" },
        "age": 3, "lifetime": 60.0, "softly_purged": false, "remaining": "fresh for 57s", "ttl": 57,
        "stale_while_revalidate": 5.0, "stale_if_error": 9.0,
        "validated_each_time": false, "never_stale": false,
        "content_length": 5, "content_type": "text/plain", "content_encoding": "gzip", "part": null,
        "etag": "W/\"a\"", "last_modified": "Tue, 14 Nov 2023 00:00:00 GMT",
        "varies_by": [], "memory_bytes": memory,
    });
    assert_eq!(said, expected);
}

#[test]
fn a_part_is_told_with_the_bytes_that_it_holds() {
    let part = part_said(Part::new(3..8, 20).unwrap());
    assert_eq!((part.first, part.last, part.complete), (3, 7, 20));
}
