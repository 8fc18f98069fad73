//! An explanation as text, for people.

use std::fmt;

use super::Explanation;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, route, decision, .. } = self;
        row(f, "request", &format!("{} {}", request.method, request.url))?;
        row(f, "route", &format!("{} ({}), level {}", route.name, route.path, route.level))?;
        for found in &self.evidence {
            row(f, "evidence", &format!("{}: level {}", found.name, found.level))?;
        }
        match &self.level {
            Some(level) => row(f, "level", &format!("{} {}", level.number, level.name))?,
            None => row(f, "level", "unknown: there is no evidence")?,
        }
        let because = decision.reason.map(|reason| format!(", because of {reason}")).unwrap_or_default();
        row(
            f,
            "decision",
            &match decision.action {
                "fetch" => {
                    "looked up in the store; on a miss fetched, and judged when the answer comes".to_owned()
                }
                "bypass" => {
                    format!("forwarded as it came (fwd={}){because}", decision.fwd.unwrap_or_default())
                }
                _ => "answered only from the store, with 504 where nothing is stored".to_owned(),
            },
        )?;
        self.key_and_state(f)?;
        self.to_origin(f)?;
        row(f, "lifetime", &self.lifetime)?;
        if let Some(response) = &self.response {
            let because = response.reason.map(|reason| format!(", because of {reason}")).unwrap_or_default();
            row(
                f,
                "answer",
                &match response.verdict {
                    "store" => format!("{} is stored{because}", response.status),
                    "pass" => format!("{} is passed on and not stored{because}", response.status),
                    "error" => {
                        format!("{} answers nothing that was asked: the client gets 502", response.status)
                    }
                    _ => format!(
                        "{} is discarded{because}: the client's own request is forwarded, nothing is stored",
                        response.status
                    ),
                },
            )?;
            row(f, "again", &format!("the same request right after: {}", response.again))?;
        }
        if let Some(line) = &self.cache_status {
            row(f, "client sees", &format!("Cache-Status: {line}"))?;
        }
        self.advice.iter().try_for_each(|advice| row(f, "advice", advice))
    }
}

impl Explanation {
    fn key_and_state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(key) = &self.key else {
            return row(f, "key", "none: no cache answers this method");
        };
        let unused =
            if self.decision.action == "bypass" { " (not looked up: the request bypasses)" } else { "" };
        row(f, "key", &format!("{key}{unused}"))?;
        let Some(state) = &self.explicit_state else { return Ok(()) };
        row(f, "state", &format!("{} {} {} {}", state.method, state.scheme, state.authority, state.path))?;
        if let Some(query) = &state.query {
            row(f, "", &format!("query {query}"))?;
        }
        for (name, value) in &state.fields {
            row(f, "", &format!("{name}: {}", value.as_deref().unwrap_or("(absent)")))?;
        }
        row(f, "", &format!("accept-encoding: {}", state.accept_encoding))
    }

    fn to_origin(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.origin_request;
        row(f, "to origin", &format!("{} {}", request.method, request.target))?;
        for (name, value) in &request.fields {
            row(f, "", &format!("{name}: {value}"))?;
        }
        let left = &self.left_behind;
        if !left.query.is_empty() {
            row(f, "stays here", &format!("query {}", left.query.join(", ")))?;
        }
        if !left.fields.is_empty() {
            row(f, "stays here", &format!("fields {}", left.fields.join(", ")))?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(f, "{label:<11} {text}")
}
