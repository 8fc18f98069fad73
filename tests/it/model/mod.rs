//! The running proxy against a model: random sequences of reads, writes, changes at the origin and time, with a clock that
//! is turned by hand. What each client gets, and whether the origin was asked, is held to an oracle that is written from
//! the RFC's text (`oracle`). The origin honours conditions, so 304s come about as they do in life.
//!
//! A failure is shrunk to the shortest sequence that still fails. `PLIMSOLL_CASES` and `PLIMSOLL_SEED` (a number) run more,
//! or others; without them each run is the same.

mod oracle;
mod origin;
mod steps;

use std::{cell::Cell, fmt::Write as _, sync::Arc};

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use plimsoll::observe::ManualClock;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::net::TcpStream;

use self::{
    oracle::{Expected, Oracle, Ruling},
    origin::{Answered, Origin, lang_text},
    steps::{Ask, Copy, Named, RESOURCES, Step, sequences},
};
use crate::support::{Proxy, clock, proxy, secs};

const CASES: u32 = 600;
const STEPS: usize = 40;

#[test]
fn every_sequence_of_reads_writes_and_time_goes_as_the_rfc_says() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().expect(name));
    let cases = number("PLIMSOLL_CASES").unwrap_or(CASES);
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number("PLIMSOLL_SEED").unwrap_or_default().to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let house = runtime.block_on(House::start());
    let played = runner.run(&sequences(STEPS), |steps| runtime.block_on(house.play(&steps)));
    match played {
        Ok(()) => {}
        // The story tells it better than the steps alone.
        Err(TestError::Fail(story, _)) => panic!("{story}"),
        Err(other) => panic!("{other}"),
    }
}

/// One proxy and one origin for all sequences, each of which has paths of its own.
struct House {
    clock: Arc<ManualClock>,
    proxy: Proxy,
    origin: Origin,
    /// Seconds since the clock's start.
    now: Cell<u64>,
    sequences: Cell<u64>,
}

impl House {
    async fn start() -> Self {
        let clock = clock();
        let origin = Origin::start().await;
        let proxy = proxy()
            .cache("profile = 'rfc9111'")
            .origin("host = 'client'")
            .start(origin.scripted.address, &clock)
            .await;
        Self { clock, proxy, origin, now: Cell::new(0), sequences: Cell::new(0) }
    }

    async fn play(&self, steps: &[Step]) -> Result<(), TestCaseError> {
        self.sequences.set(self.sequences.get() + 1);
        let mut game = Game {
            house: self,
            paths: RESOURCES.map(|name| format!("/{}/{name}", self.sequences.get())),
            oracle: Oracle::default(),
            client: Client::connect(&self.proxy).await,
            story: String::new(),
        };
        for step in steps {
            game.take(step).await?;
        }
        Ok(())
    }
}

/// One sequence.
struct Game<'a> {
    house: &'a House,
    paths: [String; 2],
    oracle: Oracle,
    client: Client,
    /// What happened so far, for who has to find the fault.
    story: String,
}

impl Game<'_> {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let house = self.house;
        writeln!(self.story, "{:>4} s {step:?}", house.now.get()).expect("to write a string");
        match step {
            Step::Wait(seconds) => {
                house.now.set(house.now.get() + seconds);
                house.clock.advance(secs(*seconds));
                house.origin.turn_to(house.now.get());
            }
            Step::Change(resource, change) => house.origin.change(&self.paths[*resource], change),
            Step::Ask(ask) => self.ask(ask).await?,
            Step::Write(write) => {
                let named = match write.names {
                    Some(Named::Here(_, resource)) => self.paths[resource].clone(),
                    Some(Named::Elsewhere(_, resource)) => {
                        format!("http://other.example{}", self.paths[resource])
                    }
                    None => String::new(),
                };
                let path = &self.paths[write.resource];
                house.origin.expect_write(path, write, named);
                let got = self.client.send(write.method, path, &[]).await;
                let exchanges = house.origin.exchanges();
                writeln!(self.story, "       the origin answered {exchanges:?}").expect("to write a string");
                self.hold(&(got.status, exchanges.len()), &(write.status, 1))?;
                if let [Answered::Written { body, said }] = &exchanges[..]
                    && (200..400).contains(&write.status)
                {
                    self.oracle.learn_of_write(write, &self.paths, body, said, house.now.get() * 1000);
                }
            }
        }
        Ok(())
    }

    async fn ask(&mut self, ask: &Ask) -> Result<(), TestCaseError> {
        let path = self.paths[ask.resource].clone();
        let now = self.house.now.get() * 1000;
        let copy = ask.copy.map(|copy| match copy {
            Copy::Current => self.house.origin.tag(&path, ask.lang),
            Copy::Other => "\"other\"".to_owned(),
        });
        let fields = [
            ("x-lang", lang_text(ask.lang)),
            ("authorization", ask.authorization.then(|| "Bearer a".to_owned())),
            ("cache-control", ask.demand.text()),
            ("if-none-match", copy.clone()),
        ];
        let ruling = self.oracle.rule(&path, ask, copy.as_deref(), now);
        let got = self.client.send(if ask.head { "HEAD" } else { "GET" }, &path, &fields).await;
        let exchanges = self.house.origin.exchanges();
        writeln!(self.story, "       the origin answered {exchanges:?}").expect("to write a string");
        match ruling {
            Ruling::Answer(expected) => self.hold(&(Some(got), 0), &(Some(expected), exchanges.len())),
            Ruling::Forward if exchanges.is_empty() => {
                self.hold(&format!("{got:?} from the store"), &"the origin to be asked".to_owned())
            }
            Ruling::Forward => {
                let expected = self.oracle.learn(&path, ask, copy.as_deref(), &exchanges, now);
                self.hold(&Some(got), &expected)
            }
        }
    }

    fn hold<T: PartialEq + std::fmt::Debug>(&self, got: &T, expected: &T) -> Result<(), TestCaseError> {
        if got == expected {
            return Ok(());
        }
        let Self { story, oracle, .. } = self;
        Err(TestCaseError::fail(format!(
            "\n{story}got      {got:?}\nexpected {expected:?}\nwith {oracle:#?}\n"
        )))
    }
}

/// A client with one connection.
struct Client {
    sender: SendRequest<Empty<bytes::Bytes>>,
}

impl Client {
    async fn connect(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.address).await.expect("a connection to the proxy");
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
        tokio::spawn(connection);
        Self { sender }
    }

    async fn send(&mut self, method: &str, path: &str, fields: &[(&str, Option<String>)]) -> Expected {
        let mut request = http::Request::builder().method(method).uri(path).header("host", "api.example");
        for (name, value) in fields {
            if let Some(value) = value {
                request = request.header(*name, value);
            }
        }
        self.sender.ready().await.expect("a connection");
        let sent = self.sender.send_request(request.body(Empty::new()).expect("a request")).await;
        let (parts, body) = sent.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let number = |name: &str| parts.headers.get(name)?.to_str().ok()?.parse().ok();
        let own = parts.headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
        Expected {
            status: parts.status.as_u16(),
            body: (!own && !body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned()),
            mark: number("x-mark"),
            age: number("age"),
        }
    }
}
