//! The tokens of a sign-in through the API.

use cognito_model::Fault;
use cognito_model::idp::types::AuthenticationResultType;
use common::secret::SecretString;

use super::claims::{Asked, Signed};
use super::grant::{GrantError, Granted, Minted, Proven, grant};
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::devices;
use crate::pools::Pool;
use crate::sessions::Details;
use crate::signin::{Authenticated, SignInError};

/// The scope of sign-ins through the API (Cognito).
pub(super) const API_SCOPE: &str = "aws.cognito.signin.user.admin";

/// Mints access, ID and refresh token of a finished sign-in.
pub async fn mint(
    call: &Call,
    pool: &Pool,
    client: &Client,
    proof: Authenticated,
) -> Result<AuthenticationResultType, Fault> {
    clients::check_api(client)?;
    let seen = proof.device().cloned();
    let offer = match &seen {
        None if devices::are_tracked(pool) => {
            Some(devices::offer(&pool.id, &*call.services.pool_keys.key(&pool.id).await?))
        }
        _ => None,
    };
    let device = seen.as_ref().map(|seen| &seen.device.key).or(offer.as_ref().map(|offer| &offer.key));
    let granted = Granted {
        user: proof.user().clone(),
        proven: Proven::Now,
        authenticated: proof.at(),
        scope: API_SCOPE,
        details: Details::default(),
        asked: Asked::default(),
        parent: None,
        device: device.map(|key| key.as_str()),
        seen: seen.as_ref(),
        refresh: true,
    };
    let statements = proof.into_statements();
    let Minted { access, id, refresh, expires_in, .. } =
        grant(call, pool, client, granted, |_| statements.clone()).await.map_err(|error| match error {
            // The attempt was used by another answer, or the user changed under it.
            GrantError::Uses(_) => SignInError::Session.into(),
            GrantError::Fault(fault) => fault,
        })?;
    let new_device_metadata = offer.map(|offer| offer.describe());
    let signed = Signed { access, id, expires_in };
    Ok(AuthenticationResultType { new_device_metadata, ..result(signed, refresh) })
}

pub(super) fn result(signed: Signed, refresh_token: Option<SecretString>) -> AuthenticationResultType {
    AuthenticationResultType {
        access_token: Some(signed.access),
        expires_in: Some(signed.expires_in),
        id_token: signed.id,
        refresh_token,
        token_type: Some("Bearer".to_owned()),
        ..AuthenticationResultType::default()
    }
}
