//! New tokens for a refresh token: what signing costs.

use super::calls::{Calls, Operation, in_turn};
use super::measured;
use crate::finding::ScenarioFinding;
use crate::scenario::BenchError;
use crate::scenario::live::{Bench, Live};

/// The scenario.
pub struct Refresh;

impl Live for Refresh {
    fn name(&self) -> &'static str {
        "refresh"
    }

    fn title(&self) -> &'static str {
        "New tokens by refresh token"
    }

    fn about(&self) -> &'static str {
        "The issuer of `tollgate up` on SQLite, its processor time and memory: InitiateAuth with REFRESH_TOKEN_AUTH by ten sessions in turn, in a closed loop of four connections; refresh tokens are not rotated. Each answer has an access and an ID token, signed by RS256 each: twice the limit of one signature is the floor. An answer without tokens counts as failed."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let found = measured(self, bench, |deployment| {
            let inputs = deployment.regulars().iter().map(|session| deployment.by_refresh(&session.refresh));
            Ok(Calls::new(Operation::initiate_auth(), in_turn(inputs.collect())))
        })?;
        Ok(ScenarioFinding { limits: vec!["issuer_rs256_sign".into()], ..found })
    }
}
