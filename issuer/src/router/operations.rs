//! `POST /`: Cognito's operations.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use axum::response::Response;
use cognito_model::{Auth, Exception, Fault, OperationInfo, Service};
use common::clock::UnixMillis;
use common::secret::SecretString;
use common::sigv4;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use uuid::Uuid;

use super::{Peer, Public, respond};
use crate::aws_json::{Call, Caller, Origin, Registered};
use crate::{access, clients, login, pools, recovery, sessions, signup, tokens, users};

/// Cognito: 1 MiB.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long the body of a request may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// What the audit record keeps of it; entries wait in memory, so the rest goes at once.
const USER_AGENT_LIMIT: usize = 256;

/// The operations that exist, by name.
pub struct Operations(HashMap<&'static str, Registered>);

impl Operations {
    /// Every feature's operations.
    pub fn collect() -> Self {
        let all = [
            pools::operations(),
            clients::operations(),
            users::operations(),
            signup::operations(),
            recovery::operations(),
            sessions::operations(),
            login::operations(),
        ];
        Self(all.into_iter().flatten().map(|operation| (operation.name, operation)).collect())
    }

    #[cfg(test)]
    pub(crate) fn named(&self, name: &str) -> Option<&Registered> {
        self.0.get(name)
    }

    /// By `X-Amz-Target`. What the model knows and this version doesn't is told apart from nonsense.
    fn find(&self, headers: &HeaderMap) -> Result<&Registered, Fault> {
        let unknown = || Fault::new(Exception::UnknownOperation, "Unknown operation: X-Amz-Target names none.");
        let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).ok_or_else(unknown)?;
        let known = OperationInfo::by_target(target).ok_or_else(unknown)?;
        if known.service != Service::Idp {
            return Err(not_there(known.name));
        }
        self.0.get(known.name).ok_or_else(|| not_there(known.name))
    }
}

fn not_there(name: &str) -> Fault {
    Fault::new(Exception::UnknownOperation, format!("{name} is not supported by this issuer yet."))
}

pub async fn handle(State(public): State<Public>, request: Request<Body>) -> Response {
    let request_id = Uuid::now_v7().to_string();
    let (head, body) = request.into_parts();
    match answer(&public, &head, body, &request_id).await {
        Ok(body) => respond::success(&request_id, body),
        Err(fault) => {
            if let Some(cause) = fault.cause() {
                tracing::error!(request_id, exception = fault.exception.name(), cause, "operation failed");
            }
            respond::fault(&request_id, &fault)
        }
    }
}

async fn answer(public: &Public, head: &Parts, body: Body, request_id: &str) -> Result<Vec<u8>, Fault> {
    let body = read(body).await?;
    let operation = public.operations.find(&head.headers)?;
    check_content_type(&head.headers)?;
    let services = &public.services;
    let now = services.now();
    let origin = Origin {
        request_id: request_id.to_owned(),
        address: head.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip()),
        user_agent: text(&head.headers, header::USER_AGENT.as_str())
            .map(|text| text.chars().take(USER_AGENT_LIMIT).collect()),
    };
    let peek = Peek::of(&body);
    let caller = resolve(public, head, &body, operation, &peek, now).await;
    let (caller, refused) = match caller {
        Ok(caller) => (caller, None),
        Err(fault) => (Caller::Anonymous, Some(fault)),
    };
    let call = Call::new(services.clone(), operation.name, now, origin, caller);
    let outcome = match refused {
        Some(fault) => Err(fault),
        None => operation.run(call.clone(), body.to_vec()).await,
    };
    let pool = peek.user_pool_id.as_deref().or_else(|| match &call.caller {
        Caller::User(user) => Some(user.pool.as_str()),
        _ => None,
    });
    call.record(pool, outcome.as_ref().err()).await;
    outcome
}

/// Checks what the operation demands of its caller.
async fn resolve(
    public: &Public,
    head: &Parts,
    body: &Bytes,
    operation: &Registered,
    peek: &Peek,
    now: UnixMillis,
) -> Result<Caller, Fault> {
    match operation.auth {
        Auth::None => Ok(Caller::Anonymous),
        Auth::AccessToken => {
            operation.check(body)?;
            match &peek.access_token {
                Some(token) => Ok(Caller::User(tokens::authenticate(&public.services, token, now).await?)),
                None => Ok(Caller::Anonymous),
            }
        }
        Auth::SigV4 | Auth::SigV4OrClient => signed(public, head, body, now).await,
    }
}

async fn signed(public: &Public, head: &Parts, body: &Bytes, now: UnixMillis) -> Result<Caller, Fault> {
    let services = &public.services;
    let headers: Vec<(&str, &[u8])> = head.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let request = sigv4::Request {
        method: head.method.as_str(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
        headers: &headers,
    };
    let accept = sigv4::Accept {
        region: &services.deployment.region,
        services: &[Service::Idp.signing_name(), Service::Identity.signing_name()],
    };
    let caller = access::authenticate(&services.store, &services.deployment_key, &request, body, &accept, now).await?;
    Ok(Caller::Admin(caller))
}

async fn read(body: Body) -> Result<Bytes, Fault> {
    let arriving = Limited::new(body, BODY_LIMIT).collect();
    let arrived = tokio::time::timeout(BODY_DEADLINE, arriving).await;
    match arrived.map_err(|_| Fault::serialization("The request's body did not arrive in time."))? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Fault::new(Exception::RequestEntityTooLarge, "The request is larger than 1 MiB."))
        }
        Err(_) => Err(Fault::serialization("The request's body could not be read.")),
    }
}

/// AWS JSON 1.1, by its own type; parameters such as a charset may follow.
fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let given = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-amz-json-1.1") {
        Ok(())
    } else {
        Err(Fault::serialization("Content-Type must be application/x-amz-json-1.1"))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The two members that are needed before the body is checked: they decide nothing alone.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Peek {
    #[serde(rename = "AccessToken")]
    access_token: Option<SecretString>,
    #[serde(rename = "UserPoolId")]
    user_pool_id: Option<String>,
}

impl Peek {
    fn of(body: &[u8]) -> Self {
        let peek: Self = serde_json::from_slice(body).unwrap_or_default();
        // It goes into the audit record: only what can be a pool's id.
        let user_pool_id = peek.user_pool_id.filter(|id| common::ids::PoolId::parse(id.as_str()).is_ok());
        Self { user_pool_id, ..peek }
    }
}
