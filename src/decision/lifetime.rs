//! How long an answer is fresh, by the word of the origin and of the route.

use std::time::Duration;

use super::{Answered, Refusal};
use crate::{level::Level, route::LifetimeRules, semantics::freshness::FreshnessLifetime};

/// The lifetime on a declared route: the origin's word, else the operator's.
pub(super) fn declared_lifetime(
    answer: &Answered<'_>,
    explicit: Option<Duration>,
    level: Level,
    rules: &LifetimeRules,
) -> Result<FreshnessLifetime, Refusal> {
    let ceiling = rules.max_ttl.map_or(FreshnessLifetime::Forever, FreshnessLifetime::Finite);
    let lifetime = match (answer.status.as_u16(), explicit) {
        (404 | 410, given) => FreshnessLifetime::Finite(given.unwrap_or(rules.negative_ttl)),
        (_, Some(given)) => FreshnessLifetime::Finite(given.max(rules.min_ttl.unwrap_or_default())),
        (200 | 203 | 204 | 301 | 308, None) if level == Level::Permanent => FreshnessLifetime::Forever,
        (200 | 203 | 204 | 301 | 308, None) => {
            FreshnessLifetime::Finite(rules.ttl.max(rules.min_ttl.unwrap_or_default()))
        }
        (_, None) => return Err(Refusal::StatusNotStorable),
    };
    Ok(lifetime.min(ceiling))
}

/// Chance shortens a lifetime, so that what was stored together does not expire together.
pub(super) fn jittered(lifetime: FreshnessLifetime, rules: &LifetimeRules, chance: f64) -> FreshnessLifetime {
    match lifetime {
        FreshnessLifetime::Finite(lifetime) => {
            let kept = (1.0 - rules.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0)).clamp(0.0, 1.0);
            FreshnessLifetime::Finite(lifetime.mul_f64(kept))
        }
        FreshnessLifetime::Forever => FreshnessLifetime::Forever,
    }
}
