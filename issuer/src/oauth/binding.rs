//! What the tokens of a token request are bound to: asked once, before any grant.

use axum::http::request::Parts;

use super::client::Proven;
use super::error::{Code, OAuthError};
use super::{certificate, dpop};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::sessions::Binding;

/// # Errors
/// As [`dpop::of_request`]; `invalid_dpop_proof` and `invalid_request` where a client whose tokens are always bound brings no proof or no certificate.
pub async fn of_request(call: &Call, site: &Site, head: &Parts, proven: &Proven) -> Result<Binding, OAuthError> {
    let key = dpop::of_request(call, site, head).await?;
    if key.is_none() && proven.client.settings.oauth.dpop_bound {
        return Err(dpop::missing());
    }
    let bound = proven.client.settings.oauth.certificate_bound;
    let certificate = certificate::thumbprint(head).filter(|_| bound);
    if bound && certificate.is_none() {
        return Err(OAuthError::new(
            Code::InvalidRequest,
            "The client's tokens are bound to its certificate: it must show one.",
        ));
    }
    Ok(Binding { jkt: key.map(|key| key.to_string()), x5t: certificate.map(|certificate| certificate.to_string()) })
}
