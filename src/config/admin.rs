//! `[admin]`: where an operator asks a running proxy, and what has to be shown there.

use std::{
    fmt,
    io::{self, Read as _},
    net::SocketAddr,
    ops::RangeInclusive,
    path::PathBuf,
};

use super::{
    code::Code,
    diagnostic::{ConfigErrors, Fault, Location, quoted},
    item::Item,
    listen::{ListenAddress, parse_socket_address},
    reader::Table,
    server::Server,
};

/// The environment variable that holds the token where the config has none.
pub const TOKEN_VARIABLE: &str = "PLIMSOLL_ADMIN_TOKEN";

/// How long a token may be, in bytes. A shorter one could be found by trying.
const LENGTHS: RangeInclusive<usize> = 16..=1024;
/// What is right where a token is not.
const MAKE_ONE: &str = "make one: openssl rand -hex 32";

/// `[admin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where the admin interface is. Default: 127.0.0.1:9090.
    pub listen: SocketAddr,
    /// What who asks has to show; where there is none, the environment may have it.
    pub token: Option<TokenSource>,
}

impl Default for Admin {
    fn default() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 9090)))
    }
}

impl Admin {
    /// One that listens here, and has no token.
    pub const fn at(listen: SocketAddr) -> Self {
        Self { listen, token: None }
    }

    /// The token, read from its file where it is in one.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub fn token(&self) -> Result<Option<Token>, ConfigErrors> {
        match &self.token {
            None => Ok(None),
            Some(TokenSource::Here(token)) => Ok(Some(token.clone())),
            Some(TokenSource::File(file)) => file.read().map(Some),
        }
    }
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// In the config.
    Here(Token),
    /// In a file of its own, which is read when the proxy starts.
    File(TokenFile),
}

/// What opens the admin interface. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token: at least 16 characters, all of which a field of HTTP can carry.
    ///
    /// # Errors
    /// Why this is none, in words that do not repeat it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("the token is empty; {MAKE_ONE}"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("the token has a space or another character that no token has; {MAKE_ONE}"));
        }
        let (least, most) = (LENGTHS.start(), LENGTHS.end());
        match text.len() {
            length if length < *least => {
                Err(format!("the token has {length} characters, and {least} are the least; {MAKE_ONE}"))
            }
            length if length > *most => {
                Err(format!("the token has {length} characters, and {most} are the most; {MAKE_ONE}"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The token itself, for who compares or presents it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A file with a token in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile {
    path: PathBuf,
    /// Where the config names it: who asks for it, and the place there.
    named_by: (String, Option<Location>),
}

impl TokenFile {
    /// One that a flag names.
    pub fn of_flag(flag: &str, path: PathBuf) -> Self {
        Self { path, named_by: (flag.to_owned(), None) }
    }

    /// The token in it, without the line end after it.
    ///
    /// # Errors
    /// It cannot be read, or holds no token.
    pub fn read(&self) -> Result<Token, ConfigErrors> {
        let shown = quoted(&self.path.display().to_string());
        let fault = match self.text() {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                match Token::parse(text.strip_suffix('\r').unwrap_or(text)) {
                    Ok(token) => return Ok(token),
                    Err(why) => Fault::new(Code::BadToken, format!("in the file {shown}: {why}"), ""),
                }
            }
            Err(error) => Fault::new(
                Code::UnreadableToken,
                format!("the file {shown} cannot be read: {error}"),
                "name a file that plimsoll's user may read, with nothing but the token in it",
            ),
        };
        let (subject, location) = self.named_by.clone();
        Err(ConfigErrors::one(fault.of_subject(&subject, location)))
    }

    /// What is in it, as far as a token may go.
    fn text(&self) -> io::Result<String> {
        let most = LENGTHS.end() + "\r\n".len() + 1;
        let mut text = String::new();
        std::fs::File::open(&self.path)?.take(most as u64).read_to_string(&mut text)?;
        Ok(text)
    }
}

/// Reads `[admin]`, where it is there.
pub(crate) fn read_admin(table: &Table<'_, '_>, server: &Server) -> Option<Admin> {
    let listen = table.read_or("listen", Admin::default().listen, |item| {
        let address = item.parse("an address", parse_socket_address)?;
        if server.listen.iter().any(|other| other.collides(&ListenAddress::Tcp(address))) {
            let message = format!("the server listens on `{address}` as well");
            item.fail(Fault::new(
                Code::DuplicateListen,
                message,
                "give the admin interface a port of its own",
            ));
        }
        Some(address)
    });
    let admin = Admin { listen, token: read_token(table) };
    if !listen.ip().is_loopback() && table.get("token").is_none() && table.get("token_file").is_none() {
        let message = format!("other machines can reach `{listen}`, and there is no token here");
        let help = format!("add token_file, or set {TOKEN_VARIABLE}: without a token it does not start");
        table.warn_at("listen", Fault::new(Code::NoAdminToken, message, help));
    }
    table.is_present().then_some(admin)
}

fn read_token(table: &Table<'_, '_>) -> Option<TokenSource> {
    let here = table.get("token");
    if let (Some(_), Some(file)) = (&here, table.get("token_file")) {
        let message = "there are both `token` and `token_file`";
        file.fail_key(Fault::new(Code::TwoTokens, message, "remove one of them"));
        return None;
    }
    // A fault is shown at the key: the value is nobody's business.
    let token = |item: &Item<'_, '_>| match item.as_str().map(Token::parse) {
        Some(Ok(token)) => Some(TokenSource::Here(token)),
        Some(Err(why)) => {
            item.fail_key(Fault::new(Code::BadToken, why, "or name a file with token_file"));
            None
        }
        None => item.wrong_type("a token", "write the token in quotes, or name a file with token_file"),
    };
    here.and_then(|item| token(&item)).or_else(|| table.read("token_file", read_file))
}

fn read_file(item: &Item<'_, '_>) -> Option<TokenSource> {
    let path = item.parse("a path", |text| {
        if text.is_empty() || text.contains('\0') {
            let message = format!("{} is not the path of a file", quoted(text));
            return Err(Fault::new(Code::BadToken, message, "write \"/run/secrets/plimsoll\""));
        }
        Ok(PathBuf::from(text))
    })?;
    let (subject, location) = item.origin();
    Some(TokenSource::File(TokenFile { path, named_by: (subject, Some(location)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "0123456789abcdef";

    fn file(content: &[u8]) -> Result<Token, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, content).unwrap();
        TokenFile::of_flag("--token-file", path).read().map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let token = Token::parse(GOOD).unwrap();
        let admin = Admin { token: Some(TokenSource::Here(token)), ..Admin::default() };
        assert!(!format!("{admin:?} {admin:#?}").contains("0123"));
        for bad in ["hunter2", "hunter2 hunter2 hunter2", "hünter2hünter2hünter2"] {
            assert!(!Token::parse(bad).unwrap_err().contains("nter"));
        }
    }

    #[test]
    fn short_long_and_unsendable_tokens_are_none() {
        assert!(Token::parse(GOOD).is_ok() && Token::parse(&"x".repeat(1024)).is_ok());
        for bad in
            ["", &GOOD[1..], &"x".repeat(1025), "0123456789 abcdef", "0123456789abcdef\n", "é123456789abcdef"]
        {
            assert!(Token::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_may_end_in_a_line_end() {
        for content in [GOOD.to_owned(), format!("{GOOD}\n"), format!("{GOOD}\r\n")] {
            assert_eq!(file(content.as_bytes()).unwrap().expose(), GOOD);
        }
    }

    #[test]
    fn a_file_without_a_token_says_so_and_does_not_repeat_what_is_in_it() {
        for content in
            [&b""[..], b"\n", b"hunter2\n", b"0123456789abcdef\n\n", b"\xff123456789abcdef", &[b'x'; 5000]]
        {
            let error = file(content).unwrap_err();
            assert!(error.starts_with("--token-file: error: "), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("xxx"), "{error}");
        }
        let missing = TokenFile::of_flag("--token-file", "no/such".into()).read().unwrap_err();
        assert_eq!(missing.errors[0].code, Code::UnreadableToken);
        assert!(missing.to_string().contains("no/such"), "{missing}");
    }
}
