//! A QUIC connection to the issuer.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint};

use super::error::FeedError;

const WITHIN: Duration = Duration::from_secs(5);

/// Tries the addresses of `issuer` (`host:port`) in turn. The endpoint lives as long as the connection.
pub(super) async fn dial(issuer: &str, config: ClientConfig, server_name: &str) -> Result<Connection, FeedError> {
    let unreachable = || FeedError::Unreachable(issuer.to_owned());
    let addresses = tokio::net::lookup_host(issuer).await.map_err(|_| unreachable())?;
    for address in addresses {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let Ok(endpoint) = Endpoint::client(any) else { continue };
        let Ok(connecting) = endpoint.connect_with(config.clone(), address, server_name) else { continue };
        match tokio::time::timeout(WITHIN, connecting).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => tracing::debug!(%address, %error, "the issuer did not take the connection"),
            Err(_) => {}
        }
    }
    Err(unreachable())
}
