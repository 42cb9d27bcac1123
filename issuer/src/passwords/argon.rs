//! Argon2id and its PHC strings (RFC 9106). Slow by design: called from the work pool only.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::hasher::{PasswordError, Verdict};
use crate::entropy;

/// 19 MiB, two passes, one lane: the OWASP and ASVS 5.0 appendix C minimum for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What an imported hash may ask for. A row that asks for more is refused, or it could take the machine's memory.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

const SALT_BYTES: usize = 16;

/// Hashes with the current cost and a fresh salt. The 19 MiB are allocated for this call and freed at its end.
pub(super) fn hash(password: &[u8]) -> Result<String, PasswordError> {
    let salt: [u8; SALT_BYTES] = entropy::bytes()?;
    hasher()?.hash_password_with_salt(password, &salt).map(|hash| hash.to_string()).map_err(|_| PasswordError::Failed)
}

/// Compares in constant time. A stored text that is no usable Argon2 hash is an error, not a mismatch.
pub(super) fn verify(password: &[u8], stored: &str) -> Result<Verdict, PasswordError> {
    let parsed = PasswordHash::new(stored).map_err(|_| PasswordError::UnusableHash)?;
    let params = usable_params(&parsed)?;
    match Argon2::default().verify_password(password, &parsed) {
        Ok(()) if is_current(&parsed, &params) => Ok(Verdict::Match),
        Ok(()) => Ok(Verdict::MatchNeedsRehash),
        Err(Error::PasswordInvalid) => Ok(Verdict::Mismatch),
        Err(_) => Err(PasswordError::UnusableHash),
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn usable_params(stored: &PasswordHash) -> Result<Params, PasswordError> {
    let params = Params::try_from(stored).map_err(|_| PasswordError::UnusableHash)?;
    let within = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES;
    let complete = stored.salt.is_some() && stored.hash.is_some();
    if within && complete { Ok(params) } else { Err(PasswordError::UnusableHash) }
}

fn is_current(stored: &PasswordHash, params: &Params) -> bool {
    stored.algorithm.as_str() == "argon2id"
        && stored.version == Some(Version::V0x13.into())
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
        && params.output_len() == Some(Params::DEFAULT_OUTPUT_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weak on purpose, so that the test is quick: made with the reference `argon2` command, `-id -k 64 -t 1 -p 1`.
    fn weak(password: &[u8]) -> String {
        let params = Params::new(64, 1, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(password, b"somesaltsomesalt")
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_hash_names_its_cost_and_verifies() {
        let stored = hash("pässwörd \u{1F511}".as_bytes()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify("pässwörd \u{1F511}".as_bytes(), &stored).unwrap(), Verdict::Match);
        assert_eq!(verify("passw\u{308}ord".as_bytes(), &stored).unwrap(), Verdict::Mismatch);
        assert_ne!(stored, hash("pässwörd \u{1F511}".as_bytes()).unwrap(), "fresh salt");
    }

    #[test]
    fn long_passwords_are_not_truncated() {
        let long = "a".repeat(256);
        let stored = weak(long.as_bytes());
        assert_eq!(verify(long.as_bytes(), &stored).unwrap(), Verdict::MatchNeedsRehash);
        assert_eq!(verify("a".repeat(255).as_bytes(), &stored).unwrap(), Verdict::Mismatch);
    }

    #[test]
    fn an_older_cost_asks_for_a_new_hash() {
        assert_eq!(verify(b"pw", &weak(b"pw")).unwrap(), Verdict::MatchNeedsRehash);
        assert_eq!(verify(b"other", &weak(b"pw")).unwrap(), Verdict::Mismatch);
    }

    #[test]
    fn what_cannot_be_verified_is_an_error() {
        let good = weak(b"pw");
        let greedy = good.replace("m=64", "m=4194304");
        let slow = good.replace("t=1", "t=1000");
        let wide = good.replace("p=1", "p=255");
        let foreign = "$pbkdf2-sha256$i=600000$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObGzz9mR5JkxJo";
        for stored in ["", "plain", foreign, "$argon2id$v=19$m=64,t=1,p=1", &greedy, &slow, &wide] {
            assert_eq!(verify(b"pw", stored), Err(PasswordError::UnusableHash), "{stored}");
        }
    }
}
