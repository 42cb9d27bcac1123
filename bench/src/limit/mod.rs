//! Floors under the figures: the arithmetic, the hash and the commit alone, without a server around them, one file a limit.
//!
//! They are taken in the same run as the systems, one sample of each a round, so that a figure can be divided by its floor without the
//! drift of the machine.

mod argon2id;
mod eddsa;
mod error;
mod es256;
mod postgres;
mod rs256;
mod sha256;
mod sqlite;
mod work;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::LimitError;
pub use work::{Cost, Work};

use crate::finding::{self, Better, Figure, Unit};

/// Bytes that a signature of a token of 1 KB is over: its header and claims in base64.
const SIGNED_BYTES: usize = 700;

/// One piece of bare work.
pub trait Limit {
    /// Name in the findings: `ring_rs256_verify`.
    fn name(&self) -> &'static str;

    /// Name for readers.
    fn title(&self) -> String;

    /// What its figures count.
    fn counts(&self) -> Counts {
        Counts::Processor
    }

    /// Makes keys, files or servers, the files below `folder`.
    ///
    /// # Errors
    /// Where this machine lacks what is needed; the report names the limit as missing.
    fn prepare(&self, folder: &Path) -> Result<Box<dyn Work>, LimitError>;
}

/// Which times of an operation say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Arithmetic: processor time is the figure.
    Processor,
    /// Most of it is waiting for a disk: the time that passes is the figure, and processor time another one, `NAME_cpu`.
    Waiting,
}

/// Every limit, in the order of the report.
pub fn all() -> Vec<Box<dyn Limit>> {
    let mut all: Vec<Box<dyn Limit>> = Vec::new();
    all.extend(rs256::Rs256::ALL.map(|limit| Box::new(limit) as Box<dyn Limit>));
    all.extend(es256::Es256::ALL.map(|limit| Box::new(limit) as Box<dyn Limit>));
    all.extend(eddsa::EdDsa::ALL.map(|limit| Box::new(limit) as Box<dyn Limit>));
    all.push(Box::new(sha256::Sha256OfToken));
    all.push(Box::new(argon2id::Argon2id));
    all.push(Box::new(sqlite::SqliteCommit));
    all.push(Box::new(postgres::PostgresCommit));
    all
}

/// What a token and a password's check cost at least.
pub fn of_an_issuer() -> Vec<Box<dyn Limit>> {
    vec![
        Box::new(rs256::Rs256::IssuerSign),
        Box::new(rs256::Rs256::RingSign),
        Box::new(rs256::Rs256::GraviolaSign),
        Box::new(es256::Es256::RingSign),
        Box::new(argon2id::Argon2id),
    ]
}

/// The limits of a run that could be prepared, and their samples so far.
pub struct Limits(Vec<Prepared>);

struct Prepared {
    limit: Box<dyn Limit>,
    /// Says where a commit goes; empty for arithmetic.
    place: String,
    work: Box<dyn Work>,
    costs: Vec<Cost>,
}

impl Limits {
    /// Prepares `limits`; one that can't be goes to `missing` with the reason.
    pub fn prepare(limits: Vec<Box<dyn Limit>>, folder: &Path, missing: &mut BTreeMap<String, String>) -> Self {
        let mut prepared = Vec::new();
        for limit in limits {
            match limit.prepare(folder) {
                Ok(work) => prepared.push(Prepared { place: work.place(), limit, work, costs: Vec::new() }),
                Err(error) => drop(missing.insert(limit.name().to_owned(), error.to_string())),
            }
        }
        Self(prepared)
    }

    /// One sample of each, between 0.1 and 0.2 s.
    ///
    /// # Errors
    /// When prepared work fails, or the time of a thread can't be read.
    pub fn sample(&mut self) -> Result<(), LimitError> {
        for prepared in &mut self.0 {
            prepared.costs.push(work::measure(prepared.work.as_mut())?);
        }
        Ok(())
    }

    /// What the samples have shown.
    pub fn found(&self) -> Vec<finding::Limit> {
        self.0.iter().flat_map(Prepared::found).collect()
    }
}

impl Prepared {
    fn found(&self) -> Vec<finding::Limit> {
        let (name, title) = (self.limit.name(), format!("{}{}", self.limit.title(), self.place));
        let cpu = || self.figure(Unit::MicrosPerOperation, |cost| cost.cpu_us);
        match self.limit.counts() {
            Counts::Processor => limit(name.to_owned(), title, cpu()),
            Counts::Waiting => {
                let mut found = limit(name.to_owned(), title.clone(), self.figure(Unit::Micros, |cost| cost.wall_us));
                found.append(&mut limit(format!("{name}_cpu"), format!("{title}: processor time"), cpu()));
                found
            }
        }
    }

    fn figure(&self, unit: Unit, of: fn(&Cost) -> f64) -> Option<Figure> {
        Figure::of(unit, Better::Lower, self.costs.iter().map(of).collect())
    }
}

fn limit(name: String, title: String, figure: Option<Figure>) -> Vec<finding::Limit> {
    figure.map(|figure| finding::Limit { name, title, figure }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Nothing is installed for it, and nothing fails silently.
    struct Impossible;

    impl Limit for Impossible {
        fn name(&self) -> &'static str {
            "impossible"
        }
        fn title(&self) -> String {
            "Impossible".into()
        }
        fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
            Err(LimitError::Missing("its program"))
        }
    }

    #[test]
    fn each_limit_works_and_has_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut missing = BTreeMap::new();
        let limits = all();
        let names: BTreeSet<_> = limits.iter().map(|limit| limit.name()).collect();
        assert_eq!(names.len(), limits.len(), "{names:?}");
        let mut limits = Limits::prepare(limits, folder.path(), &mut missing);
        // A machine without PostgreSQL has one limit less; no other may be missing.
        missing.remove("postgres_commit");
        assert_eq!(missing, BTreeMap::new());
        limits.sample().unwrap();
        limits.sample().unwrap();
        for limit in limits.found() {
            assert_eq!(limit.figure.rounds.len(), 2, "{limit:?}");
            assert!(limit.figure.spread.least > 0.0, "{limit:?}");
        }
        let found = limits.found();
        let sqlite: Vec<_> = found.iter().filter(|limit| limit.name.starts_with("sqlite")).collect();
        assert_eq!(
            sqlite.iter().map(|limit| limit.figure.unit).collect::<Vec<_>>(),
            [Unit::Micros, Unit::MicrosPerOperation]
        );
    }

    #[test]
    fn what_cannot_be_prepared_is_named() {
        let mut missing = BTreeMap::new();
        let limits = Limits::prepare(vec![Box::new(Impossible)], Path::new("/"), &mut missing);
        assert_eq!(limits.found(), vec![]);
        assert_eq!(missing, BTreeMap::from([("impossible".to_owned(), "its program is not installed".to_owned())]));
    }
}
