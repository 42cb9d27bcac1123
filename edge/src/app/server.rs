//! pingora's server on a thread of its own.
//!
//! `Server::run` blocks, builds its own runtimes and must not be called inside one; `run_forever` would end the process. It sleeps
//! through its whole grace period whether there is work or not, so the grace period is set to the drain limit and nobody waits for
//! this thread: [`crate::app::Running::wait`] looks at the requests in flight instead, and the process ends when there are none.
//!
//! The sockets are bound before pingora starts and handed to it as if they were inherited: a port in use is a clear error instead of a panic on one of its
//! threads, and another process can take them over.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::thread;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora::listeners::tls::Acceptor;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{Fds, ListenFds, RunArgs, Server, ShutdownSignal, ShutdownSignalWatch, ShutdownWatch};
use pingora::services::Service as PingoraService;
use pingora::services::listening::Service;
use tokio::sync::watch;

use crate::app::StartError;
use crate::app::handover::{Socket, Taken};
use crate::config::{Config, Places};
use crate::front::{Front, Reception};
use crate::gateway::{Gateway, InFlight};
use crate::observe::Metrics;
use crate::snapshot::upstream::settings::Retries;

/// Idle connections to upstream servers that are kept, over all threads.
const KEPT_CONNECTIONS: usize = 512;
/// Tries of one request, with the first.
const MOST_ATTEMPTS: usize = Retries::MOST + 1;

/// The sockets of the public listeners: those that another edge has handed over, and new ones.
pub fn sockets(places: &Places, mut taken: Option<&mut Taken>) -> Result<Vec<Socket>, StartError> {
    let mut sockets = Vec::new();
    for address in places.http.into_iter().chain(places.https) {
        sockets.push(Socket { address, listener: socket(address, taken.as_deref_mut())? });
    }
    Ok(sockets)
}

/// One of them, without waiting for anything on it.
pub fn socket(address: SocketAddr, taken: Option<&mut Taken>) -> Result<TcpListener, StartError> {
    taken
        .and_then(|taken| taken.socket(address))
        .map_or_else(|| TcpListener::bind(address), Ok)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| StartError::Listen { address, source })
}

/// How connections are received under these settings.
pub fn reception(config: &Config) -> Reception {
    let listen = &config.listen;
    Reception {
        bounds: listen.bounds,
        tls: listen.tls.as_ref().map(|tls| Acceptor::from_server_config(Arc::clone(&tls.config))),
        h2c: listen.h2c,
        balancers: listen.balancers.clone(),
        proxies: Arc::clone(&listen.proxies),
        fingerprints: config.fingerprints,
    }
}

/// What the application of the listeners is made of.
pub struct FrontParts {
    pub gateway: Gateway,
    pub reception: Arc<ArcSwap<Reception>>,
    pub in_flight: InFlight,
    pub metrics: Arc<Metrics>,
}

/// Starts the server on the sockets. It closes its own copies of them when `drain` turns true.
pub fn spawn(
    places: &Places,
    sockets: &[Socket],
    parts: FrontParts,
    drain: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let conf = ServerConf {
        threads: places.threads,
        work_stealing: false,
        upstream_keepalive_pool_size: KEPT_CONNECTIONS,
        max_retries: MOST_ATTEMPTS,
        max_blocking_threads: Some(8),
        grace_period_seconds: Some(places.drain.as_secs().max(1)),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let FrontParts { gateway, reception, in_flight, metrics } = parts;
    let proxy = http_proxy(&server.configuration, gateway);
    let front = Front::new(proxy, reception, places.https, in_flight, metrics);
    let mut service = Service::new("edge".to_owned(), front);
    let mut inherited = Fds::new();
    for Socket { address, listener } in sockets {
        let copy = listener.try_clone().map_err(|source| StartError::Listen { address: *address, source })?;
        inherited.add(address.to_string(), copy.into_raw_fd());
        service.add_tcp(&address.to_string());
    }
    server.bootstrap();
    server.add_service(Listening { service, sockets: Arc::new(inherited.into()) });
    let run = move || server.run(RunArgs { shutdown_signal: Box::new(Drain(drain)) });
    thread::Builder::new().name("pingora".to_owned()).spawn(run).map(drop).map_err(StartError::Thread)
}

/// The service with sockets of our own: pingora's server knows but those that it bound itself or got by its own way of upgrading.
struct Listening {
    service: Service<Front>,
    sockets: ListenFds,
}

#[async_trait]
impl PingoraService for Listening {
    async fn start_service(&mut self, _of_server: Option<ListenFds>, shutdown: ShutdownWatch, per_socket: usize) {
        self.service.start_service(Some(Arc::clone(&self.sockets)), shutdown, per_socket).await;
    }

    fn name(&self) -> &str {
        "edge"
    }
}

/// pingora's shutdown signal: our own wish, not a process signal.
struct Drain(watch::Receiver<bool>);

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let _ = self.0.clone().wait_for(|drain| *drain).await; // the sender is gone: the edge was dropped
        ShutdownSignal::GracefulTerminate
    }
}
