//! Forms for people: a login that begins a session, and a registration whose state never stays on the server.

use std::time::Duration;

use serde_json::json;

use super::{Fixture, Reply, honest, options, silent};
use crate::origin::signing::Seal;
use crate::origin::{Options, Origin};

#[tokio::test]
async fn the_login_form_begins_the_session_of_the_stateful_shop() {
    let origin = silent();
    let form = origin.get("/login").await;
    assert_eq!((form.status.as_u16(), form.field("content-type")), (200, "text/html; charset=utf-8"));
    for part in
        ["method=\"post\"", "action=\"/login\"", "name=\"username\"", "name=\"password\"", "not logged in"]
    {
        assert!(form.text().contains(part), "{part}");
    }
    let reply = origin.ask("POST", "/login").form("username=alice&password=password123").send().await;
    assert_eq!((reply.status.as_u16(), reply.field("location")), (302, "/"));
    let cookie = reply.field("set-cookie").split(';').next().unwrap();
    let ask = |target| origin.ask("GET", target).field("cookie", cookie).send();
    assert!(ask("/login").await.text().contains("You are logged in as alice."));
    assert_eq!(ask("/stateful/cart").await.status, 200);
    assert_eq!(ask("/level4/product/1234").await.value()["language"], "french");
    let other = silent();
    let elsewhere = other.ask("GET", "/login").field("cookie", cookie).send().await;
    assert!(elsewhere.text().contains("not logged in"));
}

#[tokio::test]
async fn wrong_credentials_show_the_form_again() {
    let origin = silent();
    for content in [
        "username=alice&password=guess",
        "username=eve&password=",
        "",
        "username=%ff",
        "password=password123",
    ] {
        let reply = origin.ask("POST", "/login").form(content).send().await;
        assert_eq!((reply.status.as_u16(), reply.field("set-cookie")), (401, ""), "{content}");
        assert!(!reply.field("www-authenticate").is_empty());
        assert!(reply.text().contains("not the name and the password") && reply.text().contains("<form"));
    }
}

#[tokio::test]
async fn content_that_is_no_form_is_refused() {
    let origin = silent();
    let json =
        origin.ask("POST", "/login").json(r#"{"username":"alice","password":"password123"}"#).send().await;
    assert_eq!((json.status.as_u16(), json.error().contains("form")), (415, true));
    let twice = origin.ask("POST", "/login").form("username=alice&username=bob&password=x").send().await;
    assert_eq!(twice.status, 400);
    let long = origin.ask("POST", "/login").form(&"x".repeat(17_000)).send().await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn an_honest_login_is_never_shared() {
    let origin = honest();
    let login = origin.ask("POST", "/login").form("username=alice&password=password123").send().await;
    let wrong = origin.ask("POST", "/login").form("username=alice&password=x").send().await;
    for reply in [login, wrong, origin.get("/login").await] {
        assert_eq!((reply.field("cache-control"), reply.field("vary")), ("private, no-store", "Cookie"));
    }
}

/// The link to the step that the page shows.
fn this_step(page: &Reply) -> String {
    page.attributes("href").into_iter().find(|href| href.contains("?state=")).unwrap()
}

/// What the browser asks for when the form of the page is sent.
async fn fill_in(origin: &Fixture, page: &Reply, name: &str, value: &str) -> Reply {
    assert!(page.text().contains(&format!("name=\"{name}\"")), "{page:?}");
    origin.get(&format!("{}&{name}={value}", this_step(page))).await
}

fn max_age(page: &Reply) -> u64 {
    assert_eq!(page.status, 200, "{page:?}");
    page.field("cache-control").strip_prefix("max-age=").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_registration_goes_from_step_to_step_on_whichever_instance() {
    let (one, other) = (silent(), silent());
    let first = one.get("/registration").await;
    assert!(first.text().contains("step 1 of 3"));
    let second = fill_in(&other, &first, "name", "Ada+%3Cb%3E+Lovelace").await;
    assert!(second.text().contains("step 2 of 3") && second.text().contains("Ada &lt;b&gt; Lovelace"));
    let third = fill_in(&one, &second, "email", "ada%40example.com").await;
    assert!(third.text().contains("step 3 of 3"));
    let last = fill_in(&other, &third, "language", "french").await;
    for shown in ["complete", "Ada &lt;b&gt; Lovelace", "ada@example.com", "french"] {
        assert!(last.text().contains(shown), "{shown}");
    }
    // The back button, a bookmark, another instance: a state shows its step, with the same content each time.
    for (page, instance) in [(&first, &one), (&second, &one), (&last, &one), (&second, &other)] {
        assert_eq!(instance.get(&this_step(page)).await.content, page.content);
    }
    assert_eq!(one.get("/registration?name=Ada").await.text().matches("step 2 of 3").count(), 2);
}

#[tokio::test]
async fn an_answer_is_good_for_what_is_left_of_its_state() {
    for origin in [silent(), honest()] {
        let first = origin.get("/registration").await;
        assert_eq!(max_age(&first), 900);
        origin.hand.advance(Duration::from_millis(100_500));
        let second = fill_in(&origin, &first, "name", "Ada").await;
        assert_eq!(max_age(&second), 799);
        assert_eq!(
            max_age(&origin.get("/registration").await),
            899,
            "states end with a second, and this one is half over"
        );
        origin.hand.advance(Duration::from_millis(799_499));
        assert_eq!(max_age(&origin.get(&this_step(&second)).await), 0);
        origin.hand.advance(Duration::from_millis(1));
        let late = origin.get(&this_step(&second)).await;
        assert_eq!((late.status.as_u16(), late.attributes("href")), (400, vec!["/registration".to_owned()]));
    }
}

#[tokio::test]
async fn a_state_that_was_tampered_with_leads_back_to_the_first_step() {
    let origin = silent();
    let page = fill_in(&origin, &origin.get("/registration").await, "name", "Ada").await;
    let state = this_step(&page).split_once('=').unwrap().1.to_owned();
    let (body, signature) = state.rsplit_once('.').unwrap();
    let keyed = Options { token_key: vec![1; 32], ..options().0 };
    let stranger = Fixture { origin: Origin::new(&keyed), hand: origin.hand.clone() };
    let of_another = this_step(&stranger.get("/registration").await).split_once('=').unwrap().1.to_owned();
    for wrong in [
        String::new(),
        "guess".to_owned(),
        format!("{body}."),
        format!("{body}x.{signature}"),
        format!("{state}{state}"),
        of_another,
        origin.token("alice").await,
    ] {
        let reply = origin.get(&format!("/registration?state={wrong}")).await;
        assert_eq!((reply.status.as_u16(), reply.field("cache-control")), (400, ""), "{wrong}");
        assert_eq!(reply.attributes("href"), ["/registration"], "{wrong}");
    }
    let twice = origin.get(&format!("/registration?state={state}&state={state}")).await;
    assert_eq!((twice.status.as_u16(), twice.field("content-type")), (400, "text/html; charset=utf-8"));
    let as_token =
        origin.ask("GET", "/my-cart").field("authorization", &format!("Bearer {state}")).send().await;
    assert_eq!(as_token.status, 401);
}

#[tokio::test]
async fn no_state_that_the_key_signs_is_too_much() {
    // The default key is known to everybody.
    let origin = silent();
    let seal = Seal::derived(&Options::default().token_key, "registration");
    for (answers, exp, status) in [
        (json!(["<b>", "'", "\""]), u64::MAX, 200),
        (json!(["1", "2", "3", "4", "5"]), u64::MAX, 200),
        (json!([]), 0, 400),
        (json!(7), u64::MAX, 400),
    ] {
        let state = seal.seal(&json!({ "answers": answers, "exp": exp })).unwrap();
        let reply = origin.get(&format!("/registration?state={state}&name=a&email=a")).await;
        assert_eq!(reply.status, status, "{answers}");
        assert!(!reply.text().contains("<b>"));
    }
}

#[tokio::test]
async fn an_answer_that_the_step_does_not_take_shows_the_step_again() {
    let origin = silent();
    let first = origin.get("/registration").await;
    let long = "x".repeat(101);
    for wrong in ["", "+", "a%00b", &long] {
        let again = fill_in(&origin, &first, "name", wrong).await;
        assert_eq!((again.status.as_u16(), again.field("cache-control")), (400, ""), "{wrong}");
        assert!(again.text().contains("step 1 of 3") && again.text().contains("<p>a name is"));
    }
    let second = fill_in(&origin, &first, "name", "Ada").await;
    for wrong in ["ada", "%40example.com", "ada%40", "a+b%40c"] {
        assert_eq!(fill_in(&origin, &second, "email", wrong).await.status, 400, "{wrong}");
    }
    let beside = origin.get(&format!("{}&language=klingon", this_step(&second))).await;
    assert_eq!(beside.content, second.content, "what another step asks for is ignored");
}

#[tokio::test]
async fn an_honest_registration_answers_conditions() {
    let origin = honest();
    let page = origin.get("/registration").await;
    let target = this_step(&page);
    let tag = origin.get(&target).await.field("etag").to_owned();
    origin.hand.advance(Duration::from_secs(100));
    let reply = origin.ask("GET", &target).field("if-none-match", &tag).send().await;
    assert_eq!((reply.status.as_u16(), reply.field("cache-control")), (304, "max-age=800"));
}
