//! Files of symmetric keys: a key a line, the first of which is used, while all are accepted.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::secret::SecretBytes;
use ring::rand::{SecureRandom, SystemRandom};

use crate::files;

/// What a key must have at least; bytes.
const LEAST: usize = 32;
/// Keys in one file: the one that is used, and those that it replaces.
const MOST: usize = 4;
/// A key file; bytes.
const MOST_BYTES: u64 = 4096;

/// Why a file has no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("others may read or write it: chmod 640, or stricter")]
    Open,
    #[error("is larger than {MOST_BYTES} bytes")]
    Large,
    #[error("line {0}: a key has at least 32 characters: openssl rand -hex 32")]
    Short(usize),
    #[error("has no key: openssl rand -hex 32")]
    Empty,
    #[error("has more than {MOST} keys")]
    Many,
    #[error("the operating system gave no random bytes")]
    NoRandom,
}

/// Reads a file. Empty lines are left out.
pub fn read(path: &Path) -> Result<Vec<SecretBytes>, KeyError> {
    parse(&text(path)?)
}

/// Reads the file, and makes it with a random key where there is none.
pub fn read_or_make(path: &Path) -> Result<Vec<SecretBytes>, KeyError> {
    if files::read(path)?.is_none() {
        path.parent().map_or(Ok(()), files::make_dir)?;
        let hex: String = random::<LEAST>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        files::replace(path, format!("{hex}\n").as_bytes())?;
    }
    read(path)
}

/// All of a small file that nobody else may read.
pub fn text(path: &Path) -> Result<SecretBytes, KeyError> {
    let metadata = fs::metadata(path)?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(KeyError::Open);
    }
    if metadata.len() > MOST_BYTES {
        return Err(KeyError::Large);
    }
    Ok(SecretBytes::new(fs::read(path)?))
}

/// The keys in a file's text.
pub fn parse(text: &SecretBytes) -> Result<Vec<SecretBytes>, KeyError> {
    let mut keys = Vec::new();
    for (number, line) in text.expose().split(|byte| *byte == b'\n').enumerate() {
        match line.trim_ascii() {
            [] => {}
            key if key.len() < LEAST => return Err(KeyError::Short(number + 1)),
            key => keys.push(SecretBytes::new(key)),
        }
    }
    match keys.len() {
        0 => Err(KeyError::Empty),
        1..=MOST => Ok(keys),
        _ => Err(KeyError::Many),
    }
}

/// Fresh bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map(|()| bytes).map_err(|_| KeyError::NoRandom)
}
