//! pingora's server on a thread of its own.
//!
//! `Server::run` blocks, builds its own runtimes and must not be called inside one; `run_forever` would end the process. It sleeps
//! through its whole grace period whether there is work or not, so the grace period is set to the drain limit and nobody waits for
//! this thread: [`crate::app::Running::wait`] looks at the requests in flight instead, and the process ends when there are none.

use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use pingora::listeners::tls::TlsSettings;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use pingora::services::listening::Service;
use tokio::sync::watch;

use crate::app::StartError;
use crate::config::{Listen, Tls};
use crate::gateway::{Front, Gateway};
use crate::observe::Metrics;

/// Idle connections to upstream servers that are kept, over all threads.
const KEPT_CONNECTIONS: usize = 512;
/// Servers that one request may try to connect to.
const MOST_ATTEMPTS: usize = 4;

/// Starts the server. It closes its listeners when `drain` turns true.
pub fn spawn(
    listen: &Listen,
    gateway: Gateway,
    metrics: Arc<Metrics>,
    drain: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let conf = ServerConf {
        threads: listen.threads,
        work_stealing: false,
        upstream_keepalive_pool_size: KEPT_CONNECTIONS,
        max_retries: MOST_ATTEMPTS,
        max_blocking_threads: Some(8),
        grace_period_seconds: Some(listen.drain.as_secs().max(1)),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let mut proxy = http_proxy(&server.configuration, gateway);
    proxy.server_options = Some(server_options(listen));
    let mut service = Service::new("edge".to_owned(), Front::new(proxy, listen.bounds, metrics));
    if let Some(address) = listen.http {
        service.add_tcp(&address.to_string());
    }
    if let Some((address, files)) = &listen.https {
        service.add_tls_with_settings(&address.to_string(), None, tls(files)?);
    }
    server.bootstrap();
    server.add_service(service);
    let run = move || server.run(RunArgs { shutdown_signal: Box::new(Drain(drain)) });
    thread::Builder::new().name("pingora".to_owned()).spawn(run).map(drop).map_err(StartError::Thread)
}

fn server_options(listen: &Listen) -> pingora::apps::HttpServerOptions {
    let mut options = pingora::apps::HttpServerOptions::default();
    options.h2_idle_timeout = Some(listen.bounds.keepalive);
    options
}

/// Certificate and key are read here first: pingora panics on files that it can't use.
fn tls(files: &Tls) -> Result<TlsSettings, StartError> {
    let wrong = |error: &dyn std::fmt::Display| StartError::Certificate(error.to_string());
    let (cert, key) = (files.cert.to_string_lossy(), files.key.to_string_lossy());
    check_pair(files)?;
    let mut settings = TlsSettings::intermediate(&cert, &key).map_err(|error| wrong(&error))?;
    settings.enable_h2();
    Ok(settings)
}

/// Whether a TLS listener can use these files.
pub fn check_pair(files: &Tls) -> Result<(), StartError> {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let wrong = |error: &dyn std::fmt::Display| StartError::Certificate(error.to_string());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect).map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&error))?;
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map(drop)
        .map_err(|error| wrong(&error))
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
