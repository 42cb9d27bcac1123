//! Randomness from the operating system, by ring. A failure is an error, never a weaker number.

use ring::rand::{SecureRandom, SystemRandom};

/// The operating system gave no random bytes. Nothing can be issued in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random number generator failed")]
pub struct NoEntropy;

/// `N` fresh random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

pub fn fill(out: &mut [u8]) -> Result<(), NoEntropy> {
    SystemRandom::new().fill(out).map_err(|_| NoEntropy)
}

/// A uniform number below `bound`, by rejection (a plain remainder would favour small numbers). Zero when `bound` is zero.
pub fn below(bound: u32) -> Result<u32, NoEntropy> {
    if bound == 0 {
        return Ok(0);
    }
    // The largest multiple of `bound` that fits: what lies above is drawn again, at worst every other time.
    let limit = u32::MAX - u32::MAX % bound;
    loop {
        let draw = u32::from_be_bytes(bytes()?);
        if draw < limit {
            return Ok(draw % bound);
        }
    }
}

/// `N` characters, each uniform over the alphabet (ASCII, at most 256 characters).
pub fn text<const N: usize>(alphabet: &[u8]) -> Result<String, NoEntropy> {
    let size = u32::try_from(alphabet.len()).unwrap_or_default();
    let mut out = String::with_capacity(N);
    for _ in 0..N {
        let index = below(size)? as usize;
        out.extend(alphabet.get(index).map(|byte| char::from(*byte)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_below_the_bound_and_reach_every_value() {
        let mut seen = [0u32; 6];
        for _ in 0..600 {
            seen[below(6).unwrap() as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 40), "{seen:?}");
        assert_eq!(below(0).unwrap(), 0);
        assert_eq!(below(1).unwrap(), 0);
    }

    #[test]
    fn texts_are_of_their_alphabet() {
        let text = text::<64>(b"ab").unwrap();
        assert!(text.len() == 64 && text.contains('a') && text.contains('b') && !text.contains(['c', 'A']));
    }

    #[test]
    fn bytes_differ() {
        assert_ne!(bytes::<16>().unwrap(), bytes::<16>().unwrap());
    }
}
