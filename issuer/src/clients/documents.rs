//! Clients that are what a document at a URL says (draft-ietf-oauth-client-id-metadata-document): the URL is the `client_id` of their requests.
//!
//! Such a client gets a row under an id that its URL and pool decide, so that sessions, consents, codes and tokens have an ordinary client; the row follows
//! the document whenever that is fetched anew. It has no secret, and its redirect URIs are the document's alone.

use cognito_model::Fault;
use common::ids::ClientId;
use ring::digest::{SHA256, digest};
use url::Url;
use uuid::Uuid;

use super::error::ClientError;
use super::made::{self, New};
use super::metadata::{Context, Metadata, Wanted, wanted};
use super::model::Client;
use super::oauth::Registered;
use super::registration::{self, MOST, Terms};
use super::{check_flows, rows};
use crate::aws_json::{Call, Caller, Write};
use crate::outbound::{Kind, OutboundError};
use crate::pools::{self, Pool};
use crate::services::Services;
use crate::store::{Batch, CommitError};

/// The audit record's name for a document that made or changed a client.
const OPERATION: &str = "ReadClientDocument";

/// The client that a request at an endpoint of the pool names: by its id, or by the URL of its document where strangers may register.
///
/// # Errors
/// `ResourceNotFoundException` for a client that is not there or is another pool's; `InvalidParameterException` for a URL whose document can't be had, or
/// is none of a client's; storage.
pub async fn of_request(call: &Call, pool: &Pool, client_id: &str) -> Result<Client, Fault> {
    let services = &call.services;
    let absent = || ClientError::Absent(client_id.chars().take(128).collect());
    if let Ok(id) = ClientId::parse(client_id) {
        let row = services.store.one(rows::by_id(&pool.id, &id)).await?.ok_or_else(absent)?;
        return Ok(rows::client(&row)?);
    }
    let terms = match services.outbound.check(client_id) {
        Ok(_) if is_document_url(client_id) => registration::terms(&services.store, pool, false).await?,
        _ => None,
    };
    let terms = terms.ok_or_else(absent)?;
    let id = id_of(pool, client_id)?;
    let known = services.store.one(rows::by_id(&pool.id, &id)).await?;
    let known = known.as_ref().map(rows::client).transpose()?;
    let document = match services.outbound.cached(client_id, Kind::Json).await {
        Ok(document) => document,
        // Its server is away for a while: what it said last counts.
        Err(error) if is_passing(&error) && known.is_some() => return known.ok_or_else(|| absent().into()),
        Err(error) => return Err(refused(&error)),
    };
    let wanted = read(services, &document.body, client_id, &terms).map_err(|why| refused(&why))?;
    check_flows(&wanted.settings, false)?;
    match known {
        Some(known) if known.name == wanted.name && known.settings.is_same(&wanted.settings) => Ok(known),
        known => settle(call, pool, id, known, wanted).await,
    }
}

/// A URL that names one document in one way: with a path (not the root), without a query, as the URL parser writes it.
fn is_document_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    url.as_str() == text && url.path() != "/" && url.query().is_none()
}

/// 160 bits of the hash of pool and URL, which no random id begins like.
fn id_of(pool: &Pool, url: &str) -> Result<ClientId, Fault> {
    let hash = digest(&SHA256, format!("{} {url}", pool.id).as_bytes());
    let hex: String = hash.as_ref().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    ClientId::parse(format!("document_{hex}")).map_err(Fault::internal)
}

fn read(services: &Services, body: &[u8], url: &str, terms: &Terms) -> Result<Wanted, String> {
    let metadata: Metadata = serde_json::from_slice(body).map_err(|_| "is no client metadata".to_owned())?;
    if metadata.client_id.as_deref() != Some(url) {
        return Err("has another client_id than its URL".to_owned());
    }
    if metadata.client_secret.is_some() {
        return Err("has a client_secret".to_owned());
    }
    let may_ask = |uri: &str| services.outbound.check(uri).map(drop).map_err(|error| error.to_string());
    let registered = Registered::ByDocument(url.to_owned());
    wanted(metadata, &Context { terms, registered, may_ask: &may_ask }).map_err(|error| error.to_string())
}

/// Stores what the document says, as a request of its own in the audit record.
async fn settle(
    call: &Call,
    pool: &Pool,
    id: ClientId,
    known: Option<Client>,
    wanted: Wanted,
) -> Result<Client, Fault> {
    let services = &call.services;
    let mut origin = call.origin.clone();
    origin.request_id = Uuid::now_v7().to_string();
    let own = Call::new(services.clone(), OPERATION, call.now, origin, Caller::Anonymous);
    let mut batch = Batch::new();
    let (client, changes) = match &known {
        None => {
            let new = New { name: wanted.name, settings: wanted.settings, secret: None };
            let client = made::make(services, pool, id, new, call.now).await?;
            batch.add(pools::rows::hold(&pool.id));
            batch.add(pools::rows::room(&pool.id, "clients", MOST));
            batch.add(rows::insert(&client));
            let changes = made::announced(&client);
            (client, changes)
        }
        Some(known) => {
            let modified = call.now.max(known.modified.plus(std::time::Duration::from_millis(1)));
            let client = Client { name: wanted.name, settings: wanted.settings, modified, ..known.clone() };
            batch.add(rows::update(known, &client));
            (client, Vec::new())
        }
    };
    match own.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(changes)).await {
        Ok(()) => Ok(client),
        Err(CommitError::Missed { index: 1 }) if known.is_none() => {
            Err(Fault::limit_exceeded(format!("The user pool has {MOST} app clients.")))
        }
        // Another request has settled the same document: what that stored counts.
        Err(CommitError::Missed { .. }) => {
            let row = services.store.one(rows::by_id(&pool.id, &client.id)).await?;
            let row = row.ok_or_else(|| ClientError::Absent(client.id.to_string()))?;
            Ok(rows::client(&row)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn refused(why: &dyn std::fmt::Display) -> Fault {
    Fault::invalid_parameter(format!("client_id: the document of the client: {why}"))
}

/// Whether it says nothing of the document.
fn is_passing(error: &OutboundError) -> bool {
    match error {
        OutboundError::Unknown
        | OutboundError::Unreachable
        | OutboundError::Tls
        | OutboundError::Timeout(_)
        | OutboundError::Broken
        | OutboundError::Busy => true,
        OutboundError::Status(status) => *status >= 500,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_one_url() {
        for (url, is_one) in [
            ("https://app.example/client", true),
            ("https://app.example/oauth/client.json", true),
            ("https://app.example:8443/client", true),
            ("https://app.example/", false),
            ("https://app.example", false),
            ("https://app.example/a/../client", false),
            ("https://app.example/./client", false),
            ("https://app.example/client?a=b", false),
            ("https://APP.example/client", false),
            ("https://app.example:443/client", false),
            ("https://app.example/cli%65nt", true),
            ("app.example/client", false),
        ] {
            assert_eq!(is_document_url(url), is_one, "{url}");
        }
    }
}
