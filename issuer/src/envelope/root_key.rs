//! The root key: read once at start, wraps the pools' data keys and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::ids::PoolId;
use common::secret::SecretString;
use ring::{digest, hmac};
use zeroize::Zeroizing;

use super::cipher::{Cipher, OpenError, SealError};
use super::context::Context;
use super::pool_key::PoolKey;
use crate::entropy::{self, NoEntropy};

/// Long enough for 32 bytes in hex or base64 with white space around, and no more is read.
const MAX_FILE_BYTES: u64 = 256;

/// The scope of values that belong to no pool. No pool id has its form.
const DEPLOYMENT_SCOPE: &str = "deployment";
const BACKUP_SCOPE: &str = "backup";

/// Why there is no root key. The texts are for whoever starts the issuer.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    #[error("cannot read the root key {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot create the root key {}: {source}", path.display())]
    NotCreated { path: PathBuf, source: std::io::Error },
    #[error("the root key {} is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("the root key {} has mode {mode:04o}: others could read it; run `chmod 600` on it", path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{origin} is not a root key: expected 32 bytes as 64 hex digits or as base64")]
    Malformed { origin: String },
    #[error("the environment variable {name} with the root key is not set")]
    Unset { name: String },
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// 256 bits that wrap the pools' data keys.
pub struct RootKey {
    cipher: Cipher,
    secret: Zeroizing<[u8; 32]>,
    id: String,
}

impl RootKey {
    /// Reads the key from a file that only its owner can read (mode 0600 or 0400), or from a credential of systemd's: those have mode 0440 where
    /// an access list names the service's user, and their folder is closed to everyone else.
    pub fn from_file(path: &Path) -> Result<Self, RootKeyError> {
        Self::read(path, std::env::var_os("CREDENTIALS_DIRECTORY").as_deref().map(Path::new))
    }

    fn read(path: &Path, credentials: Option<&Path>) -> Result<Self, RootKeyError> {
        let unreadable = |source| RootKeyError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        // The opened file is examined, not the path: it cannot be swapped in between.
        let meta = file.metadata().map_err(unreadable)?;
        if !meta.is_file() {
            return Err(RootKeyError::NotAFile { path: path.to_owned() });
        }
        let mode = meta.mode() & 0o7777;
        let is_credential = credentials.is_some_and(|folder| path.parent() == Some(folder));
        let is_private = mode & !0o600 == 0 || (is_credential && mode == 0o440);
        if !is_private {
            return Err(RootKeyError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the key from an environment variable. A file is better: the environment is inherited and shows in `/proc`.
    pub fn from_environment(name: &str) -> Result<Self, RootKeyError> {
        let text = std::env::var(name).map_err(|_| RootKeyError::Unset { name: name.to_owned() })?;
        Self::parse(&Zeroizing::new(text), &format!("the environment variable {name}"))
    }

    /// Reads the key from a setting that was loaded elsewhere.
    pub fn from_text(text: &SecretString) -> Result<Self, RootKeyError> {
        Self::parse(text.expose(), "the configured value")
    }

    /// Makes a new key and stores it at `path` with mode 0600. Fails if the file exists: a lost root key is a lost deployment,
    /// so none is ever overwritten. The file is on disk when this returns.
    pub fn create(path: &Path) -> Result<Self, RootKeyError> {
        let secret = Zeroizing::new(entropy::bytes::<32>()?);
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(secret.as_slice())));
        write_new(path, text.as_bytes())
            .map_err(|source| RootKeyError::NotCreated { path: path.to_owned(), source })?;
        Self::from_bytes(secret, &path.display().to_string())
    }

    /// Tells root keys apart without revealing them; stored beside what the key wraps.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A fresh data key for a pool, and its wrapped form for the pool's row.
    pub fn new_pool_key(&self, pool: &PoolId) -> Result<(PoolKey, Vec<u8>), SealError> {
        let secret = Zeroizing::new(entropy::bytes::<32>()?);
        let wrapped = self.cipher.seal(&wrap_context(pool.as_str()), secret.as_slice())?;
        let key = PoolKey::new(pool.as_str(), secret.as_slice()).ok_or(SealError::TooLong)?;
        Ok((key, wrapped))
    }

    /// Unwraps a pool's data key.
    pub fn open_pool_key(&self, pool: &PoolId, wrapped: &[u8]) -> Result<PoolKey, OpenError> {
        let secret = self.cipher.open(&wrap_context(pool.as_str()), wrapped)?;
        PoolKey::new(pool.as_str(), secret.expose()).ok_or(OpenError::Refused)
    }

    /// Wraps a pool's data key anew under another root key, without touching what the data key sealed.
    pub fn rewrap(&self, pool: &PoolId, wrapped: &[u8], successor: &RootKey) -> Result<Vec<u8>, RewrapError> {
        let secret = self.cipher.open(&wrap_context(pool.as_str()), wrapped)?;
        Ok(successor.cipher.seal(&wrap_context(pool.as_str()), secret.expose())?)
    }

    /// The key for values that belong to no pool (the private CA, admin keys), derived from the root key.
    pub fn deployment_key(&self) -> Option<PoolKey> {
        PoolKey::new(DEPLOYMENT_SCOPE, self.secret.as_slice())
    }

    /// The key of one backup, which has this id. Backups share no key, so that each may seal as much as it needs.
    pub fn backup_key(&self, id: &str) -> Option<PoolKey> {
        let derive = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice());
        let key = hmac::sign(&derive, &[b"tollgate backup 1 ".as_slice(), id.as_bytes()].concat());
        PoolKey::new(BACKUP_SCOPE, key.as_ref())
    }

    fn parse(text: &str, origin: &str) -> Result<Self, RootKeyError> {
        let text = text.trim();
        let decoded = Zeroizing::new(if text.len() == 64 { decode_hex(text) } else { STANDARD.decode(text).ok() });
        let secret = decoded.as_deref().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Zeroizing::new);
        Self::from_bytes(secret.ok_or_else(|| RootKeyError::Malformed { origin: origin.to_owned() })?, origin)
    }

    fn from_bytes(secret: Zeroizing<[u8; 32]>, origin: &str) -> Result<Self, RootKeyError> {
        let malformed = || RootKeyError::Malformed { origin: origin.to_owned() };
        let wrap_key =
            digest::digest(&digest::SHA256, &[b"tollgate root wrap 1".as_slice(), secret.as_slice()].concat());
        let id = digest::digest(&digest::SHA256, &[b"tollgate root id 1".as_slice(), secret.as_slice()].concat());
        let id = id.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { cipher: Cipher::new(wrap_key.as_ref()).ok_or_else(malformed)?, secret, id })
    }
}

/// Why a data key could not be wrapped anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn wrap_context(scope: &str) -> Vec<u8> {
    Context { table: "pool_keys", row: &[], column: "wrapped" }.additional_data(scope)
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    digits?
        .chunks(2)
        .map(|pair| pair.iter().try_fold(0u8, |byte, &d| Some(byte << 4 | u8::try_from(d).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn file(folder: &tempfile::TempDir, content: &str, mode: u32) -> PathBuf {
        let path = folder.path().join(format!("root-{mode:o}.key"));
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn hex_and_base64_name_the_same_key() {
        let hex = RootKey::from_text(&SecretString::new(format!("{HEX}\n"))).unwrap();
        let base64 = RootKey::from_text(&SecretString::new(format!(" {BASE64} "))).unwrap();
        assert_eq!(hex.id(), base64.id());
        assert_eq!(hex.id().len(), 16);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "secret", &HEX[1..], &format!("{HEX}00"), &HEX.replace('0', "g"), "AAECAwQFBgcICQoLDA0ODw=="] {
            let refused = RootKey::from_text(&SecretString::new(bad)).err().unwrap();
            assert!(matches!(refused, RootKeyError::Malformed { .. }), "{bad}");
        }
    }

    #[test]
    fn only_the_owner_may_be_able_to_read_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            assert!(RootKey::from_file(&file(&folder, HEX, mode)).is_ok(), "{mode:o}");
        }
        for mode in [0o644, 0o640, 0o604, 0o610, 0o700] {
            let refused = RootKey::from_file(&file(&folder, HEX, mode)).err().unwrap();
            assert!(matches!(refused, RootKeyError::TooOpen { mode: found, .. } if found == mode), "{mode:o}");
        }
        assert!(matches!(RootKey::from_file(folder.path()), Err(RootKeyError::NotAFile { .. })));
        assert!(matches!(RootKey::from_file(&folder.path().join("none")), Err(RootKeyError::Unreadable { .. })));
    }

    #[test]
    fn a_credential_may_have_the_mode_that_systemd_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let credential = file(&folder, HEX, 0o440);
        assert!(RootKey::read(&credential, Some(folder.path())).is_ok());
        for elsewhere in [None, Some(Path::new("/run/credentials/another"))] {
            assert!(matches!(RootKey::read(&credential, elsewhere), Err(RootKeyError::TooOpen { mode: 0o440, .. })));
        }
        let open = file(&folder, HEX, 0o444);
        assert!(matches!(RootKey::read(&open, Some(folder.path())), Err(RootKeyError::TooOpen { mode: 0o444, .. })));
    }

    #[test]
    fn a_created_key_reads_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let made = RootKey::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(RootKey::from_file(&path).unwrap().id(), made.id());
        assert!(matches!(RootKey::create(&path), Err(RootKeyError::NotCreated { .. })));
    }

    #[test]
    fn an_unset_variable_is_named() {
        let text = RootKey::from_environment("TOLLGATE_NO_SUCH_VARIABLE").err().unwrap().to_string();
        assert!(text.contains("TOLLGATE_NO_SUCH_VARIABLE"), "{text}");
    }

    #[test]
    fn a_wrapped_pool_key_opens_for_its_pool_under_its_root_only() {
        let root = RootKey::from_text(&SecretString::new(HEX)).unwrap();
        let other = RootKey::from_text(&SecretString::new("ff".repeat(32))).unwrap();
        let (home, away) = (PoolId::parse("eu_a").unwrap(), PoolId::parse("eu_b").unwrap());
        let cell = Context { table: "t", row: &["r"], column: "c" };
        let (key, wrapped) = root.new_pool_key(&home).unwrap();
        let sealed = key.seal(cell, b"x").unwrap();

        assert_eq!(root.open_pool_key(&home, &wrapped).unwrap().open(cell, &sealed).unwrap().expose(), b"x");
        assert_eq!(root.open_pool_key(&away, &wrapped).err(), Some(OpenError::Refused));
        assert_eq!(other.open_pool_key(&home, &wrapped).err(), Some(OpenError::Refused));

        let rewrapped = root.rewrap(&home, &wrapped, &other).unwrap();
        assert_eq!(other.open_pool_key(&home, &rewrapped).unwrap().open(cell, &sealed).unwrap().expose(), b"x");
    }
}
