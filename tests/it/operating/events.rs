//! Decisions as they happen: `/api/events` and `plimsoll log`.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::support::{Program, Proxy, clock, get, ok, proxy, run, scripted, within};

const PRODUCT: &str = "name = 'product'\npath = '/product/{id}'\nlevel = 'changing'\nttl = '30s'\nstate = { query = ['language'] }";
const CART: &str = "name = 'cart'\npath = '/my-cart'\nlevel = 'user'";

/// A stream of events that is read as it comes.
struct Stream {
    content: Incoming,
    read: String,
}

impl Stream {
    async fn open(proxy: &Proxy, query: &str) -> Self {
        let answer = proxy.admin(&format!("/api/events{query}")).open().await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { content: answer.into_body(), read: String::new() }
    }

    /// The name and the data of the next event.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let rest = self.read.split_off(end + 2);
                let event = std::mem::replace(&mut self.read, rest);
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = field("event:").zip(field("data:"));
                let found =
                    found.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).expect("JSON")));
                if let Some(found) = found {
                    return found;
                }
                continue;
            }
            let frame = within(self.content.frame()).await.expect("more").expect("no error");
            self.read.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        }
    }

    async fn decision(&mut self) -> Value {
        let (name, data) = self.next().await;
        assert_eq!(name, "decision", "{data}");
        data
    }
}

#[tokio::test]
async fn decisions_are_told_as_they_happen_with_their_reason() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).route(CART).start(origin.address, &clock()).await;
    let mut stream = Stream::open(&proxy, "").await;
    proxy.get("/product/1?language=french&token=SECRET").field("cookie", "SECRET").send().await;
    let miss = stream.decision().await;
    assert_eq!(miss["target"], "/product/1?language=french&token=*");
    assert_eq!((&miss["outcome"], &miss["stored"]), (&"uri-miss".into(), &true.into()));
    assert_eq!((&miss["route"], &miss["level"]), (&"product".into(), &2.into()));
    assert!(!miss.to_string().contains("SECRET"));
    proxy.get("/product/1?language=french").send().await;
    let hit = stream.decision().await;
    assert_eq!((&hit["outcome"], &hit["ttl"], &hit["one_in"]), (&"hit".into(), &30.into(), &1.into()));
    proxy.get("/my-cart").send().await;
    assert_eq!(stream.decision().await["reason"], "route-declared");
}

#[tokio::test]
async fn a_filter_lets_through_what_it_names() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).route(CART).start(origin.address, &clock()).await;
    for (query, wanted) in [
        ("?outcome=hit", "/product/1"),
        ("?outcome=miss&route=product", "/product/2"),
        ("?route=cart&route=default", "/my-cart"),
        ("?level=user", "/my-cart"),
        ("?level=3", "/my-cart"),
        ("?reason=no-freshness", "/else"),
        ("?path=/el", "/else"),
    ] {
        proxy.get("/product/1").send().await;
        let mut stream = Stream::open(&proxy, query).await;
        for target in ["/product/1", "/product/2", "/my-cart", "/else"] {
            proxy.get(target).send().await;
        }
        assert_eq!(stream.decision().await["target"], wanted, "{query}");
        drop(stream);
        let purge = proxy.admin("/api/purge").method("POST").field("content-type", "application/json");
        purge.body(r#"{"all":true}"#).send().await;
    }
}

#[tokio::test]
async fn a_filter_that_could_show_nothing_is_an_error_that_says_so() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    for (query, says) in [
        ("?route=produkt", "there is no route \\\"produkt\\\""),
        ("?outcome=misss", "miss (all but hit)"),
        ("?level=6", "1 to 5"),
        ("?reason=set-cookies", "nothing is called"),
        ("?path=product", "begins no path"),
        ("?colour=red", "there are route, outcome, level, reason and path"),
        ("?rate=0", "from 1 to 10000"),
        ("?rate=x", "from 1 to 10000"),
    ] {
        let answer = proxy.admin(&format!("/api/events{query}")).send().await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.text().contains(says), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn where_too_much_happens_one_of_so_many_is_told_and_says_of_how_many() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    let mut stream = Stream::open(&proxy, "?rate=5").await;
    // The clock stands still: all of this happens in one second.
    for _ in 0..100 {
        proxy.get("/product/1").send().await;
    }
    let (mut rates, mut stands_for) = (Vec::new(), 0);
    // What is told of 95 to 105 requests may stand for them; the last few may be among those that are left out.
    while stands_for < 80 {
        match stream.next().await {
            (name, data) if name == "rate" => rates.push(data["one_in"].as_u64().expect("a number")),
            (_, data) => stands_for += data["one_in"].as_u64().expect("a number"),
        }
    }
    assert!(stands_for <= 120, "{stands_for}");
    assert_eq!(rates[..3], [2, 4, 8]);
}

#[tokio::test]
async fn plimsoll_log_prints_a_line_for_each_miss_with_its_reason() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let config = format!("[admin]\nlisten = '127.0.0.1:0'\n[[route]]\n{CART}\n[[route]]\n{PRODUCT}\n");
    let mut program = Program::serve(origin.address, &config);
    let (address, admin) = (program.address(), program.address().to_string());
    // Its miss is not to be the first that is shown.
    get(address, "/product/1").send().await;
    let mut log = Program::start(&["log", "--admin", &admin, "--miss"]);
    // It follows from when the admin place knows of it: until then, what happens is not told.
    let (line, _log) = within(async {
        let reading = tokio::task::spawn_blocking(move || (log.line(), log));
        while !reading.is_finished() {
            get(address, "/product/1").send().await;
            get(address, "/my-cart").send().await;
        }
        reading.await.expect("no panic")
    })
    .await;
    let rest = line.split_once(' ').expect("a time").1;
    assert_eq!(rest, "200 bypass    GET api.example/my-cart route=cart level=3 reason=route-declared");
}

#[test]
fn plimsoll_log_says_what_is_wrong_where_nothing_answers() {
    let ended = run(&["log", "--admin", "127.0.0.1:1"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("127.0.0.1:1") && ended.err.contains("is plimsoll running"), "{}", ended.err);
}
