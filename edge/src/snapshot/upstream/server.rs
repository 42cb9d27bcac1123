//! One server of an upstream, and what is under way to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::snapshot::upstream::condition::Condition;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    Inet(SocketAddr),
    /// The path of a UNIX domain socket.
    Unix(Arc<str>),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// An entry of the list of servers, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub place: Place,
    pub weight: u16,
}

/// What an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Address(SocketAddr),
    /// A name that resolves to any number of addresses.
    Name {
        host: Arc<str>,
        port: u16,
    },
    Unix(Arc<str>),
}

impl Target {
    /// The name that certificates are asked for, and `Host` says: without brackets, port or path.
    pub fn host(&self) -> Arc<str> {
        match &self.place {
            Place::Address(address) => address.ip().to_string().into(),
            Place::Name { host, .. } => Arc::clone(host),
            Place::Unix(_) => "localhost".into(),
        }
    }

    /// Whether a server of this name at this address is one of this entry's.
    pub fn may_be(&self, host: &str, address: &Address) -> bool {
        *self.host() == *host
            && match (&self.place, address) {
                (Place::Name { port, .. }, Address::Inet(address)) => address.port() == *port,
                (Place::Address(written), Address::Inet(address)) => address == written,
                (Place::Unix(written), Address::Unix(path)) => path == written,
                (Place::Name { .. } | Place::Address(_), Address::Unix(_)) | (Place::Unix(_), Address::Inet(_)) => {
                    false
                }
            }
    }

    /// The value of `Host` where servers are asked by their own name: without the port that the scheme has anyway.
    pub fn authority(&self, usual_port: u16) -> String {
        match &self.place {
            Place::Address(address) if address.port() == usual_port && address.is_ipv6() => {
                format!("[{}]", address.ip())
            }
            Place::Address(address) if address.port() == usual_port => address.ip().to_string(),
            Place::Address(address) => address.to_string(),
            Place::Name { host, port } if *port == usual_port => host.to_string(),
            Place::Name { host, port } => format!("{host}:{port}"),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }
}

/// A server that can be asked.
#[derive(Debug)]
pub struct Server {
    pub address: Address,
    /// What SNI says and the certificate must name, unless the upstream says otherwise.
    pub host: Arc<str>,
    /// Ready for `Host`; `None` where the name cannot be a header value.
    pub authority: Option<http::HeaderValue>,
    pub weight: u16,
    pub condition: Condition,
    in_flight: Arc<AtomicUsize>,
}

impl Server {
    pub fn new(address: Address, target: &Target, usual_port: u16, now: Instant) -> Self {
        Self {
            address,
            host: target.host(),
            authority: http::HeaderValue::try_from(target.authority(usual_port)).ok(),
            weight: target.weight,
            condition: Condition::new(now),
            in_flight: Arc::default(),
        }
    }

    /// Whether what is known of `other` is true of this one.
    pub fn is_same(&self, other: &Self) -> bool {
        self.address == other.address && self.host == other.host && self.weight == other.weight
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a request until the answer is dropped.
    pub fn enter(&self) -> Counted {
        Counted::enter(&self.in_flight)
    }
}

/// One of those that are counted.
#[derive(Debug)]
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }

    /// None when there are `most` already.
    pub fn enter_below(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let entered = Self::enter(count);
        (count.load(Ordering::Relaxed) <= most).then_some(entered)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_names_for_certificates_and_for_host() {
        let named = |place: Place| {
            let target = Target { place, weight: 1 };
            (target.host().to_string(), target.authority(443))
        };
        let address = |text: &str| Place::Address(text.parse().unwrap());
        let name = |port| Place::Name { host: "a.test".into(), port };
        let pair = |host: &str, authority: &str| (host.to_owned(), authority.to_owned());
        assert_eq!(named(name(443)), pair("a.test", "a.test"));
        assert_eq!(named(name(8443)), pair("a.test", "a.test:8443"));
        assert_eq!(named(address("[::1]:443")), pair("::1", "[::1]"));
        assert_eq!(named(address("[::1]:1")), pair("::1", "[::1]:1"));
        assert_eq!(named(address("10.0.0.1:443")), pair("10.0.0.1", "10.0.0.1"));
        assert_eq!(named(Place::Unix("/run/a".into())), pair("localhost", "localhost"));
    }
}
