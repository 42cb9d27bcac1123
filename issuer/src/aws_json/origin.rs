//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

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

/// Who sent a request, as far as the network tells.
#[derive(Clone, Debug)]
pub struct Origin {
    /// A UUIDv7, echoed as `x-amzn-RequestId`.
    pub request_id: String,
    pub address: IpAddr,
    pub user_agent: Option<String>,
}

impl Origin {
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
