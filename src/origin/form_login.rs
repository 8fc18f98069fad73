//! Login by an HTML form: `GET /login` shows it, `POST /login` begins a session on the server and sends the browser to the
//! home page. The session is that of the stateful shop.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;
use http::header::{LOCATION, SET_COOKIE, WWW_AUTHENTICATE};

use super::accounts;
use super::answer::{Answer, Level, Outcome, Refusal};
use super::markup;
use super::request;
use super::sessions::{self, CHALLENGE, InSession};
use super::world::World;

const FORM: &str = "<form method=\"post\" action=\"/login\">
<p><label>Username <input name=\"username\" autocomplete=\"username\" required></label></p>
<p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label></p>
<p><button>Log in</button></p>
</form>
<p><a href=\"/\">Home</a></p>
";

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/login", get(show).post(log_in))
}

/// The form, with a word about whether the session is logged in already.
async fn show(State(world): State<Arc<World>>, session: Result<InSession, Refusal>) -> Outcome {
    let name =
        session.and_then(|session| sessions::within(&world, &session, |session| session.account.username));
    let notice = match name {
        Ok(name) => format!("You are logged in as {}.", markup::escape(name)),
        Err(_) => "You are not logged in.".to_owned(),
    };
    Ok(write(&notice))
}

async fn log_in(State(world): State<Arc<World>>, request: Request) -> Outcome {
    let form = request::form(request).await?;
    let text = |name| form.one(name).map(Option::unwrap_or_default);
    let Some(account) = accounts::log_in(text("username")?, text("password")?) else {
        let again = write("This is not the name and the password of a user.");
        return Err(again.status(StatusCode::UNAUTHORIZED).field(WWW_AUTHENTICATE, CHALLENGE).into());
    };
    let cookie = sessions::begin(&world, account)?;
    // 302 is what the redirect of the example gives; browsers go on with GET after it, as after 303.
    let redirect = Answer::empty(StatusCode::FOUND).field(LOCATION, "/").field(SET_COOKIE, cookie);
    Ok(redirect.at(Level::Session))
}

fn write(notice: &str) -> Answer {
    markup::page("Login", &format!("<p>{notice}</p>\n{FORM}")).at(Level::Session)
}
