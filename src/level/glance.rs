//! Which fields a request can have, from one look at all of them: most fields that decide something are absent from most
//! requests, and what is seen to be absent is not looked up.

use http::{HeaderMap, HeaderName};

/// The fields of a request, with a set of bits in which each of their names has one.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    fields: &'a HeaderMap,
    seen: u64,
}

impl<'a> Glance<'a> {
    /// Looks at these fields.
    pub fn at(fields: &'a HeaderMap) -> Self {
        Self { fields, seen: fields.keys().fold(0, |seen, name| seen | bit(name)) }
    }

    /// The fields.
    pub const fn fields(self) -> &'a HeaderMap {
        self.fields
    }

    /// Whether there is a field of this name.
    pub fn has(self, name: &HeaderName) -> bool {
        self.seen & bit(name) != 0 && self.fields.contains_key(name)
    }

    /// Whether there is a field of one of these names.
    pub fn has_any<'n>(self, mut names: impl Iterator<Item = &'n HeaderName>) -> bool {
        names.any(|name| self.has(name))
    }
}

/// The bit of a name, by its length and the letters at its ends. Two names may share one: then both are looked up. Those
/// that nearly every request has share theirs with none that is asked for; hence the factor.
fn bit(name: &HeaderName) -> u64 {
    let name = name.as_str().as_bytes();
    let letter = |letter: Option<&u8>| letter.copied().map_or(0, usize::from);
    1 << ((name.len() + 62 * letter(name.first()) + letter(name.last())) % 64)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_there_is_seen_and_nothing_else() {
        let names = ["host", "cookie", "cache-control", "x-a", "x-b", "if-match", "range"];
        for there in 0..1 << names.len() {
            let is_there = |number: usize| there >> number & 1 == 1;
            let fields: HeaderMap = (0..names.len())
                .filter(|number| is_there(*number))
                .map(|number| (HeaderName::from_static(names[number]), HeaderValue::from_static("1")))
                .collect();
            let glance = Glance::at(&fields);
            for (number, name) in names.into_iter().enumerate() {
                let name = HeaderName::from_static(name);
                assert_eq!(glance.has(&name), is_there(number), "{name}");
                assert_eq!(glance.has_any([name].iter()), is_there(number));
            }
        }
    }
}
