//! From CreateUserPoolClient's and UpdateUserPoolClient's input to settings that hold together (pure).

use cognito_model::idp::types::{
    CreateUserPoolClientRequest, PreventUserExistenceErrorTypes, RefreshTokenRotationType, UpdateUserPoolClientRequest,
};

use super::error::ClientError;
use super::model::{Client, Settings};
use super::oauth::OAuth;
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
        oauth: OAuth::default(),
        prevent_user_existence_errors: request
            .prevent_user_existence_errors
            .or(Some(PreventUserExistenceErrorTypes::Legacy)),
        read_attributes: request.read_attributes,
        refresh_token_rotation: request.refresh_token_rotation.map(with_grace),
        refresh_token_validity: request.refresh_token_validity,
        sso_session_minutes: None,
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

/// Name and settings after an update. What the request leaves out goes back to its default, by the same rules as at creation; the name
/// has none, and stays, as does what other operations set. Secrets have operations of their own.
pub fn updated(
    request: UpdateUserPoolClientRequest,
    client: &Client,
    schema: Schema<'_>,
) -> Result<(String, Settings), ClientError> {
    let request = as_creation(request, client);
    let name = request.client_name.clone();
    let Settings { oauth, sso_session_minutes, .. } = client.settings.clone();
    Ok((name, Settings { oauth, sso_session_minutes, ..settings(request, schema)? }))
}

fn as_creation(request: UpdateUserPoolClientRequest, client: &Client) -> CreateUserPoolClientRequest {
    CreateUserPoolClientRequest {
        access_token_validity: request.access_token_validity,
        allowed_oauth_flows: request.allowed_oauth_flows,
        allowed_oauth_flows_user_pool_client: request.allowed_oauth_flows_user_pool_client,
        allowed_oauth_scopes: request.allowed_oauth_scopes,
        analytics_configuration: request.analytics_configuration,
        auth_session_validity: request.auth_session_validity,
        callback_urls: request.callback_urls,
        client_name: request.client_name.unwrap_or_else(|| client.name.clone()),
        client_secret: None,
        default_redirect_uri: request.default_redirect_uri,
        enable_propagate_additional_user_context_data: request.enable_propagate_additional_user_context_data,
        enable_token_revocation: request.enable_token_revocation,
        explicit_auth_flows: request.explicit_auth_flows,
        generate_secret: None,
        id_token_validity: request.id_token_validity,
        logout_urls: request.logout_urls,
        prevent_user_existence_errors: request.prevent_user_existence_errors,
        read_attributes: request.read_attributes,
        refresh_token_rotation: request.refresh_token_rotation,
        refresh_token_validity: request.refresh_token_validity,
        supported_identity_providers: request.supported_identity_providers,
        token_validity_units: request.token_validity_units,
        user_pool_id: request.user_pool_id,
        write_attributes: request.write_attributes,
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::ExplicitAuthFlowsType;
    use common::clock::UnixMillis;
    use common::ids::{ClientId, PoolId};

    use super::*;

    #[test]
    fn an_update_resets_what_it_leaves_out() {
        let made = settings(
            CreateUserPoolClientRequest {
                access_token_validity: Some(2),
                explicit_auth_flows: Some(vec![ExplicitAuthFlowsType::AllowUserPasswordAuth]),
                read_attributes: Some(vec!["email".into()]),
                ..CreateUserPoolClientRequest::default()
            },
            Schema::new(&[]),
        )
        .unwrap();
        let client = Client {
            pool: PoolId::parse("eu_a").unwrap(),
            id: ClientId::parse("web").unwrap(),
            name: "old".into(),
            settings: made,
            secrets: Vec::new(),
            created: UnixMillis(0),
            modified: UnixMillis(0),
        };
        let update = |request| updated(request, &client, Schema::new(&[]));
        let (name, left) = update(UpdateUserPoolClientRequest::default()).unwrap();
        assert_eq!((name.as_str(), left.access_token_validity), ("old", None));
        assert!(left.explicit_auth_flows.is_empty() && left.read_attributes.is_none());
        assert!(left.enable_token_revocation);
        let unknown = UpdateUserPoolClientRequest {
            write_attributes: Some(vec!["custom:nothing".into()]),
            ..UpdateUserPoolClientRequest::default()
        };
        assert!(update(unknown).is_err(), "the rules are those of creation");
        let name = UpdateUserPoolClientRequest { client_name: Some("new".into()), ..Default::default() };
        assert_eq!(update(name).unwrap().0, "new");
    }
}
