//! The token by which a user says whether an event was theirs: it is for the links of a notification, and names no account by itself.
//!
//! An HMAC by a key of the pool over user and event: nothing is stored for it, and it is good as long as the event is there.

use common::jose::{base64url_decode, base64url_encode};
use common::secret::SecretString;
use ring::hmac;

use crate::envelope::PoolKey;
use crate::users::User;

/// The token of an event, for its notification.
#[cfg_attr(not(test), expect(dead_code, reason = "notifications come with the judgement of risks"))]
pub fn token(key: &PoolKey, user: &User, event: &str) -> SecretString {
    SecretString::new(base64url_encode(hmac::sign(&secret(key), message(user, event).as_bytes())))
}

/// Whether a token is this event's.
pub fn is_good(key: &PoolKey, user: &User, event: &str, token: &SecretString) -> bool {
    let Ok(tag) = base64url_decode(token.expose()) else { return false };
    hmac::verify(&secret(key), message(user, event).as_bytes(), &tag).is_ok()
}

fn secret(key: &PoolKey) -> hmac::Key {
    key.hmac_key("auth event feedback")
}

/// A `sub` is a UUID, so where it ends is no question.
fn message(user: &User, event: &str) -> String {
    format!("{}\n{event}", user.sub)
}
