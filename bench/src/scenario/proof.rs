//! Before a system is measured it proves that it does the work: good tokens pass; none, a forged and an expired one do not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::{Bad, Failure, FixtureError, Issuer, Load};
use crate::peers::{Duty, HOST};

/// Time that a system has from listening to passing a good token.
const READY_LIMIT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// How a system has failed its proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("it does not pass a good token on {path}: {answer}")]
    GoodRefused { path: String, answer: String },
    #[error("it does not refuse {what} on {path} with 401 or 403: {answer}")]
    BadPassed { what: &'static str, path: String, answer: String },
    #[error("cannot make tokens: {0}")]
    Fixture(#[from] FixtureError),
    #[error("cannot run the load generator: {0}")]
    Generator(#[from] std::io::Error),
}

/// Proves one path of one system.
pub fn prove(target: SocketAddr, path: &str, duty: Duty, issuer: &Issuer) -> Result<(), ProofError> {
    let good = issuer.tokens(1)?;
    let begun = Instant::now();
    loop {
        match ask(target, path, &good)? {
            Answer::Passed => break,
            answer if begun.elapsed() > READY_LIMIT => {
                return Err(ProofError::GoodRefused { path: path.into(), answer: answer.to_string() });
            }
            _ => std::thread::sleep(POLL),
        }
    }
    if duty == Duty::Pass {
        return Ok(());
    }
    refuses(target, path, "a request without a token", &[])?;
    refuses(target, path, "a forged token", &[issuer.bad_token(Bad::Forged)?])?;
    refuses(target, path, "an expired token", &[issuer.bad_token(Bad::Expired)?])
}

fn refuses(target: SocketAddr, path: &str, what: &'static str, tokens: &[String]) -> Result<(), ProofError> {
    match ask(target, path, tokens)? {
        Answer::Failed(Failure::Status(401 | 403)) => Ok(()),
        answer => Err(ProofError::BadPassed { what, path: path.into(), answer: answer.to_string() }),
    }
}

enum Answer {
    Passed,
    Failed(Failure),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => f.write_str("status_200"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

fn ask(target: SocketAddr, path: &str, tokens: &[String]) -> Result<Answer, ProofError> {
    let load = Load { target, host: HOST, path, tokens, requests: 1, connections: 1, limit: ANSWER_LIMIT };
    let failure = load.run()?.failures.into_keys().next();
    Ok(failure.map_or(Answer::Passed, Answer::Failed))
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;

    use super::*;
    use crate::load::Upstream;

    #[test]
    fn a_server_that_passes_everything_fails_the_proof_of_checking() {
        let upstream = Upstream::start().unwrap();
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        assert!(prove(upstream.address(), "/", Duty::Pass, &issuer).is_ok());
        let error = prove(upstream.address(), "/", Duty::Check, &issuer).unwrap_err();
        assert!(matches!(error, ProofError::BadPassed { what: "a request without a token", .. }), "{error}");
    }
}
