//! From settings to the metadata that they stand for (RFC 7591 §3.2.1: all that is registered).

use cognito_model::idp::types::OAuthFlowType;
use serde_json::{Map, Value, json};

use super::SIGNED_BY;
use super::wire::{GrantType, Told};
use crate::clients::model::{Client, Settings};
use crate::clients::oauth::{AuthMethod, CertificateName, Grant, ResponseType};

/// The metadata of a client, without what identifies and authenticates it.
pub fn shown(client: &Client, told: &Told) -> Map<String, Value> {
    let (settings, oauth) = (&client.settings, &client.settings.oauth);
    let usual = if client.has_secret() { AuthMethod::ClientSecretBasic } else { AuthMethod::None };
    let method = oauth.auth_methods.first().copied().unwrap_or(usual);
    let Value::Object(mut all) = json!({
        "client_name": client.name,
        "redirect_uris": settings.callback_urls.as_deref().unwrap_or_default(),
        "post_logout_redirect_uris": settings.logout_urls,
        "application_type": if oauth.native { "native" } else { "web" },
        "grant_types": grant_types(settings),
        "response_types": response_types(settings),
        "token_endpoint_auth_method": method,
        "scope": settings.scopes().join(" "),
        "subject_type": "public",
        "id_token_signed_response_alg": SIGNED_BY,
        "userinfo_signed_response_alg": oauth.userinfo_signed.then_some(SIGNED_BY),
        "jwks": oauth.jwks,
        "jwks_uri": oauth.jwks_uri,
        "default_max_age": oauth.default_max_age,
        "client_uri": oauth.about.client_uri,
        "logo_uri": oauth.about.logo_uri,
        "policy_uri": oauth.about.policy_uri,
        "tos_uri": oauth.about.tos_uri,
        "backchannel_logout_uri": oauth.back_channel.as_ref().map(|logout| &logout.uri),
        "backchannel_logout_session_required": oauth.back_channel.as_ref().map(|logout| logout.session_required),
        "frontchannel_logout_uri": oauth.front_channel.as_ref().map(|logout| &logout.uri),
        "frontchannel_logout_session_required": oauth.front_channel.as_ref().map(|logout| logout.session_required),
        "tls_client_certificate_bound_access_tokens": oauth.certificate_bound,
        "dpop_bound_access_tokens": oauth.dpop_bound,
        "require_pushed_authorization_requests": oauth.par_required,
    }) else {
        return Map::new();
    };
    if let Some(certificate) = &oauth.certificate {
        let (name, text) = match certificate {
            CertificateName::SubjectDn(text) => ("tls_client_auth_subject_dn", text),
            CertificateName::SanDns(text) => ("tls_client_auth_san_dns", text),
            CertificateName::SanUri(text) => ("tls_client_auth_san_uri", text),
            CertificateName::SanIp(text) => ("tls_client_auth_san_ip", text),
            CertificateName::SanEmail(text) => ("tls_client_auth_san_email", text),
        };
        all.insert(name.to_owned(), Value::from(text.as_str()));
    }
    if let Ok(Value::Object(told)) = serde_json::to_value(told) {
        all.extend(told);
    }
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn flows(settings: &Settings) -> &[OAuthFlowType] {
    settings.allowed_oauth_flows.as_deref().unwrap_or_default()
}

fn grant_types(settings: &Settings) -> Vec<GrantType> {
    let (oauth, flows) = (&settings.oauth, flows(settings));
    let by_code = |kind: &ResponseType| !matches!(kind, ResponseType::IdToken | ResponseType::IdTokenToken);
    let code = flows.contains(&OAuthFlowType::Code) || oauth.response_types.iter().any(by_code);
    let implicit = flows.contains(&OAuthFlowType::Implicit) || !oauth.response_types.is_empty();
    let all = [
        (code, GrantType::AuthorizationCode),
        (implicit, GrantType::Implicit),
        (flows.contains(&OAuthFlowType::ClientCredentials), GrantType::ClientCredentials),
        (oauth.grants.contains(&Grant::DeviceCode), GrantType::DeviceCode),
        (settings.gives_refresh_tokens(), GrantType::RefreshToken),
    ];
    all.into_iter().filter_map(|(has, grant)| has.then_some(grant)).collect()
}

fn response_types(settings: &Settings) -> Vec<Value> {
    let flows = flows(settings);
    let plain = [(OAuthFlowType::Code, "code"), (OAuthFlowType::Implicit, "token")];
    let plain = plain.into_iter().filter(|(flow, _)| flows.contains(flow)).map(|(_, name)| Value::from(name));
    plain.chain(settings.oauth.response_types.iter().map(|kind| json!(kind))).collect()
}
