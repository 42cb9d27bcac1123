//! Sign-ins with a password: what its check costs.

use super::calls::{Calls, Operation, in_turn};
use super::measured;
use crate::finding::ScenarioFinding;
use crate::scenario::BenchError;
use crate::scenario::live::{Bench, Live};

/// The scenario.
pub struct SignInPassword;

impl Live for SignInPassword {
    fn name(&self) -> &'static str {
        "sign_in_password"
    }

    fn title(&self) -> &'static str {
        "Sign-in with a password"
    }

    fn about(&self) -> &'static str {
        "The issuer of `tollgate up` on SQLite, its processor time and memory: InitiateAuth with USER_PASSWORD_AUTH by ten users in turn, in a closed loop of four connections. Each sign-in checks the password by Argon2id, stores a session and signs an access and an ID token; an answer without tokens counts as failed. Latency is mostly waiting for the three sign-ins before one's own; a round has some dozens of them, so that its p99 is the slowest one."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let found = measured(self, bench, |deployment| {
            let inputs = deployment.regulars().iter().map(|session| deployment.by_password(&session.user));
            Ok(Calls::new(Operation::initiate_auth(), in_turn(inputs.collect())))
        })?;
        let limits = ["argon2id", "issuer_rs256_sign", "sqlite_commit_cpu"].map(str::to_owned).to_vec();
        Ok(ScenarioFinding { limits, ..found })
    }
}
