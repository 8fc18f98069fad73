//! What ends an answer: the scopes that it belongs to, by its key, its route and what the origin says of it.

use http::{HeaderMap, HeaderName};

use super::{Proxy, errand::Errand};
use crate::{
    key::{CacheKey, Place},
    route::Route,
    semantics::{
        groups::{CACHE_GROUPS, groups},
        tags::tags,
    },
    store::{PurgeClock, Scope, ScopeId},
};

/// How many tags of one answer are told apart, groups among them.
const MOST_TAGS: usize = 128;

impl Proxy {
    /// What ends the answer to an errand, with these fields of the origin.
    pub(super) fn scopes(&self, errand: &Errand, fields: &HeaderMap) -> Vec<ScopeId> {
        let purges = self.shared.store.purge_clock();
        scopes_of_answer(purges, &errand.sought.key, &errand.route, fields)
    }
}

/// What ends an answer that is stored under `key`: any change of its target, on a declared route any change of its path;
/// and whatever ends its route, its tags or its groups. Hosts and prefixes are found from the key itself.
pub(super) fn scopes_of_answer(
    purges: &PurgeClock,
    key: &CacheKey,
    route: &Route,
    fields: &HeaderMap,
) -> Vec<ScopeId> {
    let place = key.place();
    let is_declared = route.level().is_some();
    let is_ignored = |name: &HeaderName| is_declared && route.ignore.contains(name);
    let named_groups = if is_ignored(&CACHE_GROUPS) { Vec::new() } else { groups(fields, &CACHE_GROUPS) };
    let route_tags = route.tags_for(place.path);
    let mut all_tags: Vec<&str> = tags(fields, is_ignored);
    all_tags.extend(route_tags.iter().map(String::as_str));
    all_tags.extend(named_groups.iter().map(String::as_str));
    all_tags.sort_unstable();
    all_tags.dedup();

    let mut scopes =
        vec![purges.scope(Scope::Target(key.target_identity())), purges.scope(Scope::Route(&route.name))];
    if is_declared {
        scopes.push(purges.scope(Scope::Path(key.path_identity())));
    }
    // An answer with more than are told apart is ended by any tag that is purged, and by any group of its origin.
    if all_tags.len() > MOST_TAGS {
        scopes.extend([Scope::ManyTags, Scope::Group(&any_group(&place))].map(|scope| purges.scope(scope)));
    } else {
        scopes.extend(all_tags.iter().map(|tag| purges.scope(Scope::Tag(tag))));
        let group = |group: &String| purges.scope(Scope::Group(&group_identity(&place, group)));
        scopes.extend(named_groups.iter().map(group));
    }
    scopes
}

/// A group as the store knows it: groups of different origins have nothing to do with each other, whatever they are
/// called (RFC 9875 section 2.1).
pub(super) fn group_identity(place: &Place<'_>, group: &str) -> String {
    format!("{}://{} {group}", place.scheme, place.authority)
}

/// What every group of an origin ends besides itself. No group has this identity.
pub(super) fn any_group(place: &Place<'_>) -> String {
    format!("{}://{}", place.scheme, place.authority)
}
