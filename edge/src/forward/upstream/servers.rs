//! The list of servers, and what their names resolve to.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use common::settings::{Section, SettingError};

use crate::snapshot::upstream::server::{Address, Place, Target};

const MOST_SERVERS: usize = 256;
/// Addresses that are taken from one name.
const MOST_ADDRESSES: usize = 64;
const MOST_WEIGHT: u16 = 100;

pub fn targets(section: &mut Section) -> Result<Vec<Target>, SettingError> {
    let texts = section.texts("servers")?;
    if texts.is_empty() {
        return Err(section.error("servers", "needs at least one address such as \"10.0.0.5:9000\""));
    }
    if texts.len() > MOST_SERVERS {
        return Err(section.error("servers", format!("has more than {MOST_SERVERS}")));
    }
    let target =
        |text: &String| target(text).ok_or_else(|| section.error("servers", format!("\"{text}\" is no address")));
    texts.iter().map(target).collect()
}

/// `10.0.0.5:9000`, `[::1]:9000`, `orders.internal:9000`, `unix:/run/orders.sock`, each with ` weight=3` or without.
fn target(text: &str) -> Option<Target> {
    let (place, weight) = match text.split_once(' ') {
        None => (text, 1),
        Some((place, weight)) => {
            let weight = weight.trim_start().strip_prefix("weight=")?.parse().ok()?;
            (place, (1..=MOST_WEIGHT).contains(&weight).then_some(weight)?)
        }
    };
    Some(Target { place: place_of(place)?, weight })
}

/// What an entry names.
fn place_of(text: &str) -> Option<Place> {
    if let Some(path) = text.strip_prefix("unix:") {
        // The address has 108 bytes, with the zero at its end.
        return (path.starts_with('/') && path.len() < 108).then(|| Place::Unix(path.into()));
    }
    if let Ok(address) = text.parse() {
        return Some(Place::Address(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let is_name = host.len() < 254 && host.strip_suffix('.').unwrap_or(host).split('.').all(is_label);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (is_name && host.bytes().any(|byte| byte.is_ascii_alphabetic()))
        .then(|| Place::Name { host: Arc::from(host), port })
}

pub fn is_unix(target: &Target) -> bool {
    matches!(target.place, Place::Unix(_))
}

/// The addresses of each target as the file is read. A name that has none now is no error where it will be asked again. Else answers
/// that name.
pub fn first_addresses(targets: &[Target], again: bool) -> Result<Vec<Vec<Address>>, String> {
    let addresses = |target: &Target| match &target.place {
        Place::Name { host, port } => match (&**host, *port).to_socket_addrs() {
            Ok(found) => Ok(addresses_of(found)),
            Err(error) if again => {
                tracing::warn!(server = &**host, %error, "cannot be resolved yet; it will be tried again");
                Ok(Vec::new())
            }
            Err(_) => Err(format!("{host}:{port}")),
        },
        Place::Address(address) => Ok(vec![Address::Inet(*address)]),
        Place::Unix(path) => Ok(vec![Address::Unix(Arc::clone(path))]),
    };
    targets.iter().map(addresses).collect()
}

/// Of what a resolver found: the addresses of the family that it put first (RFC 6724 §6: the one that can be reached), sorted, so that
/// answers in another order change nothing.
pub fn addresses_of(found: impl Iterator<Item = SocketAddr>) -> Vec<Address> {
    let found: Vec<SocketAddr> = found.collect();
    let Some(first) = found.first() else { return Vec::new() };
    let same_family = |address: &&SocketAddr| address.is_ipv4() == first.is_ipv4();
    let mut addresses: Vec<Address> = found.iter().filter(same_family).map(|address| Address::Inet(*address)).collect();
    addresses.sort();
    addresses.dedup();
    addresses.truncate(MOST_ADDRESSES);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        for good in
            ["10.0.0.5:9000", "[::1]:9000", "localhost:1", "a-b.c_d.test:65535", "a.test.:80", "unix:/run/a.sock"]
        {
            assert_eq!(target(good).unwrap().weight, 1, "{good}");
        }
        assert_eq!(target("a.test:80 weight=3").unwrap().weight, 3);
        for bad in [
            "",
            "a",
            "10.0.0.5",
            "10.0.0.5:",
            "10.0.0.5:99999",
            "10.0.0.555:80",
            "a.test:0",
            "a b:80",
            "http://a:80",
            "a..b:80",
            "unix:run",
            "a:80 weight=0",
            "a:80 weight=101",
            "a:80 wieght=1",
            "a:80 weight=x",
            "[::1]",
            "a/b:80",
            "é.test:80",
        ] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_family_that_comes_first_counts() {
        let found = |texts: &[&str]| {
            let found = texts.iter().map(|text| text.parse().unwrap());
            addresses_of(found).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found(&["10.0.0.2:1", "[::1]:1", "10.0.0.1:1", "10.0.0.2:1"]), ["10.0.0.1:1", "10.0.0.2:1"]);
        assert_eq!(found(&["[::1]:1", "10.0.0.2:1"]), ["[::1]:1"]);
        assert!(found(&[]).is_empty());
    }
}
