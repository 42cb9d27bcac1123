//! Known against unknown users (SECURITY.md I41, T68): every unsigned operation that takes a name, tried with names of users and of
//! nobody, in random order on one connection.
//!
//! Each user is tried once an operation, so that neither lockout nor the hourly budgets of codes come in between.

mod case;
mod findings;
mod likeness;
mod people;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::secret::SecretString;
use common::sigv4::Credentials;

pub use self::case::Case;
use self::findings::Sides;
#[cfg(test)]
pub use self::findings::Verdict;
pub use self::findings::{CaseFinding, Findings, Quantiles};
use self::people::{People, Turn};
use crate::load::{Answer, Api, Signer};
use crate::measure::Machine;
use crate::scenario::error::BenchError;

/// Samples a side unless told otherwise: fits into the two minutes on a quiet machine with two processors.
const SAMPLES: usize = 150;
/// Time for [`SAMPLES`]; more samples have more time in proportion.
const LIMIT: Duration = Duration::from_secs(120);
const MOST_SAMPLES: usize = 10_000;

/// Whom to measure, and how often.
#[derive(Clone, Debug)]
pub struct Options {
    /// Base URL of the issuer, `http://HOST:PORT`.
    pub issuer: String,
    pub region: String,
    /// An admin key that may make and delete pools, clients and users.
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// Samples an operation and side, 1 to 10,000.
    pub samples: usize,
}

impl Options {
    pub const DEFAULT_SAMPLES: usize = SAMPLES;

    fn limit(&self) -> Duration {
        let share = self.samples.max(SAMPLES) as f64 / SAMPLES as f64;
        LIMIT.mul_f64(share)
    }
}

/// Makes a pool, tries every operation, and deletes the pool.
pub fn run(options: &Options) -> Result<Findings, BenchError> {
    if !(1..=MOST_SAMPLES).contains(&options.samples) {
        return Err(BenchError::Options("samples must be 1 to 10000"));
    }
    let begun = Instant::now();
    let machine = Machine::read();
    let credentials = Credentials {
        access_key_id: options.access_key_id.clone(),
        secret_access_key: options.secret_access_key.clone(),
        session_token: None,
    };
    let mut api = Api::new(&options.issuer, Signer { credentials, region: options.region.clone() })?;
    let mut people = People::found(&mut api)?;
    let measured = measure(&mut api, &mut people, options, begun);
    let gone = people.disband(&mut api);
    let cases = measured?;
    gone?;
    let cases = cases.into_iter().map(|(case, sides)| (case, sides.finding(case))).collect();
    Ok(Findings { machine, cases, asked: options.samples, elapsed: begun.elapsed() })
}

fn measure(
    api: &mut Api,
    people: &mut People,
    options: &Options,
    begun: Instant,
) -> Result<BTreeMap<Case, Sides>, BenchError> {
    let limit = options.limit();
    people.gather(api, options.samples, begun + limit / 2)?;
    let mut found: BTreeMap<Case, Sides> = BTreeMap::new();
    for turn in &people.turns {
        if begun.elapsed() > limit {
            break;
        }
        for (case, kind) in order()? {
            let answer = attempt(api, people, case, kind.name(turn, case))?;
            found.entry(case).or_default().add(kind, &answer);
        }
    }
    Ok(found)
}

/// Whose name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Known,
    Unknown,
}

impl Kind {
    fn name(self, turn: &Turn, case: Case) -> &str {
        match (self, case) {
            (Self::Known, _) => turn.known(case.known()),
            (Self::Unknown, Case::SignUp) => &turn.newcomer,
            (Self::Unknown, _) => turn.unknown(case.known()),
        }
    }
}

/// Every operation with both kinds, shuffled (Fisher and Yates).
fn order() -> Result<Vec<(Case, Kind)>, BenchError> {
    let mut left: Vec<_> =
        Case::ALL.into_iter().flat_map(|case| [(case, Kind::Known), (case, Kind::Unknown)]).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        order.push(left.swap_remove(people::draw(left.len())?));
    }
    Ok(order)
}

fn attempt(api: &mut Api, people: &People, case: Case, name: &str) -> Result<Answer, BenchError> {
    let with = case::Try {
        client: &people.client,
        name,
        password: &people.password,
        srp_a: &people.srp_a,
        proof: &people.proof,
    };
    Ok(case.send(api, with)?)
}
