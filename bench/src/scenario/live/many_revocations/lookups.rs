//! What a lookup takes, in this process: the tables are `common`'s, the same that an edge asks.

use std::hint::black_box;
use std::time::Instant;

use common::feed::{Folded, Revocations, Revoked};

/// Names that are looked up, of those that are revoked and as many others.
const NAMES: usize = 1_000_000;
/// A stride that no cache expects, and that has no divisor in common with a round number.
const STRIDE: usize = 7_919;

/// Nanoseconds of single lookups, each with the reading of a clock; the mean is of many without.
pub struct Lookups {
    pub mean_ns: f64,
    sorted_ns: Vec<u64>,
    /// Others that were found.
    pub false_positives: usize,
    /// Revoked ones that were not.
    pub missed: usize,
}

impl Lookups {
    pub fn measure(revoked: &Revocations) -> Self {
        let session = |revoked| match revoked {
            Revoked::Session { origin_jti } => uuid::Uuid::try_parse(&origin_jti).ok().map(uuid::Uuid::into_bytes),
            _ => None,
        };
        let known: Vec<[u8; 16]> = revoked.iter().filter_map(|(revoked, _)| session(revoked)).take(NAMES).collect();
        let others: Vec<[u8; 16]> = known.iter().map(|_| uuid::Uuid::now_v7().into_bytes()).collect();
        let (known, folded) = (scattered(&known), revoked.folded());
        let begun = Instant::now();
        let missed = known.len() - found(folded, &known);
        let false_positives = found(folded, &others);
        let mean_ns = begun.elapsed().as_nanos() as f64 / (known.len() + others.len()).max(1) as f64;
        let mut sorted_ns: Vec<u64> = known.iter().chain(&others).map(|name| timed(folded, name)).collect();
        sorted_ns.sort_unstable();
        Self { mean_ns, sorted_ns, false_positives, missed }
    }

    pub fn quantile_ns(&self, at: f64) -> Option<u64> {
        let last = self.sorted_ns.len().checked_sub(1)?;
        self.sorted_ns.get((last as f64 * at) as usize).copied()
    }
}

/// They come in the order of the table.
fn scattered(names: &[[u8; 16]]) -> Vec<[u8; 16]> {
    (0..names.len()).filter_map(|at| names.get(at * STRIDE % names.len()).copied()).collect()
}

fn found(folded: &Folded, names: &[[u8; 16]]) -> usize {
    names.iter().filter(|name| folded.session(black_box(name))).count()
}

fn timed(folded: &Folded, name: &[u8; 16]) -> u64 {
    let begun = Instant::now();
    black_box(folded.session(black_box(name)));
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;
    use common::feed::{Change, Epoch, FeedState, Position, Record};

    use super::*;

    #[test]
    fn every_revoked_name_is_found_and_no_other() {
        let record = |_| -> Record {
            let revoked = Revoked::Session { origin_jti: uuid::Uuid::now_v7().to_string() };
            Change::Revoked(revoked).to_raw(UnixMillis(5)).unwrap().encode().unwrap().into()
        };
        let records: Vec<Record> = (0..5_000).map(record).collect();
        let state = FeedState::from_records(Position::start(Epoch([1; 16])), &records).unwrap();
        let found = Lookups::measure(state.revoked());
        assert_eq!((found.missed, found.false_positives), (0, 0));
        assert!(found.mean_ns > 0.0 && found.quantile_ns(0.5) <= found.quantile_ns(0.99));
    }
}
