//! `plimsoll serve`: runs the proxy. This is where the rooms are put together.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use http::HeaderValue;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_appender::non_blocking::NonBlockingBuilder;

use crate::{
    admin,
    config::{
        self, Admin, ByteSize, CacheStatus, Code, Config, ConfigErrors, ListenAddress, OriginHost,
        TOKEN_VARIABLE, Token, TokenSource, address_of_flag,
    },
    decision::{Policy, Stored},
    observe::{Clock, LogSink, Sink, SystemClock},
    proxy::{self, Shared},
    server::{self, Listen, Running},
    store::{MemoryStore, StoreLimits},
    telemetry::Telemetry,
    upstream::{self, Origin},
    wire,
};

use super::telemetry::{self, Writing};

/// The config file that is used where none is named.
pub(super) const DEFAULT_CONFIG: &str = "config/plimsoll.toml";

/// Run the proxy
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  plimsoll serve --config config/plimsoll.toml\n  \
    plimsoll serve --origin http://127.0.0.1:3000 --listen 127.0.0.1:8080\n\n\
    Without --config and --origin, config/plimsoll.toml is used if it is there. SIGTERM and SIGINT let requests in \
    flight complete.\n\n\
    PLIMSOLL_ADMIN_TOKEN is the token of the admin place where the config names none. An address that is not loopback \
    needs one.")]
pub struct ServeArgs {
    /// The config file
    #[arg(long, value_name = "FILE", conflicts_with = "origin")]
    pub config: Option<PathBuf>,
    /// Run with no config file: a safe shared cache in front of this origin
    #[arg(long, value_name = "URL")]
    pub origin: Option<String>,
    // The parser forgets what an argument requires where that conflicts with another one.
    /// The address to listen on, with --origin
    #[arg(long, value_name = "ADDR", requires = "origin", conflicts_with = "config")]
    pub listen: Option<String>,
    /// Run the admin place on this address, whatever the config says
    #[arg(long, value_name = "ADDR", value_parser = address_of_flag)]
    pub admin: Option<SocketAddr>,
}

/// How many lines of the application log may wait to be written. Their places take memory before there is a single one.
const WAITING_LINES: usize = 1024;

/// Runs the command.
pub fn run(args: &ServeArgs) -> ExitCode {
    let config = match config(args) {
        Ok(config) => config,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(super::COULD_NOT_START);
        }
    };
    // A thread of its own writes the log: a reader of it that stands still is not to stop the proxy.
    let (log, _writing) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(io::stderr());
    if let Err(error) = super::start_log(config.log.format, log) {
        return super::could_not_start(&error);
    }
    let served = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(serve(config)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::could_not_start(&error),
    }
}

fn config(args: &ServeArgs) -> Result<Config, String> {
    let mut config = match (&args.origin, &args.config) {
        (Some(url), _) => {
            Config::for_origin(url, args.listen.as_deref()).map_err(|errors| errors.to_string())?
        }
        (None, Some(file)) => load(file).map_err(|errors| errors.to_string())?,
        (None, None) if Path::new(DEFAULT_CONFIG).exists() => {
            load(Path::new(DEFAULT_CONFIG)).map_err(|errors| errors.to_string())?
        }
        (None, None) => {
            return Err(format!(
                "plimsoll: there is no {DEFAULT_CONFIG} here: name a file with --config FILE, or an origin with --origin URL"
            ));
        }
    };
    if let Some(listen) = args.admin {
        config.admin = Some(Admin { listen, ..config.admin.unwrap_or_default() });
    }
    if let Some(admin) = &mut config.admin
        && admin.token.is_none()
    {
        admin.token = token_of_environment()?.map(TokenSource::Here);
    }
    Ok(config)
}

fn load(file: &Path) -> Result<Config, ConfigErrors> {
    let loaded = Config::load(file)?;
    let is_settled = |code| code == Code::NoAdminToken && std::env::var_os(TOKEN_VARIABLE).is_some();
    for warning in loaded.warnings.iter().filter(|warning| !is_settled(warning.code)) {
        eprintln!("{warning}\n");
    }
    Ok(loaded.config)
}

/// The token that the environment has for who serves or asks.
///
/// # Errors
/// There is one that is none. The message does not repeat it.
pub(super) fn token_of_environment() -> Result<Option<Token>, String> {
    let Some(value) = std::env::var_os(TOKEN_VARIABLE) else { return Ok(None) };
    let text = value.to_str().ok_or("it is not text".to_owned());
    let token = text.and_then(Token::parse).map_err(|why| format!("{TOKEN_VARIABLE}: {why}"))?;
    Ok(Some(token))
}

/// What the admin place is opened with.
///
/// # Errors
/// Other machines could open it without a token, the token cannot be read, or the system has no randomness.
fn admin_key(admin: &Admin) -> io::Result<Option<admin::Key>> {
    match admin.token().map_err(io::Error::other)? {
        Some(token) => {
            let key = admin::Key::new(token.expose());
            key.map(Some).ok_or_else(|| io::Error::other("the system has no randomness for the admin place"))
        }
        None if admin.listen.ip().is_loopback() => Ok(None),
        None => Err(io::Error::other(format!(
            "other machines can reach the admin place at {}, so it needs a token: set {TOKEN_VARIABLE}, or token_file in \
             [admin], or use a loopback address (listen in [admin], or --admin)",
            admin.listen
        ))),
    }
}

async fn serve(config: Config) -> Result<(), String> {
    let drain_timeout = config.server.drain_timeout;
    let origin = format!("{}://{}", config.origin.url.scheme.as_str(), config.origin.url.authority);
    // Where the access log goes to standard output, it has it for itself.
    let is_output_taken = config.log.access.is_some() && config.log.access_file.is_none();
    let say =
        |line: String| if is_output_taken { eprintln!("{line}") } else { super::print(&format!("{line}\n")) };
    // From here on, it ends the process no more.
    let hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    let started = start(config, Arc::new(SystemClock::start()), Arc::new(LogSink))
        .await
        .map_err(|error| error.to_string())?;
    for address in started.server.addresses() {
        say(format!("listening: {address} -> {origin}"));
    }
    if let Some(address) = started.admin {
        say(format!("admin: http://{address}"));
    }
    telemetry::reopen_on_hangup(hangup, started.writing.as_ref());
    super::told_to_stop().await.map_err(|error| error.to_string())?;
    tracing::info!("draining: requests in flight complete, new connections are refused");
    if !started.stop(drain_timeout).await {
        tracing::warn!(?drain_timeout, "what was still in flight was cut off");
    }
    Ok(())
}

/// A proxy that serves, with its admin place if it has one.
#[derive(Debug)]
pub struct Started {
    /// The workers.
    pub server: Running,
    /// The admin place's address, with the port that the system chose.
    pub admin: Option<SocketAddr>,
    /// What the workers share.
    pub shared: Arc<Shared>,
    /// What they tell.
    pub telemetry: Arc<Telemetry>,
    /// The access log, if there is one. It is written to its end when all else is over.
    writing: Option<Writing>,
    stop_admin: CancellationToken,
    admin_task: Option<JoinHandle<()>>,
}

/// How long the admin place may take to complete its answers, once the proxy has ended.
const ADMIN_FAREWELL: Duration = Duration::from_secs(1);

impl Started {
    /// Lets what is in flight complete for at most this long, and ends everything. Says whether everything completed.
    pub async fn stop(self, limit: Duration) -> bool {
        let completed = self.server.drain(limit).await;
        self.stop_admin.cancel();
        if let Some(task) = self.admin_task {
            // What takes longer, such as a stream without an end, is cut off with the process.
            let _ = tokio::time::timeout(ADMIN_FAREWELL, task).await;
        }
        completed
    }
}

/// Puts the rooms together and starts serving.
///
/// # Errors
/// An address cannot be listened on, or the system refuses threads or its trust store.
pub async fn start(config: Config, clock: Arc<dyn Clock>, sink: Arc<dyn Sink>) -> io::Result<Started> {
    let key = config.admin.as_ref().map_or(Ok(None), admin_key)?;
    let listen: Vec<Listen> = config.server.listen.iter().map(listen).collect();
    let bound = server::bind(&listen, config.server.workers).map_err(io::Error::other)?;
    let admin = match &config.admin {
        Some(admin) => Some(TcpListener::bind(admin.listen).await.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot listen on {} for the admin place: {error}", admin.listen),
            )
        })?),
        None => None,
    };
    let loaded = clock.now().wall;
    let Parts { shared, origin, limits, tasks, telemetry, writing } = Parts::new(config, clock, sink)?;
    let server = server::start(bound, &shared, &origin, limits, tasks)?;
    if let Some(host) = server.addresses().iter().find_map(Listen::host) {
        shared.set_host(host);
    }
    let stop_admin = CancellationToken::new();
    let address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let admin_task = admin.map(|listener| {
        let (shared, telemetry) = (Arc::clone(&shared), Arc::clone(&telemetry));
        let place = admin::Place { shared, telemetry, origin, status: server.status(), loaded };
        tokio::spawn(admin::serve(listener, place, key, stop_admin.clone()))
    });
    Ok(Started { server, admin: address, shared, telemetry, writing, stop_admin, admin_task })
}

/// What workers are started with.
#[derive(Debug)]
pub struct Parts {
    /// What they share.
    pub shared: Arc<Shared>,
    /// Where they get what is not stored.
    pub origin: Arc<Origin>,
    /// What clients may take.
    pub limits: server::Limits,
    /// What must end before the workers may.
    pub tasks: TaskTracker,
    /// What they tell.
    pub telemetry: Arc<Telemetry>,
    /// The access log, if there is one.
    pub writing: Option<Writing>,
}

impl Parts {
    /// Puts them together, as the config says.
    ///
    /// # Errors
    /// The system refuses its trust store, or the access log cannot be opened.
    pub fn new(config: Config, clock: Arc<dyn Clock>, sink: Arc<dyn Sink>) -> io::Result<Self> {
        let (telemetry, writing) = telemetry::open(&config, sink)?;
        let sink: Arc<dyn Sink> = Arc::clone(&telemetry) as _;
        let settings = proxy_settings(&config);
        let origin = Origin::new(upstream_settings(&config), Arc::clone(&sink))?;
        let limits = server_limits(&config.server);
        let store_limits = StoreLimits {
            max_variants: config.cache.max_variants,
            ..StoreLimits::of_capacity(config.cache.capacity.0)
        };
        let store = Arc::new(MemoryStore::<Stored>::new(store_limits));
        let tasks = TaskTracker::new();
        let shared = Shared::new(settings, config.routes, store, clock, sink, tasks.clone());
        Ok(Self { shared, origin, limits, tasks, telemetry, writing })
    }
}

fn listen(address: &ListenAddress) -> Listen {
    match address {
        ListenAddress::Tcp(tcp) => Listen::Tcp(*tcp),
        ListenAddress::Unix(path) => Listen::Unix(path.clone()),
    }
}

pub(super) fn proxy_settings(config: &Config) -> proxy::Settings {
    let cache = &config.cache;
    proxy::Settings {
        policy: Policy {
            identity: config.identity.clone(),
            profile: cache.profile,
            max_object: cache.max_object.0,
            targeted: cache.targeted.clone(),
        },
        cache_status: config.server.cache_status == CacheStatus::On,
        trusted_proxies: config.server.trusted_proxies.clone(),
        uncacheable_memory: cache.uncacheable_memory,
        lock_timeout: cache.lock_timeout,
        fill_timeout: cache.fill_timeout,
        max_query_content: usize::try_from(cache.max_query_content.0).unwrap_or(usize::MAX),
        body_timeout: config.server.body_timeout,
        min_body_rate: config.server.min_body_rate.0,
        origin_host: match config.origin.host {
            OriginHost::Client => None,
            OriginHost::Origin => HeaderValue::try_from(config.origin.url.authority.as_str()).ok(),
        },
    }
}

fn server_limits(server: &config::Server) -> server::Limits {
    let bytes = |size: ByteSize| usize::try_from(size.0).unwrap_or(usize::MAX);
    server::Limits {
        head: wire::Limits {
            head: bytes(server.max_head),
            fields: server.max_fields,
            target: bytes(server.max_target),
        },
        head_timeout: server.head_timeout,
        idle_timeout: server.idle_timeout,
        write_timeout: server.write_timeout,
        max_connections: server.max_connections,
    }
}

fn upstream_settings(config: &Config) -> upstream::Settings {
    let origin = &config.origin;
    upstream::Settings {
        scheme: origin.url.scheme,
        authority: origin.url.authority.clone(),
        connect_timeout: origin.connect_timeout,
        response_timeout: origin.response_timeout,
        body_timeout: origin.body_timeout,
        total_timeout: origin.total_timeout,
        idle_timeout: origin.idle_timeout,
        max_fetches: origin.max_fetches,
        max_queue: origin.max_queue,
        queue_timeout: origin.queue_timeout,
        max_head: usize::try_from(origin.max_head.0).unwrap_or(usize::MAX),
        max_fields: origin.max_fields,
    }
}
