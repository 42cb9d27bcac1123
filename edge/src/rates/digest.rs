//! Keys out of what a request brings.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip128::{Hasher128, SipHasher24};

/// 128 bits that nobody outside knows.
pub type Secret = [u8; 16];

/// What requests are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u128);

impl Key {
    /// A client's network: its address cut to so many bits. An IPv4 address, in IPv6 clothes too, is its mapped form (`::ffff:192.0.2.7`), so that
    /// [`Key::address`] can tell it again.
    pub fn of_address(client: IpAddr, v4_bits: u8, v6_bits: u8) -> Self {
        match client.to_canonical() {
            IpAddr::V4(ip) => Self(u128::from(ip.to_ipv6_mapped()) & mask(96 + v4_bits.min(32))),
            IpAddr::V6(ip) => Self(u128::from(ip) & mask(v6_bits)),
        }
    }

    /// The (first) address of a key that [`Key::of_address`] made.
    pub fn address(self) -> IpAddr {
        IpAddr::V6(self.0.into()).to_canonical()
    }
}

/// The first so many of 128 bits.
fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0)
}

/// Makes keys of texts: SipHash-2-4 of 128 bits under a secret, so that nobody outside can find two texts that count together. Edges that share
/// counts share the secret.
#[derive(Clone, Copy)]
pub struct Digester(Secret);

impl Digester {
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The beginning of a key.
    pub fn parts(&self) -> Parts {
        Parts(SipHasher24::new_with_key(&self.0))
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester")
    }
}

/// A key on its way. Two lists of parts give one key only if they are the same, part by part.
#[derive(Clone, Debug)]
pub struct Parts(SipHasher24);

impl Parts {
    /// Adds what one part of the key is.
    pub fn add(&mut self, part: &[u8]) {
        self.0.write_u64(part.len() as u64);
        self.0.write(part);
    }

    pub fn key(&self) -> Key {
        Key(self.0.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: u8, parts: &[&str]) -> Key {
        let mut all = Digester::new([secret; 16]).parts();
        parts.iter().for_each(|part| all.add(part.as_bytes()));
        all.key()
    }

    #[test]
    fn other_parts_or_another_secret_make_another_key() {
        assert_eq!(key(1, &["a", "b"]), key(1, &["a", "b"]));
        for other in [&["b", "a"] as &[&str], &["ab"], &["ab", ""], &["", "ab"], &["a"], &[]] {
            assert_ne!(key(1, &["a", "b"]), key(1, other), "{other:?}");
        }
        assert_ne!(key(1, &["a"]), key(2, &["a"]));
    }

    #[test]
    fn addresses_are_cut_and_told_again() {
        let cut = |text: &str, v4, v6| Key::of_address(text.parse().unwrap(), v4, v6).address().to_string();
        assert_eq!(cut("192.0.2.77", 32, 64), "192.0.2.77");
        assert_eq!(cut("::ffff:192.0.2.77", 32, 64), "192.0.2.77");
        assert_eq!(cut("192.0.2.77", 24, 64), "192.0.2.0");
        assert_eq!(cut("2001:db8:1:2:3:4:5:6", 32, 64), "2001:db8:1:2::");
        assert_eq!(cut("2001:db8:1:2:3:4:5:6", 32, 128), "2001:db8:1:2:3:4:5:6");
        assert_eq!(cut("2001:db8:1:2:3:4:5:6", 32, 48), "2001:db8:1::");
        assert_eq!(cut("2001:db8::1", 32, 0), "::");
    }
}
