//! What clients were told, kept outside of the issuer, and its comparison with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::database::Database;
use crate::system::{Refused, System, Who, unique};

/// How long an edge may take to hear of a revocation after the last fault.
const PROPAGATION: Duration = Duration::from_secs(10);

/// A refresh token that was used before, and one of a family that ended so.
const REUSE: [&str; 2] = ["RefreshTokenReuseException", "NotAuthorizedException"];

/// What one writer was told.
#[derive(Default)]
pub struct Ledger {
    /// The ids of requests that were acknowledged, by operation.
    pub requests: BTreeMap<&'static str, Vec<String>>,
    /// (user, password): acknowledged sign-ups.
    signed_up: Vec<(String, String)>,
    /// Access tokens whose revocation was acknowledged.
    revoked: Vec<String>,
    /// The writer's own user, and every password that may hold: the last acknowledged one and later ones without an answer.
    pub user: String,
    pub passwords: Vec<String>,
    /// A user whose refresh tokens are rotated, the token of a live family, and whether its rotation is under way without an answer.
    rotator: String,
    family: Option<String>,
    in_doubt: bool,
    /// Refresh tokens whose rotation was acknowledged.
    rotated: Vec<String>,
    /// What was acknowledged twice though it can happen only once.
    pub doubled: Vec<String>,
}

impl Ledger {
    /// With users of its own, who are there once this returns.
    pub fn open(system: &System, pause: impl Fn()) -> Self {
        let first = "Correct-Horse-0".to_owned();
        let make = |what| {
            let user = unique(what);
            let person = json!({ "UserPoolId": system.pool_id, "Username": user, "MessageAction": "SUPPRESS" });
            let is_there = |refused: Refused| refused.name() == "UsernameExistsException";
            while !system.admin("AdminCreateUser", &person).map_or_else(is_there, |_| true) {
                pause();
            }
            while system.set_password(&user, &first).is_err() {
                pause();
            }
            user
        };
        let (user, rotator) = (make("writer"), make("rotator"));
        Self { user, rotator, passwords: vec![first], ..Self::default() }
    }

    /// Signs somebody up, and now and then once more: the second time can't succeed.
    pub fn sign_up(&mut self, system: &System, round: u32) -> bool {
        let (user, password) = (unique("signed-up"), "Correct-Horse-1".to_owned());
        let attributes = json!([{ "Name": "email", "Value": format!("{user}@example.com") }]);
        let input = json!({
            "ClientId": system.client_id, "Username": user, "Password": password, "UserAttributes": attributes,
        });
        let tries = if round.is_multiple_of(4) { 2 } else { 1 };
        let done: u32 = (0..tries).map(|_| u32::from(self.ask(system, Who::Anyone, "SignUp", &input).is_some())).sum();
        if done > 1 {
            self.doubled.push(format!("the sign-up of {user}"));
        }
        if done > 0 {
            self.signed_up.push((user, password));
        }
        done > 0
    }

    pub fn change_password(&mut self, system: &System, round: u32) -> bool {
        let password = format!("Battery-Staple-{round}");
        let input = json!({
            "UserPoolId": system.pool_id, "Username": self.user, "Password": password, "Permanent": true,
        });
        let done = self.ask(system, Who::Administrator, "AdminSetUserPassword", &input).is_some();
        if done {
            self.passwords.clear();
        }
        self.passwords.push(password);
        done
    }

    /// Signs in and revokes what that gave, in one of three ways.
    pub fn revoke(&mut self, system: &System, round: u32) -> bool {
        let [password] = self.passwords.as_slice() else { return false };
        let input = sign_in(system, &self.user, password);
        let Some(answer) = self.ask(system, Who::Anyone, "InitiateAuth", &input) else { return false };
        let (access, refresh) = (token(&answer, "AccessToken"), token(&answer, "RefreshToken"));
        let person = json!({ "UserPoolId": system.pool_id, "Username": self.user });
        let (who, operation, input) = match round % 3 {
            0 => (Who::Anyone, "GlobalSignOut", json!({ "AccessToken": access })),
            1 => (Who::Administrator, "AdminUserGlobalSignOut", person),
            _ => (Who::Anyone, "RevokeToken", json!({ "ClientId": system.client_id, "Token": refresh })),
        };
        let done = self.ask(system, who, operation, &input).is_some();
        if done {
            self.revoked.push(access);
        }
        done
    }

    /// Rotates a refresh token, now and then once more: the second time is reuse, and ends the family. `system` speaks as a client that
    /// rotates without grace.
    pub fn rotate(&mut self, system: &System, round: u32) -> bool {
        let Some(present) = self.family.clone() else {
            let input = sign_in(system, &self.rotator, "Correct-Horse-0");
            let answer = self.ask(system, Who::Anyone, "InitiateAuth", &input);
            self.family = answer.map(|answer| token(&answer, "RefreshToken"));
            return self.family.is_some();
        };
        match self.renew(system, &present) {
            Renewed::Unknown => {
                self.in_doubt = true;
                return false;
            }
            Renewed::Refused => {
                assert!(self.in_doubt, "a token that nobody has used counts as reused");
                self.family = None;
            }
            Renewed::To(successor) => {
                self.rotated.push(present.clone());
                self.family = Some(successor);
                if round.is_multiple_of(5) {
                    if let Renewed::To(_) = self.renew(system, &present) {
                        self.doubled.push(format!("a rotation for {}", self.rotator));
                    }
                    self.family = None;
                }
            }
        }
        self.in_doubt = false;
        true
    }

    fn renew(&mut self, system: &System, present: &str) -> Renewed {
        let operation = "GetTokensFromRefreshToken";
        let input = json!({ "ClientId": system.client_id, "RefreshToken": present });
        match system.recorded(Who::Anyone, operation, &input) {
            Ok((request, answer)) => {
                self.requests.entry(operation).or_default().push(request);
                Renewed::To(token(&answer, "RefreshToken"))
            }
            Err(Refused::Lost(_) | Refused::Exception { status: 503, .. }) => Renewed::Unknown,
            Err(refused) if REUSE.contains(&refused.name()) => Renewed::Refused,
            Err(refused) => panic!("{operation}: {refused:?}"),
        }
    }

    /// How often an operation was acknowledged.
    pub fn count(&self, operations: &[&str]) -> usize {
        operations.iter().map(|operation| self.requests.get(operation).map_or(0, Vec::len)).sum()
    }

    fn ask(&mut self, system: &System, who: Who, operation: &'static str, input: &Value) -> Option<Value> {
        match system.recorded(who, operation, input) {
            Ok((request, answer)) => {
                self.requests.entry(operation).or_default().push(request);
                Some(answer)
            }
            // Without an answer, or with "unavailable", nobody knows; every other refusal is somebody's mistake.
            Err(Refused::Lost(_) | Refused::Exception { status: 503, .. }) => None,
            Err(refused) if ["UsernameExistsException", "TooManyRequestsException"].contains(&refused.name()) => None,
            Err(refused) => panic!("{operation}: {refused:?}"),
        }
    }
}

/// What became of a refresh token that was presented.
enum Renewed {
    To(String),
    Refused,
    Unknown,
}

/// A client like the one of `system` whose refresh tokens are rotated, with this grace in seconds.
pub fn rotating(system: &System, grace: u32) -> System {
    let request = json!({
        "UserPoolId": system.pool_id, "ClientName": format!("rotating-{grace}"),
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": grace },
    });
    let made = system.admin("CreateUserPoolClient", &request).unwrap();
    System { client_id: made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned(), ..system.clone() }
}

fn sign_in(system: &System, user: &str, password: &str) -> Value {
    let parameters = json!({ "USERNAME": user, "PASSWORD": password });
    json!({ "ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters })
}

fn token(answer: &Value, name: &str) -> String {
    answer["AuthenticationResult"][name].as_str().unwrap().to_owned()
}

/// What was acknowledged and is not there, as issuer and edge say. `strict` rotates without grace.
pub fn lost(system: &System, strict: &System, ledgers: &mut [Ledger]) -> Vec<String> {
    let mut lost = Vec::new();
    for ledger in ledgers {
        if let (Some(present), false) = (ledger.family.take(), ledger.in_doubt)
            && !matches!(ledger.renew(strict, &present), Renewed::To(_))
        {
            lost.push(format!("the newest refresh token of {}", ledger.rotator));
        }
        for spent in std::mem::take(&mut ledger.rotated) {
            if !matches!(ledger.renew(strict, &spent), Renewed::Refused) {
                lost.push(format!("a rotation for {}", ledger.rotator));
            }
        }
        for (user, password) in &ledger.signed_up {
            let found =
                system.sign_in(user, password).map_or_else(|refused| refused.name().to_owned(), |_| "tokens".into());
            if found != "UserNotConfirmedException" {
                lost.push(format!("sign-up of {user}: {found}"));
            }
        }
        let works = |password: &String| match system.sign_in(&ledger.user, password) {
            Ok(_) => true,
            Err(refused) => {
                assert_eq!(refused.name(), "NotAuthorizedException", "{refused:?}");
                false
            }
        };
        if !ledger.passwords.iter().any(works) {
            lost.push(format!("password of {}: none of {:?}", ledger.user, ledger.passwords));
        }
        for token in &ledger.revoked {
            if system.get_user(token).is_ok() {
                lost.push(format!("a revocation of {} at the issuer", ledger.user));
            }
            let begun = Instant::now();
            while system.edge_status(token) != 401 {
                if begun.elapsed() > PROPAGATION {
                    lost.push(format!("a revocation of {} at the edge", ledger.user));
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    lost
}

/// Acknowledged requests without a record in the audit table.
pub fn unrecorded<'a>(database: &Database, requests: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let recorded = database.texts("SELECT request_id FROM audit WHERE result = 'ok'");
    let recorded: BTreeSet<&String> = recorded.iter().collect();
    requests.into_iter().filter(|request| !recorded.contains(request)).cloned().collect()
}
