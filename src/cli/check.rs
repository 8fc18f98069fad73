//! `plimsoll check`: says whether a config can be used, what is wrong with it, and what is risky in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::config::{Admin, Config, ConfigErrors, Diagnostic, Loaded};
use crate::route::{Route, Treatment};

/// Exit status of a config that cannot be used.
const BAD_CONFIG: u8 = 2;

/// Validate a config: errors with line and column, warnings for risky settings
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  plimsoll check --config config/plimsoll.toml\n\n\
    Exit status: 0 the config can be used, warnings or not; 2 it cannot.")]
pub struct CheckArgs {
    /// The config file
    #[arg(long, value_name = "FILE", default_value = "config/plimsoll.toml")]
    pub config: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// What the command has to say.
#[derive(Debug, PartialEq, Eq)]
struct Report {
    out: String,
    err: String,
    status: u8,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> ExitCode {
    let report = report(args);
    super::print(&report.out);
    eprint!("{}", report.err);
    ExitCode::from(report.status)
}

fn report(args: &CheckArgs) -> Report {
    let file = args.config.display().to_string();
    let result = Config::load(&args.config).and_then(with_readable_token);
    let status = if result.is_ok() { 0 } else { BAD_CONFIG };
    if args.json {
        return Report { out: format!("{}\n", as_json(&file, &result)), err: String::new(), status };
    }
    let (warnings, routes) = match &result {
        Ok(loaded) => (&loaded.warnings, loaded.config.routes.iter().len()),
        Err(errors) => (&errors.warnings, 0),
    };
    let mut out = String::new();
    for warning in warnings {
        out += &warning.render();
        out += "

";
    }
    let mut err = String::new();
    match &result {
        Ok(_) => {
            let (routes, warnings) = (counted(routes, "route"), counted(warnings.len(), "warning"));
            out += &[
                &file, ": ok, ", &routes, ", ", &warnings, "
",
            ]
            .concat();
        }
        Err(errors) => {
            let count = counted(errors.errors.len(), "error");
            err = format!("{errors}\n\n{file}: {count}\n");
        }
    }
    Report { out, err, status }
}

/// A config whose token can be read, if it is in a file: `serve` would not start without it.
fn with_readable_token(loaded: Loaded) -> Result<Loaded, ConfigErrors> {
    match loaded.config.admin.as_ref().map(Admin::token) {
        Some(Err(errors)) => Err(ConfigErrors { warnings: loaded.warnings, ..errors }),
        Some(Ok(_)) | None => Ok(loaded),
    }
}

fn as_json(file: &str, result: &Result<Loaded, ConfigErrors>) -> Value {
    let all = |list: &[Diagnostic]| list.iter().map(diagnostic_as_json).collect::<Vec<_>>();
    match result {
        Ok(loaded) => json!({
            "file": file,
            "ok": true,
            "errors": [],
            "warnings": all(&loaded.warnings),
            "routes": loaded.config.routes.iter().map(|route| route_as_json(route)).collect::<Vec<_>>(),
        }),
        Err(errors) => json!({
            "file": file,
            "ok": false,
            "errors": all(&errors.errors),
            "warnings": all(&errors.warnings),
            "routes": [],
        }),
    }
}

fn diagnostic_as_json(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.location.as_ref();
    json!({
        "code": diagnostic.code.name(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
    })
}

fn route_as_json(route: &Route) -> Value {
    let level = match route.treatment {
        Treatment::Declared(level) => level.name(),
        Treatment::Origin => "origin",
    };
    json!({ "name": route.name, "path": route.matches.path.to_string(), "level": level })
}

/// `1 route`, `2 routes`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        check: CheckArgs,
    }

    fn check(text: &str, json: bool) -> (Report, String) {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("p.toml");
        std::fs::write(&config, text).unwrap();
        let name = config.display().to_string();
        (report(&CheckArgs { config, json }), name)
    }

    #[test]
    fn a_good_config_is_ok() {
        let (report, file) =
            check("[origin]\nurl = \"http://x\"\n[[route]]\npath = \"/a\"\nlevel = \"user\"\n", false);
        let out = format!("{file}: ok, 1 route, 0 warnings\n");
        assert_eq!(report, Report { out, err: String::new(), status: 0 });
    }

    #[test]
    fn warnings_do_not_fail() {
        let (report, file) = check("[origin]\nurl = \"http://x\"\n[identity]\nuser = []\n", false);
        assert!(
            report.out.starts_with(&format!("{file}:4:8: warning: nothing says who asks")),
            "{}",
            report.out
        );
        assert!(report.out.ends_with(&format!("\n\n{file}: ok, 0 routes, 1 warning\n")), "{}", report.out);
        assert_eq!((report.err.as_str(), report.status), ("", 0));
    }

    #[test]
    fn errors_are_counted_and_fail() {
        let (report, file) = check("[origin]\nurl = \"x\"\n[cache]\ncapasity = 1\n", false);
        assert!(report.err.ends_with(&format!("\n\n{file}: 2 errors\n")), "{}", report.err);
        assert_eq!((report.out.as_str(), report.status), ("", 2));
    }

    #[test]
    fn json_is_one_object() {
        let (report, file) =
            check("[origin]\nurl = \"http://x\"\n[[route]]\npath = \"/a\"\nlevel = 3\n", true);
        let expected = json!({
            "file": file, "ok": true, "errors": [], "warnings": [],
            "routes": [{ "name": "a", "path": "/a", "level": "user" }],
        });
        assert_eq!(serde_json::from_str::<Value>(&report.out).unwrap(), expected);

        let (report, _) = check("[origin]\nurl = \"http://x\"\n[cache]\ncapasity = 1\n", true);
        let value: Value = serde_json::from_str(&report.out).unwrap();
        let expected = json!([{
            "code": "unknown-key", "message": "unknown key `capasity` in [cache]",
            "help": "did you mean `capacity`?", "line": 4, "column": 1,
        }]);
        assert_eq!((&value["ok"], &value["errors"]), (&json!(false), &expected));
        assert_eq!((report.err.as_str(), report.status), ("", 2));
    }

    #[test]
    fn a_token_that_cannot_be_read_is_an_error_with_its_place() {
        let text = "[origin]\nurl = \"http://x\"\n[admin]\ntoken_file = \"no/such\"\n";
        let (report, file) = check(text, false);
        assert!(
            report.err.starts_with(&format!("{file}:4:14: error: the file `no/such` cannot be read")),
            "{}",
            report.err
        );
        assert_eq!(report.status, 2);
    }

    #[test]
    fn a_file_that_is_not_there_has_no_place() {
        let report = report(&CheckArgs { config: PathBuf::from("no/such.toml"), json: true });
        let value: Value = serde_json::from_str(&report.out).unwrap();
        assert_eq!(value["errors"][0]["code"], "unreadable-file");
        assert_eq!(value["errors"][0]["line"], Value::Null);
    }

    #[test]
    fn the_help_has_an_example() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("plimsoll check --config config/plimsoll.toml"), "{help}");
        let args = Cli::try_parse_from(["check"]).unwrap_or_else(|error| panic!("{error}")).check;
        assert_eq!(args.config, PathBuf::from("config/plimsoll.toml"));
    }
}
