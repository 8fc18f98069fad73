//! Lower is better: how the level of a response can be brought down.

use super::Level;

/// What an API designer can do to lower responses of this level; nothing where the level is 1 or 2. Each piece of
/// advice is a sentence of its own.
pub const fn advice(level: Level) -> &'static [&'static str] {
    match level {
        Level::Permanent | Level::Changing => &[],
        Level::User => &[
            "Name the resource in the URL instead of taking it from who asks: /my-cart becomes /cart/5678. Do it only \
             where the identifier is public or cannot be guessed, since whoever knows the URL can have the answer.",
            "Let the client read a preference once (/user/4567/preferences) and state it in each request \
             (?language=french), so that all who prefer the same share one answer.",
        ],
        Level::Session => &[
            "core/stateless: do not maintain session state on the server. Keep the choices of a session in the client, \
             and let each request state those that it depends on.",
            "Pass state that must outlive a request back to the client, in a link or a signed token, and take it from \
             the next request.",
        ],
        Level::Random => &[
            "Move the random part out of the resource, into one of its own: what is left may be of level 1 or 2.",
            "Let the client choose the seed and state it in the request: the same seed then has the same answer.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_advice_for_every_level_that_is_not_shared_and_for_no_other() {
        for level in Level::ALL {
            assert_eq!(advice(level).is_empty(), level.is_shared(), "{level}");
        }
    }

    #[test]
    fn advice_on_sessions_cites_the_rule() {
        assert!(advice(Level::Session)[0].starts_with("core/stateless"));
    }
}
