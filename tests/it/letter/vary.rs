//! Which stored response answers a request whose nominated fields are spelled otherwise (RFC 9111 section 4.1).

use super::{HIT, MISS};
use crate::support::{Proxy, Scripted, clock, ok, proxy, scripted};

/// An origin that answers in German and varies by language, behind a proxy without routes.
async fn german() -> (Scripted, Proxy) {
    let fields = "vary: accept-language\r\ncontent-language: de\r\ncache-control: max-age=60\r\n";
    let origin = scripted(move |_, seen| ok(fields, seen.field("accept-language").unwrap_or("none"))).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    (origin, proxy)
}

const VARY_MISS: &str = "fwd=vary-miss; stored; level=2; route=default";

#[tokio::test]
async fn rfc9111_section_4_1_what_says_the_same_has_the_same_answer() {
    let (origin, proxy) = german().await;
    let ask = |languages: &str| proxy.get("/x").field("accept-language", languages).send();
    assert_eq!(ask("en, de").await.cache(), MISS);
    for same in ["de, en", "eN,De", " en ,  de;q=1.0 "] {
        let hit = ask(same).await;
        assert_eq!((hit.cache().as_str(), hit.text().as_str()), (HIT, "en, de"), "{same}");
    }
    assert_eq!(ask("en, de;q=0.9").await.cache(), VARY_MISS);
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn rfc9111_section_4_1_the_language_ranked_first_answers_where_it_is_stored() {
    let (_origin, proxy) = german().await;
    let ask = |languages: &str| proxy.get("/x").field("accept-language", languages).send();
    ask("en, de").await;
    assert_eq!(ask("fr;q=0.5, de;q=1.0").await.text(), "en, de");
    assert_eq!(ask("fr, de;q=0.5").await.cache(), VARY_MISS);
    assert_eq!(ask("de-AT, fr;q=0.5").await.cache(), VARY_MISS, "another language, perhaps");
}
