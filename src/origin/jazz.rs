//! Jazz artists: a search in a register that was closed at the end of 2013. Every request is answered by itself, also the
//! one that makes no sense: it gets a resource whose links lead to one that does.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CACHE_CONTROL;
use http::{StatusCode, Uri};

use super::answer::{Answer, Level, Outcome, Refusal};
use super::markup::Xml;
use super::request::{self, Parameters, Unreadable};
use super::world::{World, fixtures_written};

/// First name, last name, and the Grammys won in competition.
const ARTISTS: [(&str, &str, u16); 9] = [
    ("Louis", "Armstrong", 1),
    ("Dave", "Brubeck", 0),
    ("John", "Coltrane", 1),
    ("Miles", "Davis", 8),
    ("Bill", "Evans", 7),
    ("Herbie", "Hancock", 14),
    ("Wynton", "Marsalis", 9),
    ("Thelonious", "Monk", 0),
    ("Charlie", "Parker", 1),
];
const NAMESPACES: [(&str, &str); 2] = [
    ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xmlns:xsd", "http://www.w3.org/2001/XMLSchema"),
];
const MAX_NAME: usize = 100;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/jazz", get(search))
}

/// What is looked for; what is not said does not matter.
#[derive(Debug)]
struct Wanted {
    firstname: Option<String>,
    lastname: Option<String>,
    grammys: Option<u16>,
}

async fn search(uri: Uri) -> Outcome {
    let wanted = Wanted::parse(&uri).map_err(refuse)?;
    let found = ARTISTS.iter().filter(|artist| wanted.is(artist));
    let document = found.fold(Xml::new("JazzArtists", &NAMESPACES), |document, (first, last, grammys)| {
        let grammys = grammys.to_string();
        document.element("JazzArtist", |xml| {
            let xml = xml.text("firstname", first).text("lastname", last).text("grammys", &grammys);
            link(xml, "self", &format!("/jazz?firstname={first}&lastname={last}&grammys={grammys}"))
        })
    });
    Ok(write(document).at(Level::Permanent).modified(fixtures_written()))
}

impl Wanted {
    fn parse(uri: &Uri) -> Result<Self, Unreadable> {
        let wrong = |message| Unreadable::new(StatusCode::BAD_REQUEST, message);
        let query = Parameters::of(uri)?;
        let name = |which| match query.one(which)? {
            Some(name) if !request::is_line(name, MAX_NAME) => {
                Err(wrong("a name is a line of 1 to 100 characters"))
            }
            name => Ok(name.map(str::to_owned)),
        };
        let (firstname, lastname) = (name("firstname")?, name("lastname")?);
        let grammys = match query.one("grammys")? {
            Some(number) => {
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                let parsed = number.parse().ok().filter(|_| digits);
                Some(parsed.ok_or_else(|| wrong("grammys is a number from 0 to 65535"))?)
            }
            None => None,
        };
        Ok(Self { firstname, lastname, grammys })
    }

    fn is(&self, (first, last, grammys): &(&str, &str, u16)) -> bool {
        self.firstname.as_ref().is_none_or(|wanted| wanted == first)
            && self.lastname.as_ref().is_none_or(|wanted| wanted == last)
            && self.grammys.is_none_or(|wanted| wanted == *grammys)
    }
}

/// The error as a resource. It says no-cache whether or not the origin is honest, as the service of the example does.
fn refuse(Unreadable { status, message }: Unreadable) -> Refusal {
    let document = Xml::new("JazzArtists", &NAMESPACES).text("error", &message);
    write(document).status(status).at(Level::Permanent).field(CACHE_CONTROL, "no-cache").into()
}

/// The document with the two links that every answer has: to all artists, and how to search.
fn write(document: Xml) -> Answer {
    let document = link(document, "/jazz/rel/home", "/jazz");
    let template = "/jazz?firstname={firstname}&lastname={lastname}&grammys={grammys}";
    link(document, "/jazz/rel/search", template).answer()
}

fn link(document: Xml, rel: &str, href: &str) -> Xml {
    document.empty("link", &[("rel", rel), ("href", href), ("type", "application/xml")])
}
