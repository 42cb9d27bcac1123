//! Whom a trusted proxy speaks for (SECURITY.md E16): `X-Forwarded-For` and `X-Forwarded-Proto`, from the networks that the operator names only.

use std::net::IpAddr;

use common::networks::Networks;
use http::{HeaderMap, HeaderName};

use crate::facts::Scheme;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client by [`common::forwarded::client`].
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    common::forwarded::client(peer, headers.get_all(FORWARDED_FOR).iter().map(|line| line.as_bytes()), trusted)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
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
