//! The pool of connections, TLS, and what each connection is told first.

use std::error::Error as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::config::PostgresConfig;
use crate::store::error::OpenError;

pub(super) fn pool(config: &PostgresConfig) -> Result<Pool, OpenError> {
    let mut server: Config = config.url.expose().parse().map_err(|_| refused("the PostgreSQL URL cannot be read"))?;
    server.connect_timeout(config.connect_timeout);
    server.tcp_user_timeout(config.statement_timeout);
    server.keepalives_idle(Duration::from_secs(30));
    if server.get_application_name().is_none() {
        server.application_name("tollgate");
    }
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match server.get_ssl_mode() {
        SslMode::Disable => Manager::from_config(server, NoTls, how),
        SslMode::Require => Manager::from_config(server, tls(config.ca_file.as_deref())?, how),
        _ if server.get_hosts().iter().all(is_local) => {
            server.ssl_mode(SslMode::Disable);
            Manager::from_config(server, NoTls, how)
        }
        _ => {
            return Err(refused(
                "the PostgreSQL server is not on this machine: say sslmode=require, or sslmode=disable if you must",
            ));
        }
    };
    Pool::builder(manager)
        .max_size(config.max_connections.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(config.patience))
        .create_timeout(Some(config.connect_timeout))
        .recycle_timeout(Some(config.patience))
        .post_create(settings(config.statement_timeout))
        .build()
        .map_err(|error| OpenError::Config(error.to_string()))
}

/// One line about why there is no connection, for the log.
pub(super) fn why(error: &PoolError) -> String {
    match (error, error.source().and_then(|e| e.source())) {
        (PoolError::Timeout(_), _) => "no connection to PostgreSQL became free in time".to_owned(),
        (PoolError::Backend(backend), Some(source)) => format!("{backend}: {source}"),
        (PoolError::Backend(backend), None) => {
            let source = backend.source().map(ToString::to_string).unwrap_or_default();
            format!("{backend}: {source}")
        }
        (other, _) => other.to_string(),
    }
}

/// Bounds at the server, so that what a vanished client left behind ends too; and an answered commit is on disk there. Every statement is written for
/// an index and is planned once: left to itself, the server planned ranges of large tables anew at each execution, at twice their cost.
fn settings(statement_timeout: Duration) -> Hook {
    let limit = statement_timeout.as_millis();
    let sql = format!(
        "SET statement_timeout = {limit}; SET lock_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit};
         SET plan_cache_mode = force_generic_plan;
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    );
    Hook::async_fn(move |client, _| {
        let sql = sql.clone();
        Box::pin(async move { client.batch_execute(&sql).await.map_err(HookError::Backend) })
    })
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Unlike libpq's, our `require` also verifies the server: encryption to an unknown party protects nobody.
fn tls(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, OpenError> {
    let path = ca_file
        .ok_or_else(|| refused("sslmode=require needs the file of the certificates that vouch for the server"))?;
    let unreadable = |error: &dyn std::fmt::Display| OpenError::Config(format!("{}: {error}", path.display()));
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(&e))? {
        roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"no certificate in it"));
    }
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| unreadable(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(client))
}

fn refused(text: &str) -> OpenError {
    OpenError::Config(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(url: &str) -> Result<(), OpenError> {
        pool(&PostgresConfig::new(url.to_owned())).map(drop)
    }

    #[test]
    fn nothing_goes_in_the_clear_over_a_network_unasked() {
        for local in [
            "host=/run/postgresql user=a",
            "postgres://a@localhost/b",
            "postgres://a@127.0.0.1/b",
            "postgres://a@[::1]/b",
        ] {
            assert_eq!(outcome(local), Ok(()), "{local}");
        }
        assert_eq!(outcome("postgres://a@db.example.com/b?sslmode=disable"), Ok(()));
        for bad in [
            "postgres://a@db.example.com/b",
            "postgres://a@db.example.com/b?sslmode=require",
            "postgres://a@b?sslmode=x",
        ] {
            assert!(matches!(outcome(bad), Err(OpenError::Config(_))), "{bad}");
        }
    }

    #[test]
    fn a_bad_url_is_not_repeated() {
        let error = outcome("postgres://a:secret@[/b").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
