//! Whom a trusted proxy speaks for: `X-Forwarded-For` (SECURITY.md E16).

use std::net::{IpAddr, SocketAddr};

use crate::networks::Networks;

/// The client: the last address in the list that is no trusted proxy, since everything left of that was written by it. `peer`, who sent the request,
/// is trusted. Where something is no address, the proxy that passed it on is all that is known. `lines` are the values of the field, in their order.
pub fn client<'h>(peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'h [u8]>, trusted: &Networks) -> IpAddr {
    let mut client = peer;
    for item in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        let Some(address) = std::str::from_utf8(item).ok().and_then(|item| address(item.trim())) else { break };
        client = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse().map(|address: SocketAddr| address.ip()).ok());
    parsed.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        let mut section = crate::settings::parse("t = [\"10.0.0.0/8\", \"2001:db8::/32\"]", [], &[]).unwrap();
        let trusted = Networks::read(&mut section, "t").unwrap();
        let cases: [(&[&str], &str); 12] = [
            (&[], "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.66, 192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.66, 192.0.2.1, 10.0.0.9"], "192.0.2.1"),
            (&["198.51.100.66", "192.0.2.1,10.0.0.9"], "192.0.2.1"),
            (&["10.1.1.1, 10.0.0.9"], "10.1.1.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db9::1]:443"], "2001:db9::1"),
            (&["[2001:db9::1], 2001:db8::7"], "2001:db9::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, unknown"], "10.0.0.1"),
            (&["192.0.2.1, , 10.0.0.9"], "10.0.0.9"),
        ];
        for (values, expected) in cases {
            let found = client("10.0.0.1".parse().unwrap(), values.iter().map(|line| line.as_bytes()), &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{values:?}");
        }
    }
}
