//! RFC 9111 to the letter on routes that say nothing: parts and ranges, variants, answers to HEAD and POST, what a write
//! ends, and which of what is held is asked about.

mod head;
mod invalidation;
mod partial;
mod post;
mod ranges;
mod validation;
mod vary;

const MISS: &str = "fwd=uri-miss; stored; level=2; route=default";
const HIT: &str = "hit; ttl=60; level=2; route=default";
