//! Where a request came from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;

/// What the audit record keeps of a user agent; entries wait in memory, so the rest goes at once.
const USER_AGENT_LIMIT: usize = 256;

/// The peer of a connection; the listener puts it into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Who the client behind the peer is, by the word of an edge or of a trusted proxy; the router puts it into a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Client(pub IpAddr);

/// The certificate that the client showed at its TLS handshake, by the word of an edge or of a trusted proxy; the router puts it into a request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of it in DER.
    pub digest: [u8; 32],
    /// Itself, where it came along.
    pub der: Option<Arc<[u8]>>,
}

/// Who sent a request, as far as the network tells.
#[derive(Clone, Debug)]
pub struct Origin {
    /// A UUIDv7, echoed as `x-amzn-RequestId`.
    pub request_id: String,
    pub address: IpAddr,
    pub user_agent: Option<String>,
}

/// Where the user is whom a call is about: at its sender, unless a server calls and says where its user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub address: IpAddr,
    pub user_agent: Option<String>,
}

impl Place {
    /// As a server says it. What is no address is not believed; of a user agent there is as much as of one that a request has.
    pub fn told(address: &str, user_agent: Option<&str>) -> Option<Self> {
        let address: IpAddr = address.trim().parse().ok()?;
        let is_text = |text: &&str| !text.chars().any(char::is_control);
        let user_agent = user_agent.filter(is_text).map(|text| text.chars().take(USER_AGENT_LIMIT).collect());
        Some(Self { address: address.to_canonical(), user_agent })
    }
}

impl Origin {
    /// The place of the sender.
    pub fn place(&self) -> Place {
        Place { address: self.address, user_agent: self.user_agent.clone() }
    }

    pub fn of(head: &Parts, request_id: &str) -> Self {
        let user_agent = head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            request_id: request_id.to_owned(),
            address: address(head),
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LIMIT).collect()),
        }
    }
}

fn address(head: &Parts) -> IpAddr {
    let peer = || head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let client = head.extensions.get::<Client>().map(|client| client.0);
    client.or_else(peer).map_or(IpAddr::from([0, 0, 0, 0]), |address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_addresses() {
        let told = |address| Place::told(address, Some("curl/8")).map(|place| place.address.to_string());
        assert_eq!(told("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(told("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(told("2001:db8::1").as_deref(), Some("2001:db8::1"));
        for none in ["", "example.com", "192.0.2.1, 192.0.2.2", "192.0.2.1:80", "\0"] {
            assert_eq!(told(none), None, "{none:?}");
        }
        let agent = |text: &str| Place::told("192.0.2.1", Some(text)).and_then(|place| place.user_agent);
        assert_eq!(agent(&"a".repeat(1_000)).map(|agent| agent.len()), Some(USER_AGENT_LIMIT));
        assert_eq!(agent("a\0b"), None);
    }
}
