//! The bank: resources that lead on by their links, and a transfer that is posted once.

use super::{Fixture, Reply, honest, silent};

const FORMS: &str = "/bank/transferforms/dlwelch";
const PENDING: &str = "/bank/transferforms/dlwelch/pending/1235";
const FORM: &str = "to=sailmaker&amount=12.5&memo=Jib+%26+%3Csheet%3E";
/// The links that the example's errors have.
const WAYS_OUT: [(&str, &str); 4] = [
    ("/bank/rel/transfers", "/bank/transferforms/dlwelch"),
    ("/bank/rel/accounts", "/bank/accounts/dlwelch"),
    ("/bank/rel/customers/dlwelch/", "/bank/customers/dlwelch/"),
    ("/bank/rel/home", "/bank"),
];

/// Asserts an error of that status with the links of the example.
fn assert_error(reply: &Reply, status: u16, what: &str) {
    assert_eq!(reply.status, status, "{what}: {reply:?}");
    reply.assert_xml();
    assert!(reply.element("message").len() > 10, "{what}");
    let links: Vec<(String, String)> =
        reply.attributes("rel").into_iter().zip(reply.attributes("uri")).collect();
    let links: Vec<(&str, &str)> = links.iter().map(|(rel, uri)| (rel.as_str(), uri.as_str())).collect();
    assert_eq!(links, WAYS_OUT, "{what}");
    assert_eq!(reply.field("cache-group-invalidation"), "", "{what}");
}

async fn balance(origin: &Fixture) -> String {
    origin.get("/bank/accounts/dlwelch").await.element("balance").to_owned()
}

#[tokio::test]
async fn the_listing_has_the_links_of_the_example_in_their_order() {
    let reply = silent().get(FORMS).await;
    reply.assert_xml();
    assert_eq!((reply.field("allow"), reply.field("location")), ("GET, HEAD, POST", FORMS));
    let below = ["/pending/1235", "/pending", "/posted/0001", "/posted/1234", "/posted", ""];
    let mut uris: Vec<String> = below.iter().map(|end| format!("{FORMS}{end}")).collect();
    uris.extend(["/bank/accounts/dlwelch", "/bank", FORMS].map(str::to_owned));
    assert_eq!(reply.attributes("uri"), uris);
    let rels = ["self", "self", "self", "self", "self", "self", "up", "/bank/rel/home", "/bank/rel/create"];
    assert_eq!(reply.attributes("rel"), rels);
    let first = format!("<link rel=\"self\" type=\"application/xml\" uri=\"{PENDING}\" />");
    assert!(reply.text().contains(&first), "{}", reply.text());
}

#[tokio::test]
async fn every_link_leads_to_a_resource_with_links() {
    let origin = silent();
    let gone = "/bank/transferforms/dlwelch/pending/1234".to_owned();
    let (mut seen, mut ahead) = (Vec::new(), vec!["/bank".to_owned(), gone.clone()]);
    while let Some(uri) = ahead.pop() {
        let reply = origin.get(&uri).await;
        assert_eq!(reply.status, if uri == gone { 410 } else { 200 }, "{uri}");
        reply.assert_xml();
        assert!(!reply.attributes("uri").is_empty(), "{uri}");
        seen.push(uri);
        ahead.extend(reply.attributes("uri").into_iter().filter(|uri| !seen.contains(uri)));
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 12, "{seen:?}");
}

#[tokio::test]
async fn a_transfer_is_posted_once_however_often_it_is_tried() {
    let origin = silent();
    assert_eq!(balance(&origin).await, "1000.00");
    let posted = origin.ask("POST", PENDING).send().await;
    assert_eq!((posted.status.as_u16(), posted.element("stage")), (201, "posted"));
    assert_eq!(posted.field("location"), "/bank/transferforms/dlwelch/posted/1235");
    assert_eq!(balance(&origin).await, "750.00");
    for method in ["POST", "POST", "GET", "DELETE"] {
        let again = origin.ask(method, PENDING).send().await;
        assert_error(&again, 410, method);
        assert_eq!(again.field("location"), PENDING);
    }
    assert_error(&origin.ask("PUT", PENDING).form(FORM).send().await, 410, "PUT");
    assert_eq!(balance(&origin).await, "750.00");
    let there = origin.get(posted.field("location")).await;
    assert_eq!(there.content, posted.content);
    let listing = origin.get(FORMS).await.attributes("uri");
    assert!(listing.contains(&posted.field("location").to_owned()) && !listing.contains(&PENDING.to_owned()));
}

#[tokio::test]
async fn the_example_of_a_transfer_that_is_gone_is_answered_as_it_says() {
    let target = "/bank/transferforms/dlwelch/pending/1234";
    let reply = silent().ask("POST", target).send().await;
    assert_error(&reply, 410, target);
    assert_eq!(reply.field("location"), target);
}

#[tokio::test]
async fn a_new_form_is_pending_under_a_number_of_its_own() {
    let origin = silent();
    let created = origin.ask("POST", FORMS).form(FORM).send().await;
    created.assert_xml();
    assert_eq!((created.status.as_u16(), created.element("number")), (201, "1236"));
    assert_eq!((created.element("amount"), created.element("memo")), ("12.50", "Jib &amp; &lt;sheet&gt;"));
    let at = created.field("location").to_owned();
    assert_eq!(at, "/bank/transferforms/dlwelch/pending/1236");
    assert_eq!(origin.get(&at).await.content, created.content);
    let put = origin.ask("PUT", &at).form("to=mhatch&amount=7").send().await;
    assert_eq!((put.status.as_u16(), put.element("to"), put.element("amount")), (200, "mhatch", "7.00"));
    let deleted = origin.delete(&at).await;
    assert_eq!((deleted.status.as_u16(), deleted.element("number")), (200, "1236"));
    assert_error(&origin.get(&at).await, 410, "deleted");
    let next = origin.ask("POST", FORMS).form(FORM).send().await;
    assert_eq!(next.element("number"), "1237", "a number is given once");
    let other = origin.ask("POST", "/bank/transferforms/mhatch").form(FORM).send().await;
    assert_eq!(other.field("location"), "/bank/transferforms/mhatch/pending/0001");
}

#[tokio::test]
async fn a_write_names_the_group_of_its_account_and_what_it_changes_is_in_it() {
    for origin in [silent(), honest()] {
        for target in [FORMS, PENDING, "/bank/accounts/dlwelch"] {
            assert_eq!(origin.get(target).await.field("cache-groups"), "\"bank-dlwelch\"", "{target}");
        }
        for part in ["/pending", "/posted", "/posted/1234", "/pending/1236"] {
            let reply = origin.get(&format!("{FORMS}{part}")).await;
            assert_eq!(reply.field("cache-groups"), "\"bank-dlwelch\"", "{part}");
        }
        assert_eq!(origin.get("/bank/transferforms/mhatch").await.field("cache-groups"), "\"bank-mhatch\"");
        for ask in [
            origin.ask("POST", FORMS).form(FORM),
            origin.ask("PUT", PENDING).form(FORM),
            origin.ask("POST", PENDING),
            origin.ask("DELETE", "/bank/transferforms/dlwelch/pending/1236"),
        ] {
            let reply = ask.send().await;
            assert!(reply.status.is_success(), "{reply:?}");
            assert_eq!(reply.field("cache-group-invalidation"), "\"bank-dlwelch\"");
        }
    }
}

#[tokio::test]
async fn every_error_is_a_resource_with_links() {
    let origin = silent();
    for (method, target, status) in [
        ("GET", "/pending/9", 404),
        ("GET", "/pending/0009", 404),
        ("GET", "/pending/x", 404),
        ("GET", "/pending/01235", 404),
        ("GET", "/pending/99999999999", 404),
        ("GET", "/posted/1235", 404),
        ("POST", "/pending/4321", 404),
        ("DELETE", "/pending/4321", 404),
        ("PATCH", "", 405),
        ("POST", "/posted/1234", 405),
        ("DELETE", "/pending", 405),
    ] {
        let reply = origin.ask(method, &format!("{FORMS}{target}")).send().await;
        assert_error(&reply, status, target);
        assert_eq!(reply.field("allow").is_empty(), status != 405, "{target}");
    }
    for (method, target, status) in [
        ("GET", "/bank/accounts/nobody", 404),
        ("GET", "/bank/customers/nobody", 404),
        ("POST", "/bank/transferforms/%3Cb%3E/pending/1", 404),
        ("GET", "/bank/vault", 404),
        ("GET", "/bank/", 404),
        ("GET", "/bank/transferforms/%ff", 400),
        ("POST", "/bank", 405),
    ] {
        let reply = origin.ask(method, target).send().await;
        assert_eq!(reply.status, status, "{target}");
        reply.assert_xml();
        assert_eq!(reply.attributes("uri"), ["/bank"], "{target}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_filled_in_is_400() {
    let origin = silent();
    let long = format!("to=a&amount=1&memo={}", "x".repeat(141));
    for content in [
        "",
        "to=a",
        "amount=1",
        "to=&amount=1",
        "to=a%20b&amount=1",
        "to=a&amount=0",
        "to=a&amount=1.234",
        "to=a&amount=-1",
        "to=a&amount=1&amount=2",
        "to=a&amount=1&memo=%00",
        "to=a&amount=1&memo=%EF%BF%BF",
        &long,
    ] {
        for (method, target) in [("POST", FORMS), ("PUT", PENDING)] {
            assert_error(&origin.ask(method, target).form(content).send().await, 400, content);
        }
    }
    assert_error(&origin.ask("POST", FORMS).json("{}").send().await, 415, "JSON");
    assert_error(&origin.ask("POST", FORMS).form(&"x".repeat(20_000)).send().await, 413, "long");
    assert_eq!(origin.get(FORMS).await.attributes("uri").len(), 9, "nothing came of it");
}

#[tokio::test]
async fn nothing_is_posted_that_the_account_cannot_cover() {
    let origin = silent();
    origin.ask("PUT", PENDING).form("to=a&amount=1000.01").send().await;
    assert_error(&origin.ask("POST", PENDING).send().await, 409, "one cent too much");
    assert_eq!(balance(&origin).await, "1000.00");
    origin.ask("PUT", PENDING).form("to=a&amount=1000").send().await;
    assert_eq!(origin.ask("POST", PENDING).send().await.status, 201);
    assert_eq!(balance(&origin).await, "0.00");
}

#[tokio::test]
async fn an_account_has_only_so_many_transfers() {
    let origin = silent();
    for _ in 0..997 {
        assert_eq!(origin.ask("POST", FORMS).form(FORM).send().await.status, 201);
    }
    assert_error(&origin.ask("POST", FORMS).form(FORM).send().await, 507, "full");
    assert_eq!(origin.ask("POST", "/bank/transferforms/mhatch").form(FORM).send().await.status, 201);
}

#[tokio::test]
async fn an_honest_bank_changes_only_what_the_conditions_name() {
    let origin = honest();
    let tag = origin.get(PENDING).await.field("etag").to_owned();
    for method in ["PUT", "POST", "DELETE"] {
        let reply = origin.ask(method, PENDING).field("if-match", "\"other\"").form(FORM).send().await;
        assert_error(&reply, 412, method);
    }
    let put = origin.ask("PUT", PENDING).field("if-match", &tag).form(FORM).send().await;
    assert_eq!((put.status.as_u16(), put.field("cache-control")), (200, "no-store"));
    assert_eq!(
        origin.ask("POST", PENDING).field("if-match", &tag).send().await.status,
        412,
        "it has changed"
    );
    assert_eq!(origin.get(PENDING).await.field("cache-control"), "public, max-age=10");
}
