//! The page of links: what there is to ask for, at which level, as whom, and with what content.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::accounts::{ACCOUNTS, Account};
use super::answer::Outcome;
use super::markup::{self, escape};
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
const TRANSFER: &str = "a form: to=sailmaker&amount=12.50&memo=New+jib";

static ROWS: [Row; 43] = [
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
    look(
        "1",
        "/jazz?firstname=Miles&lastname=Davis&grammys=8",
        "a search for jazz artists; each parameter may be left out, and a bad query is 400 with links",
    ),
    look("2", "/picture.bmp", "a bitmap that is redrawn at times"),
    change("PUT", "/picture.bmp", "replaces it", "Content-Type: image/bmp, at most 1 MiB"),
    change("DELETE", "/picture.bmp", "takes it offline: 404 from then on", ""),
    look("2", "/product/1234", "price and stock of products 1234 to 1237"),
    change("PUT", "/product/1234", "sets them, or makes a new product", r#"{"price":49.9,"stock":7}"#),
    change("DELETE", "/product/1234", "deletes it: 410 from then on", ""),
    look(
        "2",
        "/weather?city=London",
        "the weather in Amsterdam, Berlin, London, Montreal, New York or Paris, which drifts",
    ),
    look(
        "2",
        "/registration",
        "a form in three steps; what was entered travels in the URL, signed, for a quarter of an hour",
    ),
    look("2", "/bank", "a bank in XML, whose links lead on"),
    look(
        "2",
        "/bank/transferforms/dlwelch",
        "the transfers of an account: 1235 is pending, 0001 and 1234 are posted",
    ),
    change("POST", "/bank/transferforms/dlwelch", "makes a pending transfer, and numbers it", TRANSFER),
    look("2", "/bank/transferforms/dlwelch/pending/1235", "one of them; 410 if it was posted or deleted"),
    change("PUT", "/bank/transferforms/dlwelch/pending/1235", "fills it in anew", TRANSFER),
    change("POST", "/bank/transferforms/dlwelch/pending/1235", "posts it: once, and 410 from then on", ""),
    change("DELETE", "/bank/transferforms/dlwelch/pending/1235", "deletes it: 410 from then on", ""),
    look("2", "/bank/transferforms/dlwelch/posted/1234", "a transfer that was posted"),
    look("2", "/bank/accounts/dlwelch", "the balance of an account (there is also mhatch)"),
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
    change(
        "POST",
        "/stateless/checkout",
        "orders what the request holds, for the bearer of the token, on any instance",
        r#"{"cartItems":[{"id":"book1","quantity":2}],"paymentDetails":{"method":"credit_card"}}"#,
    ),
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
    change(
        "POST",
        "/stateful/cart",
        "puts an item into the cart of the session; 401 from an instance that did not see the login",
        r#"{"item":{"id":"book1","quantity":2}}"#,
    ),
    look("4", "/stateful/cart", "the cart of the session"),
    change("POST", "/stateful/checkout", "orders it, and empties the cart", ""),
    look("4", "/login", "a form that logs in, for browsers"),
    change(
        "POST",
        "/login",
        "what the form sends: begins a session and redirects to this page",
        "a form: username=alice&password=password123",
    ),
    look("4", "/level4/product/1234", "the product's text in the language of the session"),
    change("PUT", "/level4/preferences", "chooses the language of the session", r#"{"language":"french"}"#),
    look("5", "/random", "a random number"),
];

const ABOUT: &str = "<p>One endpoint for each kind of statefulness. A level says what an answer depends on, beyond the
request itself: 1 nothing, 2 time, 3 who asks, 4 the session, 5 chance.</p>
<p>Level 3 and the checkout of the stateless shop want <code>Authorization: Bearer</code> and the token of the stateless
login; level 4 and the stateful shop want the cookie of the stateful one, or of the form. Content is JSON, with
<code>Content-Type: application/json</code>, where nothing else is said; a form is
<code>application/x-www-form-urlencoded</code>. Every response says in <code>X-Origin-Requests</code> how many requests
this instance has answered.</p>
";

async fn show(State(world): State<Arc<World>>) -> Outcome {
    let mut page = String::from(ABOUT);
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
    page.push_str("</table>\n");
    Ok(markup::page("The sample origin", &page).modified(world.began))
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
