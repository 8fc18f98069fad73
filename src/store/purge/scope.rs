//! What can be ended at once, by name.

use std::time::Duration;

use crate::key::Scheme;

/// What can be invalidated at once. Kinds never match each other: the host `a` is not the tag `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// One canonical target, in all its variants.
    Target(&'a [u8]),
    /// One canonical path under its authority, with every query.
    Path(&'a [u8]),
    /// Everything of one host; with a port, of that one alone. Without a default port and the dot of the root.
    Host(&'a str),
    /// Everything that was stored for one route of the config.
    Route(&'a str),
    /// Everything that carries one tag.
    Tag(&'a str),
    /// One group of one origin (RFC 9875), named as the caller names it.
    Group(&'a str),
    /// What carries more tags than are told apart.
    ManyTags,
}

impl<'a> Scope<'a> {
    pub(super) fn parts(self) -> (u8, &'a [u8]) {
        match self {
            Self::Target(target) => (0, target),
            Self::Path(path) => (1, path),
            Self::Host(host) => (2, host.as_bytes()),
            Self::Route(route) => (3, route.as_bytes()),
            Self::Tag(tag) => (4, tag.as_bytes()),
            Self::Group(group) => (5, group.as_bytes()),
            Self::ManyTags => (6, &[]),
        }
    }
}

/// What an operator ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// What belongs to a scope.
    Scope(Scope<'a>),
    /// What has such a path.
    Prefix(Prefix<'a>),
    /// Everything.
    Everything,
}

/// The beginning of canonical paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// The scheme and canonical authority that it is limited to.
    pub origin: Option<(Scheme, &'a str)>,
    /// The text that the path begins with.
    pub path: &'a str,
}

/// What becomes of what is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is gone.
    Gone,
    /// Its freshness has ended, at this time of the caller's clock.
    Stale(Duration),
}

/// A scope as its [`PurgeClock`](super::PurgeClock) knows it: the numbers of its slots. Meaningful only to the clock that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(pub(in crate::store) [u32; 2]);
