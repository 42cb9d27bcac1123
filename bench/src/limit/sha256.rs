//! SHA-256 of a token: the key of every cache of verdicts, and how a refresh token is looked up.

use std::hint::black_box;
use std::path::Path;

use ring::digest::{SHA256, digest};

use super::{Limit, LimitError, Work};

/// Bytes of an access token as Cognito makes it, without many groups.
const TOKEN_BYTES: usize = 1024;

/// Hashes 1 KB.
#[derive(Clone, Copy, Debug)]
pub struct Sha256OfToken;

impl Limit for Sha256OfToken {
    fn name(&self) -> &'static str {
        "sha256_token"
    }

    fn title(&self) -> String {
        "SHA-256 of a token of 1 KB, ring".into()
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let token = [b'a'; TOKEN_BYTES];
        Ok(Box::new(move || {
            black_box(digest(&SHA256, black_box(&token)));
            Ok(())
        }))
    }
}
