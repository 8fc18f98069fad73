//! The metrics as Prometheus reads them: text, version 0.0.4, with the names and units of its conventions.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, MetricEncoder, NoLabelSet,
        prometheus_text::{self, encode},
    },
    metrics::{MetricType, counter::ConstCounter},
    registry::{Registry, Unit},
};

use super::{
    Metrics,
    histogram::Summed,
    shard::{LEVELS, OfRoute, Shard},
};
use crate::{
    decision::Reason,
    observe::{Role, Word},
};

/// The media type of the text.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// What is not counted but looked at when somebody asks.
#[derive(Clone, Debug)]
pub struct Gauges {
    /// The store.
    pub store: StoreGauges,
    /// Fetches that others may share, in progress.
    pub fetches_in_progress: u64,
    /// What answers taught about the operator's declarations: route, reason, how often.
    pub findings: Vec<(String, &'static str, u64)>,
    /// Whether the origin is there.
    pub origin_up: bool,
    /// When the config was loaded, in seconds since 1970.
    pub config_loaded: f64,
    /// Lines of the access log that found no room.
    pub lost_lines: u64,
    /// Events that found no room.
    pub lost_events: u64,
}

/// The store, as it is now.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreGauges {
    /// Keys under which something is stored.
    pub keys: u64,
    /// Bytes that are resident.
    pub bytes: u64,
    /// Bytes that may be.
    pub capacity: u64,
    /// What was dropped, by cause.
    pub evictions: [(&'static str, u64); 3],
}

impl Metrics {
    /// The text that Prometheus scrapes.
    pub fn expose(self: &Arc<Self>, gauges: Gauges) -> String {
        let mut registry = Registry::with_prefix("plimsoll");
        registry.register_collector(Box::new(Exposition { metrics: Arc::clone(self), gauges }));
        let mut text = String::new();
        // Nothing that writes to memory fails.
        let _ = encode(&mut text, &registry);
        text
    }
}

#[derive(Debug)]
struct Exposition {
    metrics: Arc<Metrics>,
    gauges: Gauges,
}

impl Collector for Exposition {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page { encoder };
        self.requests(&mut page)?;
        self.durations(&mut page)?;
        self.content(&mut page)?;
        self.collapsing(&mut page)?;
        self.origin(&mut page)?;
        self.store(&mut page)?;
        self.connections(&mut page)?;
        self.operation(&mut page)
    }
}

/// The page that is being written.
struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Page<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write(self.encoder.encode_descriptor(name, help, unit, kind)?)
    }

    /// A counter for each set of labels.
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        samples: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        self.family(name, help, unit, MetricType::Counter, |mut family| {
            samples.into_iter().try_for_each(|(labels, count)| {
                ConstCounter::new(count).encode(family.encode_family(&labels)?)
            })
        })
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        self.family(name, help, None, MetricType::Counter, |metric| ConstCounter::new(count).encode(metric))
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        self.family(name, help, unit, MetricType::Gauge, |mut metric| metric.encode_gauge(&value))
    }
}

fn whole(number: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float to Prometheus")]
    let float = number as f64;
    float
}

impl Exposition {
    /// The counters of every route that has had a request, of all shards together, by what `count` looks at.
    fn routes<'a>(
        &'a self,
        count: impl Fn(&OfRoute) -> u64 + Copy + 'a,
    ) -> impl Iterator<Item = (&'a str, u64)> {
        // What came to no route is last, and has no name.
        let names = self.metrics.routes.iter().map(String::as_str).chain([""]);
        names.enumerate().filter_map(move |(number, name)| {
            let sum = self.metrics.shards.iter().filter_map(|shard| shard.known(number)).map(count).sum();
            (sum > 0).then_some((name, sum))
        })
    }

    fn summed(&self, look: impl Fn(&Shard, &mut Summed)) -> Summed {
        let mut summed = Summed::default();
        for shard in &self.metrics.shards {
            look(shard, &mut summed);
        }
        summed
    }

    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let mut samples = Vec::new();
        for level in 0..LEVELS {
            for word in Word::ALL {
                for (class, status) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
                    let count =
                        move |of: &OfRoute| of.requests[level][word.place()][class].load(Ordering::Relaxed);
                    samples.extend(self.routes(count).map(|(route, count)| {
                        let level = if level == 0 { "unknown".to_owned() } else { level.to_string() };
                        let labels = [("route", route.to_owned()), ("level", level)];
                        ((labels, [("outcome", word.name()), ("status", status)]), count)
                    }));
                }
            }
        }
        page.counters("requests", "Requests that were answered", None, samples)?;
        let reasons = self.reasons();
        page.counters(
            "reasons",
            "Requests that bypassed the cache or whose answer was not stored, by evidence or refusal",
            None,
            reasons,
        )?;
        let stale = self.routes(|of| of.stale.load(Ordering::Relaxed));
        page.counters(
            "stale_answers",
            "Answers that came stale from the store, inside the windows that allow it",
            None,
            stale.map(|(route, count)| ([("route", route)], count)),
        )?;
        let cut = self.routes(|of| of.cut.load(Ordering::Relaxed));
        page.counters(
            "unfinished_answers",
            "Answers that were cut short, by the client or by the origin",
            None,
            cut.map(|(route, count)| ([("route", route)], count)),
        )?;
        let findings = self.gauges.findings.iter();
        page.counters(
            "findings",
            "Answers that contradicted what the operator declared for their route",
            None,
            findings.map(|(route, reason, count)| ([("route", route.as_str()), ("reason", reason)], *count)),
        )
    }

    /// Evidence for levels that the operator declared has one name, whatever the level.
    fn reasons(&self) -> Vec<([(&'static str, String); 2], u64)> {
        let mut samples: Vec<([(&'static str, String); 2], u64)> = Vec::new();
        for reason in Reason::all() {
            let place = reason.place();
            for (route, count) in self.routes(move |of| of.reasons[place].load(Ordering::Relaxed)) {
                let labels = [("route", route.to_owned()), ("reason", reason.name().to_owned())];
                match samples.iter_mut().find(|(known, _)| *known == labels) {
                    Some((_, sum)) => *sum += count,
                    None => samples.push((labels, count)),
                }
            }
        }
        samples
    }

    fn durations(&self, page: &mut Page<'_>) -> fmt::Result {
        page.family(
            "request_duration",
            "From when a request began to be answered until its answer was over",
            Some(&Unit::Seconds),
            MetricType::Histogram,
            |mut family| {
                Word::ALL.into_iter().try_for_each(|word| {
                    let summed = self.summed(|shard, sum| sum.add(&shard.durations[word.place()]));
                    histogram(&mut family.encode_family(&[("outcome", word.name())])?, &summed)
                })
            },
        )
    }

    fn content(&self, page: &mut Page<'_>) -> fmt::Result {
        let served = Word::ALL.into_iter().flat_map(|word| {
            let bytes = move |of: &OfRoute| of.bytes[word.place()].load(Ordering::Relaxed);
            self.routes(bytes).map(move |(route, sum)| ([("route", route), ("outcome", word.name())], sum))
        });
        page.counters("served_content", "Content that clients got", Some(&Unit::Bytes), served)?;
        let saved = self.routes(|of| of.saved.load(Ordering::Relaxed));
        page.counters(
            "saved_content",
            "Content that clients got and the origin did not have to send: of hits, and of shared fetches",
            Some(&Unit::Bytes),
            saved.map(|(route, sum)| ([("route", route)], sum)),
        )
    }

    fn collapsing(&self, page: &mut Page<'_>) -> fmt::Result {
        let roles = Role::ALL.into_iter().flat_map(|role| {
            let taken = move |of: &OfRoute| of.roles[role.place()].load(Ordering::Relaxed);
            self.routes(taken).map(move |(route, count)| ([("route", route), ("role", role.name())], count))
        });
        page.counters(
            "shared_fetches",
            "Requests that took part in a fetch that others may share: as its leader, after a failed one, or waiting for it",
            None,
            roles,
        )?;
        let collapsed = [("yes", 0), ("no", 1)].into_iter().flat_map(|(answer, place)| {
            let count = move |of: &OfRoute| of.collapsed[place].load(Ordering::Relaxed);
            self.routes(count).map(move |(route, count)| ([("route", route), ("shared", answer)], count))
        });
        page.counters(
            "collapsed_requests",
            "Requests that waited for the fetch of another, and whether they could share its answer",
            None,
            collapsed,
        )?;
        page.gauge(
            "fetches_in_progress",
            "Fetches that others may share, in progress",
            None,
            whole(self.gauges.fetches_in_progress),
        )
    }

    fn origin(&self, page: &mut Page<'_>) -> fmt::Result {
        let metrics = &self.metrics;
        page.family(
            "origin_response",
            "From a request to the origin to the head of its answer",
            Some(&Unit::Seconds),
            MetricType::Histogram,
            |mut metric| histogram(&mut metric, &self.summed(|shard, sum| sum.add(&shard.origin))),
        )?;
        let answers = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().enumerate().map(|(class, status)| {
            let counts =
                metrics.shards.iter().map(|shard| shard.origin_answers[class].load(Ordering::Relaxed));
            ([("status", status)], counts.sum::<u64>())
        });
        page.counters(
            "origin_answers",
            "Answers of the origin",
            None,
            answers.filter(|(_, count)| *count > 0),
        )?;
        let mut errors = Vec::new();
        metrics.rarely(|rare| {
            errors.extend(rare.origin_errors.iter().map(|(kind, count)| ([("kind", *kind)], *count)));
        });
        page.counters("origin_errors", "Requests to the origin that had no answer", None, errors)?;
        page.counters(
            "origin_retries",
            "Requests that were sent a second time",
            None,
            self.incident("sent-again", "method"),
        )?;
        page.counters(
            "origin_faults",
            "Rules that the origin's answers broke",
            None,
            self.incident("origin-fault", "rule"),
        )?;
        page.counter(
            "origin_cut_short",
            "Answers of the origin whose content broke off or stood still for too long",
            self.incident("cut-short", "").into_iter().map(|(_, count)| count).sum(),
        )?;
        let up = whole(self.gauges.origin_up.into());
        page.gauge(
            "origin_up",
            "Whether the origin answered a moment ago, or takes a connection now",
            None,
            up,
        )
    }

    /// How often incidents of this name happened, by their detail.
    fn incident(&self, name: &str, label: &'static str) -> Vec<([(&'static str, String); 1], u64)> {
        let mut samples = Vec::new();
        self.metrics.rarely(|rare| {
            let of_name = rare.incidents.iter().filter(|((known, _), _)| *known == name);
            samples.extend(of_name.map(|((_, detail), count)| ([(label, detail.clone())], *count)));
        });
        samples
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let StoreGauges { keys, bytes, capacity, evictions } = self.gauges.store;
        let unit = Some(&Unit::Bytes);
        page.gauge("stored_objects", "Keys under which something is stored", None, whole(keys))?;
        page.gauge(
            "stored",
            "What the store counts as resident, overhead and fills included",
            unit,
            whole(bytes),
        )?;
        page.gauge("store_capacity", "What the store may hold: cache.capacity", unit, whole(capacity))?;
        let evictions = evictions.into_iter().map(|(cause, count)| ([("cause", cause)], count));
        page.counters("evictions", "Stored responses that were dropped", None, evictions)?;
        let mut purges = Vec::new();
        self.metrics.rarely(|rare| {
            let all = rare.purges.iter();
            purges.extend(all.map(|((kind, mode), count)| ([("kind", *kind), ("mode", *mode)], *count)));
        });
        page.counters("purges", "Purges that operators asked for", None, purges)
    }

    fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let connections = &self.metrics.connections;
        // Closed first: there are never more of them.
        let closed = connections.closed.load(Ordering::Relaxed);
        let opened = connections.opened.load(Ordering::Relaxed);
        page.counter("connections", "Connections of clients so far", opened)?;
        page.gauge(
            "connections_open",
            "Connections of clients now",
            None,
            whole(opened.saturating_sub(closed)),
        )?;
        let turned_away = self
            .incident("turned-away", "limit")
            .into_iter()
            .map(|([(label, _)], count)| ([(label, "max_connections".to_owned())], count));
        let limits = turned_away
            .chain(self.incident("client-too-slow", "limit"))
            .chain(self.incident("overload", "limit"));
        page.counters("limits_hit", "Limits of the config that were met", None, limits)?;
        let mut refused = Vec::new();
        self.metrics.rarely(|rare| {
            refused.extend(rare.refused.iter().map(|(rule, count)| ([("rule", *rule)], *count)));
        });
        page.counters(
            "refused_messages",
            "Messages of clients that broke a rule of the wire",
            None,
            refused,
        )?;
        page.counters(
            "problems",
            "Answers of the proxy's own, by the name of the problem",
            None,
            self.incident("problem", "problem"),
        )
    }

    fn operation(&self, page: &mut Page<'_>) -> fmt::Result {
        let panics = self.incident("panic", "").into_iter().map(|(_, count)| count).sum();
        page.counter("panics", "Requests that failed because of a fault in the proxy", panics)?;
        page.counter(
            "access_log_lost_lines",
            "Lines of the access log that found no room",
            self.gauges.lost_lines,
        )?;
        page.counter(
            "events_lost",
            "Events that found no room on their way to who follows them",
            self.gauges.lost_events,
        )?;
        page.counter("config_reloads", "Times that the config was loaded anew while running", 0)?;
        page.gauge(
            "config_loaded_timestamp",
            "When the config was loaded, in seconds since 1970",
            Some(&Unit::Seconds),
            self.gauges.config_loaded,
        )?;
        page.family("build", "The version of the program", None, MetricType::Info, |mut metric| {
            metric.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
        })
    }
}

fn histogram(metric: &mut MetricEncoder<'_>, summed: &Summed) -> fmt::Result {
    metric.encode_histogram::<NoLabelSet>(summed.sum(), summed.count(), &summed.buckets(), None)
}
