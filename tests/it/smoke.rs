//! The shortest way through the house.

use crate::support::{clock, ok, proxy, sample, scripted, secs};

#[tokio::test]
async fn a_changing_route_hits_until_its_ttl_is_over() {
    let clock = clock();
    let origin = sample(&clock).await;
    let proxy = proxy()
        .route("name = 'product'\npath = '/product/{id}'\nlevel = 'changing'\nttl = '30s'")
        .start(origin.address, &clock)
        .await;
    let first = proxy.get("/product/1234").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=product");
    proxy.advance(secs(29));
    let second = proxy.get("/product/1234").send().await;
    assert_eq!(second.cache(), "hit; ttl=1; level=2; route=product");
    assert_eq!(second.field("age"), "29");
    assert_eq!(second.body, first.body);
    proxy.advance(secs(1));
    assert_eq!(proxy.get("/product/1234").send().await.cache(), "fwd=stale; stored; level=2; route=product");
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn without_routes_the_origin_decides() {
    let clock = clock();
    let origin = scripted(|_, _| ok("cache-control: max-age=60\r\n", "hello")).await;
    let proxy = proxy().start(origin.address, &clock).await;
    assert_eq!(proxy.get("/x").send().await.cache(), "fwd=uri-miss; stored; level=2; route=default");
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=60; level=2; route=default");
    assert_eq!(origin.count(), 1);
}
