//! What is no longer good, in little memory: there may be a million of them, and most are UUIDs.
//!
//! Names that are UUIDs in their usual form lie in immutable tables ([`Folded`]), which whoever looks things up shares, and, until there are
//! enough of them for a table, in small maps beside. Other names stay in maps.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::change::{Revocation, Revoked};
use super::packed::{Entry, Leave, Name, Order};
use super::runs::{Merging, Runs};
use crate::clock::UnixMillis;
use crate::ids::{ClientId, Sub};

/// From this many UUIDs beside the tables on, they are folded into them.
const FOLD_AT: usize = 1024;
/// The same while a snapshot arrives: its records are in force only when all are here, so the larger, the less work.
const FOLD_ARRIVALS_AT: usize = 64 * 1024;

/// The revocations of one feed.
///
/// Of two records on one name the later end counts, and of a user's marks the later one, whichever came first: what is dead stays dead.
#[derive(Clone, Debug)]
pub struct Revocations {
    order: Order,
    folded: Arc<Folded>,
    tokens: Loose<()>,
    sessions: Loose<()>,
    users: Loose<UnixMillis>,
    devices: Loose<UnixMillis>,
    clients: Loose<()>,
    keys: Loose<()>,
}

/// Revocations whose names are UUIDs, in the bytes of these: immutable, to be shared by whoever asks for them.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    pub(super) tokens: Runs<()>,
    pub(super) sessions: Runs<()>,
    pub(super) users: Runs<UnixMillis>,
    pub(super) devices: Runs<UnixMillis>,
    pub(super) clients: Runs<()>,
    pub(super) keys: Runs<()>,
}

impl Folded {
    pub fn token(&self, jti: &[u8; 16]) -> bool {
        self.tokens.contains(jti)
    }

    pub fn session(&self, origin_jti: &[u8; 16]) -> bool {
        self.sessions.contains(origin_jti)
    }

    /// Tokens of this user minted at or before this instant are dead.
    pub fn user_valid_after(&self, sub: &[u8; 16]) -> Option<UnixMillis> {
        self.users.value(sub)
    }

    pub fn device(&self, device_key: &[u8; 16]) -> bool {
        self.devices.contains(device_key)
    }

    pub fn client(&self, client_id: &[u8; 16]) -> bool {
        self.clients.contains(client_id)
    }

    pub fn key(&self, kid: &[u8; 16]) -> bool {
        self.keys.contains(kid)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let marks = self.tokens.len() + self.sessions.len() + self.clients.len() + self.keys.len();
        marks + self.users.len() + self.devices.len()
    }

    pub fn is_empty(&self) -> bool {
        let marks = self.tokens.is_empty() && self.sessions.is_empty() && self.clients.is_empty();
        marks && self.keys.is_empty() && self.users.is_empty() && self.devices.is_empty()
    }

    /// What they take of memory.
    pub fn bytes(&self) -> usize {
        let marks = self.tokens.bytes() + self.sessions.bytes() + self.clients.bytes() + self.keys.bytes();
        marks + self.users.bytes() + self.devices.bytes()
    }
}

impl Default for Revocations {
    fn default() -> Self {
        Self::under(Order::random(), Folded::default())
    }
}

impl Revocations {
    /// With these tables, which are in that order.
    pub(super) fn under(order: Order, folded: Folded) -> Self {
        Self {
            order,
            folded: Arc::new(folded),
            tokens: Loose::default(),
            sessions: Loose::default(),
            users: Loose::default(),
            devices: Loose::default(),
            clients: Loose::default(),
            keys: Loose::default(),
        }
    }

    pub fn token(&self, jti: &str) -> bool {
        self.tokens.find(&self.folded.tokens, jti).is_some()
    }

    pub fn session(&self, origin_jti: &str) -> bool {
        self.sessions.find(&self.folded.sessions, origin_jti).is_some()
    }

    /// Tokens of this user minted at or before this instant are dead.
    pub fn user_valid_after(&self, sub: &str) -> Option<UnixMillis> {
        self.users.find(&self.folded.users, sub).map(|entry| entry.value)
    }

    pub fn device(&self, device_key: &str) -> bool {
        self.devices.find(&self.folded.devices, device_key).is_some()
    }

    pub fn client(&self, client_id: &str) -> bool {
        self.clients.find(&self.folded.clients, client_id).is_some()
    }

    pub fn key(&self, kid: &str) -> bool {
        self.keys.find(&self.folded.keys, kid).is_some()
    }

    pub fn len(&self) -> usize {
        self.tokens.len_beside(&self.folded.tokens)
            + self.sessions.len_beside(&self.folded.sessions)
            + self.users.len_beside(&self.folded.users)
            + self.devices.len_beside(&self.folded.devices)
            + self.clients.len_beside(&self.folded.clients)
            + self.keys.len_beside(&self.folded.keys)
            + self.folded.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The greater part of them, to be shared. It is another one whenever something was folded into it or has left it.
    pub fn folded(&self) -> &Arc<Folded> {
        &self.folded
    }

    /// The rest: what came since, and names that are no UUIDs, in no order.
    pub fn unfolded(&self) -> impl Iterator<Item = (Revoked, Option<UnixMillis>)> {
        revoked(
            self.tokens.iter(),
            self.sessions.iter(),
            self.users.iter(),
            self.devices.iter(),
            self.clients.iter(),
            self.keys.iter(),
        )
    }

    /// Every revocation with the time at which it leaves (`None`: never), in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Revoked, Option<UnixMillis>)> {
        let folded = &self.folded;
        revoked(
            self.tokens.all(&folded.tokens),
            self.sessions.all(&folded.sessions),
            self.users.all(&folded.users),
            self.devices.all(&folded.devices),
            self.clients.all(&folded.clients),
            self.keys.all(&folded.keys),
        )
    }

    /// Adds one. [`Revocations::fold`] is to be called after some of them.
    pub(super) fn insert(&mut self, revoked: Revocation<'_>, leave_at: Option<UnixMillis>) {
        let leave = Leave::at(leave_at);
        match revoked {
            Revocation::Token(jti) => self.tokens.insert(jti, Entry { leave, value: () }),
            Revocation::Session(origin_jti) => self.sessions.insert(origin_jti, Entry { leave, value: () }),
            Revocation::User(sub, valid_after) => self.users.insert(sub, Entry { leave, value: valid_after }),
            Revocation::Device(device_key, until) => self.devices.insert(device_key, Entry { leave, value: until }),
            Revocation::Client(client_id) => self.clients.insert(client_id, Entry { leave, value: () }),
            Revocation::Key(kid) => self.keys.insert(kid, Entry { leave, value: () }),
        }
    }

    /// Adds one of very many; lookups are slow until [`Revocations::settle`].
    pub(super) fn gather(&mut self, revoked: Revocation<'_>, leave_at: Option<UnixMillis>) {
        self.insert(revoked, leave_at);
        if self.loose() >= FOLD_ARRIVALS_AT {
            self.fold_as(Merging::ForArrivals);
        }
    }

    /// After [`Revocations::gather`].
    pub(super) fn settle(&mut self) {
        self.fold_as(Merging::Whole);
    }

    /// Folds what is not folded yet, if it is enough: for a million that is a millisecond in most cases and some tens of them in few.
    pub(super) fn fold(&mut self) {
        if self.loose() >= FOLD_AT {
            self.fold_as(Merging::ForLookups);
        }
    }

    fn fold_as(&mut self, how: Merging) {
        let (order, folded) = (self.order, Arc::make_mut(&mut self.folded));
        folded.tokens.fold(order, self.tokens.uuids.drain(), how);
        folded.sessions.fold(order, self.sessions.uuids.drain(), how);
        folded.users.fold(order, self.users.uuids.drain(), how);
        folded.devices.fold(order, self.devices.uuids.drain(), how);
        folded.clients.fold(order, self.clients.uuids.drain(), how);
        folded.keys.fold(order, self.keys.uuids.drain(), how);
    }

    /// UUIDs that are not folded yet.
    fn loose(&self) -> usize {
        let marks = self.tokens.uuids.len() + self.sessions.uuids.len() + self.clients.uuids.len();
        marks + self.keys.uuids.len() + self.users.uuids.len() + self.devices.uuids.len()
    }

    /// Forgets what has left by `now`, the issuer's clock; of the tables where it is worth it. Answers whether the tables are others now.
    pub(super) fn expire(&mut self, now: UnixMillis) -> bool {
        self.tokens.expire(now);
        self.sessions.expire(now);
        self.users.expire(now);
        self.devices.expire(now);
        self.clients.expire(now);
        self.keys.expire(now);
        // A copy of pointers, dropped where nothing has left.
        let mut folded = Folded::clone(&self.folded);
        let changed = [
            folded.tokens.expire(now),
            folded.sessions.expire(now),
            folded.users.expire(now),
            folded.devices.expire(now),
            folded.clients.expire(now),
            folded.keys.expire(now),
        ];
        let changed = changed.contains(&true);
        if changed {
            self.folded = Arc::new(folded);
        }
        changed
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }
}

/// By what is known, not by what is folded.
impl PartialEq for Revocations {
    fn eq(&self, other: &Self) -> bool {
        let known = |all: &Self| all.iter().collect::<HashMap<Revoked, Option<UnixMillis>>>();
        known(self) == known(other)
    }
}

/// Entries as what they say.
fn revoked<'r>(
    tokens: impl Iterator<Item = (String, Entry<()>)> + 'r,
    sessions: impl Iterator<Item = (String, Entry<()>)> + 'r,
    users: impl Iterator<Item = (String, Entry<UnixMillis>)> + 'r,
    devices: impl Iterator<Item = (String, Entry<UnixMillis>)> + 'r,
    clients: impl Iterator<Item = (String, Entry<()>)> + 'r,
    keys: impl Iterator<Item = (String, Entry<()>)> + 'r,
) -> impl Iterator<Item = (Revoked, Option<UnixMillis>)> + 'r {
    let tokens = tokens.map(|(jti, entry)| (Revoked::Token { jti }, entry.leave));
    let sessions = sessions.map(|(origin_jti, entry)| (Revoked::Session { origin_jti }, entry.leave));
    let users = users.filter_map(|(sub, Entry { leave, value: valid_after })| {
        Some((Revoked::User { sub: Sub::parse(sub).ok()?, valid_after }, leave))
    });
    let devices =
        devices.map(|(device_key, Entry { leave, value: until })| (Revoked::Device { device_key, until }, leave));
    let clients =
        clients.filter_map(|(id, entry)| Some((Revoked::Client { client_id: ClientId::parse(id).ok()? }, entry.leave)));
    let keys = keys.map(|(kid, entry)| (Revoked::Key { kid }, entry.leave));
    let all = tokens.chain(sessions).chain(users).chain(devices).chain(clients).chain(keys);
    all.map(|(revoked, leave)| (revoked, leave.time()))
}

/// Revocations of one kind beside the tables.
#[derive(Clone, Debug)]
struct Loose<V> {
    uuids: HashMap<Name, Entry<V>, RandomState>,
    texts: HashMap<Box<str>, Entry<V>>,
}

impl<V> Default for Loose<V> {
    fn default() -> Self {
        Self { uuids: HashMap::default(), texts: HashMap::new() }
    }
}

impl<V: Copy + Ord> Loose<V> {
    fn find(&self, folded: &Runs<V>, name: &str) -> Option<Entry<V>> {
        let Some(uuid) = uuid_of(name) else { return self.texts.get(name).copied() };
        let loose = self.uuids.get(&uuid).copied();
        loose.into_iter().chain(folded.find(&uuid)).reduce(Entry::join)
    }

    fn insert(&mut self, name: &str, entry: Entry<V>) {
        let join = |known: &mut Entry<V>| *known = known.join(entry);
        match uuid_of(name) {
            Some(uuid) => drop(self.uuids.entry(uuid).and_modify(join).or_insert(entry)),
            None => drop(self.texts.entry(name.into()).and_modify(join).or_insert(entry)),
        }
    }

    fn expire(&mut self, now: UnixMillis) {
        self.uuids.retain(|_, entry| !entry.leave.has_left(now));
        self.texts.retain(|_, entry| !entry.leave.has_left(now));
    }

    /// How many are not in the tables.
    fn len_beside(&self, folded: &Runs<V>) -> usize {
        self.texts.len() + self.uuids.keys().filter(|name| !folded.contains(name)).count()
    }

    fn iter(&self) -> impl Iterator<Item = (String, Entry<V>)> {
        let uuids = self.uuids.iter().map(|(name, entry)| (text_of(name), *entry));
        uuids.chain(self.texts.iter().map(|(text, entry)| (text.to_string(), *entry)))
    }

    /// These and the ones in the tables, each name once.
    fn all<'r>(&'r self, folded: &'r Runs<V>) -> impl Iterator<Item = (String, Entry<V>)> + 'r {
        let of_tables = folded
            .iter()
            .map(|(name, entry)| (text_of(&name), self.uuids.get(&name).map_or(entry, |loose| loose.join(entry))));
        let uuids = self.uuids.iter().filter(|(name, _)| !folded.contains(name));
        let texts = self.texts.iter().map(|(text, entry)| (text.to_string(), *entry));
        of_tables.chain(uuids.map(|(name, entry)| (text_of(name), *entry))).chain(texts)
    }
}

/// Only the form that is written back the same: lower case, hyphens.
fn uuid_of(name: &str) -> Option<Name> {
    if name.len() != 36 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    uuid::Uuid::try_parse(name).ok().map(uuid::Uuid::into_bytes)
}

fn text_of(name: &Name) -> String {
    uuid::Uuid::from_bytes(*name).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";

    fn insert(into: &mut Revocations, revoked: &Revoked, leave_at: Option<UnixMillis>) {
        into.insert(revoked.borrowed(), leave_at);
    }

    #[test]
    fn names_are_compared_exactly() {
        let mut revoked = Revocations::default();
        insert(&mut revoked, &Revoked::Token { jti: UUID.into() }, None);
        for fold in [false, true] {
            if fold {
                revoked.settle();
            }
            assert!(revoked.token(UUID));
            assert!(!revoked.token(&UUID.to_uppercase()));
            assert!(!revoked.token(&UUID.replace('-', "")));
            assert!(!revoked.session(UUID));
        }
        insert(&mut revoked, &Revoked::Token { jti: UUID.to_uppercase() }, None);
        assert_eq!(revoked.len(), 2);
        let names: Vec<_> = revoked.iter().map(|(revoked, _)| revoked).collect();
        assert!(names.contains(&Revoked::Token { jti: UUID.into() }));
        assert!(names.contains(&Revoked::Token { jti: UUID.to_uppercase() }));
    }

    #[test]
    fn entries_leave_at_their_time_and_keys_never() {
        for fold in [false, true] {
            let mut revoked = Revocations::default();
            insert(&mut revoked, &Revoked::Session { origin_jti: UUID.into() }, Some(UnixMillis(100_000)));
            insert(&mut revoked, &Revoked::Key { kid: "k".into() }, None);
            insert(&mut revoked, &Revoked::Key { kid: UUID.into() }, None);
            if fold {
                revoked.settle();
            }
            assert!(!revoked.expire(UnixMillis(99_999)));
            assert!(revoked.session(UUID));
            assert_eq!(revoked.expire(UnixMillis(100_000)), fold, "tables are built anew");
            assert!(!revoked.session(UUID));
            revoked.expire(UnixMillis(u64::MAX - 1));
            assert!(revoked.key("k") && revoked.key(UUID));
        }
    }

    #[test]
    fn tables_are_shared_until_something_is_folded_into_them() {
        let mut revoked = Revocations::default();
        let session = |n: usize| Revoked::Session { origin_jti: text_of(&(n as u128).to_be_bytes()) };
        (0..FOLD_AT).for_each(|n| insert(&mut revoked, &session(n), None));
        revoked.fold();
        let shared = revoked.folded().clone();
        assert_eq!((shared.len(), revoked.unfolded().count()), (FOLD_AT, 0));
        insert(&mut revoked, &session(FOLD_AT), None);
        revoked.fold();
        assert!(Arc::ptr_eq(&shared, revoked.folded()));
        assert_eq!(revoked.unfolded().map(|(revoked, _)| revoked).collect::<Vec<_>>(), [session(FOLD_AT)]);
        revoked.settle();
        assert!(!Arc::ptr_eq(&shared, revoked.folded()));
        assert_eq!((shared.len(), revoked.len()), (FOLD_AT, FOLD_AT + 1), "who has them keeps them");
    }

    /// Some of few names of each kind, UUIDs and others.
    fn some_revoked() -> impl Strategy<Value = Revoked> {
        (0..6_u8, 0..40_u8, any::<bool>(), any::<u32>()).prop_map(|(kind, n, uuid, at)| {
            let uuid_text = text_of(&[n; 16]);
            let text = if uuid { uuid_text.clone() } else { format!("n{n}") };
            let at = UnixMillis(at.into());
            match kind {
                0 => Revoked::Token { jti: text },
                1 => Revoked::Session { origin_jti: text },
                2 => Revoked::User { sub: Sub::parse(uuid_text).unwrap(), valid_after: at },
                3 => Revoked::Device { device_key: text, until: at },
                4 => Revoked::Client { client_id: ClientId::parse(format!("c{n}")).unwrap() },
                _ => Revoked::Key { kid: text },
            }
        })
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Revoked, Option<u32>),
        Gather(Revoked, Option<u32>),
        Fold(Merging),
        Expire(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        let leave = || proptest::option::of(0..2_000_u32);
        let merging = prop_oneof![Just(Merging::ForLookups), Just(Merging::ForArrivals), Just(Merging::Whole)];
        prop_oneof![
            20 => (some_revoked(), leave()).prop_map(|(revoked, leave)| Step::Insert(revoked, leave)),
            20 => (some_revoked(), leave()).prop_map(|(revoked, leave)| Step::Gather(revoked, leave)),
            3 => merging.prop_map(Step::Fold),
            1 => (0..1_000_u32).prop_map(Step::Expire),
        ]
    }

    /// The subject without what is said of it, and what is.
    fn split(revoked: Revoked) -> (Revoked, UnixMillis) {
        match revoked {
            Revoked::User { sub, valid_after } => (Revoked::User { sub, valid_after: UnixMillis(0) }, valid_after),
            Revoked::Device { device_key, until } => (Revoked::Device { device_key, until: UnixMillis(0) }, until),
            other => (other, UnixMillis(0)),
        }
    }

    type Model = HashMap<Revoked, (UnixMillis, Option<UnixMillis>)>;

    fn model_of(revoked: &Revocations) -> Model {
        let pair = |(revoked, leave)| {
            let (subject, value) = split(revoked);
            (subject, (value, leave))
        };
        revoked.iter().map(pair).collect()
    }

    fn is_known(all: &Revocations, revoked: &Revoked, value: UnixMillis) -> bool {
        match revoked {
            Revoked::Token { jti } => all.token(jti),
            Revoked::Session { origin_jti } => all.session(origin_jti),
            Revoked::User { sub, .. } => all.user_valid_after(sub.as_str()) == Some(value),
            Revoked::Device { device_key, .. } => all.device(device_key),
            Revoked::Client { client_id } => all.client(client_id.as_str()),
            Revoked::Key { kid } => all.key(kid),
        }
    }

    proptest! {
        #[test]
        fn they_are_what_a_plain_map_is(steps in proptest::collection::vec(step(), 0..120)) {
            let (mut all, mut model) = (Revocations::default(), Model::new());
            for step in steps {
                match step {
                    Step::Insert(revoked, leave) | Step::Gather(revoked, leave) => {
                        let leave = leave.map(|s| UnixMillis::from_seconds(s.into()));
                        all.insert(revoked.borrowed(), leave);
                        let (subject, value) = split(revoked);
                        let known = model.entry(subject).or_insert((value, leave));
                        let later = |a: Option<UnixMillis>, b: Option<UnixMillis>| a.zip(b).map(|(a, b)| a.max(b));
                        *known = (known.0.max(value), later(known.1, leave));
                    }
                    Step::Fold(how) => all.fold_as(how),
                    Step::Expire(s) => {
                        let now = UnixMillis::from_seconds(s.into());
                        // Else a mark may leave and an older one of the same user, with a later end, not: there are none such.
                        all.settle();
                        all.expire(now);
                        // Tables may keep a few longer; what has not left stays in any case.
                        let kept = model_of(&all);
                        model.retain(|subject, (_, leave)| {
                            leave.is_none_or(|at| at > now) || kept.contains_key(subject)
                        });
                    }
                }
                prop_assert_eq!(&model_of(&all), &model);
                prop_assert_eq!(all.len(), model.len());
            }
            for (subject, (value, _)) in &model {
                prop_assert!(is_known(&all, subject, *value));
            }
            let before = all.clone();
            all.settle();
            prop_assert_eq!(all, before);
        }
    }
}
