//! State passed back to the client: a registration in three steps, of which the server remembers nothing. What was entered
//! so far travels in the URL, signed and with its end inside, so any instance shows any step, and a browser's back button
//! does what it says.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CACHE_CONTROL;
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Outcome, Refusal};
use super::clock::unix_seconds;
use super::language::Language;
use super::markup::{self, escape};
use super::request::{self, Parameters, Unreadable};
use super::world::World;

/// How long a registration may take, from its first step to its last.
const LIFE: Duration = Duration::from_mins(15);
const MAX_TEXT: usize = 100;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/registration", get(show))
}

/// What one step asks for.
struct Step {
    /// The name of the parameter that answers it.
    name: &'static str,
    label: &'static str,
    wants: &'static str,
    takes: fn(&str) -> bool,
}

static STEPS: [Step; 3] = [
    Step {
        name: "name",
        label: "Your name",
        wants: "a name is a line of 1 to 100 characters",
        takes: |text| request::is_line(text, MAX_TEXT),
    },
    Step {
        name: "email",
        label: "Your e-mail address",
        wants: "an e-mail address has an @ with something on both sides, and no blanks",
        takes: |text| {
            let around =
                text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
            request::is_line(text, MAX_TEXT) && around && !text.contains(char::is_whitespace)
        },
    },
    Step {
        name: "language",
        label: "Your language (english, french or german)",
        wants: "the language is english, french or german",
        takes: |text| Language::from_name(text).is_some(),
    },
];

/// What travels: the answers to the first steps, and when the registration ends, in seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    answers: Vec<String>,
    exp: u64,
}

/// The step that the state leads to; with the answer to that step in the query, the one after it.
async fn show(State(world): State<Arc<World>>, uri: Uri) -> Outcome {
    let now = world.now();
    let query = Parameters::of(&uri).map_err(refuse)?;
    let mut progress = Progress::read(&world, &query, now).map_err(refuse)?;
    let mut complaint = None;
    if let Some(step) = STEPS.get(progress.answers.len())
        && let Some(answer) = query.one(step.name).map_err(refuse)?
    {
        if (step.takes)(answer) {
            progress.answers.push(answer.to_owned());
        } else {
            complaint = Some(step.wants);
        }
    }
    let state = world.states.seal(&progress)?;
    let page = write(&progress, &state, complaint);
    if complaint.is_some() {
        return Ok(page.status(StatusCode::BAD_REQUEST));
    }
    // The page is good for as long as the state in it. It says so whether or not the origin is honest: only the origin
    // knows when a state ends, so no configuration of a cache could.
    Ok(page.field(CACHE_CONTROL, format!("max-age={}", progress.left(now).as_secs())))
}

impl Progress {
    /// What the state in the query says; without one a new registration begins.
    fn read(world: &World, query: &Parameters, now: SystemTime) -> Result<Self, Unreadable> {
        let Some(state) = query.one("state")? else {
            return Ok(Self { answers: Vec::new(), exp: unix_seconds(now + LIFE) });
        };
        let open = |progress: &Self| !progress.left(now).is_zero();
        world.states.open(state).filter(open).ok_or_else(|| {
            let message = "this state was changed on its way, or it has ended";
            Unreadable::new(StatusCode::BAD_REQUEST, message)
        })
    }

    /// How long the registration may still take; no time if it has ended.
    fn left(&self, now: SystemTime) -> Duration {
        Duration::from_secs(self.exp).saturating_sub(now.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

fn write(progress: &Progress, state: &str, complaint: Option<&str>) -> Answer {
    let mut body = String::new();
    if let Some(complaint) = complaint {
        // Writing to a string cannot fail.
        let _ = writeln!(body, "<p>{}.</p>", escape(complaint));
    }
    if !progress.answers.is_empty() {
        body.push_str("<table>\n");
        for (step, answer) in STEPS.iter().zip(&progress.answers) {
            let _ = writeln!(body, "<tr><th>{}</th><td>{}</td></tr>", escape(step.label), escape(answer));
        }
        body.push_str("</table>\n");
    }
    match STEPS.get(progress.answers.len()) {
        Some(Step { name, label, .. }) => {
            let _ = write!(
                body,
                "<form action=\"/registration\">\n<input type=\"hidden\" name=\"state\" value=\"{state}\">\n\
                 <p><label>{} <input name=\"{name}\" maxlength=\"{MAX_TEXT}\" required></label></p>\n\
                 <p><button>Continue</button></p>\n</form>\n",
                escape(label)
            );
        }
        None => body.push_str(
            "<p>That is all. The server remembers nothing of it: the state in the link below is all there is, until \
             somebody posts it.</p>\n",
        ),
    }
    let _ = writeln!(
        body,
        "<p><a rel=\"self\" href=\"/registration?state={state}\">This step</a> \
         <a rel=\"start\" href=\"/registration\">Start again</a></p>"
    );
    let title = match progress.answers.len() {
        done if done < STEPS.len() => format!("Registration, step {} of {}", done + 1, STEPS.len()),
        _ => "Registration, complete".to_owned(),
    };
    markup::page(&title, &body)
}

fn refuse(Unreadable { status, message }: Unreadable) -> Refusal {
    let message = escape(&message);
    let body =
        format!("<p>Sorry: {message}.</p>\n<p><a rel=\"start\" href=\"/registration\">Start again</a></p>\n");
    markup::page("Registration", &body).status(status).into()
}
