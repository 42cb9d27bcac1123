//! A QUIC connection to the issuer.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint};
use tokio::task::JoinSet;

use super::error::FeedError;

/// Attempts of one call, and how long after the one before each begins.
///
/// What an issuer does not hear a client repeats after pauses that double (RFC 9002 §6.2.1). One that was away and is back would so be found
/// late by an attempt that is some seconds old; by a new one it is found at once, while the old one may be the one that a long way needs.
const ATTEMPTS: usize = 5;
const STAGGER: Duration = Duration::from_secs(1);

/// Tries the addresses of `issuer` (`host:port`) in turn. The endpoint lives as long as the connection.
///
/// # Errors
/// [`FeedError::Unreachable`] when nobody answers, [`FeedError::NotTaken`] when somebody does and there is no connection all the same.
pub(super) async fn dial(issuer: &str, config: ClientConfig, server_name: &str) -> Result<Connection, FeedError> {
    let unreachable = || FeedError::Unreachable(issuer.to_owned());
    let addresses = tokio::net::lookup_host(issuer).await.map_err(|_| unreachable())?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let mut attempts = JoinSet::new(); // dropping it ends those that are under way
    let mut answered = 0;
    for address in addresses.iter().cycle().take(ATTEMPTS.max(addresses.len())) {
        attempts.spawn(attempt(*address, config.clone(), server_name.to_owned()));
        match tokio::time::timeout(STAGGER, attempts.join_next()).await {
            Ok(Some(Ok(Ok(connection)))) => return Ok(connection),
            Ok(_) => answered += 1,
            Err(_) => {}
        }
        if answered >= addresses.len() {
            return Err(FeedError::NotTaken(issuer.to_owned()));
        }
    }
    Err(unreachable())
}

async fn attempt(address: SocketAddr, config: ClientConfig, server_name: String) -> Result<Connection, ()> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let not_taken = |error: &dyn std::fmt::Display| tracing::debug!(%address, %error, "no connection to the issuer");
    let endpoint = Endpoint::client(any).map_err(|error| not_taken(&error))?;
    let connecting = endpoint.connect_with(config, address, &server_name).map_err(|error| not_taken(&error))?;
    connecting.await.map_err(|error| not_taken(&error))
}
