//! The demo pool that `up` makes at its first start, through the same API that everyone else uses.

use std::fmt::Write as _;
use std::io;

use common::ids::PoolId;
use hyper::Method;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::files::EDGE_NAME;
use super::layout::{Folder, Ports, write_private};
use super::seed::Seed;
use crate::wire::{Wire, WireError};

/// The domain of the demo pool, by its prefix.
pub const DOMAIN: &str = "demo";
const DEMO_USER: &str = "demo@example.com";

/// What a second start needs to know of the first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Demo {
    pub pool_id: PoolId,
    pub client_id: String,
    pub user: String,
    pub password: String,
    /// None in a folder of an earlier version.
    #[serde(default)]
    pub machine: Option<Machine>,
}

/// A client that stands for itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub client_id: String,
    pub secret: String,
}

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{operation}: an answer without {field}")]
    Answer { operation: &'static str, field: &'static str },
}

impl Demo {
    /// The demo of an earlier start.
    pub fn load(folder: &Folder) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(folder.join("demo.json")).ok()?).ok()
    }

    /// Makes pool, app client and user, and enrols the edge.
    pub async fn create(folder: &Folder, ports: Ports, wire: &Wire, seed: &Seed) -> Result<Self, DemoError> {
        let issuer = format!("http://{}", ports.issuer());
        let pool = wire.cognito(&issuer, "CreateUserPool", &pool_settings()).await?;
        let pool_id = text(&pool, "CreateUserPool", &["UserPool", "Id"])?;
        let client = wire.cognito(&issuer, "CreateUserPoolClient", &client_settings(&pool_id, ports)).await?;
        let client_id = text(&client, "CreateUserPoolClient", &["UserPoolClient", "ClientId"])?;
        let password = random_password()?;
        create_user(wire, &issuer, &pool_id, &password).await?;
        seed.sow(wire, &issuer, &pool_id).await?;
        let pool_id = PoolId::parse(pool_id)
            .map_err(|_| DemoError::Answer { operation: "CreateUserPool", field: "a user pool id" })?;
        let demo = Self { pool_id, client_id, user: DEMO_USER.into(), password, machine: None };
        demo.save(folder)?;
        Ok(demo)
    }

    fn save(&self, folder: &Folder) -> io::Result<()> {
        let saved = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        write_private(&folder.join("demo.json"), &saved)
    }

    /// Lets users sign in to the demo client by the pages, and makes the machine, where a folder of an earlier version has neither, or other ports
    /// are used. A pool or client that was deleted since stays as it is.
    pub async fn settle_clients(&mut self, folder: &Folder, ports: Ports, wire: &Wire) -> Result<(), DemoError> {
        let issuer = format!("http://{}", ports.issuer());
        let named = json!({ "UserPoolId": self.pool_id, "ClientId": self.client_id });
        let known = match wire.cognito(&issuer, "DescribeUserPoolClient", &named).await {
            Err(WireError::Refused { code, .. }) if code == "ResourceNotFoundException" => return Ok(()),
            known => known?,
        };
        let callbacks = known.pointer("/UserPoolClient/CallbackURLs").and_then(Value::as_array);
        let is_there = callbacks.is_some_and(|urls| urls.iter().any(|url| *url == json!(ports.redirect_uri())));
        if !is_there {
            let mut settings = client_settings(self.pool_id.as_str(), ports);
            if let Some(settings) = settings.as_object_mut() {
                settings.insert("ClientId".to_owned(), json!(self.client_id));
            }
            wire.cognito(&issuer, "UpdateUserPoolClient", &settings).await?;
        }
        if self.machine.is_none() {
            self.machine = Some(machine(wire, &issuer, self.pool_id.as_str()).await?);
            self.save(folder)?;
        }
        Ok(())
    }

    /// Gives the demo pool its domain, unless it has one: a folder of an earlier version has none. Neither has one whose pool, or whose domain, was
    /// deleted or taken since: that stays as it is.
    pub async fn settle_domain(&self, ports: Ports, wire: &Wire) -> Result<(), DemoError> {
        let issuer = format!("http://{}", ports.issuer());
        let found = wire.cognito(&issuer, "DescribeUserPoolDomain", &json!({ "Domain": DOMAIN })).await?;
        if found.get("DomainDescription").and_then(|domain| domain.get("UserPoolId")).is_some() {
            return Ok(());
        }
        let ask = json!({ "UserPoolId": self.pool_id, "Domain": DOMAIN });
        match wire.cognito(&issuer, "CreateUserPoolDomain", &ask).await {
            Ok(_) => Ok(()),
            Err(WireError::Refused { code, .. }) if code == "ResourceNotFoundException" => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Enrols the edge for all pools: it stands in front of the issuer. An edge that has joined before needs no join token.
    pub async fn enrol_edge(&self, folder: &Folder, ports: Ports, wire: &Wire) -> Result<(), DemoError> {
        let admin = format!("http://{}", ports.issuer_admin());
        let ask = json!({ "name": EDGE_NAME, "pools": ["*"] });
        let answer = wire.admin(&admin, Method::POST, "/v1/edges", &ask).await?;
        if folder.edge_state().join("identity").exists() {
            return Ok(());
        }
        let token = text(&answer, "POST /v1/edges", &["join_token"])?;
        write_private(&folder.join("join.token"), &token)?;
        Ok(())
    }
}

async fn create_user(wire: &Wire, issuer: &str, pool_id: &str, password: &str) -> Result<(), WireError> {
    let user = json!({
        "UserPoolId": pool_id,
        "Username": DEMO_USER,
        "MessageAction": "SUPPRESS",
        "UserAttributes": [
            { "Name": "email", "Value": DEMO_USER },
            { "Name": "email_verified", "Value": "true" },
        ],
    });
    wire.cognito(issuer, "AdminCreateUser", &user).await?;
    let permanent = json!({ "UserPoolId": pool_id, "Username": DEMO_USER, "Password": password, "Permanent": true });
    wire.cognito(issuer, "AdminSetUserPassword", &permanent).await?;
    Ok(())
}

fn pool_settings() -> Value {
    json!({
        "PoolName": "demo",
        "AutoVerifiedAttributes": ["email"],
        "UsernameConfiguration": { "CaseSensitive": false },
    })
}

/// A resource server with one scope, and a client that may have it.
async fn machine(wire: &Wire, issuer: &str, pool_id: &str) -> Result<Machine, DemoError> {
    let server = json!({
        "UserPoolId": pool_id, "Identifier": "demo", "Name": "demo",
        "Scopes": [{ "ScopeName": "read", "ScopeDescription": "Read the sample API" }],
    });
    match wire.cognito(issuer, "CreateResourceServer", &server).await {
        // The folder's owner has one of that name.
        Err(WireError::Refused { code, .. }) if code == "InvalidParameterException" => {}
        made => drop(made?),
    }
    let client = json!({
        "UserPoolId": pool_id, "ClientName": "demo-machine", "GenerateSecret": true,
        "AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["demo/read"],
    });
    let operation = "CreateUserPoolClient";
    let made = wire.cognito(issuer, operation, &client).await?;
    let client_id = text(&made, operation, &["UserPoolClient", "ClientId"])?;
    Ok(Machine { client_id, secret: text(&made, operation, &["UserPoolClient", "ClientSecret"])? })
}

fn client_settings(pool_id: &str, ports: Ports) -> Value {
    json!({
        "UserPoolId": pool_id,
        "ClientName": "demo",
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"],
        "CallbackURLs": [ports.redirect_uri()],
        "LogoutURLs": [ports.signed_out_uri()],
        "SupportedIdentityProviders": ["COGNITO"],
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
    })
}

fn text(answer: &Value, operation: &'static str, path: &[&'static str]) -> Result<String, DemoError> {
    let found = path.iter().try_fold(answer, |value, key| value.get(key)).and_then(Value::as_str);
    let field = path.last().copied().unwrap_or_default();
    found.map(str::to_owned).ok_or(DemoError::Answer { operation, field })
}

/// 96 random bits in a form that every password policy accepts.
fn random_password() -> io::Result<String> {
    let mut bytes = [0_u8; 12];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    let hex = bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    });
    Ok(format!("Demo-1-{hex}"))
}
