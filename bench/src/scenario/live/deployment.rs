//! Issuer and edge, joined by the feed, with users whose tokens pass: for what only both together can show.

use std::net::SocketAddr;

use common::sigv4::Credentials;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::Bench;
use super::subject::closed_loop;
use crate::load::{Api, Bearers, Exchange, Plan, Protocol, Same, Signer, Target, Trust};
use crate::peers::{Stack, Up};
use crate::scenario::BenchError;

/// Users of the load. Each has signed in once and has its other tokens by refresh, which takes no password's time.
const REGULARS: usize = 10;
/// Distinct tokens of the load.
const TOKENS: usize = 200;

/// A running deployment. It ends when this is dropped.
pub struct Deployment {
    stack: Stack,
    edge: SocketAddr,
    edge_tls: SocketAddr,
    /// Cognito's API.
    api: Api,
    /// The issuer's admin listener.
    admin: Api,
    password: String,
    users: usize,
    regulars: Vec<Session>,
    /// Of the load; none of them is revoked.
    tokens: Vec<String>,
}

/// What a sign-in gave.
#[derive(Clone, Debug)]
pub struct Session {
    pub user: String,
    pub access: String,
    pub refresh: String,
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// This session only.
    RevokeToken,
    /// All of the user's, by the user.
    GlobalSignOut,
    /// All of the user's, by an administrator.
    AdminUserGlobalSignOut,
}

impl Deployment {
    /// The one that an earlier scenario has put back, or a new one.
    pub fn take(bench: &mut Bench<'_>) -> Result<Self, BenchError> {
        match bench.deployment.take() {
            Some(running) => Ok(running),
            None => Self::start(bench),
        }
    }

    /// For the next scenario.
    pub fn put_back(self, bench: &mut Bench<'_>) {
        *bench.deployment = Some(self);
    }

    fn start(bench: &Bench<'_>) -> Result<Self, BenchError> {
        let stack = bench.lab.start_stack(bench.options)?;
        let up = &stack.up;
        let odd = || BenchError::Stack("its up.json names no addresses");
        let (edge, edge_tls) = (up.edge().ok_or_else(odd)?, up.edge_tls().ok_or_else(odd)?);
        let (api, admin) = (Api::new(&up.issuer, signer(up))?, Api::new(&up.admin, signer(up))?);
        let password = format!("Bench-1-{}", random()?);
        let (users, regulars, tokens) = (0, Vec::new(), Vec::new());
        let mut made = Self { stack, edge, edge_tls, api, admin, password, users, regulars, tokens };
        let wanted = usize::try_from(bench.options.requests).unwrap_or(TOKENS).min(TOKENS);
        for _ in 0..REGULARS.min(wanted) {
            let user = made.create_user()?;
            let session = made.sign_in(&user)?;
            made.tokens.push(session.access.clone());
            made.regulars.push(session);
        }
        while made.tokens.len() < wanted {
            let token = made.refreshed(made.tokens.len())?;
            made.tokens.push(token);
        }
        Ok(made)
    }

    pub fn issuer_pid(&self) -> u32 {
        self.stack.up.issuer_pid()
    }

    /// Where the issuer speaks Cognito's API.
    pub fn issuer(&self) -> Result<Target, BenchError> {
        let found = Target::of_url(&self.stack.up.issuer, Protocol::Http1, &Trust::Anyone);
        found.map(|(target, _)| target).map_err(|_| BenchError::Stack("its up.json names no address of the issuer"))
    }

    pub fn pool_id(&self) -> &str {
        &self.stack.up.pool_id
    }

    pub fn client_id(&self) -> &str {
        &self.stack.up.client_id
    }

    /// Of every user.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Users that stay, each with a session that no scenario ends.
    pub fn regulars(&self) -> &[Session] {
        &self.regulars
    }

    pub fn edge_pid(&self) -> u32 {
        self.stack.up.edge_pid()
    }

    pub fn edge_tls(&self) -> SocketAddr {
        self.edge_tls
    }

    /// PEM of who signed the edge's certificate.
    pub fn authorities(&self) -> Result<Vec<u8>, BenchError> {
        let path = &self.stack.up.ca;
        std::fs::read(path).map_err(|source| BenchError::File { action: "read", path: path.clone(), source })
    }

    /// A load of the edge with all tokens in turn.
    pub fn closed_loop(&self, bench: &Bench<'_>) -> Result<Plan<Same>, BenchError> {
        let requests = Same::get(&self.stack.up.protected_path)?.bearers(Bearers::new(&self.tokens)?);
        Ok(closed_loop(bench, self.edge, requests))
    }

    /// Successes a second of a short closed loop; afterwards the edge knows all tokens of the load.
    pub fn capacity(&self, bench: &Bench<'_>) -> Result<f64, BenchError> {
        let plan = self.closed_loop(bench)?;
        let run = |count: u64| Plan { count: Some(count), limit: bench.left(), ..plan.clone() }.run();
        run(self.tokens.len() as u64)?;
        Ok(run(bench.options.requests)?.per_second())
    }

    /// For single requests to the edge.
    pub fn probe(&self) -> Probe {
        Probe { connection: Exchange::new(self.edge), path: self.stack.up.protected_path.clone() }
    }

    /// A user of the pool, with the password of them all.
    pub fn create_user(&mut self) -> Result<String, BenchError> {
        self.users += 1;
        let (user, pool) = (format!("bench-{}", self.users), &self.stack.up.pool_id);
        let create = json!({ "UserPoolId": pool, "Username": user, "MessageAction": "SUPPRESS" });
        self.api.signed("AdminCreateUser", &create)?;
        let password = json!({ "UserPoolId": pool, "Username": user, "Password": self.password, "Permanent": true });
        self.api.signed("AdminSetUserPassword", &password)?;
        Ok(user)
    }

    /// Input of InitiateAuth with a user's password.
    pub fn by_password(&self, user: &str) -> Value {
        json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.client_id(),
            "AuthParameters": { "USERNAME": user, "PASSWORD": self.password },
        })
    }

    /// Input of InitiateAuth with a session's refresh token.
    pub fn by_refresh(&self, refresh: &str) -> Value {
        json!({
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "ClientId": self.client_id(),
            "AuthParameters": { "REFRESH_TOKEN": refresh },
        })
    }

    pub fn sign_in(&mut self, user: &str) -> Result<Session, BenchError> {
        let answer = self.api.public("InitiateAuth", &self.by_password(user))?;
        let (access, refresh) = (token(&answer, "AccessToken")?, token(&answer, "RefreshToken")?);
        Ok(Session { user: user.to_owned(), access, refresh })
    }

    /// A new token of a user of the load, in turn.
    pub fn refreshed(&mut self, turn: usize) -> Result<String, BenchError> {
        let session = turn.checked_rem(self.regulars.len()).and_then(|turn| self.regulars.get(turn));
        let ask = self.by_refresh(session.map(|session| session.refresh.as_str()).unwrap_or_default());
        token(&self.api.public("InitiateAuth", &ask)?, "AccessToken")
    }

    /// The load has this token too from now on.
    pub fn add_token(&mut self, token: String) {
        self.tokens.push(token);
    }

    /// Returns when the issuer has acknowledged it.
    pub fn revoke(&mut self, session: &Session, how: Revocation) -> Result<(), BenchError> {
        let up = &self.stack.up;
        match how {
            Revocation::RevokeToken => {
                let ask = json!({ "ClientId": up.client_id, "Token": session.refresh });
                self.api.public("RevokeToken", &ask)?;
            }
            Revocation::GlobalSignOut => {
                self.api.public("GlobalSignOut", &json!({ "AccessToken": session.access }))?;
            }
            Revocation::AdminUserGlobalSignOut => {
                let ask = json!({ "UserPoolId": up.pool_id, "Username": session.user });
                self.api.signed("AdminUserGlobalSignOut", &ask)?;
            }
        }
        Ok(())
    }

    /// New signing keys, which sign as soon as the edge has them.
    pub fn rotate_keys(&mut self) -> Result<(), BenchError> {
        let target = format!("/v1/pools/{}/signing-keys", self.stack.up.pool_id);
        self.admin.admin("RotateSigningKeys", &target, &json!({ "now": true }))?;
        Ok(())
    }
}

/// Asks the edge with one token at a time.
pub struct Probe {
    connection: Exchange,
    path: String,
}

impl Probe {
    pub fn status(&mut self, token: &str) -> Result<u16, BenchError> {
        self.connection.status(&self.path, token).map_err(BenchError::Probe)
    }
}

fn signer(up: &Up) -> Signer {
    let credentials = Credentials {
        access_key_id: up.access_key_id.clone(),
        secret_access_key: up.secret_access_key.clone(),
        session_token: None,
    };
    Signer { credentials, region: up.region.clone() }
}

fn token(answer: &Value, name: &str) -> Result<String, BenchError> {
    let found = answer.pointer(&format!("/AuthenticationResult/{name}")).and_then(Value::as_str);
    found.map(str::to_owned).ok_or(BenchError::Stack("a sign-in gave no token"))
}

fn random() -> Result<String, BenchError> {
    let mut bytes = [0_u8; 12];
    SystemRandom::new().fill(&mut bytes).map_err(|_| BenchError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
