//! What died before its time. Three layers, asked in this order: what was announced just now, what the feed's state had not folded when it
//! was last looked at, and its tables, which hold nearly everything and are shared with it.
//!
//! All are immutable, so no request waits for a writer. The writer copies the first, which is small, with every announcement; when the
//! state has folded, the picture takes its tables and begins an empty one.

use std::collections::HashMap;
use std::sync::Arc;

use common::clock::UnixMillis;
use common::feed::{Change, Folded, Revocations, Revoked};
use foldhash::fast::RandomState;
use ring::digest;

/// From so many announcements on, the state is looked at again even if it has folded nothing: they are names that are no UUIDs.
const MOST_RECENT: usize = 1_024;

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

/// One revocation, as the feed tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    pub kind: Kind,
    pub subject: Fingerprint,
    /// Tokens minted up to and including this moment are dead; the end of time for what is dead for good.
    pub minted_up_to: UnixMillis,
}

impl Death {
    /// Dead whatever its age.
    pub const fn for_good(kind: Kind, subject: Fingerprint) -> Self {
        Self { kind, subject, minted_up_to: UnixMillis(u64::MAX) }
    }
}

impl From<&Revoked> for Death {
    fn from(revoked: &Revoked) -> Self {
        let (kind, subject) = match revoked {
            Revoked::Token { jti } => (Kind::Token, jti.as_str()),
            Revoked::Session { origin_jti } => (Kind::Session, origin_jti.as_str()),
            Revoked::User { sub, valid_after } => {
                let subject = Fingerprint::of(sub.as_str());
                return Self { kind: Kind::User, subject, minted_up_to: *valid_after };
            }
            Revoked::Device { device_key, .. } => (Kind::Device, device_key.as_str()),
            Revoked::Client { client_id } => (Kind::Client, client_id.as_str()),
            Revoked::Key { kid } => (Kind::Key, kid.as_str()),
        };
        Self::for_good(kind, Fingerprint::of(subject))
    }
}

/// A few deaths: until when tokens are dead, by name.
#[derive(Clone, Debug, Default)]
struct Few([HashMap<Fingerprint, UnixMillis, RandomState>; KINDS]);

impl Few {
    /// A later mark on the same subject wins only when it kills more.
    fn insert(&mut self, death: &Death) {
        let Some(map) = self.0.get_mut(death.kind as usize) else { return };
        let mark = map.entry(death.subject).or_insert(death.minted_up_to);
        *mark = (*mark).max(death.minted_up_to);
    }

    fn len(&self) -> usize {
        self.0.iter().map(HashMap::len).sum()
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(HashMap::is_empty)
    }

    fn kills(&self, kind: Kind, subject: Fingerprint, minted: UnixMillis) -> bool {
        let map = self.0.get(kind as usize).filter(|map| !map.is_empty());
        map.and_then(|map| map.get(&subject)).is_some_and(|mark| minted <= *mark)
    }
}

/// The deaths that one issuer has announced.
#[derive(Clone, Debug, Default)]
pub struct Deaths {
    recent: Arc<Few>,
    unfolded: Arc<Few>,
    folded: Arc<Folded>,
}

impl Deaths {
    /// All that a feed's state knows. Its tables are shared, not copied.
    pub fn of(state: &Revocations) -> Self {
        let mut unfolded = Few::default();
        state.unfolded().for_each(|(revoked, _)| unfolded.insert(&Death::from(&revoked)));
        Self { recent: Arc::default(), unfolded: Arc::new(unfolded), folded: Arc::clone(state.folded()) }
    }

    /// The same deaths and those among `changes`, which `state` has already.
    pub fn after<'c>(&self, changes: impl IntoIterator<Item = &'c Change>, state: &Revocations) -> Self {
        if !Arc::ptr_eq(&self.folded, state.folded()) || self.recent.len() >= MOST_RECENT {
            return Self::of(state);
        }
        let deaths = changes.into_iter().filter_map(|change| match change {
            Change::Revoked(revoked) => Some(Death::from(revoked)),
            _ => None,
        });
        self.with(&deaths.collect::<Vec<_>>())
    }

    /// The same deaths and `more`.
    pub fn with(&self, more: &[Death]) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let mut recent = Few::clone(&self.recent);
        more.iter().for_each(|death| recent.insert(death));
        Self { recent: Arc::new(recent), ..self.clone() }
    }

    /// Whether `subject`, minted at `minted`, is dead.
    pub fn kills(&self, kind: Kind, subject: Fingerprint, minted: UnixMillis) -> bool {
        self.recent.kills(kind, subject, minted)
            || self.unfolded.kills(kind, subject, minted)
            || self.folded_kills(kind, &subject.0, minted)
    }

    fn folded_kills(&self, kind: Kind, name: &[u8; 16], minted: UnixMillis) -> bool {
        match kind {
            Kind::Token => self.folded.token(name),
            Kind::Session => self.folded.session(name),
            Kind::User => self.folded.user_valid_after(name).is_some_and(|mark| minted <= mark),
            Kind::Device => self.folded.device(name),
            Kind::Client => self.folded.client(name),
            Kind::Key => self.folded.key(name),
        }
    }

    /// How many names are known; one that came again counts twice until it is folded.
    pub fn len(&self) -> usize {
        self.folded.len() + self.unfolded.len() + self.recent.len()
    }

    pub fn is_empty(&self) -> bool {
        self.folded.is_empty() && self.unfolded.is_empty() && self.recent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use common::feed::{Epoch, FeedState, Position, Record};
    use common::ids::Sub;

    use super::*;

    const UUID: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";

    /// A state of the feed that has folded all UUIDs among them.
    fn state(revoked: &[Revoked]) -> FeedState {
        let record = |revoked: &Revoked| -> Record {
            let raw = Change::Revoked(revoked.clone()).to_raw(UnixMillis(5)).unwrap();
            raw.encode().unwrap().into()
        };
        let records: Vec<Record> = revoked.iter().map(record).collect();
        FeedState::from_records(Position::start(Epoch([1; 16])), &records).unwrap()
    }

    fn session(n: u128) -> Revoked {
        Revoked::Session { origin_jti: uuid::Uuid::from_u128(n).to_string() }
    }

    fn user(valid_after: u64) -> Revoked {
        Revoked::User { sub: Sub::parse(UUID).unwrap(), valid_after: UnixMillis(valid_after) }
    }

    fn kills(deaths: &Deaths, revoked: &Revoked) -> bool {
        let death = Death::from(revoked);
        deaths.kills(death.kind, death.subject, UnixMillis(1))
    }

    #[test]
    fn a_user_mark_kills_what_was_minted_up_to_it_and_spares_the_next_millisecond() {
        let ada = Fingerprint::of(UUID);
        let in_tables = Deaths::of(state(&[user(1_000)]).revoked());
        let just_now = Deaths::default().with(&[Death::from(&user(1_000))]);
        for deaths in [in_tables, just_now] {
            assert!(deaths.kills(Kind::User, ada, UnixMillis(999)));
            assert!(deaths.kills(Kind::User, ada, UnixMillis(1_000)));
            assert!(!deaths.kills(Kind::User, ada, UnixMillis(1_001)));
            assert!(!deaths.kills(Kind::Session, ada, UnixMillis(1)), "kinds are apart");
            assert!(!deaths.kills(Kind::User, Fingerprint::of("bob"), UnixMillis(1)));
        }
    }

    #[test]
    fn an_older_mark_never_revives() {
        let (late, early) = (user(9), user(5));
        let subject = Death::from(&late).subject;
        for order in [[&late, &early], [&early, &late]] {
            let just_now = Deaths::default().with(&order.map(Death::from));
            let over_tables = Deaths::of(state(&[order[0].clone()]).revoked()).with(&[Death::from(order[1])]);
            let in_tables = Deaths::of(state(&order.map(Revoked::clone)).revoked());
            for deaths in [just_now, over_tables, in_tables] {
                assert!(deaths.kills(Kind::User, subject, UnixMillis(9)));
            }
        }
    }

    #[test]
    fn every_kind_kills_in_the_tables_and_beside_them() {
        let text = |uuid: bool| if uuid { UUID.to_owned() } else { "a-text".to_owned() };
        for uuid in [true, false] {
            let all = [
                Revoked::Token { jti: text(uuid) },
                Revoked::Session { origin_jti: text(uuid) },
                Revoked::Device { device_key: text(uuid), until: UnixMillis(7) },
                Revoked::Client { client_id: common::ids::ClientId::parse("web").unwrap() },
                Revoked::Key { kid: text(uuid) },
                user(7),
            ];
            for revoked in &all {
                let deaths = Deaths::of(state(std::slice::from_ref(revoked)).revoked());
                assert!(!deaths.is_empty());
                for other in &all {
                    assert_eq!(kills(&deaths, other), other == revoked, "{revoked:?}, {other:?}");
                }
            }
        }
    }

    #[test]
    fn tables_are_shared_and_new_ones_are_taken_when_the_state_has_folded() {
        let before = state(&[session(1)]);
        let deaths = Deaths::of(before.revoked());
        assert!(Arc::ptr_eq(&deaths.folded, before.revoked().folded()));
        let change = Change::Revoked(session(2));
        let same_tables = deaths.after([&change], before.revoked());
        assert!(Arc::ptr_eq(&same_tables.folded, &deaths.folded));
        assert!(kills(&same_tables, &session(1)) && kills(&same_tables, &session(2)));
        let folded = state(&[session(1), session(2)]);
        let new_tables = same_tables.after([&change], folded.revoked());
        assert!(Arc::ptr_eq(&new_tables.folded, folded.revoked().folded()));
        assert!(new_tables.recent.is_empty());
        assert!(kills(&new_tables, &session(1)) && kills(&new_tables, &session(2)));
        assert!(!kills(&deaths, &session(2)), "who has the old ones keeps them");
    }

    #[test]
    fn names_that_are_no_uuids_do_not_pile_up_in_what_is_copied() {
        let text = |n: usize| Revoked::Session { origin_jti: format!("s{n}") };
        let all: Vec<Revoked> = (0..3 * MOST_RECENT).map(text).collect();
        let state = state(&all);
        let mut deaths = Deaths { folded: Arc::clone(state.revoked().folded()), ..Deaths::default() };
        for revoked in &all {
            deaths = deaths.after([&Change::Revoked(revoked.clone())], state.revoked());
            assert!(kills(&deaths, revoked));
            assert!(deaths.recent.len() <= MOST_RECENT);
        }
    }

    #[test]
    fn a_uuid_is_its_own_fingerprint_in_any_case() {
        let lower = Fingerprint::of(UUID);
        assert_eq!(lower, Fingerprint::of(&UUID.to_uppercase()));
        assert_ne!(lower, Fingerprint::of("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e60"));
        assert_ne!(Fingerprint::of("a"), Fingerprint::of("b"));
        let upper = Revoked::Token { jti: UUID.to_uppercase() };
        let deaths = Deaths::of(state(std::slice::from_ref(&upper)).revoked());
        assert!(kills(&deaths, &upper) && kills(&deaths, &Revoked::Token { jti: UUID.into() }));
    }
}
