//! The way of a signed request on this listener: body, signature, policy, the command, the audit record, the answer.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};
use common::ids::PoolId;
use common::sigv4;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::Admin;
use crate::access::{ADMIN_SERVICE, Action, Asked, Effect, pool_arn};
use crate::aws_json::{Call, Caller, Origin};

const BODY_LIMIT: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// A command that an admin key may run.
#[derive(Clone)]
pub struct Command {
    /// Its name in policies (`tollgate:<name>`) and in the audit record.
    name: &'static str,
    effect: Effect,
    /// The pool that it is about, if it is about one.
    pool: Option<PoolId>,
    /// Bytes of a body.
    limit: usize,
}

impl Command {
    pub const fn reads(name: &'static str) -> Self {
        Self { name, effect: Effect::Reads, pool: None, limit: BODY_LIMIT }
    }

    pub const fn changes(name: &'static str) -> Self {
        Self { name, effect: Effect::Changes, pool: None, limit: BODY_LIMIT }
    }

    /// A command about one pool: policies name it by the pool's ARN.
    pub fn on(self, pool: &PoolId) -> Self {
        Self { pool: Some(pool.clone()), ..self }
    }

    /// A command with a longer body than others.
    pub fn up_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

/// Lets the request in, runs the command with the body, records how it ended, and answers.
pub async fn answer<F>(
    admin: &Admin,
    command: Command,
    request: Request,
    run: impl FnOnce(Call, Bytes) -> F,
) -> Response
where
    F: Future<Output = Result<Value, Fault>>,
{
    answer_with(admin, command, request, async |call, body| Ok(Json(run(call, body).await?).into_response())).await
}

/// The same for an answer that is not JSON.
pub async fn answer_with<F>(
    admin: &Admin,
    command: Command,
    request: Request,
    run: impl FnOnce(Call, Bytes) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Fault>>,
{
    let (head, body) = request.into_parts();
    let services = admin.services.clone();
    let origin = Origin::of(&head, &Uuid::now_v7().to_string());
    let mut call = Call::new(services.clone(), command.name, services.now(), origin, Caller::Anonymous);
    let outcome = async {
        let body = Limited::new(body, command.limit).collect();
        let body = tokio::time::timeout(BODY_DEADLINE, body).await;
        let body = body.map_err(|_| Fault::serialization("The request's body did not arrive in time."))?;
        let body = body.map_err(|_| too_large(command.limit))?.to_bytes();
        call.caller = admit(admin, &command, &head, &body, &call).await?;
        run(call.clone(), body).await
    }
    .await;
    call.record(command.pool.as_ref().map(PoolId::as_str), outcome.as_ref().err()).await;
    if let Some(cause) = outcome.as_ref().err().and_then(Fault::cause) {
        tracing::error!(request_id = call.origin.request_id, command = command.name, cause, "admin command failed");
    }
    outcome.unwrap_or_else(|fault| {
        let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [("content-type", "application/json")], fault.body()).into_response()
    })
}

fn too_large(limit: usize) -> Fault {
    Fault::new(Exception::RequestEntityTooLarge, format!("{} KiB at most.", limit / 1024))
}

/// The JSON of a body. An unknown member is an error, so that a misspelt one is not ignored.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|e| Fault::invalid_parameter(e.to_string()))
}

async fn admit(admin: &Admin, command: &Command, head: &Parts, body: &[u8], call: &Call) -> Result<Caller, Fault> {
    let headers: Vec<(&str, &[u8])> = head.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let asked = Asked {
        request: sigv4::Request {
            method: head.method.as_str(),
            target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &headers,
        },
        body,
        effect: command.effect,
        action: action(call, command.name, command.pool.as_ref()),
    };
    Ok(Caller::Admin(admin.gate.admit(&admin.services, &asked).await?))
}

/// Asks the caller's policy about a pool that the body of a request names.
pub async fn permit(admin: &Admin, call: &Call, operation: &'static str, pool: &PoolId) -> Result<(), Fault> {
    match &call.caller {
        Caller::Admin(caller) => {
            Ok(admin.gate.permit(&admin.services, caller, &action(call, operation, Some(pool))).await?)
        }
        _ => Err(Fault::new(Exception::MissingAuthenticationToken, "Missing Authentication Token")),
    }
}

fn action<'a>(call: &'a Call, operation: &'static str, pool: Option<&PoolId>) -> Action<'a> {
    Action {
        service: ADMIN_SERVICE,
        operation,
        resource: pool.map_or_else(|| "*".to_owned(), |pool| pool_arn(&call.services.deployment, pool)),
        source: call.origin.address,
        user_agent: call.origin.user_agent.as_deref(),
        now: call.now,
    }
}
