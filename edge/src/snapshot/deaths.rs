//! What died before its time: a frozen base and a small overlay of what arrived since.
//!
//! A lookup asks the overlay, then the base; both are immutable, so no request waits for a writer. The writer copies the overlay,
//! which is small, and now and then folds it into a new base off its own thread ([`merge`] is pure).

use std::collections::HashMap;
use std::sync::Arc;

use common::clock::UnixMillis;
use foldhash::fast::RandomState;
use ring::digest;

/// What a revocation names. The order is the order of the maps inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One token, by `jti`.
    Token,
    /// A sign-in session and all tokens from it, by `origin_jti`.
    Session,
    /// Every token of a user that was minted up to a moment, by `sub`.
    User,
    /// A remembered device, by `device_key`.
    Device,
    /// An app client, by its id.
    Client,
    /// A signing key, by `kid`.
    Key,
}

const KINDS: usize = 6;

/// 128 bits that stand for an identifier: a UUID is itself, any other text is the first half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub fn of(text: &str) -> Self {
        if text.len() == 36
            && let Ok(uuid) = uuid::Uuid::try_parse(text)
        {
            return Self(*uuid.as_bytes());
        }
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(hash.as_ref().split_at(16).0);
        Self(half)
    }
}

/// When something died and until when that must be remembered, both by the issuer's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Tokens minted up to and including this moment are dead; the end of time for what is dead for good.
    pub minted_up_to: UnixMillis,
    /// From here on no token can be alive that this would kill.
    pub leaves_at: UnixMillis,
}

impl Mark {
    /// Dead whatever its age.
    pub const fn for_good(leaves_at: UnixMillis) -> Self {
        Self { minted_up_to: UnixMillis(u64::MAX), leaves_at }
    }
}

/// One revocation, as the feed tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    pub kind: Kind,
    pub subject: Fingerprint,
    pub mark: Mark,
}

type Map = HashMap<Fingerprint, Mark, RandomState>;

/// One immutable set of deaths.
#[derive(Clone, Debug, Default)]
pub struct Frozen {
    maps: [Map; KINDS],
}

impl Frozen {
    /// A later mark on the same subject wins only when it kills more.
    pub fn insert(&mut self, death: &Death) {
        let Some(map) = self.maps.get_mut(death.kind as usize) else { return };
        let mark = map.entry(death.subject).or_insert(death.mark);
        mark.minted_up_to = mark.minted_up_to.max(death.mark.minted_up_to);
        mark.leaves_at = mark.leaves_at.max(death.mark.leaves_at);
    }

    pub fn len(&self) -> usize {
        self.maps.iter().map(HashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.maps.iter().all(HashMap::is_empty)
    }

    fn find(&self, kind: Kind, subject: Fingerprint) -> Option<Mark> {
        let map = self.maps.get(kind as usize)?;
        if map.is_empty() { None } else { map.get(&subject).copied() }
    }
}

/// The deaths that one issuer has announced.
#[derive(Clone, Debug, Default)]
pub struct Deaths {
    pub base: Arc<Frozen>,
    pub overlay: Arc<Frozen>,
}

impl Deaths {
    pub fn frozen(base: Frozen) -> Self {
        Self { base: Arc::new(base), overlay: Arc::default() }
    }

    /// Whether `subject`, minted at `minted`, is dead.
    pub fn kills(&self, kind: Kind, subject: Fingerprint, minted: UnixMillis) -> bool {
        [&self.overlay, &self.base]
            .into_iter()
            .any(|set| set.find(kind, subject).is_some_and(|mark| minted <= mark.minted_up_to))
    }

    /// The same deaths and `more`, in a new overlay.
    pub fn with<'d>(&self, more: impl IntoIterator<Item = &'d Death>) -> Self {
        let mut overlay = Frozen::clone(&self.overlay);
        for death in more {
            overlay.insert(death);
        }
        Self { base: Arc::clone(&self.base), overlay: Arc::new(overlay) }
    }

    pub fn len(&self) -> usize {
        self.base.len() + self.overlay.len()
    }

    pub fn is_empty(&self) -> bool {
        self.base.is_empty() && self.overlay.is_empty()
    }
}

/// A new base out of both sets, without what has left by `now` (the issuer's clock).
pub fn merge(deaths: &Deaths, now: UnixMillis) -> Frozen {
    let mut merged = Frozen::default();
    for (into, (base, overlay)) in merged.maps.iter_mut().zip(deaths.base.maps.iter().zip(&deaths.overlay.maps)) {
        into.reserve(base.len() + overlay.len());
        for (subject, mark) in base.iter().chain(overlay).filter(|(_, mark)| mark.leaves_at > now) {
            let merged = into.entry(*subject).or_insert(*mark);
            merged.minted_up_to = merged.minted_up_to.max(mark.minted_up_to);
            merged.leaves_at = merged.leaves_at.max(mark.leaves_at);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREVER: UnixMillis = UnixMillis(u64::MAX);

    fn death(kind: Kind, subject: &str, mark: Mark) -> Death {
        Death { kind, subject: Fingerprint::of(subject), mark }
    }

    #[test]
    fn a_user_mark_kills_what_was_minted_up_to_it_and_spares_the_next_millisecond() {
        let mark = Mark { minted_up_to: UnixMillis(1_000), leaves_at: FOREVER };
        let deaths = Deaths::default().with(&[death(Kind::User, "ada", mark)]);
        let ada = Fingerprint::of("ada");
        assert!(deaths.kills(Kind::User, ada, UnixMillis(999)));
        assert!(deaths.kills(Kind::User, ada, UnixMillis(1_000)));
        assert!(!deaths.kills(Kind::User, ada, UnixMillis(1_001)));
        assert!(!deaths.kills(Kind::Session, ada, UnixMillis(1)), "kinds are apart");
        assert!(!deaths.kills(Kind::User, Fingerprint::of("bob"), UnixMillis(1)));
    }

    #[test]
    fn an_older_mark_never_revives() {
        let late = death(Kind::User, "ada", Mark { minted_up_to: UnixMillis(9), leaves_at: UnixMillis(90) });
        let early = death(Kind::User, "ada", Mark { minted_up_to: UnixMillis(5), leaves_at: UnixMillis(50) });
        for order in [[&late, &early], [&early, &late]] {
            let deaths = Deaths::default().with(order);
            assert!(deaths.kills(Kind::User, late.subject, UnixMillis(9)));
        }
    }

    #[test]
    fn merging_keeps_the_living_marks_and_drops_those_that_left() {
        let old = death(Kind::Token, "old", Mark::for_good(UnixMillis(10)));
        let new = death(Kind::Token, "new", Mark::for_good(UnixMillis(30)));
        let based = Deaths::frozen(merge(&Deaths::default().with([&old]), UnixMillis(0)));
        assert!(based.kills(Kind::Token, old.subject, UnixMillis(1)));
        let merged = Deaths::frozen(merge(&based.with([&new]), UnixMillis(20)));
        assert!(!merged.kills(Kind::Token, old.subject, UnixMillis(1)));
        assert!(merged.kills(Kind::Token, new.subject, UnixMillis(1)));
        assert_eq!(merged.len(), 1);
    }

    #[test]
    fn a_uuid_is_its_own_fingerprint_in_any_case() {
        let lower = Fingerprint::of("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f");
        assert_eq!(lower, Fingerprint::of("0B6E5B4E-6B3D-4B0E-9F0E-1A2B3C4D5E6F"));
        assert_ne!(lower, Fingerprint::of("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e60"));
        assert_ne!(Fingerprint::of("a"), Fingerprint::of("b"));
    }
}
