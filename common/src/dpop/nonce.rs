//! Nonces that no one has to remember (RFC 9449 §8, §9): a keyed hash of the time slot in which they are given out.

use std::time::Duration;

use ring::hmac;

use crate::clock::UnixMillis;
use crate::jose::{base64url_decode, base64url_encode};
use crate::secret::constant_time_eq;

/// Bytes of the hash that go into a nonce.
const NONCE_BYTES: usize = 16;
/// So that the key may serve other ends, too.
const PURPOSE: &[u8] = b"tollgate dpop nonce";

/// What nonces are made with. All who share the secret and the period accept each other's.
#[derive(Clone)]
pub struct NonceKey {
    key: hmac::Key,
    period: Duration,
}

/// A nonce of ours that still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodNonce {
    /// The first moment at which it counts.
    pub from: UnixMillis,
    /// The last one.
    pub until: UnixMillis,
    /// Another one is given out by now: time to tell the client.
    pub turned: bool,
}

impl NonceKey {
    /// A nonce counts for the rest of its period and the whole next one.
    pub fn new(secret: &[u8], period: Duration) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), period: period.max(Duration::from_secs(1)) }
    }

    /// The nonce of this moment: 22 characters.
    pub fn issue(&self, now: UnixMillis) -> String {
        base64url_encode(self.hash(self.slot(now)))
    }

    /// Whether a nonce is that of the current slot or the one before. That of the next slot counts, too: another holder of the key may have a
    /// clock that is ahead.
    pub fn accept(&self, nonce: &str, now: UnixMillis) -> Option<GoodNonce> {
        let given = base64url_decode(nonce).ok().filter(|bytes| bytes.len() == NONCE_BYTES)?;
        let current = self.slot(now);
        let slots = [current, current.saturating_sub(1), current.saturating_add(1)];
        let slot = slots.into_iter().find(|slot| constant_time_eq(&self.hash(*slot), &given))?;
        Some(GoodNonce {
            from: self.start(slot.saturating_sub(1)),
            until: UnixMillis(self.start(slot.saturating_add(2)).0.saturating_sub(1)),
            turned: slot < current,
        })
    }

    fn slot(&self, now: UnixMillis) -> u64 {
        now.0 / self.period_millis()
    }

    fn start(&self, slot: u64) -> UnixMillis {
        UnixMillis(slot.saturating_mul(self.period_millis()))
    }

    fn period_millis(&self) -> u64 {
        u64::try_from(self.period.as_millis()).unwrap_or(u64::MAX)
    }

    fn hash(&self, slot: u64) -> [u8; NONCE_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(PURPOSE);
        context.update(&slot.to_be_bytes());
        let mut nonce = [0; NONCE_BYTES];
        nonce.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        nonce
    }
}

impl PartialEq for NonceKey {
    fn eq(&self, other: &Self) -> bool {
        self.period == other.period && constant_time_eq(&self.hash(0), &other.hash(0))
    }
}

impl Eq for NonceKey {}

impl std::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NonceKey").field("period", &self.period).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(60);
    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn at(seconds: u64) -> UnixMillis {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_nonce_counts_in_its_slot_and_the_next_and_one_ahead() {
        let key = NonceKey::new(b"secret", PERIOD);
        assert_eq!(START.0 % 60_000, 0);
        let nonce = key.issue(at(130));
        assert_eq!((nonce.len(), &nonce), (22, &key.issue(at(179))));
        let good = |turned| Some(GoodNonce { from: at(60), until: UnixMillis(at(240).0 - 1), turned });
        assert_eq!(key.accept(&nonce, at(59)), None, "two slots ahead");
        assert_eq!(key.accept(&nonce, at(60)), good(false));
        assert_eq!(key.accept(&nonce, at(120)), good(false));
        assert_eq!(key.accept(&nonce, at(180)), good(true));
        assert_eq!(key.accept(&nonce, UnixMillis(at(240).0 - 1)), good(true));
        assert_eq!(key.accept(&nonce, at(240)), None);
    }

    #[test]
    fn others_nonces_do_not_count() {
        let key = NonceKey::new(b"secret", PERIOD);
        let nonce = key.issue(START);
        let shorter = NonceKey::new(b"secret", PERIOD / 2);
        assert!(key.accept(&NonceKey::new(b"secreu", PERIOD).issue(START), START).is_none());
        for bad in ["", "x", &nonce[..21], &format!("{nonce}="), &format!("{nonce}A"), &nonce.to_lowercase()] {
            assert!(key.accept(bad, START).is_none(), "{bad}");
        }
        assert_ne!(key, shorter);
        assert_eq!(key, NonceKey::new(b"secret", PERIOD));
        assert!(!format!("{key:?}").contains("secret"));
    }

    #[test]
    fn the_ends_of_time_do_not_matter() {
        let key = NonceKey::new(b"secret", Duration::ZERO);
        for now in [UnixMillis(0), UnixMillis(u64::MAX)] {
            assert!(key.accept(&key.issue(now), now).is_some());
        }
    }
}
