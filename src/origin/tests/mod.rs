//! What the sample origin promises, asked in process and over sockets. Builders live here, the promises in the files.

mod bank;
mod faults;
mod forms;
mod honesty;
mod levels;
mod logins;
mod refusals;
mod searches;
mod serving;
mod shops;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use super::{Clock, Hand, Options, Origin};

/// 2014-01-15 12:00:00 UTC, in seconds since 1970: 2013 is the last year whose books are closed.
const NOW: u64 = 1_389_787_200;

/// An origin whose clock stands still until it is turned.
struct Fixture {
    origin: Origin,
    hand: Hand,
}

/// A request being written.
struct Ask<'a> {
    origin: &'a Origin,
    builder: http::request::Builder,
    content: Body,
}

/// A response that was read to its end.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    fields: HeaderMap,
    content: Bytes,
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn options() -> (Options, Hand) {
    let (clock, hand) = Clock::by_hand(now());
    (Options { clock, seed: Some(7), ..Options::default() }, hand)
}

fn silent() -> Fixture {
    let (options, hand) = options();
    Fixture { origin: Origin::new(&options), hand }
}

fn honest() -> Fixture {
    let (options, hand) = options();
    Fixture { origin: Origin::new(&Options { honest: true, ..options }), hand }
}

impl Fixture {
    fn ask(&self, method: &str, target: &str) -> Ask<'_> {
        Ask {
            origin: &self.origin,
            builder: Request::builder().method(method).uri(target),
            content: Body::empty(),
        }
    }

    async fn get(&self, target: &str) -> Reply {
        self.ask("GET", target).send().await
    }

    async fn delete(&self, target: &str) -> Reply {
        self.ask("DELETE", target).send().await
    }

    /// A GET with a fresh Bearer token of that user.
    async fn get_as(&self, user: &str, target: &str) -> Reply {
        let token = self.token(user).await;
        self.ask("GET", target).field("authorization", &format!("Bearer {token}")).send().await
    }

    async fn token(&self, user: &str) -> String {
        let reply = self.ask("POST", "/stateless/login").json(&credentials(user)).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.value()["token"].as_str().unwrap().to_owned()
    }

    /// The Cookie field of a session that has just begun.
    async fn session(&self, user: &str) -> String {
        let reply = self.ask("POST", "/stateful/login").json(&credentials(user)).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.field("set-cookie").split(';').next().unwrap().to_owned()
    }
}

impl Ask<'_> {
    fn field(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    fn content(mut self, media: &str, content: impl Into<Body>) -> Self {
        self.content = content.into();
        self.field(CONTENT_TYPE.as_str(), media)
    }

    fn json(self, content: &str) -> Self {
        self.content("application/json", content.to_owned())
    }

    fn form(self, content: &str) -> Self {
        self.content("application/x-www-form-urlencoded", content.to_owned())
    }

    async fn send(self) -> Reply {
        let response = self.origin.answer(self.builder.body(self.content).unwrap()).await;
        let (head, body) = response.into_parts();
        let content = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status, fields: head.headers, content }
    }
}

impl Reply {
    /// The content as text.
    fn text(&self) -> &str {
        std::str::from_utf8(&self.content).unwrap()
    }

    /// The values of an attribute in HTML or XML, in order.
    fn attributes(&self, name: &str) -> Vec<String> {
        let begins = format!(" {name}=\"");
        let values = self.text().split(&begins).skip(1);
        values.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect()
    }

    /// What the one element of that name holds.
    fn element(&self, name: &str) -> &str {
        let (_, rest) = self.text().split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{self:?}"));
        rest.split_once(&format!("</{name}>")).unwrap().0
    }

    /// Asserts that this is XML whose elements are all closed.
    fn assert_xml(&self) {
        assert_eq!(self.field("content-type"), "application/xml; charset=utf-8", "{self:?}");
        let (head, mut rest) = self.text().split_once("?>").unwrap();
        assert_eq!(head, "<?xml version=\"1.0\" encoding=\"utf-8\"");
        let mut open = Vec::new();
        while let Some((_, after)) = rest.split_once('<') {
            let (tag, after) = after.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => assert_eq!(open.pop(), Some(name), "{}", self.text()),
                (false, true) => {}
                (false, false) => open.push(name),
            }
            rest = after;
        }
        assert_eq!((open.len(), rest), (0, "\n"), "{}", self.text());
    }

    /// The content as JSON.
    fn value(&self) -> Value {
        serde_json::from_slice(&self.content).unwrap()
    }

    /// A field's value; empty if there is no such field.
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn error(&self) -> String {
        self.value()["error"].as_str().unwrap().to_owned()
    }
}

fn credentials(user: &str) -> String {
    let password = super::accounts::by_name(user).unwrap().password;
    serde_json::json!({ "username": user, "password": password }).to_string()
}
