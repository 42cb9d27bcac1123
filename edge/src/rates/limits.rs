//! The one table of an edge, and what goes with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use common::feed::Counts;

use super::{Digester, Key, Moment, Quota, Secret, Sharing, Table};

/// Where everything of this process is counted that is limited.
#[derive(Debug)]
pub struct Limits {
    pub table: Table,
    pub digester: Digester,
    pub sharing: Sharing,
    /// What keys of shared limits are made with. None: the feed has brought no key yet, and the own one serves.
    shared: ArcSwapOption<Digester>,
    /// The quotas of shared limits, by number.
    rules: ArcSwap<HashMap<u32, Quota>>,
    started: Instant,
}

/// What came of counts of other edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub counts: u64,
    /// Of limits that this edge does not have, or has with another window.
    pub unknown: u64,
}

impl Limits {
    /// A table of at most so many bytes. `places` decides where keys lie, `keys` is what they are made with; moments count from `started`.
    pub fn bounded(bytes: usize, places: Secret, keys: Secret, started: Instant) -> Self {
        Self {
            table: Table::bounded(bytes, places),
            digester: Digester::new(keys),
            sharing: Sharing::default(),
            shared: ArcSwapOption::empty(),
            rules: ArcSwap::default(),
            started,
        }
    }

    /// An instant as a moment of the table.
    pub fn moment(&self, at: Instant) -> Moment {
        Moment::since(self.started, at)
    }

    /// For keys of shared limits.
    pub fn shared_digester(&self) -> Digester {
        self.shared.load().as_ref().map_or(self.digester, |shared| **shared)
    }

    /// Keys of shared limits are made with this from now on; where it is another secret than before, all of them begin anew.
    pub fn share_under(&self, secret: Secret) {
        self.shared.store(Some(Arc::new(Digester::new(secret))));
    }

    /// These limits are shared from now on, and no others.
    pub fn share(&self, quotas: impl Iterator<Item = Quota>) {
        self.rules.store(Arc::new(quotas.map(|quota| (quota.id.0, quota)).collect()));
    }

    /// Whether any limit is shared.
    pub fn shares(&self) -> bool {
        !self.rules.load().is_empty()
    }

    /// Whether other edges make the same keys.
    pub fn has_shared_key(&self) -> bool {
        self.shared.load().is_some()
    }

    /// What other edges have counted; `way` is how long that was under way.
    pub fn hear(&self, now: Moment, counts: &Counts, way: Duration) -> Taken {
        let rules = self.rules.load();
        let mut taken = Taken::default();
        // The newest of them tells how long news take; the others may have waited for it.
        let ages = counts.counts.iter().filter(|count| count.admitted > 0).map(|count| count.ago_ms);
        if let Some(age) = ages.min() {
            self.sharing.learn_way(Duration::from_millis(age.into()).saturating_add(way));
        }
        for (rule, count) in counts.with_rules() {
            let window = Duration::from_secs(rule.window_s.into());
            match rules.get(&rule.id).filter(|quota| quota.window() == window) {
                Some(quota) => {
                    let key = Key(u128::from_be_bytes(count.key));
                    self.sharing.hear(&self.table, now, quota, key, count, way);
                    taken.counts += 1;
                }
                None => taken.unknown += 1,
            }
        }
        taken
    }
}
