//! The quick comparison: every installed system, interleaved (A B C, A B C), in at most two minutes.
//!
//! Every request carries a token, plain passes too, so that all systems move the same bytes and a difference is the check itself.

mod lab;
mod rounds;
mod sample;

use std::collections::BTreeMap;
use std::time::Instant;

use common::clock::{Clock, SystemClock};

use self::lab::{Lab, System};
use self::rounds::Rounds;
use super::{Findings, Options, Pinned};
use crate::measure::Machine;
use crate::scenario::error::BenchError;

/// Starts everything, measures in rounds, ends everything.
pub fn run(options: &Options) -> Result<Findings, BenchError> {
    let begun = Instant::now();
    options.check()?;
    let machine = Machine::read();
    let lab = Lab::prepare(options, SystemClock.now())?;
    let mut without = BTreeMap::new();
    let systems = lab.start_systems(options, &mut without)?;
    let mut rounds = Rounds::new(&lab, &systems, options, begun);
    rounds.run()?;
    let (cases, ring_verify_us) = rounds.summary(&mut without);
    Ok(Findings {
        machine,
        rounds: rounds.completed(),
        connections: options.connections,
        known_tokens: lab.known.len(),
        token_bytes: lab.known.first().map_or(0, String::len),
        pinned: lab.cores.as_ref().map(|cores| Pinned {
            measured: cores.measured().to_owned(),
            generator_and_upstream: cores.generator().to_owned(),
        }),
        cases,
        without,
        versions: systems.iter().map(System::name_and_version).collect(),
        ring_verify_us,
        elapsed: begun.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn an_edge_that_does_not_start_is_an_error_with_its_words() {
        let command = ["sh", "-c", "echo no such setting >&2; exit 64"].map(OsString::from).to_vec();
        let small =
            Options { edge_command: Some(command), rounds: 1, known_tokens: 2, new_tokens: 1, ..Options::default() };
        let error = run(&Options { pinning: crate::Pinning::Off, ..small }).unwrap_err();
        assert!(matches!(error, BenchError::EdgeStart(_)), "{error}");
        assert!(error.to_string().contains("no such setting"), "{error}");
    }
}
