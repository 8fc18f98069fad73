//! What a cache must do, said as slowly and plainly as RFC 9111 says it. Nothing here is shared with the code that it
//! judges: it never reads a field's text, since it knows what the origin meant.
//!
//! Times are in milliseconds, because a heuristic lifetime is a tenth of whole seconds.

use super::{
    origin::{Answered, Said},
    steps::{Ask, Demand, Named, Write},
};

/// A stored response.
#[derive(Clone, Debug)]
struct Kept {
    path: String,
    nominated: Nominated,
    status: u16,
    body: String,
    said: Said,
    /// When it was received or last confirmed.
    received: u64,
}

/// What a response's Vary names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nominated {
    Nothing,
    /// `x-lang`, which had this value in the request.
    Lang(Option<u8>),
}

impl Nominated {
    fn of(said: &Said, ask: &Ask) -> Self {
        if said.varies { Self::Lang(ask.lang) } else { Self::Nothing }
    }
}

/// What a client must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) status: u16,
    /// `None` where there is no content.
    pub(super) body: Option<String>,
    /// The mark of the fields; `None` for an answer that plimsoll makes.
    pub(super) mark: Option<u64>,
    /// Whole seconds, where the answer must have an Age.
    pub(super) age: Option<u64>,
}

impl Expected {
    /// Age says that the origin neither made nor confirmed a response for this request (section 5.1): it is there only
    /// where the origin itself says so.
    fn of_the_origin(mut self) -> Self {
        self.age = self.age.filter(|age| *age > 0);
        self
    }
}

/// What must happen to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// It is answered without the origin.
    Answer(Expected),
    /// The origin is asked.
    Forward,
}

/// All that a cache has stored, newest first.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    kept: Vec<Kept>,
}

impl Oracle {
    /// What must happen to a request before anybody asks the origin (RFC 9111 section 4).
    pub(super) fn rule(&self, path: &str, ask: &Ask, copy: Option<&str>, now: u64) -> Ruling {
        if let Some(kept) = self.reusable(path, ask, now) {
            return Ruling::Answer(kept.answer(ask, copy, now));
        }
        // Section 5.2.1.7.
        if ask.demand == Demand::OnlyIfCached {
            return Ruling::Answer(Expected { status: 504, body: None, mark: None, age: None });
        }
        Ruling::Forward
    }

    /// Takes what the origin answered, and says what the client must get. `None` where the origin should not have been
    /// left with this answer, or was asked more often than that.
    pub(super) fn learn(
        &mut self,
        path: &str,
        ask: &Ask,
        copy: Option<&str>,
        exchanges: &[Answered],
        now: u64,
    ) -> Option<Expected> {
        let (first, rest) = exchanges.split_first()?;
        let done = |expected| rest.is_empty().then_some(expected);
        match first {
            Answered::Written { .. } => None,
            Answered::NotModified(said) => {
                let Some(at) = self.confirmed(path, ask, said) else {
                    // A client's own condition, which nothing stored was in the way of; or not about what is stored,
                    // so that the origin is asked again.
                    let own = rest.is_empty() && copy.is_some() && copy == said.tag.as_deref();
                    let passed = Expected { status: 304, body: None, mark: Some(said.mark), age: said.age };
                    return if own { Some(passed) } else { self.learn(path, ask, copy, rest, now) };
                };
                let mut kept = self.kept[at].clone();
                let before = kept.clone();
                kept.confirm(said, ask, now);
                if !is_storable(ask, kept.status, &kept.said, now) {
                    // What may not be stored for who asks is still the answer, as it was stored for others.
                    if ask.authorization {
                        return done(before.answer(ask, copy, now).of_the_origin());
                    }
                    // What may not be stored any more is not used either: the origin is asked for all of it.
                    self.kept.remove(at);
                    return self.learn(path, ask, copy, rest, now);
                }
                let answer = kept.answer(ask, copy, now).of_the_origin();
                self.kept.remove(at);
                self.kept.insert(0, kept);
                done(answer)
            }
            Answered::Whole { status, body, said } => {
                if *status == 503
                    && let Some(kept) = self.stand_in(path, ask, now)
                {
                    return done(kept.answer(ask, copy, now));
                }
                let kept = Kept {
                    path: path.to_owned(),
                    nominated: Nominated::of(said, ask),
                    status: *status,
                    body: body.clone(),
                    said: said.clone(),
                    received: now,
                };
                if ask.head && *status == 200 && ask.demand != Demand::NoStore {
                    let updated = self.update_by_head(path, ask, body, said, now);
                    let newest = updated.map(|at| self.kept[at].answer(ask, copy, now).of_the_origin());
                    return done(newest.unwrap_or_else(|| kept.answer(ask, None, now).of_the_origin()));
                }
                // A full answer is used as it is (section 4.3.3). One that is stored answers the client's condition.
                if ask.head || ask.demand == Demand::NoStore || !is_storable(ask, *status, said, now) {
                    // It says that what is held is not the answer any more, unless the server only fails, or speaks to
                    // who asks.
                    let is_word_for_all = !ask.head && !ask.authorization && ask.demand != Demand::NoStore;
                    if let Some(at) = self.chosen(path, ask).filter(|_| is_word_for_all && *status < 500) {
                        self.kept.remove(at);
                    }
                    return done(kept.answer(ask, None, now).of_the_origin());
                }
                let answer = kept.answer(ask, copy, now).of_the_origin();
                self.store(kept);
                done(answer)
            }
        }
    }

    /// Section 4.3.5: a 200 to HEAD updates each stored response that could have been chosen for it, if it is about the
    /// same; if not, that one is of no use any more. What it has updated has a newer Date than all others, in the order that
    /// there was. The newest of that.
    fn update_by_head(&mut self, path: &str, ask: &Ask, body: &str, said: &Said, now: u64) -> Option<usize> {
        let is_candidate = |kept: &mut Kept| kept.could_answer(path, ask);
        let mut updated: Vec<_> = self.kept.extract_if(.., is_candidate).collect();
        updated.retain_mut(|kept| {
            let is_same = kept.status == 200
                && (said.tag.is_none() || said.tag == kept.said.tag)
                && (said.modified.is_none() || said.modified == kept.said.modified)
                && body.len() == kept.body.len();
            kept.confirm(said, ask, now);
            is_same && is_storable(ask, kept.status, &kept.said, now)
        });
        let newest = (!updated.is_empty()).then_some(0);
        self.kept.splice(..0, updated);
        newest
    }

    /// Stores a response in the place of one for the same requests.
    fn store(&mut self, kept: Kept) {
        self.kept.retain(|other| other.path != kept.path || other.nominated != kept.nominated);
        self.kept.insert(0, kept);
    }

    /// Everything of this path is to be forgotten (section 4.4).
    pub(super) fn forget(&mut self, path: &str) {
        self.kept.retain(|kept| kept.path != path);
    }

    /// Takes the successful answer to a write: what it changes is forgotten (section 4.4), and the answer to a POST that says
    /// that it is what its target has now, and for how long, is that of a later GET (RFC 9110 section 9.3.3).
    pub(super) fn learn_of_write(
        &mut self,
        write: &Write,
        paths: &[String],
        body: &str,
        said: &Said,
        now: u64,
    ) {
        let path = &paths[write.resource];
        self.forget(path);
        if let Some(Named::Here(_, resource)) = write.names {
            self.forget(&paths[resource]);
        }
        let is_of_target = write.names == Some(Named::Here("content-location", write.resource));
        let control = said.control.clone().unwrap_or_default();
        let is_explicit = control.max_age.is_some() || control.s_maxage.is_some();
        if write.method == "POST" && write.status == 200 && is_of_target && is_explicit {
            let plain = Ask::plain(write.resource);
            if is_storable(&plain, write.status, said, now) {
                let (path, body) = (path.clone(), body.to_owned());
                let status = write.status;
                self.store(Kept {
                    path,
                    nominated: Nominated::Nothing,
                    status,
                    body,
                    said: said.clone(),
                    received: now,
                });
            }
        }
    }

    /// The stored response that is chosen for a request: of those whose nominated field matches, the newest
    /// (section 4.1).
    fn chosen(&self, path: &str, ask: &Ask) -> Option<usize> {
        self.kept.iter().position(|kept| kept.could_answer(path, ask))
    }

    fn reusable(&self, path: &str, ask: &Ask, now: u64) -> Option<&Kept> {
        if ask.demand == Demand::NoStore {
            return None;
        }
        let kept = &self.kept[self.chosen(path, ask)?];
        let control = kept.said.control.clone().unwrap_or_default();
        // Sections 5.2.2.4 and 5.2.1.4.
        if control.no_cache || ask.demand == Demand::NoCache {
            return None;
        }
        let (age, lifetime) = (kept.age(now), kept.lifetime());
        let left = lifetime.saturating_sub(age);
        let fresh = lifetime > age;
        // Section 4.2.4, and 5.2.2.10 for s-maxage.
        let never_stale = control.must_revalidate || control.s_maxage.is_some();
        let stale_by = age.saturating_sub(lifetime);
        let usable = match ask.demand {
            Demand::MaxAge(limit) => fresh && age <= limit * 1000,
            Demand::MinFresh(wanted) => fresh && left >= wanted * 1000,
            Demand::MaxStale(limit) => {
                fresh || (!never_stale && limit.is_none_or(|limit| stale_by <= limit * 1000))
            }
            Demand::MaxAgeAndStale(oldest, limit) => {
                age <= oldest * 1000 && (fresh || (!never_stale && stale_by <= limit * 1000))
            }
            Demand::Nothing | Demand::OnlyIfCached => fresh,
            Demand::NoStore | Demand::NoCache => false,
        };
        usable.then_some(kept)
    }

    /// The stored response that a 304 is about (section 4.3.4): the chosen one. Those for other languages are not offered to
    /// the origin, since the field is none of negotiation.
    fn confirmed(&self, path: &str, ask: &Ask, said: &Said) -> Option<usize> {
        if ask.demand == Demand::NoStore {
            return None;
        }
        let at = self.chosen(path, ask)?;
        let kept = &self.kept[at].said;
        let has_validator = kept.tag.is_some() || kept.modified.is_some();
        let is_of_then =
            said.tag.is_some() || said.modified.is_none_or(|at| kept.modified.is_none_or(|held| held == at));
        (has_validator && is_of_then && (said.tag.is_none() || said.tag == kept.tag)).then_some(at)
    }

    /// The stored response that may be used in the place of an error (RFC 5861 section 4): for a request that did not
    /// ask for something newer itself.
    fn stand_in(&self, path: &str, ask: &Ask, now: u64) -> Option<&Kept> {
        if matches!(ask.demand, Demand::NoStore | Demand::NoCache | Demand::MaxAge(_) | Demand::MinFresh(_)) {
            return None;
        }
        let kept = &self.kept[self.chosen(path, ask)?];
        let control = kept.said.control.as_ref()?;
        let (age, lifetime) = (kept.age(now), kept.lifetime());
        if let Demand::MaxAgeAndStale(oldest, _) = ask.demand
            && age > oldest * 1000
        {
            return None;
        }
        let inside = age >= lifetime && age - lifetime < control.stale_if_error? * 1000;
        (inside && !control.must_revalidate && !control.no_cache).then_some(kept)
    }
}

impl Kept {
    /// Whether its path and its nominated field fit a request (section 4.1).
    fn could_answer(&self, path: &str, ask: &Ask) -> bool {
        self.path == path && [Nominated::Nothing, Nominated::Lang(ask.lang)].contains(&self.nominated)
    }

    /// Section 4.2.1, and 4.2.2 with the tenth that the RFC suggests.
    fn lifetime(&self) -> u64 {
        lifetime(self.status, &self.said, self.received).unwrap_or(0)
    }

    /// Section 4.2.3. Nothing takes time on the way here.
    fn age(&self, now: u64) -> u64 {
        self.said.age.unwrap_or(0) * 1000 + (now - self.received)
    }

    /// The fields of a 304 take the place of the stored ones (section 3.2).
    fn confirm(&mut self, newer: &Said, ask: &Ask, now: u64) {
        let said = &mut self.said;
        said.control = newer.control.clone().or(said.control.take());
        said.varies |= newer.varies;
        said.tag = newer.tag.clone().or(said.tag.take());
        said.modified = newer.modified.or(said.modified);
        // Section 4.2.3: the age is counted from when the origin confirmed it.
        said.age = newer.age;
        said.mark = newer.mark;
        self.nominated = Nominated::of(said, ask);
        self.received = now;
    }

    /// What a client gets of it: 304 where its copy is the same (RFC 9110 section 13.1.2).
    fn answer(&self, ask: &Ask, copy: Option<&str>, now: u64) -> Expected {
        let current = self.status == 200 && copy.is_some() && copy == self.said.tag.as_deref();
        Expected {
            status: if current { 304 } else { self.status },
            body: (!current && !ask.head && !self.body.is_empty()).then(|| self.body.clone()),
            mark: Some(self.said.mark),
            age: Some(self.age(now) / 1000),
        }
    }
}

/// Section 3: whether an answer to this request may be stored.
fn is_storable(ask: &Ask, status: u16, said: &Said, now: u64) -> bool {
    let control = said.control.clone().unwrap_or_default();
    if control.no_store || control.private {
        return false;
    }
    // Section 3.5.
    if ask.authorization && !(control.public || control.must_revalidate || control.s_maxage.is_some()) {
        return false;
    }
    lifetime(status, said, now).is_some()
}

fn lifetime(status: u16, said: &Said, received: u64) -> Option<u64> {
    let control = said.control.clone().unwrap_or_default();
    let explicit = control.s_maxage.or(control.max_age).map(|seconds| seconds * 1000);
    let guess = || {
        let modified = said.modified.filter(|_| matches!(status, 200 | 404))?;
        // A tenth, of whole seconds.
        Some((received / 1000).checked_sub(modified)? * 100)
    };
    // What is validated before each use needs no lifetime, but something to be validated by (section 5.2.2.4).
    let validated = || {
        let has_validator = said.tag.is_some() || said.modified.is_some();
        (control.no_cache && has_validator && matches!(status, 200 | 404)).then_some(0)
    };
    explicit.or_else(guess).or_else(validated)
}
