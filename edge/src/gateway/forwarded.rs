//! Whom a trusted proxy speaks for (SECURITY.md E16): `X-Forwarded-For` and `X-Forwarded-Proto`, from the networks that the operator names only.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::facts::Scheme;
use crate::networks::Networks;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client: the last address in the list that is no trusted proxy, since everything left of that was written by it. `peer`, who sent the request,
/// is trusted. Where something is no address, the proxy that passed it on is all that is known.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    for item in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
        let Some(address) = std::str::from_utf8(item).ok().and_then(|item| address(item.trim())) else { break };
        client = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

/// How the client reached the outermost trusted proxy; `own` is how that one reached the edge.
pub fn scheme(own: Scheme, headers: &HeaderMap) -> Scheme {
    let mut values = headers.get_all(FORWARDED_PROTO).iter();
    match (values.next().map(|value| value.as_bytes()), values.next()) {
        (Some(b"https"), None) => Scheme::Https,
        (Some(b"http"), None) => Scheme::Http,
        _ => own,
    }
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

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        let mut section = common::settings::parse("t = [\"10.0.0.0/8\", \"2001:db8::/32\"]", [], &[]).unwrap();
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
            let found = client("10.0.0.1".parse().unwrap(), &headers(FORWARDED_FOR, values), &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{values:?}");
        }
    }

    #[test]
    fn the_scheme_is_one_word_or_what_the_edge_sees() {
        for (values, expected) in [
            (&["https"] as &[&str], Scheme::Https),
            (&["http"], Scheme::Http),
            (&[], Scheme::Http),
            (&["HTTPS"], Scheme::Http),
            (&["https, http"], Scheme::Http),
            (&["https", "https"], Scheme::Http),
        ] {
            assert_eq!(scheme(Scheme::Http, &headers(FORWARDED_PROTO, values)), expected, "{values:?}");
        }
    }
}
