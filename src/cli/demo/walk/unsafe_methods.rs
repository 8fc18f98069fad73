//! Writes: they pass through, and end what is stored for their target.

use std::io;

use super::{About, Ask, JSON, Pair, ask, both, is_hit, row, says};
use crate::cli::demo::{Row, stage::Stage};

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// Writes, and logins.
pub(super) async fn walk(stage: &Stage, rows: &mut Vec<Row>) -> io::Result<()> {
    rows.push(
        write(stage, "a write invalidates", "/product/1234", "PUT", &JSON, r#"{"price":9.5,"stock":3}"#)
            .await?,
    );
    let bank = "/bank/transferforms/dlwelch";
    rows.push(write(stage, "bank transfer forms", bank, "POST", &FORM, "to=sailmaker&amount=12.50").await?);
    rows.push(post_twice(stage, &format!("{bank}/pending/1235")).await?);
    rows.push(form_login(stage).await?);
    Ok(())
}

/// A stored answer is a hit, and is fetched anew after a write.
async fn write(
    stage: &Stage,
    system: &'static str,
    target: &str,
    method: &'static str,
    fields: &[(&str, &str)],
    content: &str,
) -> io::Result<Row> {
    ask(stage, Ask::get(target)).await?;
    let before = stage.fetches();
    let first = ask(stage, Ask::get(target)).await?;
    let written = ask(stage, Ask::get(target).with(method, fields, content)).await?;
    let second = ask(stage, Ask::get(target)).await?;
    // The write itself reaches the origin, as it must.
    let pair = Pair { first, second, fetches: stage.fetches() - before - 1 };
    let demands = [
        (written.status.is_success() && says(&written, "fwd=method"), "the write should pass through"),
        (is_hit(&pair.first), "the answer should be a hit before the write"),
        (says(&pair.second, "fwd=uri-miss; stored"), "the answer should be fetched anew after the write"),
        (pair.first.body != pair.second.body, "the new answer should show the write"),
    ];
    let about = About::level(system, 2, "the write ends what is stored");
    Ok(row(about, format!("GET {target}, {method}, GET"), &pair, &demands))
}

/// A transfer is posted once, however often the client repeats itself.
async fn post_twice(stage: &Stage, target: &str) -> io::Result<Row> {
    let pair = both(stage, [Ask::get(target).with("POST", &[], ""); 2]).await?;
    let demands = [
        (says(&pair.first, "fwd=method") && says(&pair.second, "fwd=method"), "both should pass through"),
        (pair.first.status.is_success(), "the first should post the transfer"),
        (pair.second.status == 410, "the second should learn that it is gone, with links to go on"),
    ];
    let about = About::method("bank transfer", "repeating it does no harm");
    Ok(row(about, format!("POST {target}"), &pair, &demands))
}

async fn form_login(stage: &Stage) -> io::Result<Row> {
    let right = Ask::get("/login").with("POST", &FORM, "username=alice&password=password123");
    let wrong = Ask::get("/login").with("POST", &FORM, "username=alice&password=guess");
    let pair = both(stage, [right, wrong]).await?;
    let demands = [
        (pair.first.status.is_redirection(), "the right password should lead on"),
        (!pair.first.field("set-cookie").is_empty(), "a session should be made"),
        (pair.second.status == 401, "the wrong password should be refused"),
    ];
    let about = About::method("form login", "a session is made");
    Ok(row(about, "POST /login (right, wrong password)".to_owned(), &pair, &demands))
}
