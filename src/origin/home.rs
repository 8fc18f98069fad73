//! The page of links: what there is to ask for, at which level, as whom, and with what content.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CONTENT_SECURITY_POLICY;

use super::accounts::{ACCOUNTS, Account};
use super::answer::{Answer, Outcome};
use super::world::World;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/", get(show))
}

/// One line of the page.
struct Row {
    /// The level, or a word where there is none.
    level: &'static str,
    method: &'static str,
    /// Written as it can be asked for; a link if the method is GET.
    target: &'static str,
    does: &'static str,
    /// The content to send.
    content: &'static str,
}

const fn look(level: &'static str, target: &'static str, does: &'static str) -> Row {
    Row { level, method: "GET", target, does, content: "" }
}

const fn change(
    method: &'static str,
    target: &'static str,
    does: &'static str,
    content: &'static str,
) -> Row {
    Row { level: "unsafe", method, target, does, content }
}

const LOGIN: &str = r#"{"username":"alice","password":"password123"}"#;

static ROWS: [Row; 25] = [
    look(
        "1",
        "/warehouse/sales/2012",
        "the totals of a closed year, from 1998 on; the running year and later are 404",
    ),
    look(
        "1",
        "/product/1234&language=french",
        "a product's text, with the language in the path (english, french, german)",
    ),
    look("1", "/product/1234?language=french", "the same text, with the language in the query"),
    look("2", "/picture.bmp", "a bitmap that is redrawn at times"),
    change("PUT", "/picture.bmp", "replaces it", "Content-Type: image/bmp, at most 1 MiB"),
    change("DELETE", "/picture.bmp", "takes it offline: 404 from then on", ""),
    look("2", "/product/1234", "price and stock of products 1234 to 1237"),
    change("PUT", "/product/1234", "sets them, or makes a new product", r#"{"price":49.9,"stock":7}"#),
    change("DELETE", "/product/1234", "deletes it: 410 from then on", ""),
    look("2", "/cart/5678", "a cart, named in the URL"),
    look("2", "/user/4567/preferences", "the language that a user prefers"),
    look("2", "/load/1024", "that many bytes"),
    look("2", "/load/1024?delay=250ms&jitter=50ms", "after a delay, and up to so much more by chance"),
    look("2", "/load/1024?status=503", "under any status from 200 to 599"),
    look("2", "/load/1024?chunked=true", "with its length left unsaid"),
    look(
        "2",
        "/load/1024?fail=truncate",
        "with a fault: reset-before-head, close-before-head, stall-before-head, or after half of the content reset, \
         truncate, stall. Other parameters are ignored, so that any number of targets can be made",
    ),
    change("POST", "/stateless/login", "gives a Bearer token that is good for an hour", LOGIN),
    look(
        "3",
        "/level3/product/1234",
        "the product for who may see it, 403 for others (bob may not see 1234, nor alice 1236)",
    ),
    look("3", "/publicity", "what the account behind the token is thought to like"),
    look("3", "/my-cart", "the caller's cart"),
    look("3", "/level3/greeting/1234", "the product's text in the caller's preferred language"),
    change(
        "POST",
        "/stateful/login",
        "begins a session, in a cookie that is good for twelve hours here",
        LOGIN,
    ),
    look("4", "/level4/product/1234", "the product's text in the language of the session"),
    change("PUT", "/level4/preferences", "chooses the language of the session", r#"{"language":"french"}"#),
    look("5", "/random", "a random number"),
];

const TOP: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>The sample origin</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #bbb; padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
</style>
</head>
<body>
<h1>The sample origin</h1>
<p>One endpoint for each kind of statefulness. A level says what an answer depends on, beyond the request itself:
1 nothing, 2 time, 3 who asks, 4 the session, 5 chance.</p>
<p>Level 3 wants <code>Authorization: Bearer</code> and the token of the stateless login, level 4 the cookie of the
stateful one. Content is JSON, with <code>Content-Type: application/json</code>, where nothing else is said. Every
response says in <code>X-Origin-Requests</code> how many requests this instance has answered.</p>
";

async fn show(State(world): State<Arc<World>>) -> Outcome {
    let mut page = String::from(TOP);
    page.push_str(
        "<table>\n<tr><th>Level</th><th>Request</th><th>What it does</th><th>Content to send</th></tr>\n",
    );
    for row in &ROWS {
        write_row(&mut page, row);
    }
    page.push_str("</table>\n<h2>Users</h2>\n<table>\n<tr><th>Name</th><th>Password</th><th>User</th><th>Cart</th></tr>\n");
    for account in &ACCOUNTS {
        write_account(&mut page, account);
    }
    page.push_str("</table>\n</body>\n</html>\n");
    let answer = Answer::whole("text/html; charset=utf-8", page).modified(world.began);
    Ok(answer.field(CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
}

fn write_row(page: &mut String, row: &Row) {
    let Row { level, method, .. } = row;
    let [target, does, content] = [row.target, row.does, row.content].map(escape);
    let content = if content.is_empty() { content } else { format!("<code>{content}</code>") };
    let target = match *method {
        "GET" => format!("<a href=\"{target}\">{target}</a>"),
        _ => target,
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "<tr><td>{level}</td><td><code>{method} {target}</code></td><td>{does}</td><td>{content}</td></tr>"
    );
}

fn write_account(page: &mut String, account: &Account) {
    let Account { username, password, user, cart, .. } = account;
    let _ = writeln!(
        page,
        "<tr><td>{username}</td><td><code>{password}</code></td>\
         <td><a href=\"/user/{user}/preferences\">{user}</a></td><td><a href=\"/cart/{cart}\">{cart}</a></td></tr>"
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
