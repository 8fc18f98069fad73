//! Which decisions a follower wants to hear of.

use crate::{
    decision::Reason,
    level::Level,
    observe::{Decision, Word},
    route::RouteTable,
    wire::Violation,
};

/// The names that a filter can speak of.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The routes.
    pub routes: &'a RouteTable,
    /// The proxy's own problems, but those of refused messages.
    pub problems: &'a [&'a str],
}

impl Names<'_> {
    fn has_route(&self, name: &str) -> bool {
        self.routes.iter().chain([self.routes.default_route()]).any(|route| route.name == name)
    }

    fn has_reason(&self, name: &str) -> bool {
        Reason::all().any(|reason| reason.name() == name)
            || Violation::ALL.iter().any(|violation| violation.name() == name)
            || self.problems.contains(&name)
    }
}

/// What passes has one of each kind that is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Routes, by name.
    routes: Vec<String>,
    outcomes: Vec<Word>,
    levels: Vec<Level>,
    reasons: Vec<String>,
    /// Beginnings of paths.
    paths: Vec<String>,
}

/// A filter that could let nothing through, because nothing is called so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// `route`, `outcome`, `level`, `reason` or `path`; what else was asked for.
    pub kind: String,
    /// What it was to be.
    pub value: String,
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, value } = self;
        match kind.as_str() {
            "route" => write!(f, "there is no route {value:?}: /api/routes lists them"),
            "outcome" => {
                let words: Vec<_> = Word::ALL.into_iter().map(Word::name).collect();
                write!(f, "there is no outcome {value:?}: it is miss (all but hit), or {}", words.join(", "))
            }
            "level" => write!(f, "there is no level {value:?}: it is 1 to 5, or the name of one"),
            "reason" => {
                write!(
                    f,
                    "nothing is called {value:?}: reasons are the names of evidence, refusals and problems"
                )
            }
            "path" => write!(f, "{value:?} begins no path: write /..."),
            _ => write!(f, "there is no filter {kind:?}: there are route, outcome, level, reason and path"),
        }
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Also lets through what has this. Several of a kind let through what has any of them.
    ///
    /// # Errors
    /// Nothing is called so: a typing error would show nothing for ever.
    pub fn allow(&mut self, kind: &str, value: &str, names: Names<'_>) -> Result<(), FilterError> {
        let unknown = || FilterError { kind: kind.to_owned(), value: value.to_owned() };
        match kind {
            "route" if names.has_route(value) => self.routes.push(value.to_owned()),
            "outcome" if value == "miss" => {
                self.outcomes.extend(Word::ALL.into_iter().filter(|word| *word != Word::Hit));
            }
            "outcome" => self.outcomes.push(Word::from_name(value).ok_or_else(unknown)?),
            "level" => {
                let by_number = value.parse().ok().and_then(Level::from_number);
                self.levels.push(by_number.or_else(|| Level::from_name(value)).ok_or_else(unknown)?);
            }
            "reason" if names.has_reason(value) => self.reasons.push(value.to_owned()),
            "path" if value.starts_with('/') => self.paths.push(value.to_owned()),
            _ => return Err(unknown()),
        }
        Ok(())
    }

    pub(super) fn passes(&self, decision: &Decision<'_>) -> bool {
        let route = decision.route.map(|route| route.name.as_str());
        let path = decision.request.map(|request| request.path);
        has_one(&self.routes, |wanted| route == Some(wanted.as_str()))
            && has_one(&self.outcomes, |wanted| decision.outcome.word() == *wanted)
            && has_one(&self.levels, |wanted| decision.level == Some(*wanted))
            && has_one(&self.reasons, |wanted| decision.detail() == Some(wanted.as_str()))
            && has_one(&self.paths, |wanted| path.is_some_and(|path| path.starts_with(wanted.as_str())))
    }
}

/// Whether one of these is there, or none is asked for.
fn has_one<T>(wanted: &[T], is_there: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is_there)
}
