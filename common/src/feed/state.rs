//! The folded log: what is true of a feed at a position.

use std::collections::{BTreeMap, HashMap};
use std::str::Utf8Error;
use std::time::Duration;

use super::change::{
    Change, ChangeError, ClientSettings, DeploymentKey, KeyUsage, ManagedKind, NameKey, PoolSettings, PublicKey,
    Removable, Revocation, Revoked,
};
use super::message::{Delta, Record};
use super::raw::{Kind, RawChange, RawRef};
use super::revocations::Revocations;
use super::{Digest, Epoch, Position};
use crate::clock::UnixMillis;
use crate::ids::{ClientId, PoolId};
use crate::waf::Bundle;

/// Between two sweeps for revocations that have left.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// One feed, folded. Cheap to change by a delta; its parts are readable, so that an edge builds what its gates look up.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedState {
    position: Position,
    keys: BTreeMap<String, PublicKey>,
    pools: BTreeMap<PoolId, PoolSettings>,
    clients: HashMap<ClientId, ClientSettings>,
    name_keys: BTreeMap<String, NameKey>,
    deployment_keys: BTreeMap<(KeyUsage, u64), DeploymentKey>,
    managed: BTreeMap<(ManagedKind, String), Vec<u8>>,
    revoked: Revocations,
    /// Kinds of later versions: kept, so that a newer edge finds them on disk.
    unknown: BTreeMap<(Kind, String), RawChange>,
    swept: UnixMillis,
}

/// Why a delta does not follow on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It belongs elsewhere: another epoch, a gap, another history.
    Mismatch,
    /// Nothing new in it.
    Known,
    /// Its own digest or a record in it is wrong.
    Broken,
}

/// A delta that was read wholly and follows on the state that checked it.
#[derive(Debug)]
pub(super) struct Checked {
    position: Position,
    raws: Vec<(RawChange, Option<Change>)>,
}

impl FeedState {
    pub fn empty(position: Position) -> Self {
        Self {
            position,
            keys: BTreeMap::new(),
            pools: BTreeMap::new(),
            clients: HashMap::new(),
            name_keys: BTreeMap::new(),
            deployment_keys: BTreeMap::new(),
            managed: BTreeMap::new(),
            revoked: Revocations::default(),
            unknown: BTreeMap::new(),
            swept: UnixMillis(0),
        }
    }

    /// From records of a snapshot or a file, oldest first.
    pub fn from_records<'a>(
        position: Position,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, ChangeError> {
        let mut state = Self::empty(position);
        for record in records {
            state.gather(record)?;
        }
        state.settle();
        Ok(state)
    }

    /// From what a file has: tables and records beside them.
    pub(super) fn from_parts(
        position: Position,
        revoked: Revocations,
        records: &[Record],
    ) -> Result<Self, ChangeError> {
        let mut state = Self { revoked, ..Self::empty(position) };
        for record in records {
            state.gather(record)?;
        }
        state.revoked.fold();
        Ok(state)
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Public keys by `kid`, whatever their state.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values()
    }

    pub fn pools(&self) -> impl Iterator<Item = &PoolSettings> {
        self.pools.values()
    }

    pub fn clients(&self) -> impl Iterator<Item = &ClientSettings> {
        self.clients.values()
    }

    pub fn client(&self, id: &ClientId) -> Option<&ClientSettings> {
        self.clients.get(id)
    }

    pub fn name_keys(&self) -> impl Iterator<Item = &NameKey> {
        self.name_keys.values()
    }

    /// The keys that edges share for one use, the newest first.
    pub fn deployment_keys(&self, usage: KeyUsage) -> impl Iterator<Item = &DeploymentKey> {
        self.deployment_keys.values().rev().filter(move |key| key.usage == usage)
    }

    /// Centrally managed documents of one kind, by name.
    pub fn managed(&self, kind: ManagedKind) -> impl Iterator<Item = (&str, &[u8])> {
        self.managed
            .iter()
            .filter(move |((k, _), _)| *k == kind)
            .map(|((_, name), doc)| (name.as_str(), doc.as_slice()))
    }

    /// The web ACL before a pool, with all that came beside it; `None` where the pool has none.
    ///
    /// # Errors
    /// Text that is none.
    pub fn web_acl(&self, pool: &PoolId) -> Result<Option<Bundle>, Utf8Error> {
        let text = |document: &[u8]| std::str::from_utf8(document).map(str::to_owned);
        let Some((_, web_acl)) = self.managed(ManagedKind::WebAcl).find(|(name, _)| *name == pool.as_str()) else {
            return Ok(None);
        };
        let parts = self.managed(ManagedKind::WebAclPart).map(|(_, part)| text(part)).collect::<Result<_, _>>()?;
        Ok(Some(Bundle { web_acl: text(web_acl)?, parts }))
    }

    pub fn revoked(&self) -> &Revocations {
        &self.revoked
    }

    /// Forgets revocations that have left by the issuer's clock: at most one sweep a minute, so call it as often as you like. Answers
    /// whether [`Revocations::folded`] is another one now.
    pub fn expire(&mut self, issuer_clock: UnixMillis) -> bool {
        if issuer_clock.since(self.swept) < SWEEP_EVERY {
            return false;
        }
        self.swept = issuer_clock;
        self.unknown.retain(|_, raw| raw.leave_at.is_none_or(|at| at > issuer_clock));
        self.revoked.expire(issuer_clock)
    }

    /// The state as records: what [`FeedState::from_records`] reads back.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.records_with(self.revoked.iter())
    }

    /// Everything but what [`Revocations::folded`] has.
    pub(super) fn unfolded_records(&self) -> impl Iterator<Item = Record> {
        self.records_with(self.revoked.unfolded())
    }

    fn records_with(
        &self,
        revoked: impl Iterator<Item = (Revoked, Option<UnixMillis>)>,
    ) -> impl Iterator<Item = Record> {
        let settings = self.settings().filter_map(|change| change.to_raw(UnixMillis(0)).ok());
        let revoked = revoked.filter_map(|(revoked, leave_at)| {
            let raw = Change::Revoked(revoked).to_raw(UnixMillis(0)).ok()?;
            Some(RawChange { leave_at, ..raw })
        });
        settings
            .chain(revoked)
            .chain(self.unknown.values().cloned())
            .filter_map(|raw| raw.encode().ok().map(Record::from))
    }

    fn settings(&self) -> impl Iterator<Item = Change> {
        let keys = self.keys.values().cloned().map(Change::PublicKey);
        let pools = self.pools.values().cloned().map(Change::Pool);
        let clients = self.clients.values().cloned().map(Change::Client);
        let name_keys = self.name_keys.values().cloned().map(Change::NameKey);
        let managed = self.managed.iter().map(|((kind, name), document)| Change::Managed {
            kind: *kind,
            name: name.clone(),
            document: document.clone(),
        });
        let deployment_keys = self.deployment_keys.values().cloned().map(Change::DeploymentKey);
        keys.chain(pools).chain(clients).chain(name_keys).chain(deployment_keys).chain(managed)
    }

    /// Reads a delta wholly, changing nothing.
    pub(super) fn check(&self, delta: &Delta) -> Result<Checked, Refused> {
        let after = self.position.seq;
        let last = delta.first.saturating_add(delta.records.len() as u64).saturating_sub(1);
        if delta.epoch == self.position.epoch && last <= after {
            return Err(Refused::Known);
        }
        if delta.epoch != self.position.epoch
            || delta.first != after.saturating_add(1)
            || delta.prev != self.position.digest
        {
            return Err(Refused::Mismatch);
        }
        Self::read(self.position, delta)
    }

    /// What the simulation's blind mutant does: it believes a delta wherever it comes from.
    pub(super) fn read_alone(delta: &Delta) -> Result<Checked, Refused> {
        Self::read(Position { epoch: delta.epoch, seq: delta.first.saturating_sub(1), digest: delta.prev }, delta)
    }

    fn read(position: Position, delta: &Delta) -> Result<Checked, Refused> {
        let position = delta.records.iter().fold(position, |position, record| position.after(record));
        if position.digest != delta.digest {
            return Err(Refused::Broken);
        }
        let read = |record: &Record| {
            let raw = RawChange::decode(record).map_err(|_| Refused::Broken)?;
            let change = Change::from_raw(&raw).map_err(|_| Refused::Broken)?;
            Ok((raw, change))
        };
        let raws = delta.records.iter().map(read).collect::<Result<_, Refused>>()?;
        Ok(Checked { position, raws })
    }

    /// Applies what was checked and says what changed (known kinds only), oldest first.
    pub(super) fn apply(&mut self, checked: Checked) -> Vec<Change> {
        self.position = checked.position;
        let mut changes = Vec::with_capacity(checked.raws.len());
        for (raw, change) in checked.raws {
            changes.extend(change.clone());
            self.fold(raw, change);
        }
        self.revoked.fold();
        changes
    }

    /// Takes a record of very many; the state is of use after [`FeedState::settle`].
    pub(super) fn gather(&mut self, record: &[u8]) -> Result<(), ChangeError> {
        let raw = RawRef::decode(record)?;
        match Revocation::from_raw(raw)? {
            Some(revoked) => self.revoked.gather(revoked, raw.leave_at),
            None => {
                let change = Change::from_borrowed(raw)?;
                self.fold(raw.into(), change);
            }
        }
        Ok(())
    }

    pub(super) fn settle(&mut self) {
        self.revoked.settle();
    }

    fn fold(&mut self, raw: RawChange, change: Option<Change>) {
        match change {
            None if raw.is_removal() => drop(self.unknown.remove(&(raw.kind, raw.subject))),
            None => drop(self.unknown.insert((raw.kind, raw.subject.clone()), raw)),
            Some(Change::PublicKey(key)) => drop(self.keys.insert(raw.subject, key)),
            Some(Change::Revoked(revoked)) => self.revoked.insert(revoked.borrowed(), raw.leave_at),
            Some(Change::Pool(pool)) => drop(self.pools.insert(pool.pool.clone(), pool)),
            Some(Change::Client(client)) => drop(self.clients.insert(client.client_id.clone(), client)),
            Some(Change::NameKey(key)) => drop(self.name_keys.insert(raw.subject, key)),
            Some(Change::DeploymentKey(key)) => drop(self.deployment_keys.insert((key.usage, key.number), key)),
            Some(Change::Managed { kind, name, document }) => drop(self.managed.insert((kind, name), document)),
            Some(Change::Removed(what)) => self.remove(what),
        }
    }

    fn remove(&mut self, what: Removable) {
        match what {
            Removable::PublicKey { kid } => drop(self.keys.remove(&kid)),
            Removable::Pool(pool) => drop(self.pools.remove(&pool)),
            Removable::Client(client) => drop(self.clients.remove(&client)),
            Removable::NameKey { id } => drop(self.name_keys.remove(&id)),
            Removable::DeploymentKey { usage, number } => drop(self.deployment_keys.remove(&(usage, number))),
            Removable::Managed { kind, name } => drop(self.managed.remove(&(kind, name))),
        }
    }
}

/// A snapshot while it arrives. Nothing of it counts before [`Building::finish`].
#[derive(Debug)]
pub(super) struct Building {
    state: FeedState,
    announced: u64,
    received: u64,
    next_index: u32,
    content: Digest,
}

impl Building {
    pub(super) fn new(position: Position, announced: u64) -> Self {
        Self { state: FeedState::empty(position), announced, received: 0, next_index: 0, content: Digest::START }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.state.position.epoch
    }

    /// Takes one chunk; `Err` means that the snapshot is broken.
    pub(super) fn add(&mut self, index: u32, records: &[Record]) -> Result<(), Refused> {
        self.received = self.received.saturating_add(records.len() as u64);
        if index != self.next_index || self.received > self.announced {
            return Err(Refused::Broken);
        }
        self.next_index = self.next_index.saturating_add(1);
        for record in records {
            self.content = super::chain_digest(self.content, record);
            self.state.gather(record).map_err(|_| Refused::Broken)?;
        }
        Ok(())
    }

    /// The finished state, if nothing is missing.
    pub(super) fn finish(mut self, position: Position, content: Digest) -> Result<FeedState, Refused> {
        if self.received != self.announced || self.content != content || self.state.position != position {
            return Err(Refused::Broken);
        }
        self.state.settle();
        Ok(self.state)
    }
}
