//! The pools that requests to an issuer may be about: whose a client is, and which web ACL stands before a pool.
//!
//! Both maps lie in parts that are copied when they change, so that one change among many thousands of pools costs little and readers never wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use common::ids::{ClientId, PoolId};

use crate::snapshot::acl::PoolAcl;

const PARTS: usize = 64;

/// What is known of them.
#[derive(Clone, Debug, Default)]
pub struct Tenants {
    clients: Parted<ClientId, PoolId>,
    acls: Parted<PoolId, PoolAcl>,
    /// Of pages: `host` or `host:port`.
    hosts: Parted<String, PoolId>,
    /// How many of the web ACLs ask for challenges or captchas.
    asking: usize,
}

impl Tenants {
    /// A client never changes its pool, and ids are not given twice.
    pub fn pool_of(&self, client: &ClientId) -> Option<&PoolId> {
        self.clients.get(client)
    }

    /// The pool whose pages answer at a host.
    pub fn pool_of_host(&self, name: &str, port: Option<u16>) -> Option<&PoolId> {
        if self.hosts.len == 0 {
            return None;
        }
        let at = |port: u16| self.hosts.get(&format!("{name}:{port}"));
        let exact = match port {
            Some(port) => at(port),
            // The scheme's usual one is not written.
            None => at(443).or_else(|| at(80)),
        };
        exact.or_else(|| self.hosts.get(&name.to_owned()))
    }

    /// None: the pool has none, or is not known here.
    pub fn web_acl(&self, pool: &PoolId) -> Option<&PoolAcl> {
        self.acls.get(pool)
    }

    pub fn web_acls(&self) -> impl Iterator<Item = (&PoolId, &PoolAcl)> {
        self.acls.iter()
    }

    /// Some pool has a web ACL.
    pub fn has_web_acls(&self) -> bool {
        self.acls.len > 0
    }

    /// Some pool's web ACL asks for challenges or captchas.
    pub fn asks(&self) -> bool {
        self.asking > 0
    }

    /// Clients of a pool. What is not among them stays: an issuer knows best which clients it still has.
    pub fn add_clients<'c>(&mut self, pool: &PoolId, clients: impl IntoIterator<Item = &'c ClientId>) {
        for client in clients {
            if self.clients.get(client) != Some(pool) {
                self.clients.insert(client.clone(), pool.clone());
            }
        }
    }

    pub fn remove_client(&mut self, client: &ClientId) {
        self.clients.remove(client);
    }

    /// Replaces the hosts of a pool's pages.
    pub fn set_hosts(&mut self, pool: &PoolId, hosts: impl IntoIterator<Item = String>) {
        self.hosts.retain(|of| of != pool);
        for host in hosts {
            self.hosts.insert(host, pool.clone());
        }
    }

    /// Replaces the web ACL of a pool, or takes it away.
    pub fn set_web_acl(&mut self, pool: &PoolId, acl: Option<PoolAcl>) {
        let asks = |acl: &Option<PoolAcl>| usize::from(acl.as_ref().is_some_and(PoolAcl::asks));
        let asking = asks(&acl);
        let before = match acl {
            Some(acl) => self.acls.insert(pool.clone(), acl),
            None => self.acls.remove(pool),
        };
        self.asking = (self.asking + asking).saturating_sub(asks(&before));
    }

    /// Forgets a pool.
    pub fn forget(&mut self, pool: &PoolId) {
        self.set_web_acl(pool, None);
        self.clients.retain(|of| of != pool);
        self.hosts.retain(|of| of != pool);
    }
}

/// A map in parts. A clone shares them all until one of the two changes.
#[derive(Clone, Debug)]
struct Parted<K, V> {
    parts: Vec<Arc<HashMap<K, V>>>,
    len: usize,
}

impl<K, V> Default for Parted<K, V> {
    fn default() -> Self {
        Self { parts: vec![Arc::default(); PARTS], len: 0 }
    }
}

impl<K: AsRef<str> + Clone + Eq + Hash, V: Clone> Parted<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.parts.get(part_of(key))?.get(key)
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    fn insert(&mut self, key: K, value: V) -> Option<V> {
        let part = self.parts.get_mut(part_of(&key))?;
        let before = Arc::make_mut(part).insert(key, value);
        self.len += usize::from(before.is_none());
        before
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let part = self.parts.get_mut(part_of(key)).filter(|part| part.contains_key(key))?;
        self.len = self.len.saturating_sub(1);
        Arc::make_mut(part).remove(key)
    }

    fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        for part in self.parts.iter_mut().filter(|part| part.values().any(|value| !keep(value))) {
            Arc::make_mut(part).retain(|_, value| keep(value));
        }
        self.len = self.parts.iter().map(|part| part.len()).sum();
    }
}

/// Ids are random texts, made by the issuer.
fn part_of(key: &impl AsRef<str>) -> usize {
    key.as_ref().bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str) -> PoolId {
        PoolId::parse(format!("eu_{name}")).unwrap()
    }

    fn client(number: usize) -> ClientId {
        ClientId::parse(format!("c{number}")).unwrap()
    }

    #[test]
    fn every_client_is_of_one_pool_until_it_or_the_pool_goes() {
        let (a, b) = (pool("A"), pool("B"));
        let mut tenants = Tenants::default();
        let ids: Vec<ClientId> = (0..500).map(client).collect();
        tenants.add_clients(&a, &ids[..250]);
        tenants.add_clients(&b, &ids[250..]);
        let before = tenants.clone();
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(tenants.pool_of(id), Some(if number < 250 { &a } else { &b }));
        }
        tenants.remove_client(&ids[0]);
        tenants.remove_client(&client(900));
        assert_eq!((tenants.pool_of(&ids[0]), tenants.pool_of(&ids[1])), (None, Some(&a)));
        tenants.forget(&b);
        assert!(ids[250..].iter().all(|id| tenants.pool_of(id).is_none()));
        assert_eq!(before.pool_of(&ids[300]), Some(&b), "a reader keeps what it took");
    }

    #[test]
    fn pages_answer_at_their_hosts() {
        let (a, b) = (pool("A"), pool("B"));
        let mut tenants = Tenants::default();
        assert_eq!(tenants.pool_of_host("a.test", None), None);
        tenants.set_hosts(&a, ["a.test".to_owned(), "localhost:8700".to_owned()]);
        tenants.set_hosts(&b, ["login.test:443".to_owned()]);
        let at = |tenants: &Tenants, name: &str, port| tenants.pool_of_host(name, port).cloned();
        for (name, port, of) in [
            ("a.test", None, Some(&a)),
            ("a.test", Some(9), Some(&a)),
            ("localhost", Some(8700), Some(&a)),
            ("localhost", Some(8701), None),
            ("localhost", None, None),
            ("login.test", None, Some(&b)),
            ("login.test", Some(443), Some(&b)),
            ("login.test", Some(80), None),
            ("b.test", None, None),
        ] {
            assert_eq!(at(&tenants, name, port).as_ref(), of, "{name} {port:?}");
        }
        tenants.set_hosts(&a, ["other.test".to_owned()]);
        assert_eq!((at(&tenants, "a.test", None), at(&tenants, "other.test", None)), (None, Some(a.clone())));
        tenants.forget(&a);
        assert_eq!(at(&tenants, "other.test", None), None);
    }

    #[test]
    fn web_acls_come_and_go() {
        let (a, b) = (pool("A"), pool("B"));
        let mut tenants = Tenants::default();
        assert!(!tenants.has_web_acls());
        tenants.set_web_acl(&a, Some(PoolAcl::Unreadable));
        tenants.set_web_acl(&a, Some(PoolAcl::Unreadable));
        assert!(matches!(tenants.web_acl(&a), Some(PoolAcl::Unreadable)) && tenants.web_acl(&b).is_none());
        assert!(tenants.has_web_acls() && !tenants.asks());
        tenants.set_web_acl(&b, None);
        tenants.forget(&a);
        assert!(!tenants.has_web_acls());
    }
}
