//! What the endpoints and pages of a domain work with.

use std::sync::Arc;

use axum::http::request::Parts;
use cognito_model::Fault;
use common::ids::PoolId;
use uuid::Uuid;

use crate::aws_json::{Call, Caller, Origin};
use crate::services::Services;

/// What every handler gets. The [`Site`](crate::domains::Site) is in the request's extensions.
#[derive(Clone)]
pub struct OAuth {
    pub services: Arc<Services>,
    pub door: Arc<dyn Door>,
}

/// What stands before all handlers: the quotas of the public listener.
pub trait Door: Send + Sync {
    /// Counts a request to an endpoint (`limits::quotas::category::ENDPOINTS`). Ask before anything is proven: a guess at a secret counts.
    ///
    /// # Errors
    /// TooManyRequests.
    fn take(&self, name: &'static str, pool: &PoolId) -> Result<(), Fault>;
}

impl OAuth {
    /// The one call of a request.
    pub fn call(&self, name: &'static str, head: &Parts) -> Call {
        let origin = Origin::of(head, &Uuid::now_v7().to_string());
        Call::new(self.services.clone(), name, self.services.now(), origin, Caller::Anonymous)
    }
}
