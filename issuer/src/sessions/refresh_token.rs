//! Refresh tokens, and how one follows another.
//!
//! The first one of a session is opaque: a letter and 256 random bits ([`codes::opaque_token`]). Its successors are made from their
//! predecessors: `r`, then in base64url
//!
//! ```text
//! origin_jti (16) ‖ generation, big-endian (4) ‖ HMAC(K1, predecessor's text) (32) ‖ first 16 bytes of HMAC(K2, all before)
//! ```
//!
//! with HMAC-SHA256 and two keys of the pool. What follows from that:
//! - A token has exactly one successor, the same whoever computes it, whenever: in the grace everyone gets the same, and no text of a token
//!   lies in the database for it, sealed or not.
//! - A successor holds the 256 bits of entropy of the first token. Neither the database and all keys (without a predecessor) nor a
//!   predecessor (without the pool's key) gives it away.
//! - Every token of a session is recognised as the session's for as long as its row lives, however often it was replaced: the tag proves
//!   that this pool made it. So no list of replaced tokens is kept, and nobody who knows an `origin_jti` from an access token can end
//!   that session by a token of their own making.
//! - Present is the one whose SHA-256 is in the row; a valid tag alone opens nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::ids::PoolId;
use common::secret::SecretString;
use ring::hmac;
use uuid::Uuid;

use super::model::Session;
use super::rows;
use crate::codes;
use crate::envelope::PoolKey;
use crate::store::Query;

const FAMILY: usize = 16;
const PLACE: usize = FAMILY + 4;
const TAGGED: usize = PLACE + 32;
const LENGTH: usize = TAGGED + TAG;
const TAG: usize = 16;
/// The characters of [`LENGTH`] bytes, and the letter.
const TEXT_LENGTH: usize = LENGTH.div_ceil(3) * 4;

/// A refresh token that somebody presented.
pub struct RefreshToken {
    text: SecretString,
    digest: [u8; 32],
    /// Where it says that it belongs, if this pool said so. First tokens, and nonsense, have none.
    place: Option<Place>,
}

struct Place {
    origin_jti: Uuid,
    generation: u32,
}

/// The session's id is not one that [`RefreshToken::successor`] can put into a token: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session's id is not a UUID")]
pub struct NotAFamily;

impl RefreshToken {
    /// Whatever was presented. What this pool didn't make is nobody's first token, so it is not found.
    pub fn new(key: &PoolKey, text: SecretString) -> Self {
        let digest = codes::token_digest(text.expose());
        let place = Place::read(key, text.expose());
        Self { text, digest, place }
    }

    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// How many came before it.
    pub fn generation(&self) -> u32 {
        self.place.as_ref().map_or(0, |place| place.generation)
    }

    /// Its session, if that is still known.
    pub fn session(&self, pool: &PoolId) -> Query {
        match &self.place {
            Some(place) => rows::by_origin_jti(pool, &place.origin_jti.to_string()),
            None => rows::by_refresh_digest(pool, &self.digest),
        }
    }

    /// The one token that replaces it.
    pub fn successor(&self, key: &PoolKey, session: &Session) -> Result<SecretString, NotAFamily> {
        let origin_jti = Uuid::parse_str(&session.origin_jti).map_err(|_| NotAFamily)?;
        let secret = hmac::sign(&key.hmac_key("refresh token successor"), self.text.expose().as_bytes());
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(origin_jti.as_bytes());
        bytes.extend_from_slice(&self.generation().saturating_add(1).to_be_bytes());
        bytes.extend_from_slice(secret.as_ref());
        let tag = hmac::sign(&tag_key(key), &bytes);
        bytes.extend(tag.as_ref().iter().take(TAG));
        Ok(SecretString::new(format!("r{}", URL_SAFE_NO_PAD.encode(bytes))))
    }
}

impl Place {
    fn read(key: &PoolKey, text: &str) -> Option<Self> {
        let coded = text.strip_prefix('r').filter(|coded| coded.len() < TEXT_LENGTH)?;
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(coded).ok()?.try_into().ok()?;
        let (tagged, tag) = bytes.split_at_checked(TAGGED)?;
        // `hmac::verify` wants the whole tag; ours is its first half.
        let expected = hmac::sign(&tag_key(key), tagged);
        let expected = expected.as_ref().get(..TAG)?;
        if !common::secret::constant_time_eq(expected, tag) {
            return None;
        }
        let origin_jti = Uuid::from_slice(tagged.get(..FAMILY)?).ok()?;
        let generation = u32::from_be_bytes(tagged.get(FAMILY..PLACE)?.try_into().ok()?);
        Some(Self { origin_jti, generation })
    }
}

fn tag_key(key: &PoolKey) -> hmac::Key {
    key.hmac_key("refresh token tag")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::RootKey;

    fn key(pool: &str) -> PoolKey {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        root.new_pool_key(&PoolId::parse(pool).unwrap()).unwrap().0
    }

    fn read(key: &PoolKey, text: &str) -> RefreshToken {
        RefreshToken::new(key, SecretString::new(text))
    }

    /// The first tokens of a session, oldest first.
    fn line(key: &PoolKey, length: usize) -> Vec<SecretString> {
        let session = Session::sample();
        let first = codes::opaque_token().unwrap();
        let next = |text: &SecretString| Some(read(key, text.expose()).successor(key, &session).unwrap());
        std::iter::successors(Some(first), next).take(length).collect()
    }

    #[test]
    fn every_token_knows_its_place() {
        let key = key("eu_a");
        for (generation, text) in line(&key, 4).iter().enumerate() {
            let token = read(&key, text.expose());
            assert_eq!(token.generation() as usize, generation);
            assert_eq!(token.place.is_some(), generation > 0);
            assert_eq!(*token.digest(), codes::token_digest(text.expose()));
        }
    }

    #[test]
    fn a_successor_is_opaque_and_always_the_same() {
        let (key, session) = (key("eu_a"), Session::sample());
        let tokens = line(&key, 3);
        let [first, second, third] = tokens.as_slice() else { panic!("three") };
        assert_eq!(read(&key, first.expose()).successor(&key, &session).unwrap(), *second);
        assert_ne!(second, third);
        assert_eq!(second.expose().len(), TEXT_LENGTH);
        assert!(second.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        // Another first token of the same session: the entropy comes from there.
        assert_ne!(line(&key, 2)[1], *second);
    }

    #[test]
    fn what_another_pool_made_has_no_place() {
        let (ours, theirs) = (key("eu_a"), key("eu_b"));
        let text = &line(&theirs, 2)[1];
        assert!(read(&theirs, text.expose()).place.is_some());
        assert!(read(&ours, text.expose()).place.is_none());
    }

    #[test]
    fn a_changed_token_has_no_place() {
        let key = key("eu_a");
        let text = line(&key, 2)[1].expose().to_owned();
        for at in 0..text.len() {
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(read(&key, &changed).place.is_none(), "character {at}");
            assert!(read(&key, &text[..at]).place.is_none(), "cut at {at}");
        }
        assert!(read(&key, &format!("{text}A")).place.is_none());
    }

    #[test]
    fn a_session_without_a_uuid_has_no_successors() {
        let (key, session) = (key("eu_a"), Session { origin_jti: "o".into(), ..Session::sample() });
        assert_eq!(read(&key, "t").successor(&key, &session).unwrap_err(), NotAFamily);
    }

    proptest! {
        #[test]
        fn nonsense_has_no_place(text in "r?[A-Za-z0-9_=.-]{0,120}") {
            prop_assert!(read(&key("eu_a"), &text).place.is_none());
        }
    }
}
