//! Opaque tokens: refresh tokens, sessions, join secrets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::secret::SecretString;
use ring::digest;

use crate::entropy::{self, NoEntropy};

/// A letter, then 256 random bits in base64url: 44 characters. base64url alone may begin with `-`, which command lines take for an
/// option.
pub fn opaque_token() -> Result<SecretString, NoEntropy> {
    Ok(format!("t{}", URL_SAFE_NO_PAD.encode(entropy::bytes::<32>()?)).into())
}

/// What is stored of a token: its SHA-256. A lookup by it tells nothing by its time, since no one can steer a hash.
pub fn token_digest(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_256_bits_and_never_repeat() {
        let (one, two) = (opaque_token().unwrap(), opaque_token().unwrap());
        assert_eq!(one.expose().len(), 44);
        assert_eq!(URL_SAFE_NO_PAD.decode(&one.expose()[1..]).unwrap().len(), 32);
        assert_ne!(one, two);
    }

    #[test]
    fn the_digest_is_sha256() {
        let hex: String = token_digest("abc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
