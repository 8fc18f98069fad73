//! Bank transfer forms: what is pending is a resource, not a session, and what cannot be done is answered with links.

use super::{attributes, house, twice, with_form};
use crate::support::{Answer, Proxy, secs};

const FORMS: &str = "/bank/transferforms/dlwelch";
const PENDING: &str = "/bank/transferforms/dlwelch/pending/1235";
const POSTED: &str = "/bank/transferforms/dlwelch/posted/1235";
/// The links of the example, which lead to a remedy.
const REMEDIES: [(&str, &str); 4] = [
    ("/bank/rel/transfers", "/bank/transferforms/dlwelch"),
    ("/bank/rel/accounts", "/bank/accounts/dlwelch"),
    ("/bank/rel/customers/dlwelch/", "/bank/customers/dlwelch/"),
    ("/bank/rel/home", "/bank"),
];

fn assert_gone(answer: &Answer, location: &str) {
    assert_eq!((answer.status.as_u16(), answer.field("location").as_str()), (410, location));
    assert_eq!(answer.field("content-type"), "application/xml; charset=utf-8");
    let (rels, uris) = (attributes(answer, "rel"), attributes(answer, "uri"));
    let links: Vec<_> = rels.iter().map(String::as_str).zip(uris.iter().map(String::as_str)).collect();
    assert_eq!(links, REMEDIES);
}

async fn balance(proxy: &Proxy) -> String {
    let text = proxy.get("/bank/accounts/dlwelch").send().await.text();
    let balance = text.split_once("<balance>").and_then(|(_, rest)| rest.split_once("</balance>"));
    balance.expect("a balance").0.to_owned()
}

#[tokio::test]
async fn the_listing_is_of_level_2_and_has_the_links_of_the_example() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get(FORMS)).await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=bank-forms");
    assert_eq!(second.cache(), "hit; ttl=5; level=2; route=bank-forms");
    assert_eq!(second.body, first.body);
    assert_eq!(first.field("content-type"), "application/xml; charset=utf-8");
    assert_eq!(first.field("location"), FORMS);
    let below = ["/pending/1235", "/pending", "/posted/0001", "/posted/1234", "/posted", ""];
    let mut uris: Vec<_> = below.iter().map(|end| format!("{FORMS}{end}")).collect();
    uris.extend(["/bank/accounts/dlwelch", "/bank", FORMS].map(str::to_owned));
    assert_eq!(attributes(&first, "uri"), uris);
    assert_eq!(origin.answered(), 1);
}

#[tokio::test]
async fn what_the_links_of_the_listing_lead_to_is_of_level_2() {
    let (_origin, proxy) = house().await;
    for (target, route) in [
        (PENDING, "bank-transfers"),
        ("/bank/transferforms/dlwelch/pending", "bank-transfers"),
        ("/bank/transferforms/dlwelch/posted/0001", "bank-transfers"),
        ("/bank/accounts/dlwelch", "bank-account"),
    ] {
        let [first, second] = twice(proxy.get(target)).await;
        assert_eq!(first.status, 200, "{target}");
        assert_eq!(first.cache(), format!("fwd=uri-miss; stored; level=2; route={route}"));
        assert_eq!(second.cache(), format!("hit; ttl=5; level=2; route={route}"));
    }
}

#[tokio::test]
async fn a_pending_transfer_is_posted_once_however_often_it_is_repeated() {
    let (_origin, proxy) = house().await;
    twice(proxy.get(PENDING)).await;
    let post = proxy.get(PENDING).method("POST");
    let posted = post.clone().send().await;
    assert_eq!((posted.status.as_u16(), posted.field("location").as_str()), (201, POSTED));
    assert_eq!(posted.cache(), "fwd=method; route=bank-transfers");
    assert_eq!(balance(&proxy).await, "750.00");
    for again in twice(post).await {
        assert_gone(&again, PENDING);
        assert_eq!(again.cache(), "fwd=method; route=bank-transfers");
    }
    // What was stored as pending has ended with the write.
    let [gone, still] = twice(proxy.get(PENDING)).await;
    assert_eq!(gone.cache(), "fwd=uri-miss; stored; level=2; route=bank-transfers");
    assert_eq!(still.cache(), "hit; ttl=5; level=2; route=bank-transfers");
    assert_gone(&gone, PENDING);
    assert_gone(&still, PENDING);
    assert_eq!(proxy.get(POSTED).send().await.status, 200);
    proxy.advance(secs(5));
    assert_eq!(balance(&proxy).await, "750.00", "the money moved once");
}

#[tokio::test]
async fn the_example_of_a_transfer_that_was_posted_before_is_answered_as_it_says() {
    let (_origin, proxy) = house().await;
    let target = "/bank/transferforms/dlwelch/pending/1234";
    for answer in twice(proxy.get(target).method("POST")).await {
        assert_gone(&answer, target);
    }
}

#[tokio::test]
async fn a_new_form_ends_the_listing_that_it_is_posted_to() {
    let (_origin, proxy) = house().await;
    let [before, _] = twice(proxy.get(FORMS)).await;
    let created = with_form(&proxy, "POST", FORMS, "to=sailmaker&amount=12.50").send().await;
    let at = format!("{FORMS}/pending/1236");
    assert_eq!((created.status.as_u16(), created.field("location")), (201, at.clone()));
    assert_eq!(created.cache(), "fwd=method; route=bank-forms");
    let after = proxy.get(FORMS).send().await;
    assert_eq!(after.cache(), "fwd=uri-miss; stored; level=2; route=bank-forms");
    assert!(!attributes(&before, "uri").contains(&at) && attributes(&after, "uri").contains(&at));
}

#[tokio::test]
async fn a_transfer_that_is_revised_or_deleted_is_never_seen_as_it_was() {
    let (_origin, proxy) = house().await;
    twice(proxy.get(PENDING)).await;
    let revised = with_form(&proxy, "PUT", PENDING, "to=mhatch&amount=7").send().await;
    assert_eq!(
        (revised.status.as_u16(), revised.cache().as_str()),
        (200, "fwd=method; route=bank-transfers")
    );
    let [shown, hit] = twice(proxy.get(PENDING)).await;
    assert!(shown.text().contains("<to>mhatch</to>"), "{}", shown.text());
    assert_eq!((hit.cache().as_str(), &hit.body), ("hit; ttl=5; level=2; route=bank-transfers", &shown.body));
    assert_eq!(proxy.get(PENDING).method("DELETE").send().await.status, 200);
    assert_gone(&proxy.get(PENDING).send().await, PENDING);
}

/// A write names the group of what it changes (RFC 9875).
#[tokio::test]
async fn a_listing_shows_at_once_what_became_of_its_transfers() {
    let (_origin, proxy) = house().await;
    twice(proxy.get(FORMS)).await;
    let posted = proxy.get(PENDING).method("POST").send().await;
    assert_eq!(posted.field("cache-group-invalidation"), "\"bank-dlwelch\"");
    let after = proxy.get(FORMS).send().await;
    assert_eq!(after.cache(), "fwd=uri-miss; stored; level=2; route=bank-forms");
    let uris = attributes(&after, "uri");
    assert!(uris.contains(&POSTED.to_owned()) && !uris.contains(&PENDING.to_owned()), "{uris:?}");
}
