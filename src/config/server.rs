//! `[server]`: what plimsoll listens on, and for whom.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::item::Item;
use super::listen::ListenAddress;
use super::reader::Table;
use super::units::ByteSize;

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where clients connect; at least one. Default: 127.0.0.1:8080.
    pub listen: Vec<ListenAddress>,
    /// Threads that serve, 1 to 1024. Default: the CPUs that this process may use.
    pub workers: usize,
    /// Whose Forwarded and X-Forwarded-* are appended to instead of replaced. Default: nobody's.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether responses carry Cache-Status. Default: yes.
    pub cache_status: CacheStatus,
    /// How long open requests may go on after a stop signal. Default: 30s.
    pub drain_timeout: Duration,
    /// The most connections at a time, 1 to 1048576. Default: 16384.
    pub max_connections: usize,
    /// The largest head of a request, 1 KiB to 1 MiB. Default: 64 KiB.
    pub max_head: ByteSize,
    /// The most fields in a request, 1 to 1000. Default: 100.
    pub max_fields: usize,
    /// The longest target, 64 B to 60 KiB. Default: 8 KiB.
    pub max_target: ByteSize,
    /// How long a head may take. Default: 10s.
    pub head_timeout: Duration,
    /// How long a connection may be without a request. Default: 60s.
    pub idle_timeout: Duration,
    /// How long a client's content may stand still. Default: 30s.
    pub body_timeout: Duration,
    /// The least of a client's content that has to come in a second, on average once `body_timeout` has passed; 0 for no
    /// such bound. Default: 500 B.
    pub min_body_rate: ByteSize,
    /// How long a client may take nothing of an answer. Default: 30s.
    pub write_timeout: Duration,
}

/// Whether responses carry Cache-Status (RFC 9211).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheStatus {
    /// They do.
    #[default]
    On,
    /// They do not.
    Off,
}

impl Default for Server {
    fn default() -> Self {
        let here = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self {
            listen: vec![ListenAddress::Tcp(here)],
            workers: std::thread::available_parallelism().map_or(1, |cpus| cpus.get().min(1024)),
            trusted_proxies: Vec::new(),
            cache_status: CacheStatus::On,
            drain_timeout: Duration::from_secs(30),
            max_connections: 16_384,
            max_head: ByteSize(64 << 10),
            max_fields: 100,
            max_target: ByteSize(8 << 10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            min_body_rate: ByteSize(500),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Reads `[server]`.
pub(crate) fn read_server(table: &Table<'_, '_>) -> Server {
    let default = Server::default();
    Server {
        listen: table.read_or("listen", default.listen, read_listen),
        workers: table
            .read("workers", |item| item.whole(&(1..=1024)))
            .map_or(default.workers, |n| n as usize),
        trusted_proxies: table.read_or("trusted_proxies", default.trusted_proxies, read_trusted),
        cache_status: table.read_or("cache_status", default.cache_status, |item| {
            item.word(&[("on", CacheStatus::On), ("off", CacheStatus::Off)])
        }),
        drain_timeout: table.read_or("drain_timeout", default.drain_timeout, Item::duration),
        max_connections: table
            .read("max_connections", |item| item.whole(&(1..=1 << 20)))
            .map_or(default.max_connections, |n| n as usize),
        max_head: table.read_or("max_head", default.max_head, |item| size_within(item, &MAX_HEAD)),
        max_fields: table
            .read("max_fields", |item| item.whole(&(1..=1000)))
            .map_or(default.max_fields, |n| n as usize),
        max_target: table.read_or("max_target", default.max_target, |item| size_within(item, &MAX_TARGET)),
        head_timeout: table.read_or("head_timeout", default.head_timeout, Item::positive_duration),
        idle_timeout: table.read_or("idle_timeout", default.idle_timeout, Item::positive_duration),
        body_timeout: table.read_or("body_timeout", default.body_timeout, Item::positive_duration),
        min_body_rate: table.read_or("min_body_rate", default.min_body_rate, Item::size),
        write_timeout: table.read_or("write_timeout", default.write_timeout, Item::positive_duration),
    }
}

/// Heads smaller than this are none; larger ones are no heads.
const MAX_HEAD: RangeInclusive<ByteSize> = ByteSize(1 << 10)..=ByteSize(1 << 20);
/// A request to the origin cannot carry more.
const MAX_TARGET: RangeInclusive<ByteSize> = ByteSize(64)..=ByteSize(60 << 10);

fn size_within(item: &Item<'_, '_>, range: &RangeInclusive<ByteSize>) -> Option<ByteSize> {
    let size = item.size()?;
    if !range.contains(&size) {
        let message = format!("`{}` is {size}", item.name());
        let help = format!("write a size from \"{}\" to \"{}\"", range.start(), range.end());
        item.fail(Fault::new(Code::OutOfRange, message, help));
        return None;
    }
    Some(size)
}

fn read_listen(item: &Item<'_, '_>) -> Option<Vec<ListenAddress>> {
    let wanted = "an address";
    if !item.is_array() {
        return item.parse(wanted, ListenAddress::parse).map(|address| vec![address]);
    }
    let mut list: Vec<ListenAddress> = Vec::new();
    let members = item.members()?;
    if members.is_empty() {
        let help = "write at least one address: [\"127.0.0.1:8080\"]";
        item.fail(Fault::new(Code::OutOfRange, "`listen` names no address", help));
    }
    for member in members {
        let Some(address) = member.parse(wanted, ListenAddress::parse) else { continue };
        if list.iter().any(|other| other.collides(&address)) {
            let message = format!("`listen` has `{address}` twice");
            member.fail(Fault::new(Code::DuplicateListen, message, "remove one of them"));
        }
        list.push(address);
    }
    Some(list)
}

fn read_trusted(item: &Item<'_, '_>) -> Option<Vec<IpNet>> {
    item.list(|member| {
        let network = member.parse("an address or network", parse_network)?;
        if network.prefix_len() == 0 {
            let message = format!("`{network}` trusts every client");
            let help =
                "any client can then claim any address and scheme: name the proxies in front of this one";
            member.warn(Fault::new(Code::TrustsEverybody, message, help));
        }
        Some(network)
    })
}

/// Reads `10.0.0.0/8` or `10.1.2.3`.
fn parse_network(text: &str) -> Result<IpNet, Fault> {
    let fault = |message: String, help: String| Err(Fault::new(Code::BadNetwork, message, help));
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Ok(address.into());
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(network),
        Ok(network) => fault(
            format!("{} has bits beyond its prefix", quoted(text)),
            format!("write \"{}\"", network.trunc()),
        ),
        Err(_) => fault(
            format!("{} is not an address or network", quoted(text)),
            "write an IP address or a network: \"10.0.0.7\", \"10.0.0.0/8\", \"fd00::/8\"".to_owned(),
        ),
    }
}
