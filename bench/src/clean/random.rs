//! Chance that repeats: splitmix64 (Steele, Lea, Flood 2014). It chooses among honest requests; nothing secret comes of it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A sequence of choices.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The same parts make the same sequence (FNV-1a).
    pub fn of(parts: &[&[u8]]) -> Self {
        let mix = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(parts.iter().flat_map(|part| part.iter()).fold(0xcbf2_9ce4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `limit - 1`; 0 for no limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or_default()
    }

    /// Both ends included.
    pub fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True in so many cases of a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of them; nothing of nothing.
    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
        from.get(at).copied().unwrap_or_default()
    }

    /// Between `from` and `to` picks, joined.
    pub fn some(&mut self, from: &[&str], least: u64, most: u64, between: &str) -> String {
        let count = self.within(least, most);
        (0..count).map(|_| self.pick(from)).collect::<Vec<_>>().join(between)
    }

    pub fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    pub fn hex(&mut self, digits: u64) -> String {
        self.characters(b"0123456789abcdef", digits)
    }

    /// The first is no zero.
    pub fn digits(&mut self, count: u64) -> String {
        self.characters(b"123456789", 1) + &self.characters(b"0123456789", count.saturating_sub(1))
    }

    pub fn characters(&mut self, from: &[u8], count: u64) -> String {
        let mut one = || {
            let at = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
            char::from(from.get(at).copied().unwrap_or(b'0'))
        };
        (0..count).map(|_| one()).collect()
    }

    /// Letters and digits.
    pub fn alphanumeric(&mut self, count: u64) -> String {
        self.characters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", count)
    }

    /// Of so many random bytes, with padding.
    pub fn base64(&mut self, count: u64) -> String {
        STANDARD.encode(self.bytes(count))
    }

    /// As in tokens and links.
    pub fn base64url(&mut self, count: u64) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes(count))
    }

    /// Version 4 (RFC 9562).
    pub fn uuid(&mut self) -> String {
        let (a, b, c, d) = (self.hex(8), self.hex(4), self.hex(3), self.hex(3));
        format!("{a}-{b}-4{c}-{}{d}-{}", self.characters(b"89ab", 1), self.hex(12))
    }

    /// 26 characters of Crockford's base 32.
    pub fn ulid(&mut self) -> String {
        format!("01{}", self.characters(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24))
    }

    /// Seconds since the epoch, in 2024 to 2026.
    pub fn epoch(&mut self) -> u64 {
        self.within(1_704_067_200, 1_798_700_000)
    }

    /// `2026-03-14`.
    pub fn date(&mut self) -> String {
        format!("{}-{:02}-{:02}", self.within(2019, 2027), self.within(1, 12), self.within(1, 28))
    }

    /// RFC 3339, in UTC or with an offset.
    pub fn moment(&mut self) -> String {
        let zone = self.pick(&["Z", ".123Z", "+02:00", "-05:00", ".482913Z"]);
        format!("{}T{:02}:{:02}:{:02}{zone}", self.date(), self.below(24), self.below(60), self.below(60))
    }

    /// `129.90`.
    pub fn price(&mut self) -> String {
        format!("{}.{:02}", self.within(1, 4_000), self.below(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_make_the_same_sequence_and_others_another() {
        let texts = |seed: &[u8]| {
            let mut random = Random::of(&[seed, b"x"]);
            (random.uuid(), random.ulid(), random.moment(), random.base64(9), random.below(1000))
        };
        assert_eq!(texts(b"1"), texts(b"1"));
        assert_ne!(texts(b"1"), texts(b"2"));
    }

    #[test]
    fn bounds_are_kept() {
        let mut random = Random::of(&[]);
        for _ in 0..1000 {
            assert!((3..=5).contains(&random.within(3, 5)));
            assert_eq!(random.below(0), 0);
            assert_eq!(random.digits(4).len(), 4);
            assert!(!random.digits(4).starts_with('0'));
        }
        assert_eq!(random.pick(&[]), "");
    }
}
