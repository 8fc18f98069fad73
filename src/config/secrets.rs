//! The text of a config as messages may show it: without tokens. A message shows the line that it is about, and a log keeps
//! it.
//!
//! It goes by the look of a line, not by what the parser made of it: a line that is no TOML may hold a token as well. It
//! rather hides too much than too little.

use std::borrow::Cow;

/// The keys of `[admin]` that anybody may see. A mistyped key may have the token as its value.
const PUBLIC: [&str; 2] = ["listen", "token_file"];

/// The text with each byte of what could be a token replaced, so that all else stays in its place.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains("token") && !text.contains("admin") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut in_admin = false;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        if start.starts_with('[') {
            in_admin = start.trim_start_matches(['[', ' ', '\t', '"', '\'']).starts_with("admin");
        }
        let visible = secret_of(line, in_admin).unwrap_or(line.len());
        let (open, secret) = line.split_at(visible);
        shown.push_str(open);
        for c in secret.chars() {
            match c {
                ' ' | '\t' | '\r' | '\n' | '=' | '"' | '\'' => shown.push(c),
                _ => shown.extend(std::iter::repeat_n('*', c.len_utf8())),
            }
        }
    }
    Cow::Owned(shown)
}

/// Where in this line what could be a token begins.
fn secret_of(line: &str, in_admin: bool) -> Option<usize> {
    if in_admin {
        let start = line.len() - line.trim_start().len();
        let key = line.get(start..)?;
        let end = key.find(['=', ' ', '\t', '\r', '\n']).unwrap_or(key.len());
        let name = key.get(..end)?.trim_matches(['"', '\'']);
        if !PUBLIC.contains(&name) && !name.starts_with(['#', '[']) {
            return Some(start + end);
        }
    }
    line.match_indices("token").find_map(|(at, word)| {
        let before = line.get(..at)?.chars().next_back();
        let is_key = before.is_none_or(|c| matches!(c, ' ' | '\t' | '{' | ',' | '.' | '"' | '\''));
        let after = line.get(at + word.len()..)?;
        let rest = after.trim_start_matches(['"', '\'', ' ', '\t']);
        (is_key && rest.starts_with('=')).then_some(line.len() - rest.len() + 1)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_a_token_is_hidden_and_all_else_stays_in_its_place() {
        for (text, shown) in [
            ("[admin]\ntoken = \"hunter2\" # mine\n", "[admin]\ntoken = \"*******\" * ****\n"),
            ("[admin]\ntokn=hunter2\r\nlisten = \"a\"\n", "[admin]\ntokn=*******\r\nlisten = \"a\"\n"),
            ("admin.token = 'hünter2'", "admin.token = '********'"),
            (
                "admin = { \"token\" = \"h\", listen = \"a\" }",
                "admin = { \"token\" = \"*\"* ****** = \"*\" *",
            ),
            (
                "[admin]\ntoken_file = \"/a\"\n# token is here\n",
                "[admin]\ntoken_file = \"/a\"\n# token is here\n",
            ),
            (
                "path = \"/a&token={token}\"\nuser = [\"cookie:token\"]\n",
                "path = \"/a&token={token}\"\nuser = [\"cookie:token\"]\n",
            ),
            (
                "[admin]\ntoken = \"a\"\n[origin]\nurl = \"a\"\n",
                "[admin]\ntoken = \"*\"\n[origin]\nurl = \"a\"\n",
            ),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }
    proptest! {
        #[test]
        fn nothing_moves_whatever_the_text(text in "(\\[|admin|\\]|token|_file|listen|=|\"|'|é|\n|\r| |#|x|\\{|,|\\.){0,40}") {
            let shown = masked(&text);
            prop_assert_eq!(shown.len(), text.len());
            for (shown, meant) in shown.bytes().zip(text.bytes()) {
                prop_assert!(shown == meant || (shown == b'*' && meant != b'\n'));
            }
        }
    }
}
