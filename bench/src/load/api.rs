//! Calls of Cognito's API and of an issuer's admin listener over one kept-alive connection, one after the other.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use common::clock::{Clock, SystemClock};
use common::sigv4;
use serde_json::Value;

use super::exchange::{Answer, Exchange};

/// Waits for a quota of the issuer, each of [`PAUSE`], before a call is given up.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Why a call gave no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0} is not http://HOST:PORT")]
    Url(String),
    #[error("{0}: {1}")]
    Unreachable(SocketAddr, io::Error),
    #[error("{operation}: {status} {body}")]
    Refused { operation: &'static str, status: u16, body: String },
}

/// Who signs, and where.
#[derive(Clone, Debug)]
pub struct Signer {
    pub credentials: sigv4::Credentials,
    pub region: String,
}

impl Answer {
    /// The issuer's quota was used up; nothing was looked at.
    fn throttled(&self) -> bool {
        self.status != 200 && self.json().get("__type").and_then(Value::as_str) == Some("TooManyRequestsException")
    }
}

/// A connection to an issuer.
#[derive(Debug)]
pub struct Api {
    connection: Exchange,
    host: String,
    signer: Signer,
}

impl Api {
    /// `issuer` is its base URL, `http://HOST:PORT`.
    ///
    /// # Errors
    /// When that is no such URL or names nobody.
    pub fn new(issuer: &str, signer: Signer) -> Result<Self, ApiError> {
        let wrong = || ApiError::Url(issuer.to_owned());
        let host = issuer.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
        let address = host.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(wrong)?;
        Ok(Self { connection: Exchange::new(address), host: host.to_owned(), signer })
    }

    /// A signed operation that must succeed. Waits where a quota of the issuer is used up.
    ///
    /// # Errors
    /// Any other answer than 200, or none.
    pub fn signed(&mut self, operation: &'static str, input: &Value) -> Result<Value, ApiError> {
        self.must(operation, &Call::cognito(operation, input), Signs::Yes)
    }

    /// An unsigned operation that must succeed; else as [`Api::signed`].
    ///
    /// # Errors
    /// Any other answer than 200, or none.
    pub fn public(&mut self, operation: &'static str, input: &Value) -> Result<Value, ApiError> {
        self.must(operation, &Call::cognito(operation, input), Signs::No)
    }

    /// A command of an issuer's admin listener (`POST target`), which must succeed.
    ///
    /// # Errors
    /// Any other answer than 200, or none.
    pub fn admin(&mut self, command: &'static str, target: &str, input: &Value) -> Result<Value, ApiError> {
        let service = "tollgate-admin";
        let call = Call { target, service, content_type: "application/json", operation: None, body: input.to_string() };
        self.must(command, &call, Signs::Yes)
    }

    /// One unsigned request, whatever comes back. Repeated where a quota of the issuer is used up; the time is that of the last try.
    ///
    /// # Errors
    /// When nothing comes back.
    pub fn ask(&mut self, operation: &'static str, input: &Value) -> Result<Answer, ApiError> {
        let request = self.request(&Call::cognito(operation, input), &[]);
        let mut left = PATIENCE;
        loop {
            let answer = self.exchange(&request)?;
            if left == 0 || !answer.throttled() {
                return Ok(answer);
            }
            left -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn must(&mut self, operation: &'static str, call: &Call<'_>, signs: Signs) -> Result<Value, ApiError> {
        let mut left = PATIENCE;
        loop {
            let signature = match signs {
                Signs::Yes => self.signature(call),
                Signs::No => Vec::new(),
            };
            let request = self.request(call, &signature);
            let answer = self.exchange(&request)?;
            if answer.status == 200 {
                return Ok(answer.json());
            }
            if !answer.throttled() || left == 0 {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(ApiError::Refused { operation, status: answer.status, body });
            }
            left -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn request(&self, call: &Call<'_>, more: &[(String, String)]) -> Vec<u8> {
        let (host, length, content_type, target) = (&self.host, call.body.len(), call.content_type, call.target);
        let mut head = format!(
            "POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n"
        );
        let operation = call.operation.as_ref().map(|operation| ("x-amz-target", operation));
        let more = more.iter().map(|(name, value)| (name.as_str(), value));
        for (name, value) in operation.into_iter().chain(more) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.push_str(&call.body);
        head.into_bytes()
    }

    fn signature(&self, call: &Call<'_>) -> Vec<(String, String)> {
        // As AWS SDKs have it: tells two equal calls within a second from one that is replayed.
        let invocation = uuid::Uuid::new_v4().to_string();
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("host", self.host.as_bytes()),
            ("content-type", call.content_type.as_bytes()),
            ("amz-sdk-invocation-id", invocation.as_bytes()),
        ];
        headers.extend(call.operation.as_ref().map(|operation| ("x-amz-target", operation.as_bytes())));
        let to_sign = sigv4::Request { method: "POST", target: call.target, headers: &headers };
        let scope = sigv4::Scope { region: &self.signer.region, service: call.service };
        let digest = sigv4::body_sha256(call.body.as_bytes());
        let signed = sigv4::sign(&to_sign, &digest, &self.signer.credentials, scope, SystemClock.now());
        let mut made: Vec<_> = signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        made.push(("amz-sdk-invocation-id".to_owned(), invocation));
        made
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Answer, ApiError> {
        let address = self.connection.address();
        self.connection.send(request).map_err(|error| ApiError::Unreachable(address, error))
    }
}

/// One POST.
struct Call<'a> {
    /// Path on the server.
    target: &'a str,
    /// Service of the signature.
    service: &'static str,
    content_type: &'static str,
    /// `X-Amz-Target`.
    operation: Option<String>,
    body: String,
}

impl Call<'static> {
    fn cognito(operation: &str, input: &Value) -> Self {
        Self {
            target: "/",
            service: "cognito-idp",
            content_type: "application/x-amz-json-1.1",
            operation: Some(format!("AWSCognitoIdentityProviderService.{operation}")),
            body: input.to_string(),
        }
    }
}

#[derive(Clone, Copy)]
enum Signs {
    Yes,
    No,
}
