//! Weather and jazz: the request says all that there is to know, beside the time for one of them.

use super::{attributes, house, twice};
use crate::support::secs;

#[tokio::test]
async fn the_weather_in_a_city_is_the_same_for_all_who_ask_for_a_while() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/weather?city=London")).await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=weather");
    assert_eq!(second.cache(), "hit; ttl=10; level=2; route=weather");
    assert_eq!((&second.body, &first.json()["city"]), (&first.body, &"London".into()));
    let tracked = proxy.get("/weather?utm=1&city=London").field("cookie", "session=x").send().await;
    assert_eq!(tracked.cache(), "hit; ttl=10; level=2; route=weather");
    assert_eq!(origin.answered(), 1);
    assert_eq!(proxy.get("/weather?city=New%20York").send().await.json()["city"], "New York");
    proxy.advance(secs(3600));
    let later = proxy.get("/weather?city=London").send().await;
    assert_eq!(later.cache(), "fwd=stale; stored; level=2; route=weather");
    assert_ne!(later.body, first.body, "it drifts");
}

#[tokio::test]
async fn the_weather_of_an_unknown_city_is_absent_for_a_little_while() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/weather?city=Atlantis")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (404, 404));
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=weather");
    assert_eq!(second.cache(), "hit; ttl=5; level=2; route=weather");
    assert_eq!(second.json()["links"]["London"], "/weather?city=London");
    assert_eq!(origin.answered(), 1);
    for nowhere in twice(proxy.get("/weather")).await {
        assert_eq!(nowhere.status, 400);
        assert_eq!(nowhere.cache(), "fwd=bypass; level=2; route=weather; detail=status-unexpected");
    }
}

#[tokio::test]
async fn artists_of_a_closed_register_are_permanent_whatever_the_order_of_the_question() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/jazz?firstname=Miles&lastname=Davis&grammys=8").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=1; route=jazz");
    assert!(first.text().contains("<lastname>Davis</lastname>"), "{}", first.text());
    proxy.advance(secs(10 * 365 * 86_400));
    let second = proxy.get("/jazz?grammys=8&lastname=Davis&firstname=Miles&page=1").send().await;
    assert_eq!((second.cache().as_str(), second.body), ("hit; level=1; route=jazz", first.body));
    assert_eq!(origin.answered(), 1);
    let all = proxy.get("/jazz").send().await;
    assert_eq!(all.cache(), "fwd=uri-miss; stored; level=1; route=jazz");
    assert_eq!(attributes(&all, "href").len(), 11, "nine artists, and the two links of every answer");
}

#[tokio::test]
async fn a_bad_query_for_artists_is_400_with_links_and_never_stored() {
    let (_origin, proxy) = house().await;
    for query in ["grammys=many", "firstname=", "firstname=a&firstname=b"] {
        for answer in twice(proxy.get(&format!("/jazz?{query}"))).await {
            assert_eq!((answer.status.as_u16(), answer.field("cache-control").as_str()), (400, "no-cache"));
            assert_eq!(answer.field("content-type"), "application/xml; charset=utf-8");
            assert_eq!(
                answer.cache(),
                "fwd=bypass; level=1; route=jazz; detail=status-unexpected",
                "{query}"
            );
            assert_eq!(attributes(&answer, "rel"), ["/jazz/rel/home", "/jazz/rel/search"]);
            let search = "/jazz?firstname={firstname}&lastname={lastname}&grammys={grammys}";
            assert_eq!(attributes(&answer, "href"), ["/jazz", search]);
        }
    }
}
