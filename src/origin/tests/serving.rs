//! Over sockets: counting, recording, instances and a shutdown in good order.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::faults::{connect, exchange, start};
use super::{Fixture, options, silent};
use crate::origin::{Options, Origin, Recorded, bind_instances, serve};

#[tokio::test]
async fn every_answer_counts_those_before_it() {
    let origin = silent();
    let targets = ["/", "/nothing", "/product/99", "/load/1?status=503", "/load/x", "/my-cart"];
    for (target, expected) in targets.into_iter().zip(1_u64..) {
        let reply = origin.get(target).await;
        assert_eq!(reply.field("x-origin-requests"), expected.to_string(), "{target}");
        assert_eq!((origin.origin.answered(), origin.origin.arrived()), (expected, expected));
    }
}

#[tokio::test]
async fn the_latest_requests_are_recorded_if_asked_for() {
    let origin = Origin::new(&Options { record: 2, ..options().0 });
    let fixture = Fixture { origin: origin.clone(), hand: options().1 };
    fixture.get("/").await;
    fixture
        .ask("GET", "/product/1234&language=french?x=%2F")
        .field("x-b", "1")
        .field("x-b", "2")
        .send()
        .await;
    fixture.delete("/nothing").await;
    let recorded = origin.recorded();
    let [Recorded { method, target, fields }, second] = recorded.as_slice() else { panic!("{recorded:?}") };
    assert_eq!((method.as_str(), target.as_str()), ("GET", "/product/1234&language=french?x=%2F"));
    assert_eq!(fields.get_all("x-b").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((second.method.as_str(), second.target.as_str()), ("DELETE", "/nothing"));
    origin.forget_recorded();
    assert!(origin.recorded().is_empty());
    assert_eq!(origin.answered(), 3);
    assert!(silent().origin.recorded().is_empty());
}

#[tokio::test]
async fn free_ports_are_bound_for_any_number_of_instances() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = bind_instances(any, 3).await.unwrap();
    let ports: std::collections::HashSet<u16> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    assert_eq!(ports.len(), 3);
}

#[tokio::test]
async fn a_port_that_is_taken_or_beyond_the_last_is_an_error_that_names_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).await.unwrap();
    let error = bind_instances(taken, 1).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    drop(holder);
    let last = SocketAddr::from((Ipv4Addr::LOCALHOST, 65_535));
    let error = bind_instances(last, 2).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn consecutive_ports_follow_the_first() {
    // Whichever pair is free at this moment will do; a busy neighbour only means another try.
    for _ in 0..50 {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        if let Ok(listeners) = bind_instances(first, 2).await {
            let second = listeners[1].local_addr().unwrap();
            assert_eq!(second.port(), first.port() + 1);
            return;
        }
    }
    panic!("no two neighbouring ports were free");
}

#[tokio::test]
async fn a_shutdown_lets_a_request_in_flight_complete_and_takes_no_other() {
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let shutdown = async move { drop(stopped.await) };
    let served = tokio::spawn(serve(listener, options().0, shutdown));
    // The head has arrived, so the request is in flight; its content is larger than what sockets hold.
    let slow = connect(addr).await;
    let (slow, head) = exchange(slow, "GET /load/50000000 HTTP/1.1\r\nHost: x\r\n\r\n", Some(200)).await;
    assert!(head.starts_with(b"HTTP/1.1 200 OK"));
    stop.send(()).unwrap();
    let (_, rest) = exchange(slow, "", None).await;
    served.await.unwrap().unwrap();
    assert!(head.len() + rest.len() > 50_000_000);
    assert!(TcpStream::connect(addr).is_err());
}

#[tokio::test]
async fn a_shutdown_waits_for_no_stalled_connection() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    exchange(client, "GET /load/1000?fail=stall HTTP/1.1\r\nHost: x\r\n\r\n", Some(600)).await;
    let idle = connect(started.addr).await;
    started.stop().await;
    drop(idle);
}

#[tokio::test]
async fn a_target_in_any_form_is_answered() {
    let started = start(&options().0).await;
    for (head, expected) in [
        ("GET http://anywhere.example/product/1234?language=french HTTP/1.1", "200"),
        ("OPTIONS * HTTP/1.1", "404"),
        ("CONNECT anywhere.example:443 HTTP/1.1", "404"),
        ("GET //product/1234 HTTP/1.1", "404"),
        ("GET /product/../cart/5678 HTTP/1.1", "404"),
        ("GET /? HTTP/1.1", "200"),
    ] {
        let client = connect(started.addr).await;
        let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
        let (_, answer) = exchange(client, &request, None).await;
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {expected}")), "{head}: {answer}");
        assert!(answer.contains("\r\nx-origin-requests: "), "{head}: {answer}");
    }
    started.stop().await;
}

#[tokio::test]
async fn clients_of_http_1_0_are_served_too() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (_, answer) = exchange(client, "GET /load/3?chunked=1 HTTP/1.0\r\n\r\n", None).await;
    assert!(answer.starts_with(b"HTTP/1.0 200 OK"), "{:?}", String::from_utf8_lossy(&answer));
    assert!(answer.ends_with(b"\r\n\r\npli"), "{:?}", String::from_utf8_lossy(&answer));
    started.stop().await;
}
