//! Two instances of the sample origin behind a stand-in for their load balancer, the proxy in front of them, and a
//! clock that is turned by hand.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::serve::{self, Started},
    config::{Admin, Config, ListenAddress, Origin as OriginConfig, OriginUrl},
    key::Scheme,
    observe::{Clock as _, LogSink, ManualClock, SystemClock},
    origin::{Clock, Options, Origin, bind_instances},
    server::Listen,
};

/// The routes of the demonstration: the config that teaches.
const CONFIG: &str = include_str!("../../../config/plimsoll.toml");
/// Where clients and operators connect: the usual ports as far as they are free.
const PORTS: [[u16; 2]; 4] = [[8080, 9090], [8080, 0], [0, 9090], [0, 0]];
/// How often the clock is brought up to date while the demonstration stays up.
const TICK: Duration = Duration::from_millis(100);

/// Everything that the walk needs.
pub(super) struct Stage {
    proxy: Started,
    instances: Vec<Instance>,
    current: Arc<AtomicUsize>,
    clock: Arc<ManualClock>,
    client: Client<HttpConnector, Full<Bytes>>,
}

struct Instance {
    origin: Origin,
    stop: CancellationToken,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) fields: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// A field as text; empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A member of a JSON object, as text; empty where there is none.
    pub(super) fn member(&self, name: &str) -> String {
        let document: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        document[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Stage {
    /// Starts everything, on the usual ports where they are free.
    pub(super) async fn build() -> io::Result<Self> {
        let clock = Arc::new(ManualClock::at(SystemClock::start().now().wall));
        let mut instances = Vec::new();
        let mut addresses = Vec::new();
        for listener in bind_instances(loopback(0), 2).await? {
            addresses.push(listener.local_addr()?);
            instances.push(Instance::start(listener, &clock));
        }
        let current = Arc::new(AtomicUsize::new(0));
        let balancer = bind_or_any(3000).await?;
        let origin = balancer.local_addr()?;
        tokio::spawn(balance(balancer, addresses, Arc::clone(&current)));
        let start = |ports| {
            let clock = Arc::clone(&clock);
            async move { serve::start(config(origin, ports)?, clock, Arc::new(LogSink)).await }
        };
        let mut proxy = start(PORTS[0]).await;
        for ports in &PORTS[1..] {
            if proxy.is_err() {
                proxy = start(*ports).await;
            }
        }
        let proxy = proxy?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { proxy, instances, current, clock, client })
    }

    /// Where clients connect.
    pub(super) fn proxy_address(&self) -> String {
        match self.proxy.server.addresses() {
            [Listen::Tcp(address), ..] => address.to_string(),
            _ => String::new(),
        }
    }

    /// Where operators connect.
    pub(super) const fn admin_address(&self) -> Option<SocketAddr> {
        self.proxy.admin
    }

    /// How many requests both instances have answered.
    pub(super) fn fetches(&self) -> u64 {
        self.instances.iter().map(|instance| instance.origin.answered()).sum()
    }

    /// Sends a request through the proxy. `target` is a path; `fields` are `(name, value)`.
    pub(super) async fn ask(
        &self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        content: &str,
    ) -> io::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.proxy_address()))
            // Named, so that the keys do not depend on the port.
            .header(HOST, "api.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(content.to_owned())).map_err(io::Error::other)?;
        let response = self.client.request(request).await.map_err(io::Error::other)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Answer { status: parts.status, fields: parts.headers, body })
    }

    /// Turns the clock forward.
    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Takes the instance away that has answered so far: from now on the other one answers.
    pub(super) fn lose_instance(&self) {
        let lost = self.current.fetch_add(1, Ordering::SeqCst);
        if let Some(instance) = self.instances.get(lost) {
            instance.stop.cancel();
        }
    }

    /// Lets the clock follow the system's from now on.
    pub(super) fn let_time_pass(&self) {
        let clock = Arc::clone(&self.clock);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                clock.advance(TICK);
            }
        });
    }

    /// Ends everything.
    pub(super) async fn strike(self, drain: Duration) {
        drop(self.client);
        self.proxy.stop(drain).await;
        for instance in &self.instances {
            instance.stop.cancel();
        }
    }
}

impl Instance {
    fn start(listener: TcpListener, clock: &Arc<ManualClock>) -> Self {
        let clock = Arc::clone(clock);
        let options =
            Options { clock: Clock::new(move || clock.now().wall), seed: Some(1), ..Options::default() };
        let (origin, stop) = (Origin::new(&options), CancellationToken::new());
        tokio::spawn(origin.clone().serve(listener, stop.clone().cancelled_owned()));
        Self { origin, stop }
    }
}

/// The config that teaches, in front of this origin, on these ports for clients and operators.
fn config(origin: SocketAddr, [clients, operators]: [u16; 2]) -> io::Result<Config> {
    let mut config = Config::parse("config/plimsoll.toml", CONFIG).map_err(io::Error::other)?.config;
    let authority = origin.to_string().parse().map_err(io::Error::other)?;
    // A connection serves one request: what is sent over one that is lost with its instance has no second try, as it may
    // be a POST.
    config.origin = OriginConfig {
        idle_timeout: Duration::from_nanos(1),
        ..OriginConfig::at(OriginUrl { scheme: Scheme::Http, authority })
    };
    config.server.listen = vec![ListenAddress::Tcp(loopback(clients))];
    config.admin = Some(Admin::at(loopback(operators)));
    Ok(config)
}

/// This port of the loopback address if it is free, else any. It is not asked before: another process may be quicker.
async fn bind_or_any(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(loopback(port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(loopback(0)).await,
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Stands in for a load balancer: passes every connection on to the current instance, and the next one when that is
/// lost.
async fn balance(listener: TcpListener, instances: Vec<SocketAddr>, current: Arc<AtomicUsize>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let Some(instance) = instances.get(current.load(Ordering::SeqCst)).copied() else { return };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(instance).await {
                // Either side may leave; the other one then sees it.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
