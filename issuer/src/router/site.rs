//! From the host of a request to the pool's domain that it is for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use cognito_model::Fault;
use common::ids::PoolId;

use super::quota::Turnstile;
use super::{Public, respond, vouching};
use crate::cors;
use crate::domains::{Site, host};
use crate::limits::quotas::Place;
use crate::oauth::{self, Door};

/// What was found for a request: it is looked for once.
#[derive(Clone)]
struct Found(Option<Site>);

/// The site that a request's host names.
///
/// # Errors
/// Storage.
pub async fn find(public: &Public, head: &mut Parts) -> Result<Option<Site>, Fault> {
    if let Some(Found(site)) = head.extensions.get::<Found>() {
        return Ok(site.clone());
    }
    let site = host::of_host(&public.services, vouching::host(head)).await?;
    head.extensions.insert(Found(site.clone()));
    Ok(site)
}

/// Before the pages: what goes on has its [`Site`] in the extensions, and no reset of developer mode comes in between.
pub async fn admit(State(public): State<Public>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let site = match find(&public, &mut head).await {
        Ok(Some(site)) => site,
        Ok(None) if wants_page(&head) => return oauth::absent().await,
        Ok(None) => return cors::allow(respond::not_found().await).await,
        Err(fault) => {
            tracing::error!(cause = fault.cause(), "a domain could not be looked up");
            return respond::fault("", &fault);
        }
    };
    let _turn = match &public.dev {
        Some(dev) => Some(dev.enter().await),
        None => None,
    };
    head.extensions.insert(site);
    next.run(Request::from_parts(head, body)).await
}

fn wants_page(head: &Parts) -> bool {
    let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The quotas, for handlers that stand below the router.
pub struct Quotas(pub Arc<Turnstile>);

impl Door for Quotas {
    fn take(&self, name: &'static str, pool: &PoolId) -> Result<(), Fault> {
        self.0.take(name, Place::Pool(pool.as_str()), &mut None)
    }
}
