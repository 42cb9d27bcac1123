//! One resource server.

use cognito_model::idp::types::{ResourceServerScopeType, ResourceServerType};
use common::clock::UnixMillis;
use common::ids::PoolId;

/// An API of a pool.
#[derive(Clone, Debug)]
pub struct ResourceServer {
    pub pool: PoolId,
    /// Often a URL; never changes.
    pub identifier: String,
    pub name: String,
    pub scopes: Vec<ResourceServerScopeType>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

impl ResourceServer {
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known.scope_name == scope)
    }

    pub fn describe(&self) -> ResourceServerType {
        ResourceServerType {
            identifier: Some(self.identifier.clone()),
            // Only Cognito's own, for clients that register themselves, are managed by it.
            managed_by: None,
            name: Some(self.name.clone()),
            scopes: (!self.scopes.is_empty()).then(|| self.scopes.clone()),
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}
