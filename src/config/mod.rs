//! The config: TOML as an operator writes it, turned into a [`Config`] that is valid by construction.
//!
//! Whatever is wrong with a file is reported at once, each fault with its line and column, a caret under it, and what
//! would be right. Nothing after this module asks again whether a value is valid.
//!
//! `reader` and `item` walk the parsed document, one file for each table of the config turns it into types, and `schema` is the
//! one list of the keys that there are.

mod admin;
mod cache;
mod code;
mod diagnostic;
mod fields;
mod item;
mod listen;
mod log;
mod origin;
mod reader;
mod routes;
pub mod schema;
mod secrets;
mod server;
mod state;
mod syntax;
#[cfg(test)]
mod tests;
mod units;
mod warnings;

use std::io::ErrorKind;
use std::path::Path;

use toml::de::DeTable;

pub use admin::{Admin, TOKEN_VARIABLE, Token, TokenFile, TokenSource};
pub use cache::Cache;
pub use code::Code;
pub use diagnostic::{ConfigErrors, Diagnostic, Location, Severity};
pub use listen::{ListenAddress, address_of_flag};
pub use log::{AccessFormat, Log, LogFormat};
pub use origin::{Origin, OriginHost, OriginUrl};
pub use server::{CacheStatus, Server};
pub use units::{ByteSize, LONGEST_DURATION};

use crate::level::Identity;
use crate::route::RouteTable;
use diagnostic::{Fault, Source};
use reader::Reader;

/// A whole config.
#[derive(Clone, Debug)]
pub struct Config {
    /// What plimsoll listens on, and for whom.
    pub server: Server,
    /// The admin interface; `None` where it is off, which is the default.
    pub admin: Option<Admin>,
    /// The API behind the proxy.
    pub origin: Origin,
    /// How much is stored.
    pub cache: Cache,
    /// Where identity rides in a request.
    pub identity: Identity,
    /// What is logged, and how.
    pub log: Log,
    /// What the operator knows about the API. Default: nothing, so the origin decides.
    pub routes: RouteTable,
}

/// A config that can be used, and what is nevertheless to be said about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// What works but is probably not meant, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
        let name = path.display().to_string();
        let unusable = |code, message: &str, help: &str| {
            ConfigErrors::one(Fault::new(code, message, help).of_subject(&name, None))
        };
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                unusable(Code::UnreadableFile, "there is no such file", "name another with --config FILE")
            }
            ErrorKind::IsADirectory => {
                unusable(Code::UnreadableFile, "this is a directory", "name a file in it with --config FILE")
            }
            ErrorKind::PermissionDenied => unusable(
                Code::UnreadableFile,
                "this file may not be read",
                "check its permissions and its directory's",
            ),
            _ => unusable(Code::UnreadableFile, &error.to_string(), "name another with --config FILE"),
        })?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(&name, text),
            Err(error) => Err(not_utf8(&name, &bytes, error.valid_up_to())),
        }
    }

    /// Reads the text of a file; `name` is what messages call it.
    pub fn parse(name: &str, text: &str) -> Result<Loaded, ConfigErrors> {
        let source = Source::new(name, text);
        let (document, syntax) = DeTable::parse_recoverable(source.text);
        let reader = Reader::new(source, syntax);
        let root = reader.root(document.get_ref());
        root.check_keys();
        let section = |name| {
            let table = root.table(name, name);
            table.check_keys();
            table
        };
        let server = server::read_server(&section("server"));
        let admin = admin::read_admin(&section("admin"), &server);
        let origin = origin::read_origin(&section("origin"), &server);
        let cache = cache::read_cache(&section("cache"));
        let identity = cache::read_identity(&section("identity"));
        let log = log::read_log(&section("log"));
        let routes = routes::read_routes(&root, &identity);
        let (errors, warnings) = reader.finish();
        match origin {
            Some(origin) if errors.is_empty() => {
                Ok(Loaded { config: Self { server, admin, origin, cache, identity, log, routes }, warnings })
            }
            _ => Err(ConfigErrors { errors, warnings }),
        }
    }

    /// The config of `serve --origin URL [--listen ADDR]`: no routes, and the default for all else. Errors name the
    /// flag.
    pub fn for_origin(url: &str, listen: Option<&str>) -> Result<Self, ConfigErrors> {
        let mut server = Server::default();
        let mut errors = Vec::new();
        if let Some(listen) = listen {
            match ListenAddress::parse(listen) {
                Ok(address) => server.listen = vec![address],
                Err(fault) => errors.push(fault.of_subject("--listen", None)),
            }
        }
        let origin = OriginUrl::parse(url).and_then(|url| {
            if origin::reaches(&url, &server) { Err(origin::own_address(&url)) } else { Ok(Origin::at(url)) }
        });
        match origin {
            Ok(origin) if errors.is_empty() => Ok(Self {
                server,
                admin: None,
                origin,
                cache: Cache::default(),
                identity: Identity::default(),
                log: Log::default(),
                routes: RouteTable::default(),
            }),
            Ok(_) => Err(ConfigErrors { errors, warnings: Vec::new() }),
            Err(fault) => {
                errors.insert(0, fault.of_subject("--origin", None));
                Err(ConfigErrors { errors, warnings: Vec::new() })
            }
        }
    }
}

/// The error of a file that is not text, at its first byte that is none.
fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> ConfigErrors {
    let text = String::from_utf8_lossy(bytes);
    let location = Source::new(name, &text).locate(&(valid..valid + 1));
    let fault =
        Fault::new(Code::NotUtf8, "this file is not UTF-8 text", "save it as UTF-8; this byte is not");
    ConfigErrors::one(fault.of_subject(name, Some(location)))
}
