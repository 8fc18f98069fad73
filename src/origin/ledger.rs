//! What the bank knows: accounts, and the transfer forms of each, pending, posted or deleted. Transactions under way are
//! resources here, not sessions: nothing waits for a client to go on.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::world::fixtures_written;

/// How many transfers an account ever has.
const MAX_TRANSFERS: usize = 1_000;

/// An amount of money in cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cents(pub(super) u64);

impl Cents {
    const MOST: Self = Self(100_000_000);

    /// Reads `12`, `12.5` and `12.50`; more than nothing, and at most a million.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() > 7 || part.len() > 2 {
            return None;
        }
        let cents = Self(format!("{whole}{part:0<2}").parse().ok()?);
        (Self(0) < cents && cents <= Self::MOST).then_some(cents)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// What somebody filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The account that gets the money, at whichever bank.
    pub(super) to: String,
    pub(super) amount: Cents,
    pub(super) memo: String,
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Posted,
    Deleted,
}

impl Stage {
    /// The word that URLs and documents use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Deleted => "deleted",
        }
    }
}

/// One transfer form.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) form: Form,
    pub(super) stage: Stage,
    pub(super) changed: SystemTime,
}

/// Why the bank does not do what it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It has no such account.
    NoAccount,
    /// The account never had a transfer of that number.
    NoTransfer,
    /// The transfer was pending once.
    Gone,
    /// The transfer is not what the conditions of the request ask for.
    Changed,
    /// The account has less money than the transfer takes.
    NotCovered,
    /// The account has as many transfers as the bank keeps.
    Full,
}

/// All accounts by name.
#[derive(Debug)]
pub(super) struct Ledger(BTreeMap<&'static str, Book>);

impl Ledger {
    /// The fixtures: two accounts, of which one has transfers.
    pub(super) fn new() -> Self {
        let posted = |to, amount, memo| Transfer::new(to, amount, memo, Stage::Posted);
        let dlwelch = BTreeMap::from([
            (1, posted("harbour-dues", 12_000, "Mooring, January")),
            (1234, posted("chandlery", 4_990, "Deck shoes")),
            (1235, Transfer::new("sailmaker", 25_000, "New jib, first half", Stage::Pending)),
        ]);
        let book =
            |balance, transfers| Book { balance: Cents(balance), changed: fixtures_written(), transfers };
        Self(BTreeMap::from([("dlwelch", book(100_000, dlwelch)), ("mhatch", book(50_000, BTreeMap::new()))]))
    }

    /// The names of all accounts.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    pub(super) fn book(&mut self, account: &str) -> Result<&mut Book, Problem> {
        self.0.get_mut(account).ok_or(Problem::NoAccount)
    }
}

impl Transfer {
    fn new(to: &str, amount: u64, memo: &str, stage: Stage) -> Self {
        let form = Form { to: to.to_owned(), amount: Cents(amount), memo: memo.to_owned() };
        Self { form, stage, changed: fixtures_written() }
    }
}

/// One account: its balance and its transfers by number.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) balance: Cents,
    /// When anything about it last changed.
    pub(super) changed: SystemTime,
    transfers: BTreeMap<u32, Transfer>,
}

impl Book {
    /// The numbers of the transfers at that stage, in order.
    pub(super) fn numbers(&self, stage: Stage) -> impl Iterator<Item = u32> {
        self.transfers.iter().filter(move |(_, transfer)| transfer.stage == stage).map(|(number, _)| *number)
    }

    /// The pending transfer of that number, which may be changed.
    pub(super) fn pending(&mut self, number: u32) -> Result<&mut Transfer, Problem> {
        match self.transfers.get_mut(&number) {
            Some(transfer) if transfer.stage == Stage::Pending => Ok(transfer),
            Some(_) => Err(Problem::Gone),
            None => Err(Problem::NoTransfer),
        }
    }

    pub(super) fn posted(&self, number: u32) -> Result<&Transfer, Problem> {
        let posted = |transfer: &&Transfer| transfer.stage == Stage::Posted;
        self.transfers.get(&number).filter(posted).ok_or(Problem::NoTransfer)
    }

    /// Takes a new form in, as pending, and numbers it.
    pub(super) fn create(&mut self, form: Form, now: SystemTime) -> Result<u32, Problem> {
        if self.transfers.len() >= MAX_TRANSFERS {
            return Err(Problem::Full);
        }
        let number = self.transfers.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
        self.transfers.insert(number, Transfer { form, stage: Stage::Pending, changed: now });
        self.changed = now;
        Ok(number)
    }

    /// Puts another form in the place of a pending one.
    pub(super) fn revise(&mut self, number: u32, form: Form, now: SystemTime) -> Result<(), Problem> {
        let transfer = self.pending(number)?;
        (transfer.form, transfer.changed) = (form, now);
        self.changed = now;
        Ok(())
    }

    /// Moves the money of a pending transfer; it is not pending after that, so this happens once.
    pub(super) fn post(&mut self, number: u32, now: SystemTime) -> Result<(), Problem> {
        let balance = self.balance.0;
        let transfer = self.pending(number)?;
        let rest = balance.checked_sub(transfer.form.amount.0).ok_or(Problem::NotCovered)?;
        (transfer.stage, transfer.changed) = (Stage::Posted, now);
        (self.balance, self.changed) = (Cents(rest), now);
        Ok(())
    }

    /// Takes a pending transfer off the books.
    pub(super) fn delete(&mut self, number: u32, now: SystemTime) -> Result<(), Problem> {
        let transfer = self.pending(number)?;
        (transfer.stage, transfer.changed) = (Stage::Deleted, now);
        self.changed = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_money() {
        for (text, cents) in
            [("12", 1200), ("12.5", 1250), ("12.50", 1250), ("0.01", 1), ("1000000", 100_000_000)]
        {
            assert_eq!(Cents::parse(text), Some(Cents(cents)), "{text}");
        }
        for text in [
            "",
            "0",
            "0.00",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.234",
            "1000000.01",
            "99999999",
            "1e3",
            "1,5",
            " 1",
            "١",
        ] {
            assert_eq!(Cents::parse(text), None, "{text}");
        }
        assert_eq!(Cents(1205).to_string(), "12.05");
    }
}
