//! The walk as a table: with colours and the terminal's width where there is one, plain where there is not.

use std::{fmt::Write as _, io::IsTerminal as _};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table, TableStyle};

use super::{Row, level_text};

/// One line for each row, and a rule below the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How a table may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// With colours, as wide as the terminal.
    Terminal,
    /// Without colours, and one line for each row, however long.
    Plain,
}

impl Looks {
    /// What standard output can show; `NO_COLOR` is respected.
    pub(super) fn of_stdout() -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if colours && std::io::stdout().is_terminal() { Self::Terminal } else { Self::Plain }
    }
}

/// The table, and what it comes to.
pub(super) fn render(rows: &[Row], looks: Looks) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    match looks {
        Looks::Terminal => table.set_content_arrangement(ContentArrangement::Dynamic).enforce_styling(),
        Looks::Plain => table.set_content_arrangement(ContentArrangement::Disabled).force_no_tty(),
    };
    let header = ["system", "request", "level", "first", "second", "why", "saved"];
    table.set_header(header.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for row in rows {
        table.add_row(cells(row));
    }
    let mut text = format!("{}\n", table.trim_fmt());
    let (saved, requests) = rows.iter().fold((0, 0), |(s, r), row| (s + row.saved, r + row.requests));
    let wrong: Vec<_> = rows.iter().filter_map(|row| Some((row, row.wrong.as_ref()?))).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nThe origin never saw {saved} of {requests} requests.");
    for (row, what) in &wrong {
        let _ = writeln!(text, "WRONG: {}: {}: {what}", row.system, row.request);
    }
    if wrong.is_empty() {
        text.push_str("Every row behaved as its level demands.\n");
    }
    text
}

fn cells(row: &Row) -> Vec<Cell> {
    let colour = match row.level {
        Some(1 | 2) => Color::Green,
        Some(3) => Color::Yellow,
        Some(_) => Color::Red,
        None => Color::Reset,
    };
    let mark = if row.wrong.is_some() { "WRONG" } else { "" };
    vec![
        Cell::new(row.system),
        Cell::new(&row.request),
        Cell::new(level_text(row.level)).fg(colour),
        Cell::new(brief(&row.first)),
        Cell::new(brief(&row.second)),
        Cell::new(row.why),
        Cell::new(format!("{} of {} {mark}", row.saved, row.requests).trim_end().to_owned()),
    ]
}

/// An outcome without what can be taken for granted: the status of a success, and that what is stored was fetched.
fn brief(outcome: &str) -> String {
    outcome.trim_start_matches("200 ").replace("fwd=uri-miss; ", "").replace("fwd=", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_as_short_as_it_can_be() {
        assert_eq!(brief("200 fwd=uri-miss; stored"), "stored");
        assert_eq!(brief("200 fwd=stale; stored"), "stale; stored");
        assert_eq!(brief("200 fwd=bypass"), "bypass");
        assert_eq!(brief("200 hit; ttl=30"), "hit; ttl=30");
        assert_eq!(brief("403 fwd=bypass"), "403 bypass");
    }
}
