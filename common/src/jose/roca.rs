//! The fingerprint of RSA moduli made by the Infineon library (ROCA, CVE-2017-15361).
//!
//! Its primes are k·M + (65537^a mod M) with M a product of small primes, so the modulus is a power of 65537 modulo each of
//! them. A modulus of another origin is so for all of these primes with a chance of about 2^-28.

const GENERATOR: u32 = 65_537;
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the big-endian `modulus` bears the fingerprint.
pub fn is_fingerprinted(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| is_power_of_generator(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime)
}

fn is_power_of_generator(residue: u32, prime: u32) -> bool {
    let step = GENERATOR % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * step % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_the_generator_bear_it_and_their_neighbours_do_not() {
        let square = (u128::from(GENERATOR) * u128::from(GENERATOR)).to_be_bytes();
        assert!(is_fingerprinted(&square));
        let next = (u128::from(GENERATOR) * u128::from(GENERATOR) + 2).to_be_bytes();
        assert!(!is_fingerprinted(&next));
    }
}
