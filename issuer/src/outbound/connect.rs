//! From a URL to a connection with one of its host's addresses. What was checked is what is connected to: the name is resolved once.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::{DnsName, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::Host;

use super::address::{Address, is_allowed};
use super::error::OutboundError;

/// Addresses of a host that are tried, one after the other.
const TRIES: usize = 4;

pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

pub async fn connect(
    address: &Address,
    allow_private: bool,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Connection>, OutboundError> {
    let stream = reach(&resolve(address, allow_private).await?).await?;
    if !address.is_https() {
        return Ok(Box::new(stream));
    }
    let name = server_name(address.host())?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await.map_err(|_| OutboundError::Tls)?;
    Ok(Box::new(stream))
}

/// The addresses that may be connected to; those of its addresses that may not are as if they were not there.
async fn resolve(address: &Address, allow_private: bool) -> Result<Vec<SocketAddr>, OutboundError> {
    let found: Vec<SocketAddr> = match address.host() {
        Host::Domain(name) => {
            let found = lookup_host((name.as_str(), address.port())).await;
            found.map_err(|_| OutboundError::Unknown)?.collect()
        }
        Host::Ipv4(ip) => vec![(*ip, address.port()).into()],
        Host::Ipv6(ip) => vec![(*ip, address.port()).into()],
    };
    if found.is_empty() {
        return Err(OutboundError::Unknown);
    }
    let allowed = allowed(found, allow_private);
    if allowed.is_empty() { Err(OutboundError::NotPublic) } else { Ok(allowed) }
}

fn allowed(found: impl IntoIterator<Item = SocketAddr>, allow_private: bool) -> Vec<SocketAddr> {
    found.into_iter().filter(|socket| is_allowed(socket.ip(), allow_private)).take(TRIES).collect()
}

async fn reach(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            // Without it a small request may wait for an acknowledgement; it goes through either way.
            let _slower = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(OutboundError::Unreachable)
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, OutboundError> {
    match host {
        Host::Domain(name) => DnsName::try_from(name.clone())
            .map(ServerName::DnsName)
            .map_err(|_| OutboundError::Address("has a host that is no DNS name")),
        Host::Ipv4(ip) => Ok(ServerName::IpAddress(IpAddr::V4(*ip).into())),
        Host::Ipv6(ip) => Ok(ServerName::IpAddress(IpAddr::V6(*ip).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hosts_addresses_only_those_are_tried_that_may_be() {
        let sockets = |text: &str| text.split(' ').map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = "10.0.0.1:443 1.1.1.1:443 169.254.169.254:443 [::1]:443 [2606:4700::1]:443";
        assert_eq!(allowed(sockets(found), false), sockets("1.1.1.1:443 [2606:4700::1]:443"));
        assert_eq!(allowed(sockets(found), true).len(), 4);
        assert_eq!(allowed(sockets("127.0.0.1:443 [fd00:ec2::254]:443"), false), []);
        assert_eq!(allowed(sockets(&["1.1.1.1:1"; 9].join(" ")), false).len(), TRIES);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let address = Address::parse("https://localhost:1/", false).unwrap();
        assert_eq!(resolve(&address, false).await, Err(OutboundError::NotPublic));
        assert!(resolve(&address, true).await.is_ok_and(|found| found.iter().all(|socket| socket.ip().is_loopback())));
    }
}
