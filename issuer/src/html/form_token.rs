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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::RootKey;

    #[test]
    fn a_token_is_of_one_browser_one_request_one_step_and_two_hours() {
        let key = RootKey::from_text(&"07".repeat(32).into()).unwrap().deployment_key().unwrap();
        let now = UnixMillis::from_seconds(1_790_000_000);
        let form = FormToken { cookie: "c", query: "a=b", step: "/login" };
        let made = form.make(&key, now);
        assert!(form.is_good(&key, &made, now));
        assert!(form.is_good(&key, &made, now.plus(std::time::Duration::from_secs(3_600))));
        assert!(!form.is_good(&key, &made, now.plus(std::time::Duration::from_secs(7_200))));
        for other in [
            FormToken { cookie: "d", ..form },
            FormToken { query: "a=c", ..form },
            FormToken { step: "/mfa", ..form },
            FormToken { cookie: "", ..form },
        ] {
            assert!(!other.is_good(&key, &made, now), "{other:?}");
        }
        let mut bytes = base64url_decode(&made).unwrap();
        for at in 0..bytes.len() * 8 {
            bytes[at / 8] ^= 1 << (at % 8);
            assert!(!form.is_good(&key, &base64url_encode(&bytes), now), "bit {at}");
            bytes[at / 8] ^= 1 << (at % 8);
        }
        assert!(!form.is_good(&key, "", now));
    }
}
