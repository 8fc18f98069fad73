//! The stable names of everything that a config can be told.

use std::fmt;

/// Declares the codes once: variant, name and meaning.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a diagnostic is about; scripts may rely on [`Code::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, errors before warnings.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The file could not be read at all.
    UnreadableFile = "unreadable-file",
    /// The file is not text.
    NotUtf8 = "not-utf8",
    /// The file is not TOML.
    TomlSyntax = "toml-syntax",
    /// A key or table is there twice.
    DuplicateKey = "duplicate-key",
    /// Nothing reads this key.
    UnknownKey = "unknown-key",
    /// A key that has no default is not there.
    MissingKey = "missing-key",
    /// A value is of another type than its key wants.
    WrongType = "wrong-type",
    /// A number, size, duration or list is too small or too large.
    OutOfRange = "out-of-range",
    /// None of the words that the key knows.
    UnknownWord = "unknown-word",
    /// Not a duration.
    BadDuration = "bad-duration",
    /// Not a size.
    BadSize = "bad-size",
    /// Not a fraction between 0 and 1.
    BadFraction = "bad-fraction",
    /// Not an address to listen on.
    BadAddress = "bad-address",
    /// Not an address or network.
    BadNetwork = "bad-network",
    /// Not the URL of an origin.
    BadUrl = "bad-url",
    /// Not a route's name.
    BadName = "bad-name",
    /// Not a path pattern.
    BadPath = "bad-path",
    /// Not a host or host pattern.
    BadHost = "bad-host",
    /// Not a method.
    BadMethod = "bad-method",
    /// Not a field's name.
    BadFieldName = "bad-field-name",
    /// Not the name of a query parameter.
    BadQueryName = "bad-query-name",
    /// Not a value that a field could be reduced to.
    BadChoice = "bad-choice",
    /// Not a place where identity rides.
    BadIdentity = "bad-identity",
    /// Not a tag.
    BadTag = "bad-tag",
    /// Not a token, or one that could be guessed.
    BadToken = "bad-token",
    /// The file with the token cannot be read.
    UnreadableToken = "unreadable-token",
    /// The token is in the config and in a file.
    TwoTokens = "two-tokens",
    /// Something is in a list twice.
    DuplicateItem = "duplicate-item",
    /// One address is to be listened on twice.
    DuplicateListen = "duplicate-listen",
    /// Two routes of one name.
    DuplicateRouteName = "duplicate-route-name",
    /// Two routes that match the same requests.
    DuplicateRoute = "duplicate-route",
    /// The origin is plimsoll itself.
    OriginIsSelf = "origin-is-self",
    /// One object may be larger than the whole cache.
    ObjectOverCapacity = "object-over-capacity",
    /// The smallest lifetime is longer than the largest.
    MinOverMax = "min-over-max",
    /// A field of the connection, or one that plimsoll writes itself.
    ReservedField = "reserved-field",
    /// A field that says who asks, where it would end up in stored answers.
    IdentityField = "identity-field",
    /// Origin fields are disregarded although the fetch is not anonymous.
    IgnoreUndeclared = "ignore-undeclared",
    /// Warning: other machines reach the admin listener, and only the environment could have a token for it.
    NoAdminToken = "no-admin-token",
    /// Warning: Accept-Encoding is explicit state in any case.
    RedundantField = "redundant-field",
    /// Warning: a key that has no effect on a route of this level.
    UselessKey = "useless-key",
    /// Warning: the origin's own fields are disregarded.
    IgnoredFields = "ignored-fields",
    /// Warning: fields outside the key reach the origin.
    UnkeyedField = "unkeyed-field",
    /// Warning: a lifetime for what never expires.
    PermanentTtl = "permanent-ttl",
    /// Warning: every answer is validated at the origin unless it gives a lifetime.
    AlwaysValidated = "always-validated",
    /// Warning: nothing says who asks.
    NoUserIdentity = "no-user-identity",
    /// Warning: every client is a trusted proxy.
    TrustsEverybody = "trusts-everybody",
    /// Warning: a parameter that selects the route is no part of the key.
    UnkeyedParameter = "unkeyed-parameter",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
