//! What is sent to whom, in which order, one file a scenario.

pub mod attacks;
mod error;
mod findings;
mod proof;
pub mod quick;

use std::ffi::OsString;
use std::time::Duration;

pub use error::BenchError;
pub use findings::{Case, CaseFinding, Findings, Pinned};

/// Whether the load generator keeps off the processor of what it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    /// Where there are two processors and `taskset`; the report says what was done.
    WherePossible,
    Off,
}

/// Sizes of a quick run. The default takes less than a minute on a quiet machine with two processors.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program and leading arguments that take `edge --config FILE`; `None` is this program.
    pub edge_command: Option<Vec<OsString>>,
    /// How often every system is measured; rounds beyond the third are left out when the time is short.
    pub rounds: u32,
    /// Requests a system and round.
    pub requests: u64,
    /// Connections of the load generator, each with one request in flight.
    pub connections: usize,
    /// Distinct tokens that the edge has seen before.
    pub known_tokens: usize,
    /// Tokens a round that it has never seen; each is sent once.
    pub new_tokens: usize,
    /// Time for everything.
    pub limit: Duration,
    pub pinning: Pinning,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            edge_command: None,
            rounds: 5,
            requests: 12_000,
            connections: 32,
            known_tokens: 2_000,
            new_tokens: 2_000,
            limit: Duration::from_secs(100),
            pinning: Pinning::WherePossible,
        }
    }
}

impl Options {
    /// Greatest number of tokens of a run; each takes about 1 KB of memory and half a millisecond of signing.
    const TOKEN_LIMIT: usize = 200_000;

    fn check(&self) -> Result<(), BenchError> {
        let tokens = usize::try_from(self.rounds).ok().and_then(|rounds| self.new_tokens.checked_mul(rounds));
        if self.rounds == 0 || self.requests == 0 || self.known_tokens == 0 || self.new_tokens == 0 {
            return Err(BenchError::Options("rounds, requests and tokens must be at least 1"));
        }
        if !(1..=1000).contains(&self.connections) {
            return Err(BenchError::Options("connections must be 1 to 1000"));
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
        let bad = [
            Options { rounds: 0, ..good.clone() },
            Options { requests: 0, ..good.clone() },
            Options { connections: 0, ..good.clone() },
            Options { connections: 1001, ..good.clone() },
            Options { known_tokens: 0, ..good.clone() },
            Options { rounds: 100, new_tokens: 2_000, known_tokens: 1, ..good.clone() },
            Options { new_tokens: usize::MAX, ..good },
        ];
        for options in bad {
            assert!(matches!(options.check(), Err(BenchError::Options(_))), "{options:?}");
        }
    }
}
