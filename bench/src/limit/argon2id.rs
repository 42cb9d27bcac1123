//! Argon2id (RFC 9106) with 19 MiB, two passes and one lane: a password's check, and its making.

use std::hint::black_box;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};

use super::{Limit, LimitError, Work};

/// What the issuer hashes with: the OWASP minimum for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// One hash. Its memory is allocated for the call and freed at its end; an issuer at work keeps it for the next one.
#[derive(Clone, Copy, Debug)]
pub struct Argon2id;

impl Limit for Argon2id {
    fn name(&self) -> &'static str {
        "argon2id"
    }

    fn title(&self) -> String {
        "Argon2id, m=19 MiB t=2 p=1".into()
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let failed = || LimitError::Arithmetic("Argon2id");
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| failed())?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Box::new(move || {
            let mut hash = [0; Params::DEFAULT_OUTPUT_LEN];
            hasher.hash_password_into(black_box(b"Correct horse 1!"), &[7; 16], &mut hash).map_err(|_| failed())?;
            black_box(hash);
            Ok(())
        }))
    }
}
