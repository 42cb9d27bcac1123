//! `GET`, `PUT` and `DELETE /oauth2/register/{client_id}` (RFC 7592): for whoever has the registration access token.

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::feed::{Change, Removable, Revoked};
use common::ids::ClientId;
use common::secret::SecretString;
use serde_json::Value;

use super::refusal::Refusal;
use super::{bearer, body, information, respond, rows, understood};
use crate::aws_json::{Call, Write};
use crate::clients::metadata::{Metadata, Told};
use crate::clients::registration;
use crate::clients::{self, Client, rows as client_rows};
use crate::domains::Site;
use crate::oauth::state::OAuth;
use crate::pools::{self, Pool};
use crate::store::{Batch, CommitError};

/// A registration, opened by its token.
struct Opened {
    pool: Pool,
    client: Client,
    told: Told,
    token: SecretString,
}

pub async fn get(
    State(oauth): State<OAuth>,
    Extension(site): Extension<Site>,
    Path(id): Path<String>,
    head: Parts,
) -> Response {
    let call = oauth.call("Register_GET", &head);
    let outcome = async {
        let opened = open(&oauth, &site, &call, &id, &head).await?;
        shown(&call, &site, &opened).await
    };
    let outcome = outcome.await;
    respond(&site, &call, StatusCode::OK, outcome).await
}

pub async fn put(
    State(oauth): State<OAuth>,
    Extension(site): Extension<Site>,
    Path(id): Path<String>,
    head: Parts,
    body: Body,
) -> Response {
    let call = oauth.call("Register_PUT", &head);
    let outcome = async {
        let opened = open(&oauth, &site, &call, &id, &head).await?;
        let metadata = body::metadata(&head.headers, body).await?;
        let changed = change(&call, opened, metadata).await?;
        shown(&call, &site, &changed).await
    };
    let outcome = outcome.await;
    respond(&site, &call, StatusCode::OK, outcome).await
}

/// The client's tokens die with it, as by DeleteUserPoolClient.
pub async fn delete(
    State(oauth): State<OAuth>,
    Extension(site): Extension<Site>,
    Path(id): Path<String>,
    head: Parts,
) -> Response {
    let call = oauth.call("Register_DELETE", &head);
    let outcome = async {
        let Opened { pool, client, .. } = open(&oauth, &site, &call, &id, &head).await?;
        let mut batch = Batch::new();
        let gone = batch.extend(client_rows::delete(&pool.id, &client.id));
        let changes = vec![
            Change::Revoked(Revoked::Client { client_id: client.id.clone() }),
            Change::Removed(Removable::Client(client.id.clone())),
        ];
        match call.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(changes)).await {
            Ok(()) => Ok(Value::Null),
            Err(CommitError::Missed { index }) if index == gone => Err(Refusal::Token),
            Err(error) => Err(Fault::from(error).into()),
        }
    };
    match outcome.await {
        Ok(_) => {
            call.record(Some(site.pool.as_str()), None).await;
            (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response()
        }
        refused => respond(&site, &call, StatusCode::NO_CONTENT, refused).await,
    }
}

/// # Errors
/// `invalid_token`, also for a client that is not there (RFC 7592 §2): nothing tells whether it is.
async fn open(oauth: &OAuth, site: &Site, call: &Call, id: &str, head: &Parts) -> Result<Opened, Refusal> {
    let store = &oauth.services.store;
    oauth.door.take(call.operation, &site.pool)?;
    let pool = pools::find(store, &site.pool).await.map_err(Fault::from)?;
    if !registration::is_on(&pool) {
        return Err(Refusal::Absent);
    }
    let token = bearer(&head.headers)?.ok_or(Refusal::Token)?;
    let id = ClientId::parse(id).map_err(|_| Refusal::Token)?;
    let registration = store.one(rows::opened(&pool.id, &id, &token)).await.map_err(Fault::from)?;
    let told = rows::told(&registration.ok_or(Refusal::Token)?).map_err(Fault::from)?;
    let row = store.one(client_rows::by_id(&pool.id, &id)).await.map_err(Fault::from)?;
    let client = client_rows::client(&row.ok_or(Refusal::Token)?).map_err(Fault::from)?;
    Ok(Opened { pool, client, told, token })
}

async fn shown(call: &Call, site: &Site, opened: &Opened) -> Result<Value, Refusal> {
    let secret = clients::secret_of(&call.services, &opened.client).await?;
    Ok(information(site, &opened.client, &opened.told, &opened.token, secret.as_ref()))
}

/// Puts other metadata in the place of all that there is (RFC 7592 §2.2), on the terms that the pool has for strangers now and for the grants and scopes
/// that the client has anyway.
async fn change(call: &Call, opened: Opened, metadata: Metadata) -> Result<Opened, Refusal> {
    let Opened { pool, client, token, .. } = opened;
    if metadata.client_id.as_deref() != Some(client.id.as_str()) {
        return Err(Refusal::metadata("client_id: must be the client's own"));
    }
    if let Some(given) = &metadata.client_secret {
        let given = SecretString::new(given.as_str());
        let checked = clients::check_secret(&call.services, &client, Some(&given)).await;
        if !client.has_secret() || checked.is_err() {
            return Err(Refusal::metadata("client_secret: is not the client's"));
        }
    }
    let terms = registration::kept_terms(&call.services.store, &pool, &client).await?;
    let wanted = understood(&call.services, &pool, metadata, &terms).await?;
    if wanted.has_secret != client.has_secret() {
        return Err(Refusal::metadata("token_endpoint_auth_method: a client keeps its secret, or goes on without one"));
    }
    let modified = call.now.max(client.modified.plus(std::time::Duration::from_millis(1)));
    let new = Client { name: wanted.name, settings: wanted.settings, modified, ..client.clone() };
    let mut batch = Batch::new();
    batch.extend(rows::update(&client, &new, &wanted.told));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str())).await {
        Ok(()) => Ok(Opened { pool, client: new, told: wanted.told, token }),
        Err(CommitError::Missed { .. }) => Err(Fault::unavailable("another request has changed the client").into()),
        Err(error) => Err(Fault::from(error).into()),
    }
}
