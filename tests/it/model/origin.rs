//! The origin of a sequence: it keeps resources, answers by what each of them says, honours conditions, and writes down
//! each exchange.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
};

use super::steps::{Change, Control, Named, Says, Status, Write};
use crate::support::{Reply, Scripted, Seen, date, scripted};

/// What the origin answered, as it was meant.
#[derive(Clone, Debug)]
pub(super) enum Answered {
    /// To a GET or HEAD: a whole representation.
    Whole { status: u16, body: String, said: Said },
    /// To a GET or HEAD under a condition: that the copy is still good.
    NotModified(Said),
    /// To anything else.
    Written { body: String, said: Said },
}

/// The fields of an answer that a cache heeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) control: Option<Control>,
    /// Whether Vary names `x-lang`.
    pub(super) varies: bool,
    pub(super) tag: Option<String>,
    /// Last-Modified, in seconds of the sequence's clock.
    pub(super) modified: Option<u64>,
    pub(super) age: Option<u64>,
    /// A number that no other answer has.
    pub(super) mark: u64,
}

impl Said {
    fn lines(&self) -> String {
        let mut lines = format!("x-mark: {}\r\n", self.mark);
        let mut line = |name: &str, value: String| write!(lines, "{name}: {value}\r\n").expect("to write");
        if let Some(control) = &self.control {
            line("cache-control", control.text());
        }
        if self.varies {
            line("vary", "x-lang".to_owned());
        }
        if let Some(tag) = &self.tag {
            line("etag", tag.clone());
        }
        if let Some(modified) = self.modified {
            line("last-modified", date(i64::try_from(modified).expect("a moment")));
        }
        if let Some(age) = self.age {
            line("age", age.to_string());
        }
        lines
    }
}

#[derive(Clone, Debug, Default)]
struct Resource {
    version: u64,
    /// When this version came to be.
    since: u64,
    says: Says,
}

#[derive(Debug, Default)]
struct World {
    /// Seconds since the clock's start.
    now: u64,
    resources: HashMap<String, Resource>,
    /// How the next write is answered.
    write: Option<(Write, String)>,
    exchanges: Vec<Answered>,
    marks: u64,
}

/// A running origin.
pub(super) struct Origin {
    pub(super) scripted: Scripted,
    world: Arc<Mutex<World>>,
}

impl Origin {
    pub(super) async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let answering = Arc::clone(&world);
        let scripted = scripted(move |_, seen| lock(&answering).answer(seen)).await;
        Self { scripted, world }
    }

    pub(super) fn turn_to(&self, now: u64) {
        lock(&self.world).now = now;
    }

    pub(super) fn change(&self, path: &str, change: &Change) {
        let mut world = lock(&self.world);
        let now = world.now;
        let resource = world.resources.entry(path.to_owned()).or_default();
        // What it varies by is a matter of its content.
        if change.new_version || resource.says.varies != change.says.varies {
            (resource.version, resource.since) = (resource.version + 1, now);
        }
        resource.says = change.says.clone();
    }

    /// Says how the next write is answered; `named` is the URI that its answer names.
    pub(super) fn expect_write(&self, path: &str, write: &Write, named: String) {
        let mut world = lock(&self.world);
        let now = world.now;
        world.write = Some((write.clone(), named));
        if write.new_version {
            let resource = world.resources.entry(path.to_owned()).or_default();
            (resource.version, resource.since) = (resource.version + 1, now);
        }
    }

    /// The entity tag that a request in this language would meet now.
    pub(super) fn tag(&self, path: &str, lang: Option<u8>) -> String {
        let world = lock(&self.world);
        world.resources.get(path).cloned().unwrap_or_default().tag(lang_text(lang).as_deref())
    }

    /// What happened since the last time that this was asked.
    pub(super) fn exchanges(&self) -> Vec<Answered> {
        std::mem::take(&mut lock(&self.world).exchanges)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().expect("no panic")
}

pub(super) fn lang_text(lang: Option<u8>) -> Option<String> {
    lang.map(|lang| format!("l{lang}"))
}

impl Resource {
    fn content(&self, lang: Option<&str>) -> String {
        let lang = lang.filter(|_| self.says.varies).unwrap_or("none");
        format!("version {} for {lang}", self.version)
    }

    fn tag(&self, lang: Option<&str>) -> String {
        format!("\"{}\"", self.content(lang).replace(' ', "-"))
    }
}

impl World {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let mut words = seen.line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (answered, reply) = match method {
            "GET" | "HEAD" => self.read(method == "HEAD", path, seen),
            _ => self.written(),
        };
        self.exchanges.push(answered);
        Reply::Bytes(reply.into_bytes())
    }

    fn read(&mut self, head: bool, path: &str, seen: &Seen) -> (Answered, String) {
        self.marks += 1;
        let resource = self.resources.get(path).cloned().unwrap_or_default();
        let lang = seen.field("x-lang");
        let says = &resource.says;
        let mut said = Said {
            control: says.control.clone(),
            varies: says.varies,
            tag: says.tagged.then(|| resource.tag(lang)),
            modified: says.dated.then_some(resource.since),
            age: says.age,
            mark: self.marks,
        };
        let (status, body) = match says.status {
            Status::Ok => (200, resource.content(lang)),
            Status::NotFound => (404, "nothing for anyone".to_owned()),
            Status::Broken => (503, "broken".to_owned()),
        };
        if status == 503 {
            said = Said { mark: said.mark, ..Said::default() };
        } else if status == 200 && is_current(seen, &said) {
            let reply = format!("HTTP/1.1 304 Not Modified\r\n{}\r\n", said.lines());
            return (Answered::NotModified(said), reply);
        }
        let content = if head { "" } else { body.as_str() };
        let (length, lines) = (body.len(), said.lines());
        let reply = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{lines}\r\n{content}");
        (Answered::Whole { status, body, said }, reply)
    }

    fn written(&mut self) -> (Answered, String) {
        self.marks += 1;
        let (write, named) = self.write.take().expect("a write that was announced");
        let said = Said { control: write.control, mark: self.marks, ..Said::default() };
        let body = if write.status == 204 { String::new() } else { format!("written {}", self.marks) };
        let mut lines = said.lines();
        if let Some(Named::Here(field, _) | Named::Elsewhere(field, _)) = write.names {
            write!(lines, "{field}: {named}\r\n").expect("to write a string");
        }
        if write.status != 204 {
            write!(lines, "content-length: {}\r\n", body.len()).expect("to write a string");
        }
        let reply = format!("HTTP/1.1 {} x\r\n{lines}\r\n{body}", write.status);
        (Answered::Written { body, said }, reply)
    }
}

/// RFC 9110 section 13.2.2, for what this origin knows.
fn is_current(seen: &Seen, said: &Said) -> bool {
    match (seen.field("if-none-match"), seen.field("if-modified-since")) {
        (Some(tags), _) => said.tag.as_ref().is_some_and(|tag| tags.split(", ").any(|known| known == tag)),
        (None, Some(since)) => said.modified.is_some_and(|modified| {
            let moment = |text: &str| httpdate::parse_http_date(text).expect("a date");
            moment(&date(i64::try_from(modified).expect("a moment"))) <= moment(since)
        }),
        (None, None) => false,
    }
}
