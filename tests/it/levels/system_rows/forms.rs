//! Forms for people: a login that makes a session, and a registration whose state travels in the URL.

use super::{attributes, bypassed, cookie, house, twice, with_form};
use crate::support::{Answer, Ask, Proxy, secs};

const NOT_SHARED: &str = "fwd=bypass; level=2; route=registration; detail=status-unexpected";

#[tokio::test]
async fn the_right_password_makes_a_session_and_leads_home() {
    let (origin, proxy) = house().await;
    let log_in = with_form(&proxy, "POST", "/login", "username=alice&password=password123");
    let answer = log_in.send().await;
    assert_eq!((answer.status.as_u16(), answer.field("location").as_str()), (302, "/"));
    assert_eq!(answer.cache(), "fwd=method; route=login");
    let form = proxy.get("/login").field("cookie", &cookie(&answer));
    for shown in twice(form).await {
        assert!(shown.text().contains("You are logged in as alice."), "{}", shown.text());
        assert_eq!(shown.cache(), bypassed(4, "login"));
    }
    for shown in twice(proxy.get("/login")).await {
        assert!(shown.text().contains("You are not logged in."), "{}", shown.text());
        assert_eq!(shown.cache(), bypassed(4, "login"));
    }
    assert_eq!(origin.answered(), 5);
}

#[tokio::test]
async fn the_wrong_password_shows_the_form_again() {
    let (_origin, proxy) = house().await;
    for answer in twice(with_form(&proxy, "POST", "/login", "username=alice&password=guess")).await {
        assert_eq!((answer.status.as_u16(), answer.field("set-cookie").as_str()), (401, ""));
        assert!(answer.text().contains("<form method=\"post\" action=\"/login\">"), "{}", answer.text());
        assert_eq!(answer.cache(), "fwd=method; route=login");
    }
}

/// The link to the step that a page of the registration shows.
fn this_step(page: &Answer) -> String {
    attributes(page, "href").into_iter().find(|href| href.contains("?state=")).expect("a link")
}

/// The form of this page, filled in.
fn filled_in(proxy: &Proxy, page: &Answer, answer: &str) -> Ask {
    proxy.get(&format!("{}&{answer}", this_step(page)))
}

#[tokio::test]
async fn a_registration_goes_from_step_to_step_and_back_without_asking_twice() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/registration").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=registration");
    assert!(first.text().contains("step 1 of 3"), "{}", first.text());
    let mut page = first.clone();
    for (answer, title) in [
        ("name=Ada", "step 2 of 3"),
        ("email=ada%40example.com", "step 3 of 3"),
        ("language=french", "complete"),
    ] {
        let [sent, again] = twice(filled_in(&proxy, &page, answer)).await;
        assert_eq!(sent.cache(), "fwd=uri-miss; stored; level=2; route=registration");
        assert_eq!(again.cache(), "hit; ttl=900; level=2; route=registration");
        assert_eq!(again.body, sent.body);
        assert!(sent.text().contains(title), "{}", sent.text());
        page = sent;
    }
    for shown in ["Ada", "ada@example.com", "french"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    // The back button, for whoever has the link.
    let back = proxy.get("/registration").field("cookie", "session=other").send().await;
    assert_eq!((back.cache().as_str(), back.body), ("hit; ttl=900; level=2; route=registration", first.body));
    assert_eq!(origin.answered(), 4);
}

#[tokio::test]
async fn a_registration_is_good_for_what_is_left_of_its_state() {
    let (_origin, proxy) = house().await;
    let first = proxy.get("/registration").send().await;
    proxy.advance(secs(100));
    let ask = filled_in(&proxy, &first, "name=Ada");
    let [second, again] = twice(ask.clone()).await;
    assert_eq!(second.field("cache-control"), "max-age=800");
    assert_eq!(again.cache(), "hit; ttl=800; level=2; route=registration");
    proxy.advance(secs(799));
    assert_eq!(ask.clone().send().await.cache(), "hit; ttl=1; level=2; route=registration");
    proxy.advance(secs(1));
    for late in twice(ask).await {
        assert_eq!((late.status.as_u16(), late.cache().as_str()), (400, NOT_SHARED));
        assert_eq!(attributes(&late, "href"), ["/registration"]);
    }
    assert_eq!(
        proxy.get("/registration").send().await.cache(),
        "fwd=stale; stored; level=2; route=registration"
    );
}

#[tokio::test]
async fn a_state_that_was_tampered_with_is_refused_each_time_with_a_link_to_the_first_step() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/registration").send().await;
    let tampered = proxy.get(&format!("{}x", this_step(&first)));
    let before = origin.answered();
    for answer in twice(tampered).await {
        assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (400, NOT_SHARED));
        assert_eq!(attributes(&answer, "href"), ["/registration"]);
    }
    assert_eq!(origin.answered() - before, 3, "the first is asked for twice: from the key, and as it came");
}

#[tokio::test]
async fn an_answer_that_the_step_does_not_take_is_never_stored() {
    let (_origin, proxy) = house().await;
    let first = proxy.get("/registration").send().await;
    for answer in twice(filled_in(&proxy, &first, "name=")).await {
        assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (400, NOT_SHARED));
        assert!(answer.text().contains("step 1 of 3"), "{}", answer.text());
    }
}
