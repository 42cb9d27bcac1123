//! What kind of place an address is (the registries of RFC 6890): whether somebody else may have the issuer connect to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The internet.
    Public,
    /// This machine, or a network of the operator's: only where the settings allow it.
    Private,
    /// Never: nobody's, everybody's, or a cloud's own (`169.254.169.254` and its like).
    Nowhere,
}

const PRIVATE_V4: [Ipv4Net; 5] = [
    v4([10, 0, 0, 0], 8),
    // RFC 6598, between a provider and its subscribers.
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
];

const NOWHERE_V4: [Ipv4Net; 11] = [
    v4([0, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    // Azure's own server for its machines, in the middle of the public addresses.
    v4([168, 63, 129, 16], 32),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// All of the public ones (RFC 4291 §2.4); what is private or of a translator stands outside.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NOWHERE_V6: [Ipv6Net; 3] = [
    // IETF's own, with Teredo, and texts' examples.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];
/// RFC 4193.
const LOCAL_V6: Ipv6Net = v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7);
/// RFC 6052 §2.1 and RFC 3056: an IPv4 address is in them, and is where they lead.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

pub fn place(address: IpAddr) -> Place {
    match address.to_canonical() {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    let is_in = |networks: &[Ipv4Net]| networks.iter().any(|network| network.contains(&address));
    match () {
        () if is_in(&PRIVATE_V4) => Place::Private,
        () if is_in(&NOWHERE_V4) => Place::Nowhere,
        () => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    let bits = u128::from(address);
    let inner = |shift: u32| Ipv4Addr::from(u32::try_from((bits >> shift) & u128::from(u32::MAX)).unwrap_or_default());
    if NAT64.contains(&address) {
        return place_v4(inner(0));
    }
    if SIX_TO_FOUR.contains(&address) {
        return place_v4(inner(80));
    }
    if address.is_loopback() || LOCAL_V6.contains(&address) {
        return Place::Private;
    }
    let is_public = GLOBAL_V6.contains(&address) && !NOWHERE_V6.iter().any(|network| network.contains(&address));
    if is_public { Place::Public } else { Place::Nowhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_where_the_registries_have_them() {
        for (expected, addresses) in [
            (
                Place::Public,
                "1.1.1.1 8.8.8.8 172.32.0.1 172.15.255.255 100.63.255.255 100.128.0.0 192.169.0.1 223.255.255.255",
            ),
            (Place::Public, "2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450::1 64:ff9b::808:808 2002:808:808::1"),
            (
                Place::Private,
                "127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.100.100.200",
            ),
            (
                Place::Private,
                "::1 fd00::1 fc00::1 fd00:ec2::254 ::ffff:127.0.0.1 ::ffff:10.1.2.3 64:ff9b::7f00:1 2002:7f00:1::",
            ),
            (
                Place::Nowhere,
                "0.0.0.0 0.1.2.3 169.254.169.254 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 203.0.113.9",
            ),
            (
                Place::Nowhere,
                "224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1 :: fe80::1 fec0::1 ff02::1 2001:db8::1",
            ),
            (
                Place::Nowhere,
                "2001::1 3fff::1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 ::7f00:1 100::1 5f00::1",
            ),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(place(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
