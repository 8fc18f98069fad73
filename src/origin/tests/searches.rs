//! Answers that a query selects: the weather of a city, which drifts, and a register of artists, which does not.

use std::time::Duration;

use super::{honest, silent};

#[tokio::test]
async fn the_weather_of_a_city_drifts_with_time_alone() {
    let (one, other) = (silent(), silent());
    let first = one.get("/weather?city=London").await;
    assert_eq!((first.status.as_u16(), &first.value()["city"]), (200, &"London".into()));
    assert_eq!(first.content, other.get("/weather?city=London").await.content, "in every instance the same");
    assert_ne!(first.content, one.get("/weather?city=Paris").await.content);
    let mut before = first.value()["temperature_celsius"].as_f64().unwrap();
    let mut moved = false;
    for _ in 0..200 {
        one.hand.advance(Duration::from_secs(30));
        let weather = one.get("/weather?city=London").await.value();
        let temperature = weather["temperature_celsius"].as_f64().unwrap();
        assert!((temperature - before).abs() <= 1.5, "from {before} to {temperature} is no drift");
        assert!((6.0..=20.0).contains(&temperature), "{temperature}");
        assert!(weather["condition"].is_string());
        moved |= temperature.to_bits() != before.to_bits();
        before = temperature;
    }
    assert!(moved);
    one.hand.advance(Duration::from_secs(29));
    assert_ne!(first.content, one.get("/weather?city=London").await.content);
}

#[tokio::test]
async fn a_city_that_nobody_observes_is_404_and_no_city_400_with_links() {
    let origin = silent();
    for (target, status) in [
        ("/weather?city=Atlantis", 404),
        ("/weather?city=london", 404),
        ("/weather", 400),
        ("/weather?city=", 400),
        ("/weather?town=London", 400),
    ] {
        let reply = origin.get(target).await;
        assert_eq!(reply.status, status, "{target}");
        assert!(reply.error().len() > 10);
        for (city, link) in reply.value()["links"].as_object().unwrap() {
            assert_eq!(origin.get(link.as_str().unwrap()).await.value()["city"], city.as_str());
        }
    }
    assert_eq!(origin.get("/weather?city=London&city=Paris").await.status, 400);
    assert_eq!(origin.get("/weather?city=New+York").await.status, 200);
}

#[tokio::test]
async fn an_honest_origin_dates_the_weather_by_its_observation() {
    let origin = honest();
    origin.hand.advance(Duration::from_secs(7));
    let reply = origin.get("/weather?city=Berlin").await;
    assert_eq!(reply.field("cache-control"), "public, max-age=10");
    assert_eq!(reply.value()["observed"], reply.field("last-modified"));
    assert_eq!(origin.get("/weather?city=Atlantis").await.field("cache-control"), "public, max-age=5");
}

#[tokio::test]
async fn artists_are_found_by_whatever_is_said_of_them() {
    let origin = silent();
    let miles = origin.get("/jazz?firstname=Miles&lastname=Davis&grammys=8").await;
    miles.assert_xml();
    assert_eq!((miles.element("lastname"), miles.element("grammys")), ("Davis", "8"));
    for (target, found) in [
        ("/jazz", 9),
        ("/jazz?grammys=1", 3),
        ("/jazz?grammys=1&lastname=Parker", 1),
        ("/jazz?firstname=Miles&lastname=Coltrane", 0),
        ("/jazz?firstname=miles", 0),
        ("/jazz?instrument=trumpet", 9),
    ] {
        let reply = origin.get(target).await;
        reply.assert_xml();
        assert_eq!((reply.status.as_u16(), reply.field("cache-control")), (200, ""), "{target}");
        let links = reply.attributes("href");
        assert_eq!(links.len(), found + 2, "{target}");
        for link in links.iter().filter(|link| !link.contains('{')) {
            assert_eq!(origin.get(link).await.status, 200, "{link}");
        }
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_answered_as_in_the_example() {
    for origin in [silent(), honest()] {
        for query in [
            "grammys=many",
            "grammys=-1",
            "grammys=",
            "grammys=99999999",
            "firstname=",
            "lastname=%00",
            "firstname=a&firstname=b",
        ] {
            let reply = origin.get(&format!("/jazz?{query}")).await;
            assert_eq!((reply.status.as_u16(), reply.field("cache-control")), (400, "no-cache"), "{query}");
            reply.assert_xml();
            assert!(reply.text().contains("<JazzArtists xmlns:xsi="));
            assert_eq!(reply.attributes("rel"), ["/jazz/rel/home", "/jazz/rel/search"]);
            let search = "/jazz?firstname={firstname}&lastname={lastname}&grammys={grammys}";
            assert_eq!(reply.attributes("href"), ["/jazz", search]);
        }
    }
}

#[tokio::test]
async fn what_the_register_says_is_permanent() {
    let reply = honest().get("/jazz?lastname=Monk").await;
    assert_eq!(reply.field("cache-control"), "public, max-age=31536000, immutable");
}
