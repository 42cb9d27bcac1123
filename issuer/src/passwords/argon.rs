//! Argon2id and its PHC strings (RFC 9106). Slow by design: called from the work pool only.

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error, PasswordVerifier};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

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
/// Memory times passes of a hash that is imported.
const MAX_WORK_KIB: u64 = 384 * 1024;
/// Of the text of one.
const MAX_IMPORTED_BYTES: usize = 256;

const SALT_BYTES: usize = 16;

/// The 19 MiB of each hash, kept from one to the next while there is work: getting them from the system anew, page by page, takes a
/// quarter of a sign-in's processor time. As many are kept as were in use at once; the work pool bounds that.
#[derive(Default)]
pub(super) struct Scratch(Mutex<Vec<Vec<Block>>>);

impl Scratch {
    fn with<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let mut memory = self.kept().pop().unwrap_or_default();
        memory.resize(blocks, Block::new());
        let done = work(&mut memory);
        self.kept().push(memory);
        done
    }

    /// Wipes what is not in use and gives it back.
    pub(super) fn free(&self) {
        let kept = std::mem::take(&mut *self.kept());
        kept.into_iter().for_each(|mut memory| memory.zeroize());
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes with the current cost and a fresh salt.
pub(super) fn hash(scratch: &Scratch, password: &[u8]) -> Result<String, PasswordError> {
    let salt = Salt::new(&entropy::bytes::<SALT_BYTES>()?).map_err(|_| PasswordError::Failed)?;
    let hash = output(scratch, password, &salt).ok_or(PasswordError::Failed)?;
    let params = ParamsString::try_from(&current()?).map_err(|_| PasswordError::Failed)?;
    let (algorithm, version) = (Algorithm::Argon2id.ident(), Some(Version::V0x13.into()));
    Ok(PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(hash) }.to_string())
}

/// Compares in constant time. A stored text that is no usable Argon2 hash is an error, not a mismatch.
pub(super) fn verify(scratch: &Scratch, password: &[u8], stored: &str) -> Result<Verdict, PasswordError> {
    let parsed = PasswordHash::new(stored).map_err(|_| PasswordError::UnusableHash)?;
    let params = usable_params(&parsed)?;
    if let (true, Some(salt), Some(expected)) = (has_current_cost(&parsed, &params), &parsed.salt, &parsed.hash) {
        let found = output(scratch, password, salt).ok_or(PasswordError::UnusableHash)?;
        // `Output` compares in constant time.
        return Ok(if found == *expected { Verdict::Match } else { Verdict::Mismatch });
    }
    match Argon2::default().verify_password(password, &parsed) {
        Ok(()) => Ok(Verdict::MatchNeedsRehash),
        Err(Error::PasswordInvalid) => Ok(Verdict::Mismatch),
        Err(_) => Err(PasswordError::UnusableHash),
    }
}

/// What the current cost makes of a password.
fn output(scratch: &Scratch, password: &[u8], salt: &Salt) -> Option<Output> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, current().ok()?);
    let mut made = [0; Params::DEFAULT_OUTPUT_LEN];
    let blocks = hasher.params().block_count();
    scratch.with(blocks, |blocks| hasher.hash_password_into_with_memory(password, salt, &mut made, blocks)).ok()?;
    Output::new(&made).ok()
}

fn current() -> Result<Params, PasswordError> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Failed)
}

fn usable_params(stored: &PasswordHash) -> Result<Params, PasswordError> {
    let params = Params::try_from(stored).map_err(|_| PasswordError::UnusableHash)?;
    let within = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES;
    let complete = stored.salt.is_some() && stored.hash.is_some();
    if within && complete { Ok(params) } else { Err(PasswordError::UnusableHash) }
}

/// Whether a stored hash has today's cost.
pub fn is_current(stored: &str) -> bool {
    let parsed = PasswordHash::new(stored).ok();
    parsed.is_some_and(|parsed| usable_params(&parsed).is_ok_and(|params| has_current_cost(&parsed, &params)))
}

/// Why a hash of another deployment is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableImport {
    #[error("the password hash is no Argon2id hash in PHC form with salt and hash")]
    Form,
    #[error("the password hash asks for more than {} MiB, {MAX_PASSES} passes, {MAX_LANES} lanes, or {} MiB times passes", MAX_MEMORY_KIB / 1024, MAX_WORK_KIB / 1024)]
    Cost,
}

/// Whether a hash may be stored that somebody else made. Anyone who knows the user's name can have it computed, so what it costs is bounded: as
/// [`verify`] has it, and beyond it in memory times passes (ten times today's cost).
pub fn check_imported(stored: &str) -> Result<(), UnusableImport> {
    let parsed = PasswordHash::new(stored).map_err(|_| UnusableImport::Form)?;
    let params = Params::try_from(&parsed).map_err(|_| UnusableImport::Form)?;
    let whole = parsed.salt.is_some() && parsed.hash.is_some() && stored.len() <= MAX_IMPORTED_BYTES;
    if !whole || parsed.algorithm.as_str() != "argon2id" {
        return Err(UnusableImport::Form);
    }
    let work = u64::from(params.m_cost()).saturating_mul(params.t_cost().into());
    match usable_params(&parsed) {
        Ok(_) if work <= MAX_WORK_KIB => Ok(()),
        _ => Err(UnusableImport::Cost),
    }
}

fn has_current_cost(stored: &PasswordHash, params: &Params) -> bool {
    stored.algorithm.as_str() == "argon2id"
        && stored.version == Some(Version::V0x13.into())
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
        && params.output_len() == Some(Params::DEFAULT_OUTPUT_LEN)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

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
        let stored = hash(&Scratch::default(), "pässwörd \u{1F511}".as_bytes()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify(&Scratch::default(), "pässwörd \u{1F511}".as_bytes(), &stored).unwrap(), Verdict::Match);
        assert_eq!(verify(&Scratch::default(), "passw\u{308}ord".as_bytes(), &stored).unwrap(), Verdict::Mismatch);
        assert_ne!(stored, hash(&Scratch::default(), "pässwörd \u{1F511}".as_bytes()).unwrap(), "fresh salt");
    }

    #[test]
    fn memory_that_was_used_before_changes_no_hash_and_is_given_back() {
        let scratch = Scratch::default();
        let stored = hash(&scratch, b"first").unwrap();
        assert_eq!(verify(&scratch, b"second", &stored), Ok(Verdict::Mismatch));
        assert_eq!(verify(&scratch, b"first", &stored), Ok(Verdict::Match));
        assert_eq!(scratch.kept().len(), 1);
        // Another implementation of the allocation gives the same verdict.
        let parsed = PasswordHash::new(&stored).unwrap();
        assert!(Argon2::default().verify_password(b"first", &parsed).is_ok());
        scratch.free();
        assert_eq!(scratch.kept().len(), 0);
        assert_eq!(verify(&scratch, b"first", &stored), Ok(Verdict::Match));
    }

    #[test]
    fn long_passwords_are_not_truncated() {
        let long = "a".repeat(256);
        let stored = weak(long.as_bytes());
        assert_eq!(verify(&Scratch::default(), long.as_bytes(), &stored).unwrap(), Verdict::MatchNeedsRehash);
        assert_eq!(verify(&Scratch::default(), "a".repeat(255).as_bytes(), &stored).unwrap(), Verdict::Mismatch);
    }

    #[test]
    fn an_older_cost_asks_for_a_new_hash() {
        assert_eq!(verify(&Scratch::default(), b"pw", &weak(b"pw")).unwrap(), Verdict::MatchNeedsRehash);
        assert_eq!(verify(&Scratch::default(), b"other", &weak(b"pw")).unwrap(), Verdict::Mismatch);
    }

    #[test]
    fn hashes_of_others_are_taken_in_bounds() {
        let ours = hash(&Scratch::default(), b"pw").unwrap();
        assert!(is_current(&ours) && !is_current(&weak(b"pw")) && !is_current("plain"));
        let costing = |cost: &str| ours.replace("m=19456,t=2,p=1", cost);
        for taken in [&ours, &weak(b"pw"), &costing("m=65536,t=3,p=4"), &costing("m=131072,t=3,p=1")] {
            assert_eq!(check_imported(taken), Ok(()), "{taken}");
        }
        let costly = ["m=131073,t=1,p=1", "m=4194304,t=1,p=1", "m=64,t=17,p=1", "m=256,t=1,p=17", "m=131072,t=4,p=1"];
        for cost in costly {
            assert_eq!(check_imported(&costing(cost)), Err(UnusableImport::Cost), "{cost}");
        }
        let cut = ours.rsplit_once('$').unwrap().0;
        let other = ours.replace("argon2id", "argon2i");
        for odd in ["", "plain", cut, &other, "$2b$12$abcdefghijklmnopqrstuuPDqzVnz2ncXbcTDGVqh1kZ3Yh8bYzqW"] {
            assert_eq!(check_imported(odd), Err(UnusableImport::Form), "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_verified_is_an_error() {
        let good = weak(b"pw");
        let greedy = good.replace("m=64", "m=4194304");
        let slow = good.replace("t=1", "t=1000");
        let wide = good.replace("p=1", "p=255");
        let foreign = "$pbkdf2-sha256$i=600000$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObGzz9mR5JkxJo";
        for stored in ["", "plain", foreign, "$argon2id$v=19$m=64,t=1,p=1", &greedy, &slow, &wide] {
            assert_eq!(verify(&Scratch::default(), b"pw", stored), Err(PasswordError::UnusableHash), "{stored}");
        }
    }
}
