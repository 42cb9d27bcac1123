//! What is no longer good, in little memory: a UUID takes 16 bytes, and there may be a million of them.

use std::collections::HashMap;

use super::change::Revoked;
use crate::clock::UnixMillis;
use crate::ids::{ClientId, Sub};

/// The revocations of one feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revocations {
    tokens: Table<()>,
    sessions: Table<()>,
    users: Table<UnixMillis>,
    devices: Table<UnixMillis>,
    clients: Table<()>,
    keys: Table<()>,
}

impl Revocations {
    pub fn token(&self, jti: &str) -> bool {
        self.tokens.find(jti).is_some()
    }

    pub fn session(&self, origin_jti: &str) -> bool {
        self.sessions.find(origin_jti).is_some()
    }

    /// Tokens of this user minted at or before this instant are dead.
    pub fn user_valid_after(&self, sub: &str) -> Option<UnixMillis> {
        self.users.find(sub)
    }

    pub fn device(&self, device_key: &str) -> bool {
        self.devices.find(device_key).is_some()
    }

    pub fn client(&self, client_id: &str) -> bool {
        self.clients.find(client_id).is_some()
    }

    pub fn key(&self, kid: &str) -> bool {
        self.keys.find(kid).is_some()
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
            + self.sessions.len()
            + self.users.len()
            + self.devices.len()
            + self.clients.len()
            + self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every revocation with the time at which it leaves (`None`: never), in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Revoked, Option<UnixMillis>)> {
        let tokens = self.tokens.iter().map(|(jti, (), leave)| (Revoked::Token { jti }, leave));
        let sessions = self.sessions.iter().map(|(origin_jti, (), leave)| (Revoked::Session { origin_jti }, leave));
        let users = self.users.iter().filter_map(|(sub, valid_after, leave)| {
            Sub::parse(sub).ok().map(|sub| (Revoked::User { sub, valid_after }, leave))
        });
        let devices =
            self.devices.iter().map(|(device_key, until, leave)| (Revoked::Device { device_key, until }, leave));
        let clients = self.clients.iter().filter_map(|(client, (), leave)| {
            ClientId::parse(client).ok().map(|client_id| (Revoked::Client { client_id }, leave))
        });
        let keys = self.keys.iter().map(|(kid, (), leave)| (Revoked::Key { kid }, leave));
        tokens.chain(sessions).chain(users).chain(devices).chain(clients).chain(keys)
    }

    pub(super) fn insert(&mut self, revoked: &Revoked, leave_at: Option<UnixMillis>) {
        match revoked {
            Revoked::Token { jti } => self.tokens.insert(jti, (), leave_at),
            Revoked::Session { origin_jti } => self.sessions.insert(origin_jti, (), leave_at),
            Revoked::User { sub, valid_after } => self.users.insert(sub.as_str(), *valid_after, leave_at),
            Revoked::Device { device_key, until } => self.devices.insert(device_key, *until, leave_at),
            Revoked::Client { client_id } => self.clients.insert(client_id.as_str(), (), leave_at),
            Revoked::Key { kid } => self.keys.insert(kid, (), leave_at),
        }
    }

    /// Forgets what has left by `now`, the issuer's clock.
    pub(super) fn expire(&mut self, now: UnixMillis) {
        self.tokens.expire(now);
        self.sessions.expire(now);
        self.users.expire(now);
        self.devices.expire(now);
        self.clients.expire(now);
        self.keys.expire(now);
    }
}

/// By name; names that are UUIDs in their usual form are kept as 16 bytes. `u64::MAX` stands for "never leaves".
#[derive(Clone, Debug, PartialEq)]
struct Table<V> {
    uuids: HashMap<[u8; 16], (V, u64)>,
    texts: HashMap<Box<str>, (V, u64)>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { uuids: HashMap::new(), texts: HashMap::new() }
    }
}

impl<V: Copy> Table<V> {
    fn find(&self, name: &str) -> Option<V> {
        let found = match uuid_of(name) {
            Some(uuid) => self.uuids.get(&uuid),
            None => self.texts.get(name),
        };
        found.map(|(value, _)| *value)
    }

    fn insert(&mut self, name: &str, value: V, leave_at: Option<UnixMillis>) {
        let entry = (value, leave_at.map_or(u64::MAX, |at| at.0));
        match uuid_of(name) {
            Some(uuid) => drop(self.uuids.insert(uuid, entry)),
            None => drop(self.texts.insert(name.into(), entry)),
        }
    }

    fn expire(&mut self, now: UnixMillis) {
        self.uuids.retain(|_, (_, leave)| *leave > now.0);
        self.texts.retain(|_, (_, leave)| *leave > now.0);
    }

    fn len(&self) -> usize {
        self.uuids.len() + self.texts.len()
    }

    fn iter(&self) -> impl Iterator<Item = (String, V, Option<UnixMillis>)> {
        let leave = |at: u64| (at != u64::MAX).then_some(UnixMillis(at));
        let uuids =
            self.uuids.iter().map(move |(uuid, (v, at))| (uuid::Uuid::from_bytes(*uuid).to_string(), *v, leave(*at)));
        let texts = self.texts.iter().map(move |(text, (v, at))| (text.to_string(), *v, leave(*at)));
        uuids.chain(texts)
    }
}

/// Only the form that is written back the same: lower case, hyphens.
fn uuid_of(name: &str) -> Option<[u8; 16]> {
    if name.len() != 36 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    uuid::Uuid::try_parse(name).ok().map(uuid::Uuid::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";

    #[test]
    fn names_are_compared_exactly() {
        let mut revoked = Revocations::default();
        revoked.insert(&Revoked::Token { jti: UUID.into() }, None);
        assert!(revoked.token(UUID));
        assert!(!revoked.token(&UUID.to_uppercase()));
        assert!(!revoked.token(&UUID.replace('-', "")));
        assert!(!revoked.session(UUID));
        revoked.insert(&Revoked::Token { jti: UUID.to_uppercase() }, None);
        assert_eq!(revoked.len(), 2);
        let names: Vec<_> = revoked.iter().map(|(revoked, _)| revoked).collect();
        assert!(names.contains(&Revoked::Token { jti: UUID.into() }));
        assert!(names.contains(&Revoked::Token { jti: UUID.to_uppercase() }));
    }

    #[test]
    fn entries_leave_at_their_time_and_keys_never() {
        let mut revoked = Revocations::default();
        revoked.insert(&Revoked::Session { origin_jti: UUID.into() }, Some(UnixMillis(100)));
        revoked.insert(&Revoked::Key { kid: "k".into() }, None);
        revoked.expire(UnixMillis(99));
        assert!(revoked.session(UUID));
        revoked.expire(UnixMillis(100));
        assert!(!revoked.session(UUID));
        revoked.expire(UnixMillis(u64::MAX - 1));
        assert!(revoked.key("k"));
    }
}
