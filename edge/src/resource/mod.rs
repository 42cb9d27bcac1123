//! The documents by which clients find out how to get a token for a resource (RFC 9728). The edge answers for them itself.

pub mod config;

use std::sync::Arc;

use common::canonical::CanonicalRequest;
use serde_json::{Map, Value};

use crate::snapshot::Snapshot;
use crate::snapshot::resource::{Resource, Servers};
use crate::snapshot::route::RouteTable;

/// What the path of every such document begins with (§3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The resource whose document is asked for, and the number of its route.
pub fn asked<'t>(table: &'t RouteTable, request: &CanonicalRequest<'_>) -> Option<&'t (Arc<Resource>, usize)> {
    if table.resources.is_empty() || !request.path.as_str().starts_with(WELL_KNOWN) {
        return None;
    }
    let is_asked = |resource: &Resource| resource.path == request.path.as_str() && resource.host == request.host.name();
    table.resources.iter().find(|(resource, _)| is_asked(resource))
}

/// The document (§3.2) as JSON.
pub fn document(resource: &Resource, snapshot: &Snapshot) -> String {
    let servers: Vec<Value> = match &resource.servers {
        Servers::Named(urls) => urls.iter().map(|url| Value::from(url.as_str())).collect(),
        Servers::Issuers(positions) => positions.iter().filter_map(|at| issuer(snapshot, *at)).collect(),
    };
    let mut document = Map::new();
    document.insert("resource".to_owned(), Value::from(resource.url.as_str()));
    // §3.2: a member with no values is left out.
    if !servers.is_empty() {
        document.insert("authorization_servers".to_owned(), Value::Array(servers));
    }
    document.extend(resource.members.clone());
    Value::Object(document).to_string()
}

/// None while nothing is known of it.
fn issuer(snapshot: &Snapshot, position: usize) -> Option<Value> {
    Some(Value::from(&**snapshot.issuers.get(position)?.iss()?))
}
