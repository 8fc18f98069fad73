//! The client of the admin place, for commands that ask a running proxy: JSON with a limit in time and size, the token
//! of `PLIMSOLL_ADMIN_TOKEN`, and errors that say what to do.

use std::{env, fmt, future::Future, path::Path, str::FromStr, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
    uri::Authority,
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{runtime, time::timeout};

use crate::{config::TokenFile, semantics::cache_status::CACHE_STATUS};

/// Where the token is, if the admin place wants one.
const TOKEN: &str = "PLIMSOLL_ADMIN_TOKEN";
/// How long a connection and the head of an answer may take, and then the rest of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const MOST: usize = 64 << 20;

/// Where an admin place is: `127.0.0.1:9090`, or `http://127.0.0.1:9090`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminAddress(Authority);

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = match text.split_once("://") {
            None => text,
            Some(("http", rest)) => rest.strip_suffix('/').unwrap_or(rest),
            Some(_) => return Err("the admin place speaks http: write 127.0.0.1:9090".to_owned()),
        };
        let authority = bare.parse::<Authority>().ok().filter(|authority| authority.port_u16().is_some());
        authority
            .filter(|authority| !authority.as_str().contains('@'))
            .map(Self)
            .ok_or_else(|| "write a host and a port: 127.0.0.1:9090".to_owned())
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum AdminError {
    /// No connection.
    Unreachable(AdminAddress, String),
    /// No answer in time.
    Timeout(AdminAddress),
    /// It wants a token, or another one.
    Unauthorized(AdminAddress, Token),
    /// What answers is not an admin place, or is one of another version.
    NotAdmin(AdminAddress, String),
    /// It says no, and why.
    Refused {
        /// With this status.
        status: StatusCode,
        /// In its own words.
        detail: String,
    },
    /// The command itself went wrong.
    Own(String),
}

/// Whether a token was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// One was.
    Sent,
    /// None was.
    Missing,
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(address, why) => write!(
                f,
                "no admin place answers at {address} ({why}): is plimsoll running, with [admin] in its config or with \
                 --admin, and is this the address that it printed?"
            ),
            Self::Timeout(address) => {
                write!(f, "{address} did not answer within {}s: try again", PATIENCE.as_secs())
            }
            Self::Unauthorized(address, Token::Missing) => {
                write!(f, "the admin place at {address} wants a token: set {TOKEN}")
            }
            Self::Unauthorized(address, Token::Sent) => {
                write!(f, "the admin place at {address} does not accept this token")
            }
            Self::NotAdmin(address, why) => write!(
                f,
                "what answers at {address} is not the admin place of this version of plimsoll: {why}"
            ),
            Self::Refused { detail, .. } => f.write_str(detail),
            Self::Own(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for AdminError {}

/// A client of one admin place.
#[derive(Debug)]
pub struct AdminClient {
    client: Client<HttpConnector, Full<Bytes>>,
    address: AdminAddress,
    token: Option<HeaderValue>,
}

impl AdminClient {
    /// A client of this place, with the token of the environment.
    ///
    /// # Errors
    /// The token is none that a field can have.
    pub fn new(address: AdminAddress) -> Result<Self, AdminError> {
        let token = match env::var(TOKEN) {
            Ok(token) if !token.is_empty() => Some(bearer(&token)?),
            Ok(_) | Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => return Err(bad_token()),
        };
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(PATIENCE));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, address, token })
    }

    /// The same client, with the token of this file (`--token-file`) and no other.
    ///
    /// # Errors
    /// The file cannot be read, or the token is none that a field can have.
    pub fn with_token_of(self, file: &Path) -> Result<Self, AdminError> {
        let token = TokenFile::of_flag("--token-file", file.to_owned()).read();
        let token = token.map_err(|errors| AdminError::Own(errors.to_string()))?;
        Ok(Self { token: Some(bearer(token.expose())?), ..self })
    }

    /// What is at this target, read from JSON.
    ///
    /// # Errors
    /// There is no such answer.
    pub async fn get<A: DeserializeOwned>(&self, target: &str) -> Result<A, AdminError> {
        let response = self.send(Method::GET, target, Bytes::new()).await?;
        self.read(response).await
    }

    /// What comes of sending this, as JSON, to this target.
    ///
    /// # Errors
    /// There is no such answer.
    pub async fn post<A: DeserializeOwned>(
        &self,
        target: &str,
        content: &impl Serialize,
    ) -> Result<A, AdminError> {
        let content = serde_json::to_vec(content).map_err(|error| AdminError::Own(error.to_string()))?;
        let response = self.send(Method::POST, target, content.into()).await?;
        self.read(response).await
    }

    /// An answer whose content comes bit by bit, for as long as its reader likes.
    ///
    /// # Errors
    /// There is no such answer.
    pub async fn open(&self, target: &str) -> Result<Response<Incoming>, AdminError> {
        self.send(Method::GET, target, Bytes::new()).await
    }

    /// Sends a request; the answer is one of success.
    async fn send(
        &self,
        method: Method,
        target: &str,
        content: Bytes,
    ) -> Result<Response<Incoming>, AdminError> {
        let uri = format!("http://{}{target}", self.address).parse::<Uri>();
        let mut request = Request::new(Full::new(content.clone()));
        *request.method_mut() = method;
        *request.uri_mut() =
            uri.map_err(|error| AdminError::Own(format!("the request is too much: {error}")))?;
        let fields = request.headers_mut();
        fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if !content.is_empty() {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = &self.token {
            fields.insert(AUTHORIZATION, token.clone());
        }
        let answer = timeout(PATIENCE, self.client.request(request)).await;
        let response = answer.map_err(|_| self.late())?.map_err(|error| self.failed(&error))?;
        if response.headers().contains_key(&CACHE_STATUS) {
            let why = "it has a Cache-Status, so this is where clients connect".to_owned();
            return Err(AdminError::NotAdmin(self.address.clone(), why));
        }
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    async fn read<A: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<A, AdminError> {
        let content = self.content(response).await?;
        serde_json::from_slice(&content)
            .map_err(|error| AdminError::NotAdmin(self.address.clone(), error.to_string()))
    }

    async fn content(&self, response: Response<Incoming>) -> Result<Bytes, AdminError> {
        let content = timeout(PATIENCE, Limited::new(response.into_body(), MOST).collect()).await;
        let content = content.map_err(|_| self.late())?;
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| {
            AdminError::NotAdmin(self.address.clone(), format!("its answer broke off: {error}"))
        };
        Ok(content.map_err(broken)?.to_bytes())
    }

    fn late(&self) -> AdminError {
        AdminError::Timeout(self.address.clone())
    }

    /// What no answer at all means.
    fn failed(&self, error: &Error) -> AdminError {
        let why = innermost(error);
        if error.is_connect() {
            AdminError::Unreachable(self.address.clone(), why)
        } else {
            AdminError::NotAdmin(self.address.clone(), why)
        }
    }

    /// What an answer that is no success means.
    async fn refused(&self, response: Response<Incoming>) -> AdminError {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            let token = if self.token.is_some() { Token::Sent } else { Token::Missing };
            return AdminError::Unauthorized(self.address.clone(), token);
        }
        let content = match self.content(response).await {
            Ok(content) => content,
            Err(error) => return error,
        };
        let document: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
        let text = |member: &str| document.get(member).and_then(serde_json::Value::as_str);
        match text("detail").or_else(|| text("title")) {
            Some(detail) => AdminError::Refused { status, detail: detail.to_owned() },
            None => AdminError::NotAdmin(self.address.clone(), format!("it says {status}")),
        }
    }
}

fn bearer(token: &str) -> Result<HeaderValue, AdminError> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| bad_token())?;
    value.set_sensitive(true);
    Ok(value)
}

fn bad_token() -> AdminError {
    AdminError::Own(format!("{TOKEN} has a character that no token has: a line end, perhaps"))
}

/// The cause behind all causes: what the system said.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Waits for what an admin place says, in a command that does nothing else.
///
/// # Errors
/// Those of what is waited for, or the system refuses a runtime.
pub fn wait_for<T>(asking: impl Future<Output = Result<T, AdminError>>) -> Result<T, AdminError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| AdminError::Own(error.to_string()))?.block_on(asking)
}

/// The query of these parameters. Every byte that could mean something else is encoded.
pub fn query(parameters: &[(&str, String)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_with_or_without_its_scheme() {
        for text in ["127.0.0.1:9090", "http://127.0.0.1:9090", "http://127.0.0.1:9090/"] {
            assert_eq!(text.parse::<AdminAddress>().unwrap().to_string(), "127.0.0.1:9090");
        }
        assert_eq!("[::1]:9090".parse::<AdminAddress>().unwrap().to_string(), "[::1]:9090");
        for text in ["", "9090", "127.0.0.1", "localhost:", "https://a:1", "http://a:1/metrics", "u@a:1"] {
            assert!(text.parse::<AdminAddress>().unwrap_err().contains("127.0.0.1:9090"), "{text}");
        }
    }

    #[test]
    fn what_a_parameter_holds_is_read_back_as_it_was() {
        let parameters = [("url", "/a?b=c&d=%20".to_owned()), ("header", "x: ä+ü".to_owned())];
        assert_eq!(query(&parameters), "url=%2Fa%3Fb%3Dc%26d%3D%2520&header=x%3A%20%C3%A4%2B%C3%BC");
    }

    #[test]
    fn a_token_that_no_field_can_carry_is_named_and_not_shown() {
        assert_eq!(bearer("abc").unwrap(), "Bearer abc");
        let error = bearer("secret\n").unwrap_err().to_string();
        assert!(error.contains(TOKEN) && !error.contains("secret"), "{error}");
    }
}
