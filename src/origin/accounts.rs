//! The users of the origin, with what each owns, likes and may see. Fixtures: the passwords are printed on the home page.

use super::language::Language;

/// One user.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) username: &'static str,
    pub(super) password: &'static str,
    pub(super) user: u32,
    pub(super) cart: u32,
    /// The preferred language, as stored on the server.
    pub(super) language: Language,
    /// Products that this user is kept away from.
    barred: &'static [u32],
    /// What the origin knows about the user's taste, and never shows: products to advertise.
    pub(super) interests: &'static [u32],
    /// What is in the user's cart: product and quantity.
    pub(super) items: &'static [(u32, u32)],
}

pub(super) static ACCOUNTS: [Account; 2] = [
    Account {
        username: "alice",
        password: "password123",
        user: 4567,
        cart: 5678,
        language: Language::French,
        barred: &[1236],
        interests: &[1237, 1235],
        items: &[(1234, 2), (1235, 1)],
    },
    Account {
        username: "bob",
        password: "mypassword",
        user: 4568,
        cart: 5679,
        language: Language::English,
        barred: &[1234],
        interests: &[1236, 1237],
        items: &[(1236, 3)],
    },
];

impl Account {
    /// Whether the user may see the product. All that is not barred is open.
    pub(super) fn may_see(&self, product: u32) -> bool {
        !self.barred.contains(&product)
    }
}

/// The account that the credentials open.
pub(super) fn log_in(username: &str, password: &str) -> Option<&'static Account> {
    by_name(username).filter(|account| account.password == password)
}

pub(super) fn by_name(username: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.username == username)
}

pub(super) fn by_user(user: u32) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.user == user)
}

pub(super) fn by_cart(cart: u32) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.cart == cart)
}
