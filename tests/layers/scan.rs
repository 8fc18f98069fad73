//! A reader of Rust source that knows just enough for the rules of the house: words, paths, and which of them are
//! tests. It is no parser: what it cannot tell apart it shows, so that a rule rather fires too often than too seldom.

/// A word or a sign of the source; `::` is one sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path as it is written, those of a nested `use` unfolded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether it stands in a `use`.
    pub(crate) imported: bool,
}

/// What the rules need to know about a file.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The tokens, without comments, literals and `#[cfg(test)]` items.
    pub(crate) tokens: Vec<Token>,
    /// The paths among them.
    pub(crate) paths: Vec<Path>,
    /// Modules that are declared for tests only, in files of their own.
    pub(crate) test_modules: Vec<String>,
}

/// Reads one file.
pub(crate) fn scan(source: &str) -> Scanned {
    let (tokens, test_modules) = without_tests(&tokens(&blank(source)));
    Scanned { paths: paths(&tokens), tokens, test_modules }
}

/// The source with spaces in place of comments and of what literals hold. Lines stay where they are.
pub(crate) fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let after = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => end_of_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_block(&chars, at),
            '"' => end_of_string(&chars, at),
            '\'' => end_of_char(&chars, at),
            'r' if !is_word_before(&chars, at) => end_of_raw(&chars, at),
            _ => at,
        };
        if after == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..after].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = after;
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `br` and `cr` begin raw literals too, so those two letters do not count as a word that goes on.
fn is_word_before(chars: &[char], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| chars.get(at)).copied();
    match before(1) {
        Some('b' | 'c') => before(2).is_some_and(is_word),
        Some(c) => is_word(c),
        None => false,
    }
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn end_of_block(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn end_of_string(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// The end of `'x'` or `'\n'`; a lifetime is no literal.
fn end_of_char(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), Some(_)) => {
            (at + 3..chars.len()).find(|i| chars[*i] == '\'').map_or(chars.len(), |i| i + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// The end of `r"..."` or `r#"..."#`; `r#word` is no literal.
fn end_of_raw(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return at;
    }
    let closes = |i: usize| {
        chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(|i| closes(*i)).map_or(chars.len(), |i| i + 1 + hashes)
}

fn tokens(blanked: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, text) in blanked.lines().enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token { text: rest[..length].to_owned(), line: number + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The tokens without `#[cfg(test)]` items, and the names of the modules among those that have files.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        let marked = tokens.len() - at >= MARK.len()
            && tokens[at..].iter().zip(MARK).all(|(token, mark)| token.text == mark);
        if !marked {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at + MARK.len());
        let item = &tokens[at + MARK.len()..end];
        if let [.., keyword, name, semicolon] = item
            && (keyword.text.as_str(), semicolon.text.as_str()) == ("mod", ";")
        {
            modules.push(name.text.clone());
        }
        at = end;
    }
    (kept, modules)
}

/// Behind the `;` or the closing brace of the item that begins here.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token.text == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Words that are never the end of a path, so that a `::` behind them begins one.
const KEYWORDS: [&str; 14] = [
    "use", "as", "return", "in", "dyn", "impl", "mut", "else", "match", "if", "while", "for", "let", "where",
];

fn paths(tokens: &[Token]) -> Vec<Path> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let is_name = |at: usize| text(at).chars().next().is_some_and(is_word) && !KEYWORDS.contains(&text(at));
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        // `impl Trait + use<'a>` is no import.
        if text(at) == "use" && text(at + 1) != "<" {
            at = tree(tokens, at + 1, &[], true, &mut found);
            continue;
        }
        let before = if at == 0 { "" } else { text(at - 1) };
        let goes_on = before == "::" && at >= 2 && (is_name(at - 2) || text(at - 2) == ">");
        if is_name(at) && before != "." && !goes_on {
            at = tree(tokens, at, &[], false, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one branch of a `use`, or one path, and says where it ends.
fn tree(tokens: &[Token], mut at: usize, stem: &[String], imported: bool, found: &mut Vec<Path>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut segments = stem.to_vec();
    if text(at) == "::" {
        at += 1;
    }
    loop {
        if text(at) == "{" {
            at += 1;
            while at < tokens.len() && text(at) != "}" {
                at = if text(at) == "," { at + 1 } else { tree(tokens, at, &segments, imported, found) };
            }
            return at + 1;
        }
        segments.push(text(at).to_owned());
        at += 1;
        let goes_on = text(at) == "::"
            && (matches!(text(at + 1), "{" | "*") || text(at + 1).chars().next().is_some_and(is_word));
        if !goes_on {
            break;
        }
        at += 1;
    }
    found.push(Path { segments, line, imported });
    if imported && text(at) == "as" { at + 2 } else { at }
}
