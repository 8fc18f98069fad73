//! The stable names of everything that a config can be told.

use std::fmt;

/// What a diagnostic is about; scripts may rely on [`Code::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The file could not be read at all.
    UnreadableFile,
    /// The file is not text.
    NotUtf8,
    /// The file is not TOML.
    TomlSyntax,
    /// A key or table is there twice.
    DuplicateKey,
    /// Nothing reads this key.
    UnknownKey,
    /// A key that has no default is not there.
    MissingKey,
    /// A value is of another type than its key wants.
    WrongType,
    /// A number, size, duration or list is too small or too large.
    OutOfRange,
    /// None of the words that the key knows.
    UnknownWord,
    /// Not a duration.
    BadDuration,
    /// Not a size.
    BadSize,
    /// Not a fraction between 0 and 1.
    BadFraction,
    /// Not an address to listen on.
    BadAddress,
    /// Not an address or network.
    BadNetwork,
    /// Not the URL of an origin.
    BadUrl,
    /// Not a route's name.
    BadName,
    /// Not a path pattern.
    BadPath,
    /// Not a host or host pattern.
    BadHost,
    /// Not a method.
    BadMethod,
    /// Not a field's name.
    BadFieldName,
    /// Not the name of a query parameter.
    BadQueryName,
    /// Not a value that a field could be reduced to.
    BadChoice,
    /// Not a place where identity rides.
    BadIdentity,
    /// Not a tag.
    BadTag,
    /// The admin listener would be open to other machines.
    NotLoopback,
    /// Something is in a list twice.
    DuplicateItem,
    /// One address is to be listened on twice.
    DuplicateListen,
    /// Two routes of one name.
    DuplicateRouteName,
    /// Two routes that match the same requests.
    DuplicateRoute,
    /// The origin is plimsoll itself.
    OriginIsSelf,
    /// One object may be larger than the whole cache.
    ObjectOverCapacity,
    /// The smallest lifetime is longer than the largest.
    MinOverMax,
    /// A field of the connection, or one that plimsoll writes itself.
    ReservedField,
    /// A field that says who asks, where it would end up in stored answers.
    IdentityField,
    /// Origin fields are disregarded although the fetch is not anonymous.
    IgnoreUndeclared,
    /// Warning: Accept-Encoding is explicit state in any case.
    RedundantField,
    /// Warning: a key that has no effect on a route of this level.
    UselessKey,
    /// Warning: the origin's own fields are disregarded.
    IgnoredFields,
    /// Warning: fields outside the key reach the origin.
    UnkeyedField,
    /// Warning: a lifetime for what never expires.
    PermanentTtl,
    /// Warning: every answer is validated at the origin unless it gives a lifetime.
    AlwaysValidated,
    /// Warning: nothing says who asks.
    NoUserIdentity,
    /// Warning: every client is a trusted proxy.
    TrustsEverybody,
    /// Warning: a parameter that selects the route is no part of the key.
    UnkeyedParameter,
}

impl Code {
    /// Every code, in the order of their names' first appearance in the documentation.
    pub const ALL: [Self; 44] = [
        Self::UnreadableFile,
        Self::NotUtf8,
        Self::TomlSyntax,
        Self::DuplicateKey,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongType,
        Self::OutOfRange,
        Self::UnknownWord,
        Self::BadDuration,
        Self::BadSize,
        Self::BadFraction,
        Self::BadAddress,
        Self::BadNetwork,
        Self::BadUrl,
        Self::BadName,
        Self::BadPath,
        Self::BadHost,
        Self::BadMethod,
        Self::BadFieldName,
        Self::BadQueryName,
        Self::BadChoice,
        Self::BadIdentity,
        Self::BadTag,
        Self::NotLoopback,
        Self::DuplicateItem,
        Self::DuplicateListen,
        Self::DuplicateRouteName,
        Self::DuplicateRoute,
        Self::OriginIsSelf,
        Self::ObjectOverCapacity,
        Self::MinOverMax,
        Self::ReservedField,
        Self::IdentityField,
        Self::IgnoreUndeclared,
        Self::RedundantField,
        Self::UselessKey,
        Self::IgnoredFields,
        Self::UnkeyedField,
        Self::PermanentTtl,
        Self::AlwaysValidated,
        Self::NoUserIdentity,
        Self::TrustsEverybody,
        Self::UnkeyedParameter,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnreadableFile => "unreadable-file",
            Self::NotUtf8 => "not-utf8",
            Self::TomlSyntax => "toml-syntax",
            Self::DuplicateKey => "duplicate-key",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::OutOfRange => "out-of-range",
            Self::UnknownWord => "unknown-word",
            Self::BadDuration => "bad-duration",
            Self::BadSize => "bad-size",
            Self::BadFraction => "bad-fraction",
            Self::BadAddress => "bad-address",
            Self::BadNetwork => "bad-network",
            Self::BadUrl => "bad-url",
            Self::BadName => "bad-name",
            Self::BadPath => "bad-path",
            Self::BadHost => "bad-host",
            Self::BadMethod => "bad-method",
            Self::BadFieldName => "bad-field-name",
            Self::BadQueryName => "bad-query-name",
            Self::BadChoice => "bad-choice",
            Self::BadIdentity => "bad-identity",
            Self::BadTag => "bad-tag",
            Self::NotLoopback => "not-loopback",
            Self::DuplicateItem => "duplicate-item",
            Self::DuplicateListen => "duplicate-listen",
            Self::DuplicateRouteName => "duplicate-route-name",
            Self::DuplicateRoute => "duplicate-route",
            Self::OriginIsSelf => "origin-is-self",
            Self::ObjectOverCapacity => "object-over-capacity",
            Self::MinOverMax => "min-over-max",
            Self::ReservedField => "reserved-field",
            Self::IdentityField => "identity-field",
            Self::IgnoreUndeclared => "ignore-undeclared",
            Self::RedundantField => "redundant-field",
            Self::UselessKey => "useless-key",
            Self::IgnoredFields => "ignored-fields",
            Self::UnkeyedField => "unkeyed-field",
            Self::PermanentTtl => "permanent-ttl",
            Self::AlwaysValidated => "always-validated",
            Self::NoUserIdentity => "no-user-identity",
            Self::TrustsEverybody => "trusts-everybody",
            Self::UnkeyedParameter => "unkeyed-parameter",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
