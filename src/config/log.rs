//! `[log]`: the application log, and a line for each request.

use std::path::PathBuf;

use super::code::Code;
use super::diagnostic::Fault;
use super::reader::Table;

/// `[log]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The form of the application log on standard error. Default: text.
    pub format: LogFormat,
    /// The form of the access log. Default: there is none.
    pub access: Option<AccessFormat>,
    /// The file that the access log is appended to; `None` is standard output, the default.
    pub access_file: Option<PathBuf>,
}

/// The form of the application log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object for each line.
    Json,
}

/// The form of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFormat {
    /// A JSON object for each line.
    Json,
    /// The combined format of web servers, with the decision behind it.
    Combined,
}

/// Reads `[log]`.
pub(crate) fn read_log(table: &Table<'_, '_>) -> Log {
    let default = Log::default();
    let access = table.read_or("access", default.access, |item| {
        item.word(&[
            ("off", None),
            ("json", Some(AccessFormat::Json)),
            ("combined", Some(AccessFormat::Combined)),
        ])
    });
    let access_file = table.read("access_file", |item| item.parse("the path of a file", parse_path));
    if access.is_none()
        && let Some(item) = table.get("access_file")
    {
        let message = "`access_file` does nothing here: there is no access log";
        let help = "add access = \"json\" or access = \"combined\", or remove it";
        item.warn_key(Fault::new(Code::UselessKey, message, help));
    }
    Log {
        format: table.read_or("format", default.format, |item| {
            item.word(&[("text", LogFormat::Text), ("json", LogFormat::Json)])
        }),
        access,
        access_file,
    }
}

fn parse_path(text: &str) -> Result<PathBuf, Fault> {
    if text.is_empty() || text.ends_with('/') || text.contains('\0') {
        let message = "this names no file";
        return Err(Fault::new(
            Code::BadPath,
            message,
            "write the path of a file: \"/var/log/plimsoll/access.log\"",
        ));
    }
    Ok(PathBuf::from(text))
}
