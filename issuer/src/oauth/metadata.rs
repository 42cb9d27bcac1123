//! What a pool says of itself: OpenID Connect Discovery §3 and RFC 8414, as far as it is built.

use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::jose::Alg;
use serde_json::{Value, json};

use super::register;
use super::state::OAuth;
use super::token::GRANTS;
use super::{assertion, dpop};
use crate::clients::registration;
use crate::cors;
use crate::domains::Site;
use crate::pools::{self, Pool};
use crate::signin::CONTEXTS;

/// Which of them a client may use is the client's setting.
const RESPONSE_TYPES: [&str; 7] =
    ["code", "token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
const MAX_AGE: &str = "public, max-age=60";

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` on a domain.
pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>) -> Response {
    match pools::find(&oauth.services.store, &site.pool).await {
        Ok(pool) => {
            let document = of_pool(&oauth.services.deployment.public_url, &pool, Some(&site)).to_string();
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, MAX_AGE)];
            cors::allow((headers, document).into_response()).await
        }
        Err(error) => super::fault_page(&Fault::from(error)),
    }
}

/// `site`: where the pool's domain is; without one there are no endpoints.
pub fn of_pool(public_url: &str, pool: &Pool, site: Option<&Site>) -> Value {
    let mut document = json!({
        "issuer": pool.iss,
        "jwks_uri": format!("{public_url}/{}/.well-known/jwks.json", pool.id),
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "jti", "origin_jti", "token_use",
            "cognito:username", "cognito:groups", "email", "email_verified", "phone_number", "phone_number_verified",
        ],
    });
    if let (Some(Site { base, .. }), Some(document)) = (site, document.as_object_mut()) {
        let proofs = [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ];
        let methods = json!(proofs.into_iter().chain(["none"]).collect::<Vec<_>>());
        let algs = json!(assertion::ALGS.map(Alg::name));
        document.extend([
            ("authorization_endpoint".to_owned(), json!(format!("{base}/oauth2/authorize"))),
            ("pushed_authorization_request_endpoint".to_owned(), json!(format!("{base}/oauth2/par"))),
            ("device_authorization_endpoint".to_owned(), json!(format!("{base}/oauth2/device_authorization"))),
            ("userinfo_endpoint".to_owned(), json!(format!("{base}/oauth2/userInfo"))),
            ("end_session_endpoint".to_owned(), json!(format!("{base}/logout"))),
            ("response_types_supported".to_owned(), json!(RESPONSE_TYPES)),
            ("response_modes_supported".to_owned(), json!(["query", "fragment", "form_post"])),
            ("scopes_supported".to_owned(), json!(["openid", "email", "phone", "profile"])),
            ("code_challenge_methods_supported".to_owned(), json!(["S256"])),
            ("authorization_response_iss_parameter_supported".to_owned(), json!(true)),
            ("prompt_values_supported".to_owned(), json!(["none", "login", "consent", "select_account"])),
            ("acr_values_supported".to_owned(), json!(CONTEXTS)),
            ("claims_parameter_supported".to_owned(), json!(false)),
            ("request_parameter_supported".to_owned(), json!(false)),
            ("request_uri_parameter_supported".to_owned(), json!(false)),
            ("backchannel_logout_supported".to_owned(), json!(true)),
            ("backchannel_logout_session_supported".to_owned(), json!(true)),
            ("frontchannel_logout_supported".to_owned(), json!(true)),
            ("frontchannel_logout_session_supported".to_owned(), json!(true)),
            ("token_endpoint".to_owned(), json!(format!("{base}/oauth2/token"))),
            ("token_endpoint_auth_methods_supported".to_owned(), methods.clone()),
            ("token_endpoint_auth_signing_alg_values_supported".to_owned(), algs.clone()),
            ("dpop_signing_alg_values_supported".to_owned(), json!(dpop::ALGS.map(Alg::name))),
            ("tls_client_certificate_bound_access_tokens".to_owned(), json!(true)),
            ("grant_types_supported".to_owned(), json!(GRANTS)),
            ("revocation_endpoint".to_owned(), json!(format!("{base}/oauth2/revoke"))),
            ("revocation_endpoint_auth_methods_supported".to_owned(), methods),
            ("revocation_endpoint_auth_signing_alg_values_supported".to_owned(), algs.clone()),
            ("introspection_endpoint".to_owned(), json!(format!("{base}/oauth2/introspect"))),
            ("introspection_endpoint_auth_methods_supported".to_owned(), json!(proofs)),
            ("introspection_endpoint_auth_signing_alg_values_supported".to_owned(), algs),
        ]);
    }
    if let (Some(Site { base, .. }), Some(document), true) = (site, document.as_object_mut(), registration::is_on(pool))
    {
        document.insert("registration_endpoint".to_owned(), json!(format!("{base}{}", register::PATH)));
        if registration::is_open(pool) {
            document.insert("client_id_metadata_document_supported".to_owned(), json!(true));
        }
    }
    document
}
