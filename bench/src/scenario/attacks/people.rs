//! A pool of this run: its client, users of both kinds, and names of the same form that are nobody's.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::case::{Known, sign_up};
use crate::load::{Api, ApiError};
use crate::scenario::error::BenchError;

/// Names and values of one run.
#[derive(Debug)]
pub struct People {
    pub pool: String,
    pub client: String,
    /// A password of nobody.
    pub password: String,
    pub srp_a: String,
    pub proof: String,
    /// Names of confirmed and of unconfirmed users, and as many of nobody.
    pub turns: Vec<Turn>,
}

/// The names of one turn; each operation is tried with each once.
#[derive(Clone, Debug)]
pub struct Turn {
    pub confirmed: String,
    pub unconfirmed: String,
    /// Of nobody, for operations on confirmed and on unconfirmed users.
    pub nobody: [String; 2],
    /// Of nobody until SignUp makes it a user.
    pub newcomer: String,
}

impl Turn {
    pub fn known(&self, known: Known) -> &str {
        match known {
            Known::Confirmed => &self.confirmed,
            Known::Unconfirmed => &self.unconfirmed,
        }
    }

    pub fn unknown(&self, known: Known) -> &str {
        let [first, second] = &self.nobody;
        match known {
            Known::Confirmed => first,
            Known::Unconfirmed => second,
        }
    }
}

impl People {
    /// Makes pool and client; the users come with [`People::gather`].
    pub fn found(api: &mut Api) -> Result<Self, BenchError> {
        let pool = json!({
            "PoolName": "bench-attacks",
            "UsernameAttributes": ["email"],
            "AutoVerifiedAttributes": ["email"],
        });
        let pool = text(&api.signed("CreateUserPool", &pool)?, "/UserPool/Id");
        let client = json!({
            "UserPoolId": pool,
            "ClientName": "bench-attacks",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "PreventUserExistenceErrors": "ENABLED",
        });
        let client = text(&api.signed("CreateUserPoolClient", &client)?, "/UserPoolClient/ClientId");
        let mut srp_a = random::<384>()?;
        // Below the group's modulus, which begins with ones.
        srp_a[0] = 0x7f;
        let password = format!("Aa1!{}", hex(&random::<8>()?));
        let (srp_a, proof) = (hex(&srp_a), STANDARD.encode(random::<32>()?));
        Ok(Self { pool, client, password, srp_a, proof, turns: Vec::new() })
    }

    /// Makes users for so many turns, or for as many as can be made until `end`.
    pub fn gather(&mut self, api: &mut Api, turns: usize, end: Instant) -> Result<(), BenchError> {
        while self.turns.len() < turns && (self.turns.is_empty() || Instant::now() < end) {
            let nobody = [name()?, name()?];
            let turn = Turn { confirmed: name()?, unconfirmed: name()?, nobody, newcomer: name()? };
            self.confirmed(api, &turn.confirmed)?;
            let password = format!("Bb2?{}", hex(&random::<8>()?));
            api.public("SignUp", &sign_up(&self.client, &turn.unconfirmed, &password))?;
            self.turns.push(turn);
        }
        Ok(())
    }

    /// Ends the pool with everything in it.
    pub fn disband(&self, api: &mut Api) -> Result<(), ApiError> {
        api.signed("DeleteUserPool", &json!({ "UserPoolId": self.pool })).map(|_| ())
    }

    fn confirmed(&self, api: &mut Api, name: &str) -> Result<(), BenchError> {
        let attributes = json!([{ "Name": "email", "Value": name }, { "Name": "email_verified", "Value": "true" }]);
        let user = json!({
            "UserPoolId": self.pool, "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes,
        });
        api.signed("AdminCreateUser", &user)?;
        let password = format!("Cc3%{}", hex(&random::<8>()?));
        let permanent = json!({ "UserPoolId": self.pool, "Username": name, "Password": password, "Permanent": true });
        api.signed("AdminSetUserPassword", &permanent)?;
        Ok(())
    }
}

/// Fair order: a number below `bound`, of the system's random source.
pub fn draw(bound: usize) -> Result<usize, BenchError> {
    let number = u64::from_le_bytes(random::<8>()?);
    // The bias of the remainder is below 2^-50 for the few hundred places of a run.
    Ok(usize::try_from(number.checked_rem(bound as u64).unwrap_or_default()).unwrap_or_default())
}

/// All names have one form and one masked address.
fn name() -> Result<String, BenchError> {
    Ok(format!("u{}@example.com", hex(&random::<8>()?)))
}

fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn random<const N: usize>() -> Result<[u8; N], BenchError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| BenchError::Random)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
