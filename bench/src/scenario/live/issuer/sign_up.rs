//! New users: what making a password's hash and verifier costs.

use bytes::Bytes;
use serde_json::json;

use super::calls::{Calls, Operation};
use super::measured;
use crate::finding::ScenarioFinding;
use crate::scenario::BenchError;
use crate::scenario::live::deployment::Deployment;
use crate::scenario::live::{Bench, Live};

/// The scenario.
pub struct SignUp;

impl Live for SignUp {
    fn name(&self) -> &'static str {
        "sign_up"
    }

    fn title(&self) -> &'static str {
        "Sign-up of a new user"
    }

    fn about(&self) -> &'static str {
        "The issuer of `tollgate up` on SQLite, its processor time and memory: SignUp of a new user with an e-mail address each, in a closed loop of four connections. Each makes an Argon2id hash and an SRP verifier of the password, stores user and code, and has a message with the code written to the outbox, which is done beside the answers and counts as processor time as well. A round has some dozens of sign-ups, so that its p99 is the slowest one."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let found = measured(self, bench, |deployment| Ok(Calls::new(Operation::sign_up(), new_users(deployment))))?;
        let limits = ["argon2id", "sqlite_commit_cpu"].map(str::to_owned).to_vec();
        Ok(ScenarioFinding { limits, ..found })
    }
}

/// A user more for each number.
fn new_users(deployment: &Deployment) -> impl FnMut(u64) -> Bytes + Send + use<> {
    let (client, password) = (deployment.client_id().to_owned(), deployment.password().to_owned());
    move |number| body(&client, &password, number)
}

fn body(client: &str, password: &str, number: u64) -> Bytes {
    let name = format!("bench-sign-up-{number}");
    let attributes = json!([{ "Name": "email", "Value": format!("{name}@example.com") }]);
    let input = json!({ "ClientId": client, "Username": name, "Password": password, "UserAttributes": attributes });
    input.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_is_new() {
        let [one, other] = [1, 2].map(|number| body("client", "Password-1", number));
        assert_ne!(one, other);
        let input: serde_json::Value = serde_json::from_slice(&one).unwrap();
        assert_eq!(input["Username"], "bench-sign-up-1");
        assert_eq!(input["UserAttributes"][0]["Value"], "bench-sign-up-1@example.com");
    }
}
