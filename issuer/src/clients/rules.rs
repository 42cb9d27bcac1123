//! From CreateUserPoolClient's input to settings that hold together (pure).

use cognito_model::idp::types::{
    CreateUserPoolClientRequest, PreventUserExistenceErrorTypes, RefreshTokenRotationType,
};

use super::error::ClientError;
use super::model::Settings;
use crate::pools::schema::Schema;

pub fn settings(request: CreateUserPoolClientRequest, schema: Schema<'_>) -> Result<Settings, ClientError> {
    if request.generate_secret.unwrap_or(false) && request.client_secret.is_some() {
        return Err(ClientError::Settings("GenerateSecret and ClientSecret can't both be given.".into()));
    }
    for list in [&request.read_attributes, &request.write_attributes] {
        let unknown = list.iter().flatten().find(|name| *name != "sub" && !schema.has(name));
        if unknown.is_some() {
            return Err(ClientError::Settings(
                "Invalid read or write attributes specified while creating a client".into(),
            ));
        }
    }
    let settings = Settings {
        access_token_validity: request.access_token_validity,
        allowed_oauth_flows: request.allowed_oauth_flows,
        allowed_oauth_flows_user_pool_client: request.allowed_oauth_flows_user_pool_client.unwrap_or(false),
        allowed_oauth_scopes: request.allowed_oauth_scopes,
        analytics_configuration: request.analytics_configuration,
        auth_session_validity: request.auth_session_validity.or(Some(3)),
        callback_urls: request.callback_urls,
        default_redirect_uri: request.default_redirect_uri,
        enable_propagate_additional_user_context_data: request
            .enable_propagate_additional_user_context_data
            .unwrap_or(false),
        enable_token_revocation: request.enable_token_revocation.unwrap_or(true),
        explicit_auth_flows: request.explicit_auth_flows.unwrap_or_default(),
        id_token_validity: request.id_token_validity,
        logout_urls: request.logout_urls,
        prevent_user_existence_errors: request
            .prevent_user_existence_errors
            .or(Some(PreventUserExistenceErrorTypes::Legacy)),
        read_attributes: request.read_attributes,
        refresh_token_rotation: request.refresh_token_rotation.map(with_grace),
        refresh_token_validity: request.refresh_token_validity,
        supported_identity_providers: request.supported_identity_providers,
        token_validity_units: request.token_validity_units,
        write_attributes: request.write_attributes,
    };
    settings.check()?;
    Ok(settings)
}

/// Cognito shows a grace of 0 where none was given, also when rotation is off.
fn with_grace(given: RefreshTokenRotationType) -> RefreshTokenRotationType {
    let seconds = given.retry_grace_period_seconds.unwrap_or(0);
    RefreshTokenRotationType { retry_grace_period_seconds: Some(seconds), ..given }
}
