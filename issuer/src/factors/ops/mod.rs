//! One file an operation.

mod admin_delete_software_token;
mod admin_get_user_auth_factors;
mod admin_set_user_mfa_preference;
mod admin_set_user_settings;
mod complete_web_authn_registration;
mod delete_web_authn_credential;
mod get_user_auth_factors;
mod list_web_authn_credentials;
mod set_user_mfa_preference;
mod set_user_settings;
mod start_web_authn_registration;

use cognito_model::Fault;
use cognito_model::idp::op;
use cognito_model::idp::types::AuthFactorType;

use super::{configured, passkeys, software_token};
use crate::aws_json::{Registered, operation};
use crate::pools::Pool;
use crate::services::Services;
use crate::users::User;

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminDeleteSoftwareToken, admin_delete_software_token::handle),
        operation(op::AdminGetUserAuthFactors, admin_get_user_auth_factors::handle),
        operation(op::AdminSetUserMFAPreference, admin_set_user_mfa_preference::handle),
        operation(op::AdminSetUserSettings, admin_set_user_settings::handle),
        operation(op::CompleteWebAuthnRegistration, complete_web_authn_registration::handle),
        operation(op::DeleteWebAuthnCredential, delete_web_authn_credential::handle),
        operation(op::GetUserAuthFactors, get_user_auth_factors::handle),
        operation(op::ListWebAuthnCredentials, list_web_authn_credentials::handle),
        operation(op::SetUserMFAPreference, set_user_mfa_preference::handle),
        operation(op::SetUserSettings, set_user_settings::handle),
        operation(op::StartWebAuthnRegistration, start_web_authn_registration::handle),
    ]
}

/// ConfiguredUserAuthFactors of a user.
async fn configured_of(services: &Services, pool: &Pool, user: &User) -> Result<Vec<AuthFactorType>, Fault> {
    let has_token = software_token::is_registered(services, &pool.id, &user.sub).await?;
    let passkey = services.store.one(passkeys::rows::page(&pool.id, &user.sub, "", 1)).await?;
    Ok(configured::configured(&pool.settings, user, has_token, passkey.is_some()))
}
