//! Large stored content that is asked for often is sent by the system from where it lies: it is the same for every client,
//! however slowly it is read and whatever becomes of it meanwhile.

use plimsoll::proxy::{Purge, PurgeMode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::support::{
    Program, Proxy, Reply, Scripted, Seen, Wire, answer_with, clock, in_turn, ok, proxy, scripted, until,
    within,
};

/// How many hits that takes.
const OFTEN: usize = 6;
const FRESH: &str = "cache-control: max-age=60\r\netag: \"1\"\r\n";

/// Text of which no two parts are alike.
fn text(length: usize) -> String {
    (0..).flat_map(|number: u32| format!("{number} ").into_bytes()).map(char::from).take(length).collect()
}

/// An origin of one representation of this content, which knows ranges.
async fn ranged(content: String) -> Scripted {
    scripted(move |_, seen: &Seen| -> Reply {
        let Some(range) = seen.field("range").and_then(|range| range.strip_prefix("bytes=")) else {
            return ok(FRESH, &content);
        };
        let (first, last) = range.split_once('-').expect("a range");
        let first: usize = first.parse().expect("a position");
        let last = last.parse().map_or(content.len() - 1, |last: usize| last.min(content.len() - 1));
        let fields = format!("{FRESH}content-range: bytes {first}-{last}/{}\r\n", content.len());
        answer_with("206 Partial Content", &fields, &content[first..=last])
    })
    .await
}

/// Asks for this so often that it is brought to where the system can send it from, and waits until it is there.
async fn ask_often(proxy: &Proxy, target: &str) {
    let content = proxy.get(target).send().await.body;
    let before = proxy.resident_bytes();
    for _ in 0..OFTEN {
        assert!(proxy.get(target).send().await.body == content);
    }
    // Both are counted while one is copied to the other.
    let is_moved = |resident: &u64| *resident != before && *resident < before + content.len() as u64 / 2;
    until(async || proxy.resident_bytes(), is_moved).await;
}

#[tokio::test]
async fn a_large_hit_that_is_read_slowly_stays_what_it_was_whatever_is_stored_meanwhile() {
    const LENGTH: usize = 8 * 1024 * 1024;
    let origin = scripted(|_, seen: &Seen| {
        let letter = if seen.line.contains("/mine") { "m" } else { "o" };
        ok("cache-control: max-age=60\r\n", &letter.repeat(LENGTH))
    })
    .await;
    let proxy =
        proxy().cache("capacity = '64MiB'\nmax_object = '10MiB'").start(origin.address, &clock()).await;
    ask_often(&proxy, "/mine").await;
    let mut client = Wire::narrow(proxy.address).await;
    client.send("GET /mine HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
    assert!(client.head().await.contains("plimsoll; hit"));
    assert_eq!(client.take(1000).await, [b'm'; 1000]);
    proxy.purge(Purge::All, PurgeMode::Hard);
    for number in 0..4 {
        ask_often(&proxy, &format!("/other/{number}")).await;
    }
    let rest = client.take(LENGTH - 1000).await;
    assert!(rest.iter().all(|byte| *byte == b'm'));
    // And the connection goes on behind it.
    client.send("GET /other/3 HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
    assert!(client.head().await.contains("plimsoll; hit"));
    assert!(client.take(LENGTH).await.iter().all(|byte| *byte == b'o'));
}

/// Closed with something unread, a connection is reset, and a reset overtakes what is still on its way.
#[tokio::test]
async fn an_answer_is_whole_although_the_server_stops_and_its_client_has_asked_again() {
    const LENGTH: usize = 8 * 1024 * 1024;
    let origin = scripted(in_turn([ok(FRESH, &"x".repeat(LENGTH))])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let mut client = Wire::narrow(proxy.address).await;
    let request = "GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n";
    client.send(request).await;
    assert!(client.head().await.contains("plimsoll; hit"));
    // It is not read before the first answer is written, and that is larger than what the system takes.
    client.send(request).await;
    let reading = async {
        assert_eq!(client.take(LENGTH).await.len(), LENGTH);
        assert_eq!(client.rest().await, b"");
    };
    tokio::join!(proxy.stop(), reading);
}

#[tokio::test]
async fn what_is_evicted_gives_its_memory_back() {
    let content = text(1 << 20);
    let origin = scripted(in_turn([ok(FRESH, &content)])).await;
    let proxy = proxy().cache("capacity = '8MiB'\nmax_object = '2MiB'").start(origin.address, &clock()).await;
    for number in 0..32 {
        ask_often(&proxy, &format!("/{number}")).await;
        assert!(proxy.resident_bytes() < 9 << 20, "{}", proxy.resident_bytes());
    }
}

#[tokio::test]
async fn large_hits_in_a_row_are_whole_each_with_its_head() {
    let content = text(300_000);
    let origin = scripted(in_turn([ok(FRESH, &content)])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    ask_often(&proxy, "/x").await;
    let mut client = Wire::connect(proxy.address).await;
    let asked = "GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n".repeat(5);
    client.send(asked).await;
    for _ in 0..5 {
        assert!(client.head().await.contains("content-length: 300000\r\n"));
        assert_eq!(client.take(content.len()).await, content.as_bytes());
    }
    let mut old = Wire::connect(proxy.address).await;
    old.send("GET /x HTTP/1.0\r\nhost: api.example\r\n\r\n").await;
    assert!(old.head().await.contains("plimsoll; hit"));
    assert_eq!(old.rest().await, content.as_bytes());
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_range_of_it_is_that_range() {
    let content = text(300_000);
    let origin = ranged(content.clone()).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    ask_often(&proxy, "/x").await;
    for (first, last) in [(0, 0), (65_535, 65_536), (1, 299_998), (131_072, 299_999)] {
        let answer = proxy.get("/x").field("range", &format!("bytes={first}-{last}")).send().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (206, content[first..=last].to_owned()));
    }
    let answer = proxy.get("/x").field("range", "bytes=10-19,100000-199999").send().await;
    assert_eq!(answer.status, 206);
    assert_eq!(answer.field("content-length"), answer.text().len().to_string());
    for part in [&content[10..=19], &content[100_000..=199_999]] {
        assert!(answer.text().contains(&format!("\r\n\r\n{part}\r\n--")));
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_unix_socket_is_sent_it_too() {
    let content = text(500_000);
    let origin = scripted(in_turn([ok(FRESH, &content)])).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plimsoll.sock");
    let url = format!("http://{}", origin.address);
    let mut program =
        Program::start(&["serve", "--origin", &url, "--listen", &format!("unix:{}", path.display())]);
    program.line();
    let mut stream = UnixStream::connect(&path).await.expect("a connection");
    for cache in ["uri-miss"].into_iter().chain(["; hit"; 4 * OFTEN]) {
        stream.write_all(b"GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n").await.expect("to write");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(stream.read_u8()).await.expect("a byte"));
        }
        assert!(String::from_utf8_lossy(&head).contains(cache), "{}", head.escape_ascii());
        let mut got = vec![0; content.len()];
        within(stream.read_exact(&mut got)).await.expect("to read");
        assert_eq!(got, content.as_bytes());
    }
    assert_eq!(origin.count(), 1);
}
