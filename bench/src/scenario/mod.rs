//! What is sent to whom, in which order, one file a scenario.

pub mod attacks;
pub mod edge;
mod error;
mod lab;
mod live;
pub mod load;
mod measures;
pub mod oauth;
mod progress;
mod proof;
mod rounds;
mod samples;
mod shipped;
mod steady;
pub mod users;
pub mod waf;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use error::BenchError;
pub use progress::{Progress, Quiet, Step};

/// The scenario that is compared with web ACLs of others.
const WAF_SHIPPED: &str = "waf_shipped";

/// Whether the load generator keeps off the processor of what it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    /// Where there are two processors and `taskset`; the report says what was done.
    WherePossible,
    Off,
}

/// What is done about compared products that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installing {
    /// They are installed, in the pinned versions, as far as that can be done within some minutes.
    WherePossible,
    Off,
}

/// Which of several named things are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    All,
    Only(BTreeSet<String>),
}

impl Choice {
    /// All when no name is given.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().collect();
        if names.is_empty() { Self::All } else { Self::Only(names) }
    }

    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// The first name that is none of `known`.
    fn unknown<'a>(&'a self, known: &[&str]) -> Option<&'a str> {
        match self {
            Self::All => None,
            Self::Only(names) => names.iter().map(String::as_str).find(|name| !known.contains(name)),
        }
    }
}

/// What a run of `bench edge` measures, and its sizes. The default is the full run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program and leading arguments that take `edge --config FILE`; `None` is this program.
    pub edge_command: Option<Vec<OsString>>,
    /// Another build that is measured beside it.
    pub baseline_command: Option<Vec<OsString>>,
    pub scenarios: Choice,
    pub peers: Choice,
    /// Which bare work is measured beside them.
    pub limits: Choice,
    /// How often every system is measured; rounds beyond the third are left out when the time is short.
    pub rounds: u32,
    /// Requests a system, scenario and round.
    pub requests: u64,
    /// Connections of the load generator in the closed loop, each with one request in flight.
    pub connections: usize,
    /// Distinct tokens that the edge has seen before.
    pub known_tokens: usize,
    /// Tokens a round that it has never seen; each is sent once to each system.
    pub new_tokens: usize,
    /// Sessions that the edge knows to be revoked; none is of a token that is sent.
    pub revocations: usize,
    /// Time for everything.
    pub limit: Duration,
    pub pinning: Pinning,
    /// Where compared products from PyPI and npm lie; `None` is `tollgate-bench` in the user's cache folder.
    pub peers_folder: Option<PathBuf>,
    pub installing: Installing,
    /// The web ACL that is compared with ModSecurity: a file in AWS WAF's JSON. `None` is the core group that comes with Tollgate.
    pub acl: Option<PathBuf>,
    pub stop: Stop,
}

/// Ends a run early from another thread: what is being measured goes on for some seconds, then everything is ended and there is no report.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// No time when the run is to stop.
    fn or(&self, left: Duration) -> Duration {
        if self.is_wanted() { Duration::ZERO } else { left }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            edge_command: None,
            baseline_command: None,
            scenarios: Choice::All,
            peers: Choice::All,
            limits: Choice::All,
            rounds: 7,
            requests: 12_000,
            connections: 32,
            known_tokens: 2_000,
            new_tokens: 6_000,
            revocations: 1_000_000,
            limit: Duration::from_mins(14),
            pinning: Pinning::WherePossible,
            peers_folder: None,
            installing: Installing::WherePossible,
            acl: None,
            stop: Stop::default(),
        }
    }
}

impl Options {
    /// Greatest number of tokens of a run; each takes about 1 KB of memory and half a millisecond of signing.
    const TOKEN_LIMIT: usize = 200_000;

    /// Each takes about 200 bytes here and some at the edge.
    const REVOCATION_LIMIT: usize = 10_000_000;

    /// The short form: what the budgets need, in less than two minutes.
    pub fn quick() -> Self {
        let names = |names: &[&str]| Choice::of(names.iter().map(|name| (*name).to_owned()));
        Self {
            scenarios: names(&["plain_pass", "token_gate", "pipeline", "never_seen"]),
            peers: names(&["nginx_plain", "haproxy_jwt", "envoy_jwt_cached"]),
            limits: names(&["ring_rs256_verify"]),
            rounds: 5,
            limit: Duration::from_secs(100),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), BenchError> {
        let tokens = usize::try_from(self.rounds).ok().and_then(|rounds| self.new_tokens.checked_mul(rounds));
        if self.rounds == 0 || self.requests == 0 || self.known_tokens == 0 || self.new_tokens == 0 {
            return Err(BenchError::Options("rounds, requests and tokens must be at least 1"));
        }
        if !(1..=1000).contains(&self.connections) {
            return Err(BenchError::Options("connections must be 1 to 1000"));
        }
        if self.revocations > Self::REVOCATION_LIMIT {
            return Err(BenchError::Options("a run has at most 10000000 revocations"));
        }
        if tokens.and_then(|new| new.checked_add(self.known_tokens)).is_none_or(|all| all > Self::TOKEN_LIMIT) {
            return Err(BenchError::Options("a run has at most 200000 tokens"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_bounds() {
        let good = Options::default();
        assert!(good.check().is_ok());
        assert!(Options::quick().check().is_ok());
        let bad = [
            Options { rounds: 0, ..good.clone() },
            Options { requests: 0, ..good.clone() },
            Options { connections: 0, ..good.clone() },
            Options { connections: 1001, ..good.clone() },
            Options { known_tokens: 0, ..good.clone() },
            Options { rounds: 100, new_tokens: 2_000, known_tokens: 1, ..good.clone() },
            Options { new_tokens: usize::MAX, ..good.clone() },
            Options { revocations: 10_000_001, ..good },
        ];
        for options in bad {
            assert!(matches!(options.check(), Err(BenchError::Options(_))), "{options:?}");
        }
    }

    #[test]
    fn choices() {
        let some = Choice::of(["a".to_owned(), "b".to_owned()]);
        assert!(some.includes("a") && !some.includes("c"));
        assert_eq!(some.unknown(&["a"]), Some("b"));
        assert_eq!(some.unknown(&["b", "a", "c"]), None);
        assert_eq!(Choice::of([]), Choice::All);
        assert!(Choice::All.includes("x") && Choice::All.unknown(&[]).is_none());
    }
}
