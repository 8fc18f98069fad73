//! Deadlines towards the origin: whatever stands still, or never ends, is cut off at its time, and who waits for it is
//! released.

use crate::support::{Builder, Reply, Wire, clock, proxy, scripted, stage, within};

/// The ways through the house: stored by the operator's word, stored by the origin's, and not stored at all.
fn ways() -> [(&'static str, Builder); 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [("changing", route("changing")), ("origin", route("origin")), ("user", route("user"))]
}

/// Every other deadline is too far away to matter.
const ONLY_TOTAL: &str = "response_timeout = '1h'\nbody_timeout = '1h'\ntotal_timeout = '200ms'";

#[tokio::test]
async fn a_stall_before_the_head_ends_with_the_time_of_the_whole_exchange() {
    for (way, builder) in ways() {
        let origin = scripted(|_, _| Reply::Stall("HTTP/1.1 200 OK\r\n".into())).await;
        let proxy = builder.origin(ONLY_TOTAL).start(origin.address, &clock()).await;
        assert_eq!(within(proxy.get("/x").send()).await.status, 504, "{way}");
    }
}

#[tokio::test]
async fn a_stall_in_the_body_ends_with_the_time_of_the_whole_exchange() {
    for (way, builder) in ways() {
        let begun = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 100\r\n\r\nhello";
        let origin = scripted(|_, _| Reply::Stall(begun.into())).await;
        let proxy = builder.origin(ONLY_TOTAL).start(origin.address, &clock()).await;
        let cut = within(proxy.get("/x").try_send()).await;
        assert!(cut.is_err(), "{way}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_does_so_at_last() {
    for (way, builder) in ways() {
        let origin = stage().await;
        let proxy = builder.origin(ONLY_TOTAL).start(origin.address, &clock()).await;
        let asking = tokio::spawn(proxy.get("/x").try_send());
        let mut line: Wire = origin.accept().await;
        line.head().await;
        line.send("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let dripping = async {
            while line.try_send("1\r\nx\r\n").await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        within(dripping).await;
        assert!(asking.await.expect("no panic").is_err(), "{way}");
    }
}

#[tokio::test]
async fn an_upload_that_never_ends_does_so_at_last() {
    let origin = stage().await;
    let proxy = proxy().origin(ONLY_TOTAL).start(origin.address, &clock()).await;
    let mut client =
        Wire::ask(proxy.address, "PUT /x HTTP/1.1\r\nhost: api.example\r\ntransfer-encoding: chunked\r\n")
            .await;
    let mut line: Wire = origin.accept().await;
    line.head().await;
    let reading = tokio::spawn(async move { line.rest().await.len() });
    let dripping = async {
        while client.try_send("1\r\nx\r\n").await.is_ok() && !reading.is_finished() {
            tokio::task::yield_now().await;
        }
    };
    within(dripping).await;
    assert!(reading.await.expect("no panic") > 0);
}

#[tokio::test]
async fn a_stall_releases_everybody_who_waits_for_it() {
    let begun = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 100\r\n\r\nhello";
    for (stall, what) in [("", "before the head"), (begun, "in the body")] {
        let origin = scripted(|_, _| Reply::Stall(stall.into())).await;
        let proxy = proxy()
            .origin("response_timeout = '300ms'\nbody_timeout = '300ms'")
            .route("path = '/x'\nlevel = 'changing'\nttl = '30s'")
            .start(origin.address, &clock())
            .await;
        let asking: Vec<_> = (0..20).map(|_| tokio::spawn(proxy.get("/x").try_send())).collect();
        for answer in asking {
            let answer = within(answer).await.expect("no panic");
            assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 504), "{what}");
        }
    }
}
