//! What cookies are sealed with: AES-256-GCM under a key of each cookie's own, so that no number of them wears a key out (NIST SP 800-38D §8.3).
//!
//! The additional data is everything that a cookie is for; what was sealed for another purpose, sign-in, client, host or name does not open.

use common::jose::{base64url_decode, base64url_encode};
use common::secret::SecretBytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use crate::files::keys::{self, KeyError};
use crate::snapshot::sign_in::KeySource;

/// Random bytes from which a cookie's key is derived.
const SALT: usize = 24;

/// What is sealed. Each has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Session,
    Transaction,
}

/// What a cookie is for.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    pub sign_in: &'p str,
    pub issuer: &'p str,
    pub client_id: &'p str,
    /// The canonical name, without port: browsers keep cookies apart by that.
    pub host: &'p str,
    pub cookie: &'p str,
}

/// Never empty: the first seals, all open.
pub struct Seals(Vec<Key>);

struct Key {
    session: hmac::Key,
    transaction: hmac::Key,
}

impl Seals {
    /// Takes, reads or makes the keys.
    pub fn of(source: &KeySource) -> Result<Self, KeyError> {
        let secrets = match source {
            KeySource::Given(secrets) => secrets.clone(),
            KeySource::State(path) => keys::read_or_make(path)?,
            KeySource::Own => vec![SecretBytes::new(keys::random::<32>()?)],
        };
        Ok(Self(secrets.iter().map(|secret| Key::new(secret.expose())).collect()))
    }

    /// The text of a cookie.
    pub fn seal(&self, purpose: Purpose, place: Place<'_>, plain: &[u8]) -> Option<String> {
        let (salt, nonce) = (keys::random::<SALT>().ok()?, keys::random::<NONCE_LEN>().ok()?);
        let key = self.0.first()?.of(purpose, &salt)?;
        let mut sealed = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.bytes(purpose)), &mut sealed)
            .ok()?;
        Some(base64url_encode([salt.as_slice(), &nonce, &sealed].concat()))
    }

    /// What was sealed for this place; none for anything else.
    pub fn open(&self, purpose: Purpose, place: Place<'_>, text: &str) -> Option<SecretBytes> {
        let bytes = base64url_decode(text).ok()?;
        let (salt, rest) = bytes.split_first_chunk::<SALT>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let aad = place.bytes(purpose);
        self.0.iter().find_map(|key| {
            let mut sealed = sealed.to_vec();
            let key = key.of(purpose, salt)?;
            let nonce = Nonce::assume_unique_for_key(*nonce);
            key.open_in_place(nonce, Aad::from(&aad), &mut sealed).ok().map(|plain| SecretBytes::new(&*plain))
        })
    }
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Self {
            session: derived(b"tollgate sign-in session 1"),
            transaction: derived(b"tollgate sign-in transaction 1"),
        }
    }

    fn of(&self, purpose: Purpose, salt: &[u8; SALT]) -> Option<LessSafeKey> {
        let key = match purpose {
            Purpose::Session => &self.session,
            Purpose::Transaction => &self.transaction,
        };
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, hmac::sign(key, salt).as_ref()).ok()?))
    }
}

impl Place<'_> {
    /// With the length before each text, so that none can end in another place than it does.
    fn bytes(&self, purpose: Purpose) -> Vec<u8> {
        let purpose = match purpose {
            Purpose::Session => "session",
            Purpose::Transaction => "transaction",
        };
        let mut bytes = Vec::with_capacity(128);
        for text in [purpose, self.sign_in, self.issuer, self.client_id, self.host, self.cookie] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { sign_in: "s", issuer: "i", client_id: "c", host: "h", cookie: "k" };

    fn seals(texts: &[&str]) -> Seals {
        Seals::of(&KeySource::Given(texts.iter().map(|text| SecretBytes::new(text.repeat(32))).collect())).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_its_place_alone() {
        let seals = seals(&["a"]);
        let text = seals.seal(Purpose::Session, PLACE, b"plain").unwrap();
        let opened = |seals: &Seals, purpose, place, text: &str| {
            seals.open(purpose, place, text).map(|plain| plain.expose().to_vec())
        };
        assert_eq!(opened(&seals, Purpose::Session, PLACE, &text).unwrap(), b"plain");
        assert_ne!(seals.seal(Purpose::Session, PLACE, b"plain").unwrap(), text);
        assert_eq!(opened(&seals, Purpose::Transaction, PLACE, &text), None);
        for place in [
            Place { sign_in: "x", ..PLACE },
            Place { issuer: "x", ..PLACE },
            Place { client_id: "x", ..PLACE },
            Place { host: "x", ..PLACE },
            Place { cookie: "x", ..PLACE },
            Place { sign_in: "si", issuer: "", ..PLACE },
        ] {
            assert_eq!(opened(&seals, Purpose::Session, place, &text), None, "{place:?}");
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(opened(&seals, Purpose::Session, PLACE, &changed), None, "{at}");
            assert_eq!(opened(&seals, Purpose::Session, PLACE, &text[..at]), None, "{at}");
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let (old, both, new) = (seals(&["a"]), seals(&["b", "a"]), seals(&["b"]));
        let text = old.seal(Purpose::Session, PLACE, b"x").unwrap();
        assert!(both.open(Purpose::Session, PLACE, &text).is_some());
        assert!(new.open(Purpose::Session, PLACE, &text).is_none(), "a key that was taken out");
        let text = both.seal(Purpose::Session, PLACE, b"x").unwrap();
        assert!(new.open(Purpose::Session, PLACE, &text).is_some());
    }
}
