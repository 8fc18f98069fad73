//! The systems of the seeds behind the config that is shipped for them, in the seeds' words: shops with and without a
//! session, forms for people, a bank, and two searches.

mod bank;
mod forms;
mod searches;
mod shops;

use super::{
    sample_rows::{bypassed, house},
    twice,
};
use crate::support::{Answer, Ask, Proxy};

const BY_METHOD: &str = "fwd=method; route=default";

/// POST of JSON.
fn post_json(proxy: &Proxy, target: &str, content: &str) -> Ask {
    proxy.get(target).method("POST").field("content-type", "application/json").body(content.to_owned())
}

/// A request of that method with a form.
fn with_form(proxy: &Proxy, method: &str, target: &str, content: &str) -> Ask {
    let ask = proxy.get(target).method(method).field("content-type", "application/x-www-form-urlencoded");
    ask.body(content.to_owned())
}

/// The cookie that an answer sets, as a client sends it back.
fn cookie(answer: &Answer) -> String {
    let field = answer.field("set-cookie");
    let cookie = field.split(';').next().expect("a cookie");
    assert!(cookie.starts_with("session="), "{field}");
    cookie.to_owned()
}

/// Every value of this attribute in a document, in their order.
fn attributes(answer: &Answer, name: &str) -> Vec<String> {
    let text = answer.text();
    let beginning = format!(" {name}=\"");
    let values = text.split(beginning.as_str()).skip(1);
    values.map(|rest| rest.split('"').next().expect("a value").replace("&amp;", "&")).collect()
}
