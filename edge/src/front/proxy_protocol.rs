//! The PROXY protocol, versions 1 and 2 (HAProxy's `proxy-protocol.txt`): whom a load balancer speaks for.
//!
//! A header is read from the networks that the operator names, and is required from them; nobody else's bytes are ever taken for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pingora::protocols::l4::stream::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};

const V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const V1_PREFIX: &[u8] = b"PROXY ";
/// The longest line of version 1, with its line break (§2.1).
const V1_LONGEST: usize = 107;
/// What may follow the fixed part of version 2. Addresses take 36 bytes at most; the rest are TLVs, of which certificates are the longest.
const V2_LONGEST: usize = 8 * 1024;
const PP2_TYPE_SSL: u8 = 0x20;
const PP2_CLIENT_SSL: u8 = 0x01;

/// Whom the connection is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A client, who came to the load balancer with TLS or without.
    Client { address: IpAddr, tls: bool },
    /// The load balancer itself: health checks (`LOCAL`), or a client whose address it does not know (`UNKNOWN`).
    Balancer,
}

/// Why a header is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the connection ended within the PROXY header")]
    Cut,
    #[error("the connection does not begin with a PROXY header")]
    Signature,
    #[error("the PROXY header is longer than allowed")]
    TooLong,
    #[error("the PROXY header's fields are malformed")]
    Fields,
}

/// Reads the header off the front of a connection; what follows it stays unread.
pub async fn read(stream: &mut Stream) -> Result<Source, Malformed> {
    let mut start = [0; V2_SIGNATURE.len()];
    fill(stream, &mut start).await?;
    if start == V2_SIGNATURE {
        return read_v2(stream).await;
    }
    if !start.starts_with(V1_PREFIX) {
        return Err(Malformed::Signature);
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_LONGEST {
            return Err(Malformed::TooLong);
        }
        let mut byte = [0];
        fill(stream, &mut byte).await?;
        line.extend_from_slice(&byte);
    }
    v1(&line)
}

async fn read_v2(stream: &mut Stream) -> Result<Source, Malformed> {
    let mut fixed = [0; 4];
    fill(stream, &mut fixed).await?;
    let [version_and_command, family, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_LONGEST {
        return Err(Malformed::TooLong);
    }
    let mut rest = vec![0; length];
    fill(stream, &mut rest).await?;
    v2(version_and_command, family, &rest)
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), bytes: &mut [u8]) -> Result<(), Malformed> {
    stream.read_exact(bytes).await.map(drop).map_err(|_| Malformed::Cut)
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n` (§2.1).
fn v1(line: &[u8]) -> Result<Source, Malformed> {
    let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok()).ok_or(Malformed::Fields)?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().ok_or(Malformed::Fields)?;
    if family == "UNKNOWN" {
        return Ok(Source::Balancer);
    }
    let [Some(source), Some(destination), Some(from), Some(to), None] =
        [words.next(), words.next(), words.next(), words.next(), words.next()]
    else {
        return Err(Malformed::Fields);
    };
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| Malformed::Fields),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| Malformed::Fields),
        _ => Err(Malformed::Fields),
    };
    let is_port = |text: &str| !text.starts_with('+') && text.parse::<u16>().is_ok();
    address(destination)?;
    if !is_port(from) || !is_port(to) {
        return Err(Malformed::Fields);
    }
    Ok(Source::Client { address: address(source)?, tls: false })
}

/// The four bytes after the signature, without the length, and what follows them (§2.2).
fn v2(version_and_command: u8, family: u8, rest: &[u8]) -> Result<Source, Malformed> {
    match version_and_command {
        0x20 => return Ok(Source::Balancer),
        0x21 => {}
        _ => return Err(Malformed::Fields),
    }
    // Source and destination, then both ports. Families: TCP over IPv4, TCP over IPv6; everything else is nobody whom we could serve.
    let (address, tlvs) = match family {
        0x11 => {
            let (source, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Fields)?;
            (IpAddr::from(*source), rest.get(12..))
        }
        0x21 => {
            let (source, _) = rest.split_first_chunk::<16>().ok_or(Malformed::Fields)?;
            (IpAddr::from(*source), rest.get(36..))
        }
        0x00 => return Ok(Source::Balancer),
        _ => return Err(Malformed::Fields),
    };
    let tls = has_tls(tlvs.ok_or(Malformed::Fields)?)?;
    Ok(Source::Client { address, tls })
}

/// Whether the TLVs say that the client came by TLS (§2.2.6).
fn has_tls(mut tlvs: &[u8]) -> Result<bool, Malformed> {
    let mut tls = false;
    while let Some(([kind, high, low], rest)) = tlvs.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed::Fields)?;
        tls |= *kind == PP2_TYPE_SSL && value.first().is_some_and(|client| client & PP2_CLIENT_SSL != 0);
        tlvs = rest;
    }
    if tlvs.is_empty() { Ok(tls) } else { Err(Malformed::Fields) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(address: &str, tls: bool) -> Result<Source, Malformed> {
        Ok(Source::Client { address: address.parse().unwrap(), tls })
    }

    #[test]
    fn version_1() {
        assert_eq!(v1(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"), client("192.0.2.1", false));
        assert_eq!(v1(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), client("2001:db8::1", false));
        assert_eq!(v1(b"PROXY UNKNOWN\r\n"), Ok(Source::Balancer));
        assert_eq!(v1(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), Ok(Source::Balancer));
        for bad in [
            "PROXY\r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n",
            "PROXY TCP4 2001:db8::1 198.51.100.1 1 1\r\n",
            "PROXY TCP6 192.0.2.1 198.51.100.1 1 1\r\n",
            "PROXY TCP4 192.0.2.1 x 1 1\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1 1\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 1\r\n",
            "PROXY TCP4  192.0.2.1 198.51.100.1 1 1\r\n",
            "PROXY UDP4 192.0.2.1 198.51.100.1 1 1\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 1\n",
            "PROXY TCP4 192.0.2.\u{661} 198.51.100.1 1 1\r\n",
        ] {
            assert_eq!(v1(bad.as_bytes()), Err(Malformed::Fields), "{bad:?}");
        }
    }

    #[test]
    fn version_2() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0, 1, 1, 187];
        assert_eq!(v2(0x21, 0x11, &v4), client("192.0.2.1", false));
        assert_eq!(v2(0x20, 0x00, b""), Ok(Source::Balancer));
        assert_eq!(v2(0x20, 0x11, &v4), Ok(Source::Balancer), "LOCAL: addresses are ignored");
        assert_eq!(v2(0x21, 0x00, b""), Ok(Source::Balancer));
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!(v2(0x21, 0x21, &v6), client("2001:db8::9", false));
        let with = |tlvs: &[u8]| v2(0x21, 0x11, &[&v4, tlvs].concat());
        assert_eq!(with(&[0x20, 0, 5, 1, 0, 0, 0, 0]), client("192.0.2.1", true));
        assert_eq!(with(&[0x04, 0, 1, 9, 0x20, 0, 5, 0, 0, 0, 0, 0]), client("192.0.2.1", false));
        for bad in [&[0x20_u8, 0, 5, 1] as &[u8], &[0x20, 0], &[1, 255, 255]] {
            assert_eq!(with(bad), Err(Malformed::Fields), "{bad:?}");
        }
        for (version, family, rest) in [
            (0x11, 0x11, &v4 as &[u8]),
            (0x22, 0x11, &v4),
            (0x21, 0x12, &v4),
            (0x21, 0x31, &v4),
            (0x21, 0x11, &v4[..11]),
        ] {
            assert_eq!(v2(version, family, rest), Err(Malformed::Fields), "{version:x} {family:x}");
        }
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), a in any::<u8>(), b in any::<u8>()) {
            let _ = v1(&bytes);
            let _ = v2(a, b, &bytes);
            let _ = v2(0x21, 0x11, &bytes);
        }
    }
}
