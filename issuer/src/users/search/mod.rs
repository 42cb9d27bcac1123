//! Pages of users, filtered (Cognito: ListUsers, and beyond it: [`super::filter`]).
//!
//! A term becomes a [`Range`] of an index. A filter as Cognito knows them is one range, and nothing else. Others are read from one range, that
//! with the fewest rows, and each row is held against all terms. So that a page has a bound whatever the filter, it ends after
//! [`MOST_ROWS`] rows of the range, with a token to go on by, even when few of them were wanted or none.

pub mod derived;
pub mod indexes;
mod matching;
pub mod range;
#[cfg(test)]
mod suite;

use common::ids::PoolId;

use self::indexes::Indexes;
pub use self::range::{MIGRATION, PARTIAL, Position, Range};
use super::filter::{Filter, Term};
use super::model::User;
use super::rows;
use crate::store::{Store, StoreError};

/// Rows that a page of other filters than Cognito's reads at most.
pub const MOST_ROWS: usize = 1_000;
/// Rows after the first read of such a page.
const MORE_ROWS: usize = 250;
/// A range with more rows than that is as good as any other.
const COUNTED: u64 = 500;

/// Which users, and by which ranges they can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    terms: Vec<Term>,
    /// At least one.
    ranges: Vec<Range>,
    /// The first range has what is wanted and nothing else.
    exact: bool,
}

/// Where a page of a search begins that is not exact: the range's name, value, key.
pub type Place = [String; 3];

/// A page of such a search.
#[derive(Debug)]
pub struct Found {
    pub users: Vec<User>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<Place>,
}

impl Search {
    /// `indexes`: the pool's search indexes, by attribute.
    pub fn new(filter: Option<&Filter>, indexes: &Indexes) -> Self {
        let Some(filter) = filter else {
            return Self { terms: Vec::new(), ranges: vec![Range::All], exact: true };
        };
        let range = |term: &Term| Range::of(term, indexes.of(&term.attribute));
        let mut ranges: Vec<Range> = filter.terms.iter().filter_map(range).collect();
        if ranges.contains(&Range::Nobody) {
            ranges = vec![Range::Nobody];
        } else if ranges.len() > 1 {
            ranges.retain(|range| *range != Range::All);
        }
        if ranges.is_empty() {
            ranges.push(Range::All);
        }
        Self { terms: filter.terms.clone(), ranges, exact: filter.cognitos().is_some() }
    }

    /// The same by ranges of other attributes.
    #[must_use]
    pub fn without_custom_ranges(mut self) -> Self {
        self.ranges.retain(|range| !matches!(range, Range::CustomEqual { .. } | Range::CustomPrefix { .. }));
        if self.ranges.is_empty() {
            self.ranges.push(Range::All);
        }
        self
    }

    /// The range that has all that is wanted and nothing else.
    pub fn exact(&self) -> Option<&Range> {
        self.ranges.first().filter(|_| self.exact)
    }

    /// Whether there is the range that a page was to go on in. Tokens are authentic and of this filter, so only an index that went, or a change of the
    /// schema that began or ended, can be why not.
    pub fn has(&self, place: &Place) -> bool {
        let [name, _, _] = place;
        self.number(name).is_some()
    }

    fn number(&self, name: &str) -> Option<usize> {
        (0..self.ranges.len()).find(|number| self.name(*number).as_deref() == Some(name))
    }

    /// Of a range, whichever others there are: its own, and how many before it have the same.
    fn name(&self, number: usize) -> Option<String> {
        let own = self.ranges.get(number)?.name();
        let before = self.ranges.iter().take(number).filter(|range| range.name() == own).count();
        Some(format!("{own} {before}"))
    }

    /// The next page, `seen` being what to make of a stored user before it is looked at.
    ///
    /// # Errors
    /// Storage. A place that names no range finds nobody: see [`Search::has`].
    pub async fn page(
        &self,
        store: &Store,
        pool: &PoolId,
        after: Option<Place>,
        limit: usize,
        seen: impl Fn(User) -> User,
    ) -> Result<Found, StoreError> {
        let (number, mut after) = match after {
            Some([name, value, key]) => (self.number(&name), Some([value, key])),
            None => (Some(self.fewest(store, pool).await?), None),
        };
        let mut found: Vec<(User, Position)> = Vec::new();
        let known = number.and_then(|number| Some((self.ranges.get(number)?, self.name(number)?)));
        let Some((range, name)) = known else { return Ok(Found { users: Vec::new(), next: None }) };
        let (mut read, mut ended) = (0, false);
        while found.len() <= limit && read < MOST_ROWS && !ended {
            let want = if read == 0 { limit + 1 } else { MORE_ROWS };
            let Some(query) = range.query(pool, after.as_ref(), want as u64) else { break };
            let rows = store.read(query).await?;
            ended = rows.len() < want;
            read += rows.len();
            for row in &rows {
                let user = rows::user(row)?;
                let place = range.position(row, &user)?;
                let user = seen(user);
                if matching::is_first(range, &place, &user) && matching::all(&self.terms, &user) {
                    found.push((user, place.clone()));
                }
                after = Some(place);
            }
        }
        // The page ends with its last user, or where the reading ended.
        let full = found.len() > limit;
        found.truncate(limit);
        let last = if full { found.last().map(|(_, place)| place.clone()) } else { after.filter(|_| !ended) };
        let next = last.map(|[value, key]| [name, value, key]);
        Ok(Found { users: found.into_iter().map(|(user, _)| user).collect(), next })
    }

    /// The number of the range with the fewest rows.
    async fn fewest(&self, store: &Store, pool: &PoolId) -> Result<usize, StoreError> {
        let mut best = (0, u64::MAX);
        if self.ranges.len() == 1 {
            return Ok(0);
        }
        for (number, range) in self.ranges.iter().enumerate() {
            let Some(query) = range.count(pool, COUNTED) else { continue };
            let rows = match store.one(query).await? {
                Some(row) => row.u64(0)?,
                None => continue,
            };
            if rows < best.1 {
                best = (number, rows);
            }
        }
        Ok(best.0)
    }
}
