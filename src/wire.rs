//! A small client of the issuer: Cognito's operations and the admin surface, signed with SigV4.

use std::time::Duration;

use common::clock::{Clock, SystemClock};
use common::sigv4;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: usize = 1024 * 1024;
/// Of one frame of an export.
const FRAME_LIMIT: usize = 24 * 1024 * 1024;
/// For a command that has more to do than others.
const LONG_DEADLINE: Duration = Duration::from_secs(120);
/// How often a call is made again that a request quota has refused.
#[cfg(feature = "edge")]
const THROTTLED_TRIES: u32 = 10;

/// Why a call did not give an answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("{url}: {why}")]
    Unreachable { url: String, why: String },
    #[error("{operation}: {code}: {message}")]
    Refused { operation: String, code: String, message: String },
}

/// Who signs.
#[derive(Clone, Debug)]
pub struct Signer {
    pub credentials: sigv4::Credentials,
    pub region: String,
}

/// A connection pool to one issuer.
#[derive(Clone, Debug)]
pub struct Wire {
    http: Client<HttpConnector, Full<Bytes>>,
    signer: Option<Signer>,
}

impl Wire {
    pub fn new(signer: Option<Signer>) -> Self {
        Self { http: Client::builder(TokioExecutor::new()).build_http(), signer }
    }

    /// Calls a Cognito operation at `issuer` (its base URL).
    #[cfg(feature = "edge")]
    pub async fn cognito(&self, issuer: &str, operation: &str, input: &Value) -> Result<Value, WireError> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let mut tries = THROTTLED_TRIES;
        loop {
            let call = Outgoing {
                operation,
                method: Method::POST,
                base: issuer,
                path: "/",
                service: "cognito-idp",
                deadline: DEADLINE,
            };
            match self.send(call, &headers, input.to_string().into()).await {
                // Quotas refill within a second.
                Err(WireError::Refused { code, .. }) if code == "TooManyRequestsException" && tries > 0 => {
                    tries -= 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                answered => return answered,
            }
        }
    }

    /// Calls the admin surface.
    pub async fn admin(&self, admin: &str, method: Method, path: &str, input: &Value) -> Result<Value, WireError> {
        let headers = [("content-type", "application/json")];
        let call = Outgoing::to_admin(admin, method, path);
        self.send(call, &headers, input.to_string().into()).await
    }

    /// The status of an unsigned GET.
    #[cfg(feature = "edge")]
    pub async fn status(&self, url: &str) -> Result<hyper::StatusCode, WireError> {
        let request = Request::get(url).body(Full::default()).map_err(|e| unreachable_at(url, &e))?;
        let answer = tokio::time::timeout(DEADLINE, self.http.request(request)).await;
        Ok(answer.map_err(|e| unreachable_at(url, &e))?.map_err(|e| unreachable_at(url, &e))?.status())
    }

    /// A command of the admin surface whose answer is bytes.
    pub async fn admin_bytes(&self, admin: &str, path: &str, input: &Value) -> Result<Bytes, WireError> {
        let headers = [("content-type", "application/json")];
        let call = Outgoing { deadline: LONG_DEADLINE, ..Outgoing::to_admin(admin, Method::POST, path) };
        let answer = self.exchange(&call, &headers, input.to_string().into()).await?;
        if !answer.status().is_success() {
            let refused = self.read(&call, answer).await.err();
            return Err(refused.unwrap_or_else(|| unreachable_at(admin, &"an answer of no kind")));
        }
        let body = tokio::time::timeout(LONG_DEADLINE, Limited::new(answer.into_body(), FRAME_LIMIT).collect()).await;
        Ok(body.map_err(|e| unreachable_at(admin, &e))?.map_err(|e| unreachable_at(admin, &e))?.to_bytes())
    }

    /// A command of the admin surface that takes bytes.
    pub async fn admin_post(&self, admin: &str, path: &str, input: Vec<u8>) -> Result<Value, WireError> {
        let headers = [("content-type", "application/octet-stream")];
        let call = Outgoing { deadline: LONG_DEADLINE, ..Outgoing::to_admin(admin, Method::POST, path) };
        self.send(call, &headers, input.into()).await
    }

    /// A command of the admin surface whose answer is long: its body as it comes.
    pub async fn admin_stream(&self, admin: &str, path: &str, input: &Value) -> Result<Incoming, WireError> {
        let headers = [("content-type", "application/json")];
        let call = Outgoing::to_admin(admin, Method::POST, path);
        let answer = self.exchange(&call, &headers, input.to_string().into()).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(self.read(&call, answer).await.err().unwrap_or_else(|| unreachable_at(admin, &"an answer of no kind")))
    }

    async fn send(&self, call: Outgoing<'_>, headers: &[(&str, &str)], body: Bytes) -> Result<Value, WireError> {
        let answer = self.exchange(&call, headers, body).await?;
        self.read(&call, answer).await
    }

    async fn exchange(
        &self,
        call: &Outgoing<'_>,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, WireError> {
        let url = format!("{}{}", call.base, call.path);
        let request = self.request(call, &url, headers, body)?;
        let answer = tokio::time::timeout(call.deadline, self.http.request(request)).await;
        answer.map_err(|e| unreachable_at(&url, &e))?.map_err(|e| unreachable_at(&url, &e))
    }

    async fn read(&self, call: &Outgoing<'_>, answer: Response<Incoming>) -> Result<Value, WireError> {
        let url = format!("{}{}", call.base, call.path);
        let status = answer.status();
        let body = tokio::time::timeout(DEADLINE, Limited::new(answer.into_body(), ANSWER_LIMIT).collect()).await;
        let body = body.map_err(|e| unreachable_at(&url, &e))?.map_err(|e| unreachable_at(&url, &e))?.to_bytes();
        let value: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
        if status.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = if text("__type").is_empty() { status.to_string() } else { text("__type") };
        Err(WireError::Refused { operation: call.operation.to_owned(), code, message: text("message") })
    }

    fn request(
        &self,
        call: &Outgoing<'_>,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, WireError> {
        let host = call.base.split_once("://").map_or(call.base, |(_, host)| host);
        let mut request = Request::builder().method(call.method.clone()).uri(url);
        // As AWS SDKs have it: tells two equal calls within a second from one that is replayed.
        let invocation = uuid::Uuid::new_v4().to_string();
        let mut signed: Vec<(&str, &str)> = vec![("host", host), ("amz-sdk-invocation-id", &invocation)];
        signed.extend_from_slice(headers);
        for (name, value) in &signed {
            request = request.header(*name, *value);
        }
        if let Some(signer) = &self.signer {
            let headers: Vec<(&str, &[u8])> = signed.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let to_sign = sigv4::Request { method: call.method.as_str(), target: call.path, headers: &headers };
            let scope = sigv4::Scope { region: &signer.region, service: call.service };
            let digest = sigv4::body_sha256(&body);
            let signature = sigv4::sign(&to_sign, &digest, &signer.credentials, scope, SystemClock.now());
            for (name, value) in signature.iter() {
                request = request.header(name, value);
            }
        }
        request.body(Full::new(body)).map_err(|e| unreachable_at(url, &e))
    }
}

struct Outgoing<'a> {
    operation: &'a str,
    method: Method,
    base: &'a str,
    path: &'a str,
    service: &'a str,
    /// Until the answer's head is there.
    deadline: Duration,
}

impl<'a> Outgoing<'a> {
    fn to_admin(admin: &'a str, method: Method, path: &'a str) -> Self {
        Self { operation: path, method, base: admin, path, service: "tollgate-admin", deadline: DEADLINE }
    }
}

fn unreachable_at(url: &str, why: &dyn std::fmt::Display) -> WireError {
    WireError::Unreachable { url: url.to_owned(), why: why.to_string() }
}
