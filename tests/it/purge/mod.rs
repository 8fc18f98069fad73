//! Purge: by URL, tag, route, prefix, host, and everything; hard and softly; and what is on its way meanwhile.

mod fills;
mod kinds;
mod load;
mod soft;
mod tags;

use std::sync::Arc;

use plimsoll::proxy::{
    Purge,
    PurgeMode::{self, Hard, Soft},
};

use crate::support::{
    Builder, Proxy, Reply, Scripted, answer_with, clock, not_modified, ok, proxy, scripted, secs, until,
};

/// Both ways to purge.
const MODES: [PurgeMode; 2] = [Hard, Soft];

fn url(url: &str) -> Purge {
    Purge::Url(url.to_owned())
}

fn tag(tag: &str) -> Purge {
    Purge::Tag(tag.to_owned())
}

fn route(route: &str) -> Purge {
    Purge::Route(route.to_owned())
}

fn prefix(prefix: &str) -> Purge {
    Purge::Prefix(prefix.to_owned())
}

fn host(host: &str) -> Purge {
    Purge::Host(host.to_owned())
}

/// Every kind of purge that reaches what is stored for `http://api.example/x/1` on the route `x`, which has the tag `t`.
fn all_kinds() -> [Purge; 7] {
    [
        url("http://api.example/x/1"),
        tag("t"),
        route("x"),
        prefix("/x/"),
        prefix("http://api.example/x"),
        host("api.example"),
        Purge::All,
    ]
}

/// The route `x`, with these lines besides.
fn x(lines: &str) -> Builder {
    proxy().route(&format!(
        "name = 'x'\npath = '/x/{{id}}'\nlevel = 'changing'\nttl = '60s'\ntags = ['t']\n{lines}"
    ))
}

/// An origin whose answers are fresh for long, and are numbered.
async fn numbered(fields: &'static str) -> Scripted {
    scripted(move |number, _| ok(&format!("cache-control: max-age=600\r\n{fields}"), &number.to_string()))
        .await
}

async fn is_hit(proxy: &Proxy, target: &str) -> bool {
    proxy.get(target).send().await.cache().starts_with("hit")
}
