//! Where a request comes from: its address, or one that a header names, and what databases know of it.

use std::fmt;
use std::net::IpAddr;

use common::waf::model::{Fallback, ForwardedIp, SetPosition};
use http::HeaderMap;
use ipnet::IpNet;

/// Addresses that are looked at in one header (as in AWS WAF).
const MAX_FORWARDED: usize = 10;

/// Where an address is, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: Option<[u8; 2]>,
    pub region: Option<Region>,
}

/// ISO 3166-2, the part after the country: `CA` of `US-CA`; one to three letters or digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Region {
    bytes: [u8; 3],
    length: u8,
}

/// Databases of addresses.
pub trait Locate: Send + Sync + fmt::Debug {
    fn place(&self, address: IpAddr) -> Place;

    /// The number of the autonomous system that the address belongs to.
    fn system(&self, address: IpAddr) -> Option<u32>;
}

impl Region {
    /// With the country before it or without.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.rsplit_once('-').map_or(text, |(_, code)| code).as_bytes();
        let mut bytes = [0; 3];
        let length = u8::try_from(code.len()).ok().filter(|length| (1..=3).contains(length))?;
        for (place, byte) in bytes.iter_mut().zip(code) {
            *place = byte.is_ascii_alphanumeric().then(|| byte.to_ascii_uppercase())?;
        }
        Some(Self { bytes, length })
    }

    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The addresses that a statement is about, or what it says without looking at any.
#[derive(Debug, PartialEq, Eq)]
pub enum Addresses {
    These(Vec<IpAddr>),
    Says(bool),
}

/// The client's own address.
pub fn own(client: Option<IpAddr>) -> Addresses {
    client.map_or(Addresses::Says(false), |client| Addresses::These(vec![client.to_canonical()]))
}

/// The addresses that the header names. Without the header the statement does not match; with one that holds no valid address at the position it
/// says what its fallback says.
pub fn forwarded(headers: &HeaderMap, forwarded: &ForwardedIp, position: SetPosition) -> Addresses {
    let mut fields = headers.get_all(forwarded.header.as_str()).into_iter().peekable();
    if fields.peek().is_none() {
        return Addresses::Says(false);
    }
    let fallback = Addresses::Says(forwarded.fallback == Fallback::Match);
    let mut addresses = Vec::new();
    for piece in fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b',')) {
        let Some(address) = std::str::from_utf8(piece).ok().and_then(address) else { return fallback };
        addresses.push(address);
    }
    let these = match position {
        SetPosition::First => addresses.first().copied().into_iter().collect(),
        SetPosition::Last => addresses.last().copied().into_iter().collect(),
        SetPosition::Any => addresses.into_iter().rev().take(MAX_FORWARDED).collect::<Vec<_>>(),
    };
    if these.is_empty() { fallback } else { Addresses::These(these) }
}

/// An address as proxies write it: bare, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().ok().or_else(|| text.parse().map(|with_port: std::net::SocketAddr| with_port.ip()).ok());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Networks, for looking an address up.
#[derive(Debug, Default)]
pub struct Networks {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    pub fn new(networks: &[IpNet]) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for network in networks {
            match network {
                IpNet::V4(network) => v4.push((u32::from(network.network()), u32::from(network.broadcast()))),
                IpNet::V6(network) => v6.push((u128::from(network.network()), u128::from(network.broadcast()))),
            }
        }
        Self { v4: merged(v4), v6: merged(v6) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => within(&self.v4, u32::from(address)),
            IpAddr::V6(address) => within(&self.v6, u128::from(address)),
        }
    }
}

/// Ranges in order that do not overlap.
fn merged<N: Ord + Copy>(mut ranges: Vec<(N, N)>) -> Vec<(N, N)> {
    ranges.sort();
    let mut merged: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn within<N: Ord + Copy>(ranges: &[(N, N)], address: N) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

/// No database: nothing is known of anyone.
#[cfg(test)]
#[derive(Debug)]
pub struct Nowhere;

#[cfg(test)]
impl Locate for Nowhere {
    fn place(&self, _address: IpAddr) -> Place {
        Place::default()
    }

    fn system(&self, _address: IpAddr) -> Option<u32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_found_at_both_ends() {
        let networks =
            ["192.0.2.0/24", "192.0.2.128/25", "198.51.100.7/32", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let networks = Networks::new(&networks);
        let has = |text: &str| networks.contains(text.parse().unwrap());
        assert!(has("192.0.2.0") && has("192.0.2.255") && has("198.51.100.7") && has("2001:db8:ffff::"));
        assert!(
            !has("192.0.1.255") && !has("192.0.3.0") && !has("198.51.100.8") && !has("2001:db9::") && !has("0.0.0.0")
        );
        assert!(!Networks::default().contains("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn codes_of_regions() {
        for (text, code) in [("CA", "CA"), ("US-CA", "CA"), ("13", "13"), ("eng", "ENG"), ("8", "8")] {
            assert_eq!(Region::parse(text).unwrap().as_str(), code);
        }
        for text in ["", "US-", "CALI", "C:", "\u{c4}"] {
            assert_eq!(Region::parse(text), None, "{text}");
        }
    }

    #[test]
    fn headers_with_addresses() {
        let statement = |fallback| ForwardedIp { header: "x-forwarded-for".to_owned(), fallback };
        let mut headers = HeaderMap::new();
        let addresses = |headers: &HeaderMap, position| forwarded(headers, &statement(Fallback::Match), position);
        assert_eq!(
            addresses(&headers, SetPosition::First),
            Addresses::Says(false),
            "no header: the statement is not applied"
        );
        headers.append("x-forwarded-for", "192.0.2.1, [2001:db8::1]:443".parse().unwrap());
        headers.append("x-forwarded-for", "::ffff:198.51.100.1".parse().unwrap());
        let these = |texts: &[&str]| Addresses::These(texts.iter().map(|text| text.parse().unwrap()).collect());
        assert_eq!(addresses(&headers, SetPosition::First), these(&["192.0.2.1"]));
        assert_eq!(addresses(&headers, SetPosition::Last), these(&["198.51.100.1"]));
        assert_eq!(addresses(&headers, SetPosition::Any), these(&["198.51.100.1", "2001:db8::1", "192.0.2.1"]));
        headers.append("x-forwarded-for", "unknown".parse().unwrap());
        assert_eq!(addresses(&headers, SetPosition::First), Addresses::Says(true));
        assert_eq!(forwarded(&headers, &statement(Fallback::NoMatch), SetPosition::Any), Addresses::Says(false));
    }
}
