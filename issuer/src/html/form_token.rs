//! Form tokens: a form is answered by the browser that it was given to, for the request and the step that it was made for, and soon (OWASP CSRF
//! prevention: a keyed hash over a cookie that no other site can read or set).

use common::clock::UnixMillis;
use common::jose::{base64url_decode, base64url_encode};
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::envelope::PoolKey;

const PURPOSE: &str = "login forms";
const HOUR_SECONDS: u64 = 3_600;

/// What a form is for.
#[derive(Clone, Copy, Debug)]
pub struct FormToken<'a> {
    /// The value of the form cookie.
    pub cookie: &'a str,
    /// The authorization request's query.
    pub query: &'a str,
    /// The page: its path.
    pub step: &'static str,
}

impl FormToken<'_> {
    /// The hidden field's value.
    pub fn make(&self, key: &PoolKey, now: UnixMillis) -> String {
        base64url_encode(hmac::sign(&key.hmac_key(PURPOSE), &self.input(hour(now))).as_ref())
    }

    /// Whether the value was made for this in this hour or the last. Compares in constant time.
    pub fn is_good(&self, key: &PoolKey, value: &str, now: UnixMillis) -> bool {
        let (Ok(tag), key) = (base64url_decode(value), key.hmac_key(PURPOSE)) else { return false };
        let of = |hour: u64| hmac::verify(&key, &self.input(hour), &tag).is_ok();
        !self.cookie.is_empty() && (of(hour(now)) || of(hour(now).saturating_sub(1)))
    }

    /// Each part has its length or is of a fixed one: no two forms have the same.
    fn input(&self, hour: u64) -> Vec<u8> {
        let of = |text: &str| digest(&SHA256, text.as_bytes());
        let (cookie, query, step) = (of(self.cookie), of(self.query), of(self.step));
        [cookie.as_ref(), query.as_ref(), step.as_ref(), &hour.to_be_bytes()].concat()
    }
}

fn hour(now: UnixMillis) -> u64 {
    now.seconds() / HOUR_SECONDS
}
