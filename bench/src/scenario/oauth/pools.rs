//! Two pools, one that signs RS256 as Cognito does and one that signs ES256, with their domains, clients and the user who signs in.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{CLIENT_ES256, CLIENT_RS256, REFRESH};
use crate::load::{Api, ApiError, Signer};
use crate::peers::{Alone, DOMAINS};
use crate::scenario::BenchError;

pub const CALLBACK: &str = "https://app.bench.test/cb";
pub const USERNAME: &str = "caller";
pub const PASSWORD: &str = "Passw0rd!bench";
pub const FORM: &str = "application/x-www-form-urlencoded";
const SCOPE: &str = "https://orders/read";
const REGION: &str = "us-east-1";

/// What the loads need to know.
#[derive(Debug)]
pub struct Pools {
    pub address: SocketAddr,
    rs256: Machine,
    es256: Machine,
    /// The public client of users of the RS256 pool.
    pub app: String,
    refresh_token: String,
}

/// A client with a secret, and the host of its pool's domain.
#[derive(Debug)]
struct Machine {
    host: String,
    id: String,
    secret: String,
}

impl Pools {
    pub fn make(issuer: &Alone) -> Result<Self, BenchError> {
        let credentials = common::sigv4::Credentials {
            access_key_id: issuer.access_key_id.clone(),
            secret_access_key: issuer.secret_access_key.clone(),
            session_token: None,
        };
        let signer = Signer { credentials, region: REGION.to_owned() };
        let mut api = Api::new(&issuer.url, signer.clone())?;
        let address = issuer.url.trim_start_matches("http://").parse();
        let address: SocketAddr = address.map_err(|_| BenchError::Options("the issuer's address is none"))?;
        let rs256 = pool(&mut api, "rs256")?;
        let es256 = pool(&mut api, "es256")?;
        let rotate = format!("/v1/pools/{es256}/signing-keys");
        Api::new(&issuer.admin, signer)?.admin(
            "RotateSigningKeys",
            &rotate,
            &json!({ "now": true, "alg": "ES256" }),
        )?;
        let (app, refresh_token) = app(&mut api, &rs256)?;
        let rs256 = machine(&mut api, &rs256, "rs256", address)?;
        let es256 = machine(&mut api, &es256, "es256", address)?;
        Ok(Self { address, rs256, es256, app, refresh_token })
    }

    /// The host of the pool where users sign in.
    pub fn host(&self) -> &str {
        &self.rs256.host
    }

    /// Name, host and body of each load of the token endpoint that is one request over and over.
    pub fn loads(&self) -> Vec<(&'static str, String, String)> {
        let refresh =
            [("grant_type", "refresh_token"), ("client_id", &*self.app), ("refresh_token", &*self.refresh_token)];
        vec![
            (CLIENT_RS256, self.rs256.host.clone(), self.rs256.form()),
            (CLIENT_ES256, self.es256.host.clone(), self.es256.form()),
            (REFRESH, self.rs256.host.clone(), form(&refresh)),
        ]
    }
}

impl Machine {
    fn form(&self) -> String {
        form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
            ("scope", SCOPE),
        ])
    }
}

/// `application/x-www-form-urlencoded`, with every byte that is not plain as `%XX`.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// A pool with a domain and a resource server.
fn pool(api: &mut Api, name: &str) -> Result<String, ApiError> {
    let made = api.signed("CreateUserPool", &json!({ "PoolName": name }))?;
    let pool = text(&made, "/UserPool/Id");
    api.signed("CreateUserPoolDomain", &json!({ "UserPoolId": pool, "Domain": name }))?;
    let scopes = json!([{ "ScopeName": "read", "ScopeDescription": "r" }]);
    let server = json!({ "UserPoolId": pool, "Identifier": "https://orders", "Name": "orders", "Scopes": scopes });
    api.signed("CreateResourceServer", &server)?;
    Ok(pool)
}

fn machine(api: &mut Api, pool: &str, name: &str, address: SocketAddr) -> Result<Machine, ApiError> {
    let client = json!({
        "UserPoolId": pool, "ClientName": "machine", "GenerateSecret": true, "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": [SCOPE],
    });
    let made = api.signed("CreateUserPoolClient", &client)?;
    let host = format!("{name}.{DOMAINS}:{}", address.port());
    let (id, secret) = (text(&made, "/UserPoolClient/ClientId"), text(&made, "/UserPoolClient/ClientSecret"));
    Ok(Machine { host, id, secret })
}

/// A client of the code flow with a user, and a refresh token of that user.
fn app(api: &mut Api, pool: &str) -> Result<(String, String), ApiError> {
    let client = json!({
        "UserPoolId": pool, "ClientName": "app", "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [CALLBACK], "SupportedIdentityProviders": ["COGNITO"],
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let client = text(&api.signed("CreateUserPoolClient", &client)?, "/UserPoolClient/ClientId");
    let email =
        json!([{ "Name": "email", "Value": "caller@bench.test" }, { "Name": "email_verified", "Value": "true" }]);
    let user =
        json!({ "UserPoolId": pool, "Username": USERNAME, "MessageAction": "SUPPRESS", "UserAttributes": email });
    api.signed("AdminCreateUser", &user)?;
    let password = json!({ "UserPoolId": pool, "Username": USERNAME, "Password": PASSWORD, "Permanent": true });
    api.signed("AdminSetUserPassword", &password)?;
    let parameters = json!({ "USERNAME": USERNAME, "PASSWORD": PASSWORD });
    let ask = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let tokens = api.public("InitiateAuth", &ask)?;
    Ok((client, text(&tokens, "/AuthenticationResult/RefreshToken")))
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        assert_eq!(
            form(&[("scope", "https://orders/read a"), ("b", "ü~")]),
            "scope=https%3A%2F%2Forders%2Fread%20a&b=%C3%BC~"
        );
    }
}
