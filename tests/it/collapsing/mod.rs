//! One fetch for a key, however many clients ask: who waits, who shares, and what is never shared.

mod not_shared;
mod one_fetch;
mod remembered;

use std::sync::Arc;

use plimsoll::observe::Role;
use tokio::{sync::Notify, task::JoinHandle};

use crate::support::{
    Answer, Ask, Builder, Proxy, Reply, Scripted, Seen, Stage, Wire, clock, not_modified, ok, proxy,
    scripted, secs, stage, until, within,
};

const DECLARED: &str = "name = 'x'\npath = '/x'\nlevel = 'changing'\nttl = '60s'\nstate = { query = ['q'] }";
const FRESH: &str = "cache-control: max-age=60\r\n";

/// A client that has asked for `/x`, and the fetch that it leads, at an origin that the test plays.
async fn lead(proxy: &Proxy, origin: &Stage) -> (Wire, Wire) {
    let leader = Wire::ask(proxy.address, GET).await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    (leader, fetch)
}

/// The same, where the leader has the head of an answer of this length, and the first of its content is on its way.
async fn begin(proxy: &Proxy, origin: &Stage, length: usize, first: &str) -> (Wire, Wire) {
    let (mut leader, mut fetch) = lead(proxy, origin).await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: {length}\r\n\r\n{first}")).await;
    leader.head().await;
    (leader, fetch)
}

const GET: &str = "GET /x HTTP/1.1\r\nhost: api.example\r\n";

/// The two kinds of route that store, each with the name that Cache-Status has for it.
fn ways() -> [(Builder, &'static str); 2] {
    [(proxy().route(DECLARED), "x"), (proxy(), "default")]
}

/// Sends many requests at once.
fn crowd(ask: &Ask, n: usize) -> Vec<JoinHandle<Answer>> {
    (0..n).map(|_| tokio::spawn(ask.clone().send())).collect()
}

async fn answers(crowd: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for one in crowd {
        answers.push(within(one).await.expect("no panic"));
    }
    answers
}

/// An origin by this script that keeps each answer back whose number this holds for, until it is told to send one.
async fn gated(
    waits: fn(usize) -> bool,
    script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Scripted, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let origin = scripted(move |number, seen| match script(number, seen) {
        Reply::Bytes(bytes) if waits(number) => Reply::Wait(Vec::new(), Arc::clone(&gate), bytes),
        reply => reply,
    })
    .await;
    (origin, go)
}

/// An origin whose answer has these fields and is confirmed from the second request on.
async fn confirmed(waits: fn(usize) -> bool, fields: &'static str) -> (Scripted, Arc<Notify>) {
    gated(waits, move |number, _| if number == 0 { ok(fields, "held") } else { not_modified(fields) }).await
}

/// An origin that answers each request only when it is told to, with these fields and its number.
async fn held_back(fields: &'static str) -> (Scripted, Arc<Notify>) {
    gated(|_| true, move |number, _| ok(fields, &format!("fetch {number}"))).await
}

/// Lets every request that has come and will come be answered.
fn open(go: &Arc<Notify>) -> JoinHandle<()> {
    let go = Arc::clone(go);
    tokio::spawn(async move {
        loop {
            go.notify_one();
            tokio::task::yield_now().await;
        }
    })
}

fn collapsed(answers: &[Answer], fwd: &str, route: &str) -> usize {
    let expected = format!("fwd={fwd}; collapsed; level=2; route={route}");
    answers.iter().filter(|answer| answer.cache() == expected).count()
}
