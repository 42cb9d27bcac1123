//! A running issuer with an edge, as its clients see it: Cognito's operations, and requests through the edge.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, io};

use cognito_model::Service;
use common::clock::{Clock, SystemClock};
use common::secret::SecretString;
use common::sigv4::{self, Credentials};
use serde_json::{Value, json};

use crate::http::{Answer, Connection, once};

static NAMES: AtomicU32 = AtomicU32::new(0);

/// Where everything is, and the keys to it.
#[derive(Clone, Debug)]
pub struct System {
    pub issuer: String,
    pub edge: String,
    pub region: String,
    pub pool_id: String,
    pub client_id: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub protected_path: String,
}

/// What a sign-in gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

/// In whose name an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    Administrator,
}

/// Why an operation did not succeed.
pub enum Refused {
    /// Cognito's exception, in its own words.
    Exception { status: u16, name: String, message: String, retry_after: Option<String> },
    /// No answer: what became of it is unknown.
    Lost(io::Error),
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exception { status, name, message, .. } => write!(f, "{status} {name}: {message}"),
            Self::Lost(error) => write!(f, "no answer: {error}"),
        }
    }
}

impl Refused {
    pub fn name(&self) -> &str {
        match self {
            Self::Exception { name, .. } => name,
            Self::Lost(_) => "no answer",
        }
    }
}

impl System {
    /// An operation that anyone may call.
    pub fn public(&self, operation: &str, input: &Value) -> Result<Value, Refused> {
        outcome(self.post(operation, &input.to_string(), None))
    }

    /// An operation that takes an administrator's signature.
    pub fn admin(&self, operation: &str, input: &Value) -> Result<Value, Refused> {
        outcome(self.post_signed(operation, &input.to_string()))
    }

    /// An operation with its request id, by which the audit record knows it.
    pub fn recorded(&self, who: Who, operation: &str, input: &Value) -> Result<(String, Value), Refused> {
        let answer = match who {
            Who::Anyone => self.post(operation, &input.to_string(), None),
            Who::Administrator => self.post_signed(operation, &input.to_string()),
        };
        let id = answer.as_ref().ok().and_then(|answer| answer.header("x-amzn-requestid").map(str::to_owned));
        outcome(answer).map(|body| (id.expect("an answer has a request id"), body))
    }

    /// The bare exchange of a signed operation.
    pub fn post_signed(&self, operation: &str, body: &str) -> io::Result<Answer> {
        self.post(operation, body, Some(&self.credentials()))
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: SecretString::new(self.secret_access_key.clone()),
            session_token: None,
        }
    }

    /// The bare exchange.
    pub fn post(&self, operation: &str, body: &str, credentials: Option<&Credentials>) -> io::Result<Answer> {
        self.post_to(Service::Idp, operation, body, credentials)
    }

    /// The bare exchange of a signed operation of any service.
    pub fn post_signed_to(&self, service: Service, operation: &str, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.post_to(service, operation, body, Some(&self.credentials()))
    }

    /// The bare exchange with any service.
    pub fn post_to(
        &self,
        service: Service,
        operation: &str,
        body: impl AsRef<[u8]>,
        credentials: Option<&Credentials>,
    ) -> io::Result<Answer> {
        let body = body.as_ref();
        let host = self.issuer.trim_start_matches("http://");
        let target = format!("{}.{operation}", service.target_prefix());
        // As AWS SDKs have it: tells two equal calls within a second from one that is replayed.
        let invocation = uuid::Uuid::new_v4().to_string();
        let fixed = [
            ("host", host),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("amz-sdk-invocation-id", invocation.as_str()),
        ];
        let mut headers: Vec<(String, String)> = fixed.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        if let Some(credentials) = credentials {
            let bytes = fixed.map(|(name, value)| (name, value.as_bytes()));
            let request = sigv4::Request { method: "POST", target: "/", headers: &bytes };
            let scope = sigv4::Scope { region: &self.region, service: service.signing_name() };
            let digest = sigv4::body_sha256(body);
            let signature = sigv4::sign(&request, &digest, credentials, scope, SystemClock.now());
            headers.extend(signature.iter().map(|(n, v)| (n.to_string(), v.to_string())));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Connection::open(&self.issuer)?.send("POST", "/", &headers, body)
    }

    /// A confirmed user with a permanent password, made by the administrator.
    pub fn create_user(&self, username: &str, password: &str) {
        let user = json!({ "UserPoolId": self.pool_id, "Username": username, "MessageAction": "SUPPRESS" });
        self.admin("AdminCreateUser", &user).unwrap();
        self.set_password(username, password).unwrap();
    }

    pub fn set_password(&self, username: &str, password: &str) -> Result<Value, Refused> {
        let input = json!({
            "UserPoolId": self.pool_id, "Username": username, "Password": password, "Permanent": true,
        });
        self.admin("AdminSetUserPassword", &input)
    }

    pub fn sign_up(&self, username: &str, password: &str) -> Result<Value, Refused> {
        let attributes = json!([{ "Name": "email", "Value": format!("{username}@example.com") }]);
        let input = json!({
            "ClientId": self.client_id, "Username": username, "Password": password, "UserAttributes": attributes,
        });
        self.public("SignUp", &input)
    }

    pub fn sign_in(&self, username: &str, password: &str) -> Result<Tokens, Refused> {
        let parameters = json!({ "USERNAME": username, "PASSWORD": password });
        self.initiate("USER_PASSWORD_AUTH", &parameters)
    }

    pub fn refresh(&self, token: &str) -> Result<Tokens, Refused> {
        self.initiate("REFRESH_TOKEN_AUTH", &json!({ "REFRESH_TOKEN": token }))
    }

    fn initiate(&self, flow: &str, parameters: &Value) -> Result<Tokens, Refused> {
        let input = json!({ "ClientId": self.client_id, "AuthFlow": flow, "AuthParameters": parameters });
        let answer = self.public("InitiateAuth", &input)?;
        let result = answer.get("AuthenticationResult").cloned().unwrap_or_default();
        let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(!text("AccessToken").is_empty(), "{flow} gave no tokens but {answer}");
        Ok(Tokens { access: text("AccessToken"), refresh: text("RefreshToken") })
    }

    pub fn get_user(&self, access: &str) -> Result<Value, Refused> {
        self.public("GetUser", &json!({ "AccessToken": access }))
    }

    /// One request to the protected path of the edge.
    pub fn ask_edge(&self, token: &str) -> io::Result<Answer> {
        let authorization = format!("Bearer {token}");
        once(&self.edge, "GET", &self.protected_path, &[("authorization", &authorization)])
    }

    /// The status of that request.
    pub fn edge_status(&self, token: &str) -> u16 {
        self.ask_edge(token).unwrap_or_else(|error| panic!("the edge gives no answer: {error}")).status
    }
}

fn outcome(answer: io::Result<Answer>) -> Result<Value, Refused> {
    let answer = answer.map_err(Refused::Lost)?;
    if answer.status == 200 {
        return Ok(answer.json());
    }
    let body = answer.json();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let retry_after = answer.header("retry-after").map(str::to_owned);
    Err(Refused::Exception { status: answer.status, name: text("__type"), message: text("message"), retry_after })
}

/// A user name that no other test has.
pub fn unique(what: &str) -> String {
    format!("{what}-{}-{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed))
}

/// Waits for something that is about to become true.
pub fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < limit, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
