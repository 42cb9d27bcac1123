//! What tokens and puzzles are signed with. Edges that have the same keys accept each other's.

use std::path::Path;

use common::secret::SecretBytes;
use ring::hmac;

pub use crate::files::keys::KeyError;
use crate::files::keys::{self, random};

/// Bytes of a signature (HMAC-SHA-256).
pub const SIGNATURE: usize = 32;
/// Of a key that is made; bytes.
const BYTES: usize = 32;

/// What is signed. Each has keys of its own, so that none can be shown in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Token,
    Puzzle,
    /// The tag of a client's network.
    Network,
}

/// Never empty: the first signs, all are accepted.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    token: hmac::Key,
    puzzle: hmac::Key,
    network: hmac::Key,
}

impl Keys {
    /// Reads a file: a key a line, the first of which signs. Empty lines are left out.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        keys::read(path).map(Self::of)
    }

    /// Reads the file, and makes it with a random key where there is none.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        keys::read_or_make(path).map(Self::of)
    }

    /// Keys that all edges of a deployment share, the newest first, and behind them those that this edge had of its own: what it has signed with them goes
    /// on counting here.
    pub(super) fn shared(shared: &[[u8; 32]], own: &Self) -> Self {
        Self(shared.iter().map(|key| Key::new(key)).chain(own.0.iter().cloned()).collect())
    }

    /// A key that nobody else has.
    pub fn random() -> Result<Self, KeyError> {
        Ok(Self(vec![Key::new(&random::<BYTES>()?)]))
    }

    fn of(secrets: Vec<SecretBytes>) -> Self {
        Self(secrets.iter().map(|secret| Key::new(secret.expose())).collect())
    }

    pub(super) fn sign(&self, purpose: Purpose, data: &[u8]) -> [u8; SIGNATURE] {
        let mut signature = [0; SIGNATURE];
        if let Some(key) = self.0.first() {
            signature.copy_from_slice(hmac::sign(key.of(purpose), data).as_ref());
        }
        signature
    }

    /// In constant time for each key.
    pub(super) fn verify(&self, purpose: Purpose, data: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| hmac::verify(key.of(purpose), data, signature).is_ok())
    }

    /// What every key of the file says of some data, the one that signs first.
    pub(super) fn tags<'k>(&'k self, purpose: Purpose, data: &'k [u8]) -> impl Iterator<Item = hmac::Tag> + 'k {
        self.0.iter().map(move |key| hmac::sign(key.of(purpose), data))
    }
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Self {
            token: derived(b"tollgate clearance token"),
            puzzle: derived(b"tollgate puzzle"),
            network: derived(b"tollgate puzzle network"),
        }
    }

    fn of(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::Token => &self.token,
            Purpose::Puzzle => &self.puzzle,
            Purpose::Network => &self.network,
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keys").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(text: &str) -> Result<Keys, String> {
        keys::parse(&SecretBytes::new(text)).map(Keys::of).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_key_signs_and_all_are_accepted() {
        let [old, new] = ["a".repeat(32), "b".repeat(40)];
        let before = keys(&old).unwrap();
        let after = keys(&format!("{new}\n{old}\n\n")).unwrap();
        let signature = before.sign(Purpose::Token, b"data");
        assert!(after.verify(Purpose::Token, b"data", &signature));
        assert!(!after.verify(Purpose::Puzzle, b"data", &signature), "a purpose has keys of its own");
        assert!(!before.verify(Purpose::Token, b"data", &after.sign(Purpose::Token, b"data")));
        assert!(!keys(&new).unwrap().verify(Purpose::Token, b"data", &signature), "a key that was taken out");
        assert!(!after.verify(Purpose::Token, b"data", &signature[..16]), "a part of a signature is none");
    }

    #[test]
    fn files_are_held_to_their_form() {
        let short = format!("{}\nshort", "a".repeat(32));
        let many = format!("{}\n", "a".repeat(32)).repeat(5);
        for (text, problem) in
            [(" \n", "has no key"), (&*short, "line 2: a key has at least"), (&*many, "more than 4 keys")]
        {
            assert!(keys(text).unwrap_err().contains(problem), "{text}");
        }
        assert_eq!(format!("{:?}", keys(&"a".repeat(32)).unwrap()), "Keys(1)");
    }

    #[test]
    fn a_missing_file_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/challenge.key");
        let made = Keys::read_or_make(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let again = Keys::read_or_make(&path).unwrap();
        assert!(again.verify(Purpose::Token, b"x", &made.sign(Purpose::Token, b"x")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::read_or_make(&path), Err(KeyError::Open)));
        assert!(matches!(Keys::read(&dir.path().join("nowhere")), Err(KeyError::Io(_))));
    }
}
