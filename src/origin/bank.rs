//! Bank transfer forms: a transaction under way is a resource that the server keeps, not a session that it sits in. The
//! client follows links, in any order and at any time; what makes no sense is answered with a resource whose links lead
//! to what does. A transfer is posted once, however often its POST is repeated.
//!
//! A write to one transfer changes other resources of its account. The origin says so with the groups of RFC 9875, whether
//! or not it is honest: no cache could know from the URLs alone.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::routing::{any, get};
use http::header::{ALLOW, HeaderName, LOCATION};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Outcome, Refusal};
use super::honest;
use super::ledger::{Book, Cents, Form, Problem, Stage, Transfer};
use super::markup::Xml;
use super::request::{self, Parameters, Unreadable};
use super::world::{World, fixtures_written, lock};

const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");
const MAX_MEMO: usize = 140;
const MAX_ACCOUNT: usize = 32;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/bank", get(home))
        .route("/bank/accounts/{account}", get(account))
        .route("/bank/customers/{account}", get(customer))
        // The link of the example ends in a slash.
        .route("/bank/customers/{account}/", get(customer))
        .route("/bank/transferforms/{account}", get(list).post(create))
        .route("/bank/transferforms/{account}/pending", get(list_pending))
        .route("/bank/transferforms/{account}/posted", get(list_posted))
        .route(
            "/bank/transferforms/{account}/pending/{number}",
            get(show_pending).post(post).put(revise).delete(delete),
        )
        .route("/bank/transferforms/{account}/posted/{number}", get(show_posted))
        .route("/bank/", any(nothing))
        .route("/bank/{*rest}", any(nothing))
        .method_not_allowed_fallback(async |place: Place| place.wrong_method())
}

/// What a path under `/bank` names: an account that exists, if any, and the number of a transfer.
#[derive(Debug, Default)]
struct Place {
    account: String,
    number: u32,
}

impl FromRequestParts<Arc<World>> for Place {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let segments: Result<Path<Vec<String>>, _> = Path::from_request_parts(parts, world).await;
        let mut place = Self::default();
        let Ok(Path(segments)) = segments else {
            return Err(place.wrong(StatusCode::BAD_REQUEST, "the path is not percent-encoded UTF-8"));
        };
        let mut segments = segments.into_iter();
        if let Some(account) = segments.next() {
            lock(&world.ledger).book(&account).map_err(|problem| place.refuse(problem))?;
            place.account = account;
        }
        if let Some(number) = segments.next() {
            // Four digits or more, and no more zeros than that takes: a transfer has one name.
            let parsed = number.parse().ok().filter(|parsed| format!("{parsed:04}") == number);
            place.number = parsed.ok_or_else(|| place.refuse(Problem::NoTransfer))?;
        }
        Ok(place)
    }
}

async fn home(State(world): State<Arc<World>>) -> Outcome {
    let ledger = lock(&world.ledger);
    let document = ledger.names().fold(Xml::new("bank", &[]), |document, name| {
        document.element("account", |xml| {
            let xml = link(xml, "/bank/rel/accounts", &format!("/bank/accounts/{name}"));
            link(xml, "/bank/rel/transfers", &format!("/bank/transferforms/{name}"))
        })
    });
    Ok(link(document, "self", "/bank").answer().modified(fixtures_written()))
}

/// Whatever else is asked for below `/bank`.
async fn nothing() -> Refusal {
    Place::default().wrong(StatusCode::NOT_FOUND, "the bank has nothing here")
}

async fn account(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| {
        let document = Xml::new("account", &[]).text("name", &place.account);
        let document = document.text("balance", &book.balance.to_string()).text("currency", "EUR");
        let document = link(document, "self", &format!("/bank/accounts/{}", place.account));
        let document = link(document, "/bank/rel/transfers", &place.forms());
        let document = link(document, "/bank/rel/customers", &format!("/bank/customers/{}", place.account));
        Ok(link(document, "/bank/rel/home", "/bank").answer().modified(book.changed))
    })
}

/// Customers never change, so they are in no group.
async fn customer(place: Place) -> Outcome {
    let document = Xml::new("customer", &[]).text("account", &place.account);
    let document = link(document, "self", &format!("/bank/customers/{}", place.account));
    let document = link(document, "/bank/rel/accounts", &format!("/bank/accounts/{}", place.account));
    Ok(link(document, "/bank/rel/home", "/bank").answer().modified(fixtures_written()))
}

/// Every transfer of the account, in the order and with the fields of the example.
async fn list(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| {
        let document = Xml::new("transferforms", &[])
            .element("pending", |xml| place.entries(xml, book, Stage::Pending))
            .element("posted", |xml| place.entries(xml, book, Stage::Posted));
        let document = link(document, "self", &place.forms());
        let document = link(document, "up", &format!("/bank/accounts/{}", place.account));
        let document = link(document, "/bank/rel/home", "/bank");
        let document = link(document, "/bank/rel/create", &place.forms());
        let answer = document.answer().modified(book.changed);
        Ok(answer.field(ALLOW, "GET, HEAD, POST").field(LOCATION, place.forms()))
    })
}

async fn list_pending(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| Ok(place.list("pending", book, Stage::Pending)))
}

async fn list_posted(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| Ok(place.list("posted", book, Stage::Posted)))
}

async fn show_pending(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| place.pending(book))
}

async fn show_posted(State(world): State<Arc<World>>, place: Place) -> Outcome {
    place.read(&world, |book| place.posted(book))
}

async fn create(State(world): State<Arc<World>>, place: Place, request: Request) -> Outcome {
    let form = place.form(request).await?;
    let now = world.now();
    place.write(&world, |book| {
        let number = book.create(form, now)?;
        let created = Place { account: place.account.clone(), number };
        let answer = created.pending(book)?.status(StatusCode::CREATED);
        Ok(answer.field(LOCATION, created.uri(Stage::Pending)))
    })
}

async fn revise(State(world): State<Arc<World>>, place: Place, request: Request) -> Outcome {
    let fields = request.headers().clone();
    let form = place.form(request).await?;
    let now = world.now();
    place.write_pending(&world, &fields, |book| {
        book.revise(place.number, form, now)?;
        place.pending(book)
    })
}

async fn post(State(world): State<Arc<World>>, place: Place, fields: HeaderMap) -> Outcome {
    let now = world.now();
    place.write_pending(&world, &fields, |book| {
        book.post(place.number, now)?;
        let answer = place.posted(book)?.status(StatusCode::CREATED);
        Ok(answer.field(LOCATION, place.uri(Stage::Posted)))
    })
}

async fn delete(State(world): State<Arc<World>>, place: Place, fields: HeaderMap) -> Outcome {
    let now = world.now();
    place.write_pending(&world, &fields, |book| {
        book.delete(place.number, now)?;
        let document = Xml::new("deleted", &[]).text("number", &format!("{:04}", place.number));
        Ok(place.ways_out(document).answer())
    })
}

impl Place {
    /// Shows something of the account, as one of the account's group.
    fn read(&self, world: &World, show: impl FnOnce(&mut Book) -> Result<Answer, Problem>) -> Outcome {
        let shown = lock(&world.ledger).book(&self.account).and_then(show);
        let answer = shown.map_err(|problem| self.refuse(problem))?;
        Ok(answer.field(CACHE_GROUPS, self.group()))
    }

    /// Changes something of the account, and says that its whole group is out of date.
    fn write(&self, world: &World, change: impl FnOnce(&mut Book) -> Result<Answer, Problem>) -> Outcome {
        let changed = lock(&world.ledger).book(&self.account).and_then(change);
        let answer = changed.map_err(|problem| self.refuse(problem))?;
        Ok(answer.field(CACHE_GROUP_INVALIDATION, self.group()))
    }

    /// The same for a pending transfer, if the conditions of the request hold for it.
    fn write_pending(
        &self,
        world: &World,
        fields: &HeaderMap,
        change: impl FnOnce(&mut Book) -> Result<Answer, Problem>,
    ) -> Outcome {
        self.write(world, |book| {
            let current = self.pending(book)?;
            honest::permit(world, fields, Some(&current)).map_err(|_| Problem::Changed)?;
            change(book)
        })
    }

    async fn form(&self, request: Request) -> Result<Form, Refusal> {
        let read = async { read_form(&request::form(request).await?) };
        read.await.map_err(|wrong| self.wrong(wrong.status, &wrong.message))
    }

    fn pending(&self, book: &mut Book) -> Result<Answer, Problem> {
        Ok(self.transfer(book.pending(self.number)?))
    }

    fn posted(&self, book: &Book) -> Result<Answer, Problem> {
        Ok(self.transfer(book.posted(self.number)?))
    }

    fn transfer(&self, Transfer { form, stage, changed }: &Transfer) -> Answer {
        let document = Xml::new("transfer", &[])
            .text("number", &format!("{:04}", self.number))
            .text("stage", stage.name())
            .text("to", &form.to)
            .text("amount", &form.amount.to_string())
            .text("memo", &form.memo);
        let mut document = link(document, "self", &self.uri(*stage));
        document = link(document, "up", &self.forms());
        if *stage == Stage::Pending {
            document = link(document, "/bank/rel/post", &self.uri(*stage));
        }
        link(document, "/bank/rel/home", "/bank").answer().modified(*changed)
    }

    /// The transfers at one stage as a document of their own.
    fn list(&self, name: &'static str, book: &Book, stage: Stage) -> Answer {
        let document = self.entries(Xml::new(name, &[]), book, stage);
        let document = link(document, "up", &self.forms());
        link(document, "/bank/rel/home", "/bank").answer().modified(book.changed)
    }

    /// A link to each transfer at that stage, and one to all of them.
    fn entries(&self, xml: Xml, book: &Book, stage: Stage) -> Xml {
        let all = format!("{}/{}", self.forms(), stage.name());
        let xml = book.numbers(stage).fold(xml, |xml, number| {
            xml.element("transfer", |xml| link(xml, "self", &format!("{all}/{number:04}")))
        });
        link(xml, "self", &all)
    }

    fn refuse(&self, problem: Problem) -> Refusal {
        let (status, message) = match problem {
            Problem::NoAccount => (StatusCode::NOT_FOUND, "the bank has no account of this name"),
            Problem::NoTransfer => (StatusCode::NOT_FOUND, "the account has no transfer of this number here"),
            Problem::Gone => (StatusCode::GONE, "this transfer was pending once: it was posted or deleted"),
            Problem::Changed => (
                StatusCode::PRECONDITION_FAILED,
                "the transfer is not what the conditions of the request ask for",
            ),
            Problem::NotCovered => {
                (StatusCode::CONFLICT, "the account has less money than this transfer takes")
            }
            Problem::Full => {
                (StatusCode::INSUFFICIENT_STORAGE, "the account has as many transfers as the bank keeps")
            }
        };
        let answer = error(status, message, |xml| self.ways_out(xml));
        match problem {
            Problem::Gone => answer.field(LOCATION, self.uri(Stage::Pending)).into(),
            // There may be one after the next write.
            Problem::NoTransfer => answer.field(CACHE_GROUPS, self.group()).into(),
            _ => answer.into(),
        }
    }

    fn wrong(&self, status: StatusCode, message: &str) -> Refusal {
        error(status, message, |xml| self.ways_out(xml)).into()
    }

    /// 405; the router adds Allow.
    fn wrong_method(&self) -> Refusal {
        let message = "this resource does not answer this method; see the Allow field";
        self.wrong(StatusCode::METHOD_NOT_ALLOWED, message)
    }

    /// The four links of the example, which lead on from whatever went wrong.
    fn ways_out(&self, document: Xml) -> Xml {
        let account = &self.account;
        if account.is_empty() {
            return link(document, "/bank/rel/home", "/bank");
        }
        let document = link(document, "/bank/rel/transfers", &self.forms());
        let document = link(document, "/bank/rel/accounts", &format!("/bank/accounts/{account}"));
        let rel = format!("/bank/rel/customers/{account}/");
        let document = link(document, &rel, &format!("/bank/customers/{account}/"));
        link(document, "/bank/rel/home", "/bank")
    }

    fn forms(&self) -> String {
        format!("/bank/transferforms/{}", self.account)
    }

    fn uri(&self, stage: Stage) -> String {
        format!("{}/{}/{:04}", self.forms(), stage.name(), self.number)
    }

    /// The group of the account, as a list of one structured string.
    fn group(&self) -> String {
        format!("\"bank-{}\"", self.account)
    }
}

fn read_form(form: &Parameters) -> Result<Form, Unreadable> {
    let wrong = |message| Unreadable::new(StatusCode::BAD_REQUEST, message);
    let is_account = |to: &&str| {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=MAX_ACCOUNT).contains(&to.len()) && to.bytes().all(named)
    };
    let to = form.one("to")?.filter(is_account);
    let amount = form.one("amount")?.and_then(Cents::parse);
    let memo = form.one("memo")?.unwrap_or_default();
    if !memo.is_empty() && !request::is_line(memo, MAX_MEMO) {
        return Err(wrong("memo is a line of at most 140 characters"));
    }
    Ok(Form {
        to: to.ok_or_else(|| wrong("to is an account: letters, digits and hyphens"))?.to_owned(),
        amount: amount
            .ok_or_else(|| wrong("amount is a number such as 12.50, more than 0 and at most 1000000"))?,
        memo: memo.to_owned(),
    })
}

/// An error is a resource too.
fn error(status: StatusCode, message: &str, links: impl FnOnce(Xml) -> Xml) -> Answer {
    links(Xml::new("error", &[]).text("message", message)).answer().status(status)
}

fn link(document: Xml, rel: &str, uri: &str) -> Xml {
    document.empty("link", &[("rel", rel), ("type", "application/xml"), ("uri", uri)])
}
