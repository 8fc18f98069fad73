//! Sessions: two of one user, and what becomes of them when the instance is lost that remembers them.

use std::io;

use super::{About, Ask, JSON, Pair, ask, both, credentials, login, row, unshared};
use crate::cli::demo::{Row, stage::Stage};

/// Level 4: one user, two sessions, two answers.
pub(super) async fn by_session(stage: &Stage, rows: &mut Vec<Row>) -> io::Result<()> {
    let (first, second) = (session(stage).await?, session(stage).await?);
    let (first, second) = ([("cookie", first.as_str())], [("cookie", second.as_str())]);
    for (session, choice) in [(first, r#"{"language":"french"}"#), (second, r#"{"language":"english"}"#)] {
        let fields = [session[0], JSON[0]];
        ask(stage, Ask::get("/level4/preferences").with("PUT", &fields, choice)).await?;
    }
    let target = "/level4/product/1234";
    let pair = both(stage, [Ask::get(target).by(&first), Ask::get(target).by(&second)]).await?;
    let about = About::level("session preferences", 4, "the session hides the choice");
    rows.push(row(about, format!("GET {target} (two sessions)"), &pair, &unshared(&pair)));
    Ok(())
}

/// The stateless shop goes on after the loss of an instance; the stateful one has forgotten everybody.
pub(super) async fn losing_an_instance(stage: &Stage, rows: &mut Vec<Row>, alice: &str) -> io::Result<()> {
    let cookie = session(stage).await?;
    let in_session = [("cookie", cookie.as_str()), JSON[0]];
    let with_token = [("authorization", alice), JSON[0]];
    ask(
        stage,
        Ask::get("/stateful/cart").with("POST", &in_session, r#"{"item":{"id":"book1","quantity":2}}"#),
    )
    .await?;
    let order = r#"{"cartItems":[{"id":"book1","quantity":2}],"paymentDetails":{"method":"credit_card"}}"#;
    let checkout = Ask::get("/stateless/checkout").with("POST", &with_token, order);
    let cart = Ask::get("/stateful/cart").by(&in_session);

    let before = stage.fetches();
    let (token_before, session_before) = (ask(stage, checkout).await?, ask(stage, cart).await?);
    stage.lose_instance();
    let (token_after, session_after) = (ask(stage, checkout).await?, ask(stage, cart).await?);
    let reached = stage.fetches() - before == 4;

    let pair = Pair { first: token_before, second: token_after, fetches: 2 };
    let demands = [
        (reached, "the origin should be asked each time"),
        (pair.first.status == 200, "the order should be processed"),
        (pair.second.body == pair.first.body, "the other instance should process it as well"),
    ];
    let about = About::method("stateless shop", "an instance is lost: no harm");
    rows.push(row(about, "POST /stateless/checkout".to_owned(), &pair, &demands));

    let pair = Pair { first: session_before, second: session_after, fetches: 2 };
    let demands = [
        (pair.first.status == 200, "the cart should be there"),
        (pair.second.status == 401, "the other instance should not know the session"),
    ];
    let about = About::level("stateful shop", 4, "an instance is lost: so is the login");
    rows.push(row(about, "GET /stateful/cart".to_owned(), &pair, &demands));
    Ok(())
}

/// The cookie of a new session of alice's.
async fn session(stage: &Stage) -> io::Result<String> {
    let answer = ask(stage, login("/stateful/login", &credentials("alice", "password123"))).await?;
    Ok(answer.field("set-cookie").split(';').next().unwrap_or_default().to_owned())
}
