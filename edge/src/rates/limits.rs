//! The one table of an edge, and what goes with it.

use std::time::Instant;

use super::{Digester, Moment, Secret, Table};

/// Where everything of this process is counted that is limited.
#[derive(Debug)]
pub struct Limits {
    pub table: Table,
    pub digester: Digester,
    started: Instant,
}

impl Limits {
    /// A table of at most so many bytes. `places` decides where keys lie, `keys` is what they are made with; moments count from `started`.
    pub fn bounded(bytes: usize, places: Secret, keys: Secret, started: Instant) -> Self {
        Self { table: Table::bounded(bytes, places), digester: Digester::new(keys), started }
    }

    /// An instant as a moment of the table.
    pub fn moment(&self, at: Instant) -> Moment {
        Moment::since(self.started, at)
    }
}
