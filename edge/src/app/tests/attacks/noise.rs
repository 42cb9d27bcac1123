//! Changes to texts and bytes, the same at every run.

/// A small generator (xorshift64*), seeded by a number.
pub struct Noise(u64);

/// Bytes that mean something to one parser or another.
const TELLING: &[&[u8]] = &[
    b"",
    b".",
    b"..",
    b"=",
    b"==",
    b",",
    b", Bearer ",
    b";",
    b" ",
    b"\t",
    b"\"",
    b"\0",
    b"\xff",
    b"%2e",
    b"Bearer ",
    b"Basic ",
    b"none",
    b"null",
    b"{}",
    b"[",
    b"]",
    b"{",
    b"}",
    b"#",
    b"\n",
    b"'''",
    b"-1",
    b"99999999999999999999",
    b"e30",
    b"true",
    b"false",
];

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    /// One to four changes: bits, bytes, pieces taken out, repeated, moved, or put in.
    pub fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(1 + bytes.len() / 4)).min(bytes.len());
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    let place = self.below(bytes.len() + 1);
                    drop(bytes.splice(place..place, piece));
                }
                4 => bytes.truncate(at),
                5 => bytes[at..end].reverse(),
                _ => {
                    let piece = TELLING[self.below(TELLING.len())];
                    drop(bytes.splice(at..at, piece.iter().copied()));
                }
            }
        }
        bytes
    }
}
