//! The paths below `/dev`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cognito_model::Fault;
use serde_json::{Value, json};
use uuid::Uuid;

use super::DevMode;
use super::door;
use super::outbox::{self, Filter};
use crate::publish::PublishHandle;
use crate::services::Services;

/// Every answer of the public listener says that this is no production.
const MODE: HeaderName = HeaderName::from_static("x-tollgate-dev-mode");
const ON: HeaderValue = HeaderValue::from_static("on");

/// What the handlers get.
#[derive(Clone)]
pub struct Dev {
    pub mode: Arc<DevMode>,
    pub services: Arc<Services>,
    pub edges: PublishHandle,
}

/// `/dev/reset` and `/dev/outbox`, and the header on the answers of `others`. What [`door`] refuses learns of no path.
pub fn routes(dev: Dev, others: Router) -> Router {
    let below = Router::new()
        .route("/dev/reset", post(reset))
        .route("/dev/outbox", get(list))
        .route("/dev", get(absent))
        .route("/dev/{*path}", get(absent).fallback(absent))
        .layer(axum::middleware::from_fn_with_state(dev.clone(), admit))
        .with_state(dev);
    others.merge(below).layer(axum::middleware::map_response(tell))
}

async fn tell(mut response: Response) -> Response {
    response.headers_mut().insert(MODE, ON);
    response
}

async fn admit(State(dev): State<Dev>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let mut response = match door::check(&head, &dev.mode.token) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(refusal) => {
            let mut response = answer(refusal.status(), refusal.text());
            if refusal.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `POST /dev/reset`
async fn reset(State(dev): State<Dev>) -> Response {
    let request_id = Uuid::now_v7().to_string();
    // A client that goes away must not leave it half done: memory follows the commit.
    let work = tokio::spawn(async move { dev.mode.reset(&dev.services, &dev.edges, &request_id).await });
    match work.await {
        Ok(Ok(done)) => Json(done).into_response(),
        Ok(Err(fault)) => refused(&fault),
        Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, "The reset did not end."),
    }
}

/// `GET /dev/outbox?to=…&username=…&pool_id=…&kind=…&channel=…&since=MS&limit=N&wait=SECONDS`
async fn list(State(dev): State<Dev>, uri: Uri) -> Response {
    let filter = match Filter::parse(uri.query().unwrap_or_default()) {
        Ok(filter) => filter,
        Err(wrong) => return answer(StatusCode::BAD_REQUEST, &wrong),
    };
    match outbox::list(&dev.services, &dev.mode.outbox, filter, || dev.mode.since()).await {
        Ok(messages) => Json(Value::Array(messages)).into_response(),
        Err(error) => refused(&Fault::internal(error)),
    }
}

async fn absent() -> Response {
    answer(StatusCode::NOT_FOUND, "There are POST /dev/reset and GET /dev/outbox.")
}

fn refused(fault: &Fault) -> Response {
    if let Some(cause) = fault.cause() {
        tracing::error!(cause, "developer mode: a request failed");
    }
    answer(StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &fault.message)
}

fn answer(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
