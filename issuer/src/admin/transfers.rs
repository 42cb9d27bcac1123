//! Export and import of a pool (`tollgate admin export`, `tollgate admin import`).

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use common::ids::{ClientId, PoolId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer, answer_with, read};
use crate::clients;
use crate::pools::{self, Pool};
use crate::services::Services;
use crate::transfer::rows::Import;
use crate::transfer::{Recipient, export, import, settings};

/// Lines that travel together, sealed; the command sends about 1 MiB, or one line of 2 MiB.
const LINES_LIMIT: usize = 4 * 1024 * 1024;

/// App clients with their settings; Cognito's quota is 10,000.
const BEGINNING_LIMIT: usize = 32 * 1024 * 1024;

/// In policies and audit records.
const EXPORT: &str = "ExportUserPool";
const IMPORT: &str = "ImportUserPool";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    /// The public key that the export is sealed to.
    recipient: String,
    #[serde(default)]
    clients: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoOn {
    /// As the frame before told it, in base64.
    resume: String,
    /// Whether the command wants app clients; those of older builds do not say it.
    clients: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginImport {
    export: String,
    digest: String,
    /// The pool that was exported.
    source: PoolId,
    lines: u64,
    /// App clients that it brings.
    clients: Vec<Brought>,
    /// Name and settings of the pool that is to be made.
    found: Option<Found>,
    /// Only look whether it could begin.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Brought {
    client: ClientId,
    settings: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    name: String,
    settings: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    export: String,
}

/// `GET /v1/pools/{pool}/export` → `{"groups", "clients", "users"}`: what there is now.
pub async fn counts(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::reads(EXPORT));
    answer(&admin, command, request, async move |call, _| {
        let pool = found(&call.services, id).await?;
        let counts = export::counts(&call.services, &pool).await?;
        Ok(json!({ "groups": counts.groups, "clients": counts.clients, "users": counts.users }))
    })
    .await
}

/// `POST /v1/pools/{pool}/export {"recipient", "clients"?}` → the beginning of a file and its first frame.
pub async fn begin(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::reads(EXPORT));
    answer_with(&admin, command, request, async move |call, body| {
        let ask: Begin = read(&body)?;
        let pool = found(&call.services, id).await?;
        let recipient = Recipient::parse(&ask.recipient);
        let recipient = recipient.map_err(|error| Fault::invalid_parameter(format!("recipient: {error}")))?;
        tracing::info!(pool = %pool.id, recipient = ask.recipient, "an export of a pool begins");
        let asked = export::Asked { recipient, clients: ask.clients };
        Ok(bytes(export::begin(&call.services, &pool, &asked, call.now).await?))
    })
    .await
}

/// `POST /v1/pools/{pool}/export/next {"resume", "clients"?}` → the next frame.
pub async fn go_on(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::reads(EXPORT));
    answer_with(&admin, command, request, async move |call, body| {
        let ask: GoOn = read(&body)?;
        let pool = found(&call.services, id).await?;
        let resume = STANDARD.decode(&ask.resume).map_err(|_| Fault::invalid_parameter("resume: base64"))?;
        Ok(bytes(export::go_on(&call.services, &pool, &resume, ask.clients).await?))
    })
    .await
}

/// `GET /v1/pools/{pool}/import` → `{"region", "exists", "empty", "settings", "import"}`: what an import would meet.
pub async fn look(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::reads(IMPORT));
    answer(&admin, command, request, async move |call, _| {
        let services = &call.services;
        let id = id.ok_or_else(malformed)?;
        let pool = match pools::find(&services.store, &id).await {
            Ok(pool) => Some(pool),
            Err(pools::PoolError::Absent(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let empty = match &pool {
            Some(pool) => {
                let counts = export::counts(services, pool).await?;
                counts.users + counts.groups == 0
            }
            None => true,
        };
        let known = import::of_pool(services, &id).await?;
        Ok(json!({
            "region": services.deployment.region,
            "exists": pool.is_some(),
            "empty": empty,
            "settings": pool.map(|pool| pool.settings),
            "import": known.map(|known| describe(&known)),
        }))
    })
    .await
}

/// `POST /v1/pools/{pool}/import {"export", "digest", "source", "lines", "clients", "found"?, "dry_run"?}` → `{"done", "recipient", …}`: begins, or goes on
/// with, an import.
pub async fn begin_import(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::changes(IMPORT).up_to(BEGINNING_LIMIT));
    answer(&admin, command, request, async move |call, body| {
        let ask: BeginImport = read(&body)?;
        let id = id.ok_or_else(malformed)?;
        if ask.export.len() > 64 || ask.digest.len() > 64 || i64::try_from(ask.lines).is_err() {
            return Err(Fault::invalid_parameter("export, digest or lines: out of range"));
        }
        let asked = import::Asked {
            export: ask.export,
            digest: ask.digest,
            source: ask.source,
            lines: ask.lines,
            clients: ask.clients.into_iter().map(brought).collect::<Result<_, _>>()?,
            found: ask.found.map(pool_to_be).transpose()?,
        };
        if ask.dry_run {
            let known = import::look(&call.services, &id, &asked).await?;
            return Ok(known.map_or_else(|| json!({ "done": 0 }), |known| describe(&known)));
        }
        let underway = import::begin(&call, &id, asked).await?;
        tracing::info!(pool = %id, export = underway.import.export, done = underway.import.done, "an import of a pool goes on");
        let mut answer = describe(&underway.import);
        if let Some(members) = answer.as_object_mut() {
            members.insert("recipient".to_owned(), underway.recipient.into());
        }
        Ok(answer)
    })
    .await
}

/// `POST /v1/pools/{pool}/import/lines/{before}`, the body sealed to the import's key → `{"done"}`
pub async fn take(State(admin): State<Admin>, Path((id, before)): Path<(String, u64)>, request: Request) -> Response {
    let (id, command) = about(&id, Command::changes(IMPORT).up_to(LINES_LIMIT));
    answer(&admin, command, request, async move |call, body: Bytes| {
        let id = id.ok_or_else(malformed)?;
        Ok(json!({ "done": import::take(&call, &id, before, &body).await? }))
    })
    .await
}

/// `POST /v1/pools/{pool}/import/finish {"export"}`
pub async fn finish(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let (id, command) = about(&id, Command::changes(IMPORT));
    answer(&admin, command, request, async move |call, body| {
        let ask: Finish = read(&body)?;
        let id = id.ok_or_else(malformed)?;
        let import = import::finish(&call, &id, &ask.export).await?;
        tracing::info!(pool = %id, export = import.export, lines = import.lines, "an import of a pool is done");
        Ok(describe(&import))
    })
    .await
}

fn pool_to_be(found: Found) -> Result<(String, pools::model::Settings), Fault> {
    let settings = settings(&found.settings).map_err(|why| Fault::invalid_parameter(format!("found: {why}")))?;
    Ok((found.name, settings))
}

fn brought(client: Brought) -> Result<(ClientId, clients::model::Settings), Fault> {
    let settings = settings(&client.settings).map_err(|why| Fault::invalid_parameter(format!("clients: {why}")))?;
    Ok((client.client, settings))
}

fn describe(import: &Import) -> Value {
    json!({
        "export": import.export,
        "digest": import.digest,
        "lines": import.lines,
        "done": import.done,
        "keeps_srp": import.keeps_srp,
        "finished": import.finished.is_some(),
    })
}

/// Policies see the pool's ARN, also where there is no such pool yet.
fn about(id: &str, command: Command) -> (Option<PoolId>, Command) {
    let id = PoolId::parse(id).ok();
    let command = id.as_ref().map_or_else(|| command.clone(), |id| command.clone().on(id));
    (id, command)
}

async fn found(services: &Services, id: Option<PoolId>) -> Result<Pool, Fault> {
    Ok(pools::find(&services.store, &id.ok_or_else(malformed)?).await?)
}

fn malformed() -> Fault {
    Fault::invalid_parameter("pool: a user pool id")
}

fn bytes(frame: Vec<u8>) -> Response {
    ([("content-type", "application/octet-stream")], frame).into_response()
}
