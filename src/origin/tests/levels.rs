//! Each system behaves as its level says.

use std::time::Duration;

use super::{Fixture, silent};
use crate::origin::{Options, Origin};

#[tokio::test]
async fn a_closed_year_sold_the_same_in_every_instance_and_for_ever() {
    let (one, other) = (silent(), silent());
    let then = one.get("/warehouse/sales/2013").await;
    other.hand.advance(Duration::from_hours(24 * 3650));
    assert_eq!(then.status, 200);
    assert_eq!(then.value()["year"], 2013);
    assert_eq!(then.content, other.get("/warehouse/sales/2013").await.content);
}

#[tokio::test]
async fn a_year_can_be_read_once_its_books_are_closed() {
    let origin = silent();
    for year in [1997, 2014, 2015, 9999] {
        let reply = origin.get(&format!("/warehouse/sales/{year}")).await;
        assert_eq!(reply.status, 404, "{year}");
        assert_eq!(reply.value()["links"]["last"], "/warehouse/sales/2013");
    }
    origin.hand.advance(Duration::from_hours(24 * 351));
    assert_eq!(origin.get("/warehouse/sales/2014").await.status, 200);
}

#[tokio::test]
async fn a_text_is_found_by_an_ampersand_in_the_path_as_by_a_query() {
    let origin = silent();
    let path = origin.get("/product/1234&language=french").await;
    let query = origin.get("/product/1234?language=french").await;
    assert_eq!(path.status, 200);
    assert_eq!(path.value()["language"], "french");
    assert_eq!(path.value()["name"], "Chaussures de pont en toile");
    assert_eq!(path.content, query.content);
    let english = origin.get("/product/1234&language=english").await;
    assert_ne!(english.value()["name"], path.value()["name"]);
}

#[tokio::test]
async fn a_text_outlives_its_product() {
    let origin = silent();
    let before = origin.get("/product/1234?language=german").await.content;
    origin.ask("PUT", "/product/1234").json(r#"{"price":1,"stock":1}"#).send().await;
    assert_eq!(origin.get("/product/1234?language=german").await.content, before);
    origin.delete("/product/1234").await;
    assert_eq!(origin.get("/product/1234").await.status, 410);
    assert_eq!(origin.get("/product/1234?language=german").await.content, before);
}

#[tokio::test]
async fn a_text_cannot_be_written() {
    let origin = silent();
    for target in ["/product/1234&language=french", "/product/1234?language=french"] {
        for method in ["PUT", "DELETE"] {
            let reply = origin.ask(method, target).json(r#"{"price":1,"stock":1}"#).send().await;
            assert_eq!(
                (reply.status.as_u16(), reply.field("allow")),
                (405, "GET, HEAD"),
                "{method} {target}"
            );
        }
    }
    assert_eq!(origin.get("/product/1234").await.status, 200);
}

#[tokio::test]
async fn a_product_drifts_with_time_until_somebody_sets_it() {
    let origin = silent();
    let first = origin.get("/product/1234").await;
    assert_eq!(first.content, origin.get("/product/1234").await.content);
    origin.hand.advance(Duration::from_secs(30));
    assert_ne!(first.content, origin.get("/product/1234").await.content);

    let put = origin.ask("PUT", "/product/1234").json(r#"{"price":9.5,"stock":3}"#).send().await;
    assert_eq!(put.status, 200);
    origin.hand.advance(Duration::from_mins(50));
    let set = origin.get("/product/1234").await.value();
    assert_eq!((&set["price"], &set["stock"]), (&9.5.into(), &3.into()));
}

#[tokio::test]
async fn what_get_gave_can_be_put_back() {
    let origin = silent();
    let got = origin.get("/product/1235").await;
    let put =
        origin.ask("PUT", "/product/1235").content("application/json", got.content.clone()).send().await;
    assert_eq!((put.status.as_u16(), &put.content), (200, &got.content));
}

#[tokio::test]
async fn a_deleted_product_is_gone_until_it_is_put_back() {
    let origin = silent();
    assert_eq!(origin.delete("/product/1234").await.status, 204);
    let gone = origin.get("/product/1234").await;
    assert_eq!(gone.status, 410);
    assert_eq!(gone.value()["links"]["texts"]["french"], "/product/1234?language=french");
    assert_eq!(origin.delete("/product/1234").await.status, 410);
    let put = origin.ask("PUT", "/product/1234").json(r#"{"price":1,"stock":0}"#).send().await;
    assert_eq!((put.status.as_u16(), put.field("location")), (201, "/product/1234"));
    assert_eq!(origin.get("/product/1234").await.status, 200);
}

#[tokio::test]
async fn the_catalogue_does_not_grow_without_end() {
    let origin = silent();
    let mut last = 0;
    for id in 10_000..11_000 {
        let put = origin.ask("PUT", &format!("/product/{id}")).json(r#"{"price":1,"stock":0}"#).send().await;
        last = put.status.as_u16();
    }
    assert_eq!(last, 507);
    assert_eq!(origin.get("/product/10000").await.status, 200);
}

#[tokio::test]
async fn the_picture_is_a_bitmap_that_is_redrawn_at_times() {
    let origin = silent();
    let first = origin.get("/picture.bmp").await;
    assert_eq!(first.field("content-type"), "image/bmp");
    assert_eq!(first.content[..2], *b"BM");
    assert_eq!(first.content[2..6], u32::try_from(first.content.len()).unwrap().to_le_bytes());
    assert_eq!(first.content.len(), 54 + 96 * 64 * 3);
    origin.hand.advance(Duration::from_secs(59));
    assert_eq!(origin.get("/picture.bmp").await.content, first.content);
    origin.hand.advance(Duration::from_secs(1));
    assert_ne!(origin.get("/picture.bmp").await.content, first.content);
}

#[tokio::test]
async fn the_picture_can_be_replaced_and_taken_offline() {
    let origin = silent();
    let mut own = origin.get("/picture.bmp").await.content.to_vec();
    own[60] ^= 0xff;
    let put = || origin.ask("PUT", "/picture.bmp").content("image/bmp", own.clone()).send();
    assert_eq!(put().await.status, 204);
    origin.hand.advance(Duration::from_hours(1));
    assert_eq!(origin.get("/picture.bmp").await.content, own);

    assert_eq!(origin.delete("/picture.bmp").await.status, 204);
    assert_eq!(origin.get("/picture.bmp").await.status, 404);
    assert_eq!(origin.ask("HEAD", "/picture.bmp").send().await.status, 404);
    assert_eq!(origin.delete("/picture.bmp").await.status, 404);
    assert_eq!(put().await.status, 201);
    assert_eq!(origin.get("/picture.bmp").await.content, own);
}

#[tokio::test]
async fn access_depends_on_who_asks() {
    let origin = silent();
    let seen = origin.get_as("alice", "/level3/product/1234").await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.content, origin.get("/product/1234").await.content);
    assert_eq!(origin.get_as("bob", "/level3/product/1234").await.status, 403);
    assert_eq!(origin.get("/level3/product/1234").await.status, 401);
    assert_eq!(origin.get_as("bob", "/level3/product/1236").await.status, 200);
    assert_eq!(origin.get_as("alice", "/level3/product/1236").await.status, 403);
    assert_eq!(origin.get_as("alice", "/level3/product/99").await.status, 404);
    origin.delete("/product/1234").await;
    assert_eq!(origin.get_as("alice", "/level3/product/1234").await.status, 410);
    assert_eq!(origin.get_as("bob", "/level3/product/1234").await.status, 403);
}

#[tokio::test]
async fn publicity_depends_on_the_account_behind_the_token() {
    let origin = silent();
    let alice = origin.get_as("alice", "/publicity").await;
    let bob = origin.get_as("bob", "/publicity").await;
    assert_eq!((alice.status.as_u16(), bob.status.as_u16()), (200, 200));
    assert_ne!(alice.content, bob.content);
    assert_eq!(origin.get("/publicity").await.status, 401);
}

#[tokio::test]
async fn a_personal_cart_is_the_same_cart_under_its_own_name() {
    let origin = silent();
    for (user, named) in [("alice", "/cart/5678"), ("bob", "/cart/5679")] {
        let mine = origin.get_as(user, "/my-cart").await;
        assert_eq!(mine.field("content-location"), named);
        assert_eq!(mine.content, origin.get(named).await.content);
    }
    assert_eq!(origin.get("/my-cart").await.status, 401);
    assert_eq!(origin.get("/cart/1").await.status, 404);
}

#[tokio::test]
async fn a_stored_preference_can_be_read_and_said_in_the_url_instead() {
    let origin = silent();
    for (user, id) in [("alice", 4567), ("bob", 4568)] {
        let greeting = origin.get_as(user, "/level3/greeting/1234").await;
        let language = origin.get(&format!("/user/{id}/preferences")).await.value()["language"].clone();
        let lowered = origin.get(&format!("/product/1234&language={}", language.as_str().unwrap())).await;
        assert_eq!((greeting.status.as_u16(), &greeting.content), (200, &lowered.content));
        assert_eq!(origin.get(greeting.field("content-location")).await.content, greeting.content);
    }
    assert_eq!(origin.get("/user/4567/preferences").await.value()["language"], "french");
    assert_eq!(origin.get("/user/1/preferences").await.status, 404);
    assert_eq!(origin.get("/level3/greeting/1234").await.status, 401);
}

#[tokio::test]
async fn one_user_in_two_sessions_reads_two_languages_from_one_url() {
    let origin = silent();
    let (first, second) = (origin.session("alice").await, origin.session("alice").await);
    choose(&origin, &first, "french").await;
    choose(&origin, &second, "english").await;
    let read = |cookie: String| {
        let ask = origin.ask("GET", "/level4/product/1234").field("cookie", &cookie);
        async move { ask.send().await }
    };
    let (french, english) = (read(first).await, read(second).await);
    assert_eq!(
        (&french.value()["language"], &english.value()["language"]),
        (&"french".into(), &"english".into())
    );
    assert_eq!(french.content, origin.get("/product/1234?language=french").await.content);
}

async fn choose(origin: &Fixture, cookie: &str, language: &str) {
    let content = format!(r#"{{"language":"{language}"}}"#);
    let put = origin.ask("PUT", "/level4/preferences").field("cookie", cookie).json(&content).send().await;
    assert_eq!((put.status.as_u16(), &put.value()["language"]), (200, &language.into()));
}

#[tokio::test]
async fn random_numbers_differ_but_a_seed_repeats_them() {
    let (one, other) = (silent(), silent());
    let mut numbers = Vec::new();
    for _ in 0..8 {
        let number = one.get("/random").await.value()["number"].as_u64().unwrap();
        assert_eq!(other.get("/random").await.value()["number"], number);
        numbers.push(number);
    }
    numbers.dedup();
    assert!(numbers.len() > 1, "{numbers:?}");
}

#[tokio::test]
async fn head_answers_wherever_get_does_with_the_same_fields() {
    let origin = silent();
    let targets =
        ["/", "/warehouse/sales/2012", "/product/1234", "/product/1234&language=french", "/picture.bmp"];
    let more = [
        "/cart/5678",
        "/user/4567/preferences",
        "/load/100000",
        "/weather?city=Paris",
        "/login",
        "/registration",
    ];
    let bank = ["/bank", "/bank/transferforms/dlwelch/pending", "/bank/accounts/dlwelch", "/jazz"];
    for target in targets.into_iter().chain(more).chain(bank) {
        let get = origin.get(target).await;
        let head = origin.ask("HEAD", target).send().await;
        assert_eq!((head.status, head.content.len()), (get.status, 0), "{target}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.field(name), get.field(name), "{target}");
        }
        assert_eq!(head.field("content-length"), get.content.len().to_string(), "{target}");
    }
}

#[tokio::test]
async fn every_link_of_the_home_page_leads_somewhere() {
    let origin = silent();
    let page = origin.get("/").await;
    assert_eq!(page.field("content-type"), "text/html; charset=utf-8");
    let page = String::from_utf8(page.content.to_vec()).unwrap();
    let links: Vec<String> = page
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect();
    assert!(links.len() > 15, "{links:?}");
    for link in links.iter().filter(|link| !link.contains("fail=")) {
        let status = origin.get(link).await.status.as_u16();
        let protected =
            ["/level", "/my-cart", "/publicity", "/stateful"].iter().any(|own| link.starts_with(own));
        let expected = if link.contains("status=503") {
            503
        } else if protected {
            401
        } else {
            200
        };
        assert_eq!(status, expected, "{link}");
    }
    for fixture in
        ["password123", "mypassword", "/cart/5679", "/user/4568/preferences", "{&quot;price&quot;:49.9"]
    {
        assert!(page.contains(fixture), "{fixture}");
    }
}

#[tokio::test]
async fn instances_share_no_state() {
    let origin = silent();
    let other = Fixture { origin: Origin::new(&Options::default()), hand: origin.hand.clone() };
    origin.delete("/product/1234").await;
    assert_eq!(other.get("/product/1234").await.status, 200);
    assert_eq!(other.origin.answered(), 1);
}
