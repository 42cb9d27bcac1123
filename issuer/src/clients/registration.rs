//! Whether clients may register themselves in a pool, and with what (Cognito: `DcrConfiguration`). Off unless the pool says `Enabled`.

use cognito_model::Fault;
use cognito_model::idp::types::{DcrConfigurationType, OAuthFlowType, StatusType};

use super::model::Client;
use crate::pools::Pool;
use crate::resource_servers::{self, REGISTER_SCOPE};
use crate::store::Store;

/// Clients of a pool that registration fills up to (Cognito's quota of app clients).
pub const MOST: u64 = 1_000;
/// Where the pool names no scopes.
const USUAL_SCOPES: [&str; 4] = ["openid", "profile", "email", "phone"];

/// What whoever registers may have.
#[derive(Debug, PartialEq, Eq)]
pub struct Terms {
    pub flows: Vec<OAuthFlowType>,
    /// Those that are there now.
    pub scopes: Vec<String>,
}

/// Whether anything registers here.
pub fn is_on(pool: &Pool) -> bool {
    configuration(pool).is_some()
}

/// Whether strangers may, who bring no access token.
pub fn is_open(pool: &Pool) -> bool {
    configuration(pool).is_some_and(|dcr| dcr.open_dcr_enabled == Some(true))
}

/// The terms for strangers, or for whoever has brought an access token with [`REGISTER_SCOPE`]. None: they may not.
///
/// # Errors
/// Storage.
pub async fn terms(store: &Store, pool: &Pool, has_token: bool) -> Result<Option<Terms>, Fault> {
    let Some(dcr) = configuration(pool).filter(|_| has_token || is_open(pool)) else { return Ok(None) };
    let flows = if has_token { &dcr.authenticated_grant_types } else { &dcr.open_dcr_grant_types };
    let flows = flows.clone().unwrap_or_else(|| vec![OAuthFlowType::Code]);
    let named = dcr.allowed_scopes.clone();
    let named = named.unwrap_or_else(|| USUAL_SCOPES.map(str::to_owned).to_vec());
    // A client that may register clients is an administrator's to make.
    let named: Vec<String> = named.into_iter().filter(|scope| scope != REGISTER_SCOPE).collect();
    let custom = resource_servers::known_custom(store, &pool.id, &named).await?;
    let is_there = |scope: &String| resource_servers::is_standard(scope) || custom.contains(scope);
    Ok(Some(Terms { flows, scopes: named.into_iter().filter(is_there).collect() }))
}

/// The terms for a client that changes its own registration: those for strangers, with what it has been given already. A token let it in once.
///
/// # Errors
/// Storage.
pub async fn kept_terms(store: &Store, pool: &Pool, client: &Client) -> Result<Terms, Fault> {
    let open = terms(store, pool, false).await?;
    let Terms { mut flows, mut scopes } = open.unwrap_or(Terms { flows: Vec::new(), scopes: Vec::new() });
    let own = client.settings.allowed_oauth_flows.iter().flatten().copied();
    let beside = if client.settings.oauth.response_types.is_empty() { None } else { Some(OAuthFlowType::Implicit) };
    let more = own.chain(beside).filter(|flow| !flows.contains(flow)).collect::<Vec<_>>();
    flows.extend(more);
    let own = client.settings.scopes().iter().filter(|scope| !scopes.contains(scope));
    let more = own.cloned().collect::<Vec<_>>();
    scopes.extend(more);
    Ok(Terms { flows, scopes })
}

fn configuration(pool: &Pool) -> Option<&DcrConfigurationType> {
    pool.settings.dcr_configuration.as_ref().filter(|dcr| dcr.enable_status == Some(StatusType::Enabled))
}
