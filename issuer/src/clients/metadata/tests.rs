use cognito_model::idp::types::OAuthFlowType;
use serde_json::{Value, json};

use super::*;
use crate::clients::oauth::{Grant, ResponseType};

fn terms(flows: &[OAuthFlowType]) -> Terms {
    Terms { flows: flows.to_vec(), scopes: ["openid", "email", "https://orders/read"].map(str::to_owned).to_vec() }
}

fn read(metadata: Value, registered: Registered, flows: &[OAuthFlowType]) -> Result<Wanted, MetadataError> {
    let metadata = serde_json::from_value(metadata).map_err(|error| MetadataError::Metadata(error.to_string()))?;
    let may_ask = |uri: &str| if uri.starts_with("https://") { Ok(()) } else { Err("must be https".to_owned()) };
    wanted(metadata, &Context { terms: &terms(flows), registered, may_ask: &may_ask })
}

fn dynamic(metadata: Value) -> Result<Wanted, MetadataError> {
    read(metadata, Registered::Dynamically, &[OAuthFlowType::Code, OAuthFlowType::Implicit])
}

#[test]
fn the_least_is_a_confidential_client_of_codes() {
    let wanted = dynamic(json!({ "redirect_uris": ["https://app.example/cb"], "unknown": [1], "jwks": null })).unwrap();
    let (settings, oauth) = (&wanted.settings, &wanted.settings.oauth);
    assert!(wanted.has_secret && oauth.third_party && !oauth.native && !oauth.rotate_public);
    assert_eq!((wanted.name.as_str(), oauth.profile), ("app.example", Profile::Openid));
    assert_eq!(oauth.auth_methods, [AuthMethod::ClientSecretBasic]);
    assert_eq!(settings.allowed_oauth_flows.as_deref(), Some(&[OAuthFlowType::Code][..]));
    assert_eq!(settings.scopes(), ["openid", "email", "https://orders/read"]);
    assert!(settings.allowed_oauth_flows_user_pool_client && !settings.gives_refresh_tokens());
}

#[test]
fn a_public_native_client_with_everything_around() {
    let wanted = dynamic(json!({
        "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "client_name": "Ein Klient – 客户", "scope": "openid offline_access", "dpop_bound_access_tokens": true,
        "contacts": ["a@b.example"], "require_auth_time": true, "userinfo_signed_response_alg": "RS256",
        "backchannel_logout_uri": "https://app.example/out", "backchannel_logout_session_required": true,
        "post_logout_redirect_uris": ["com.example.app:/out"], "default_max_age": 60, "tos_uri": "https://app.example/t",
    }));
    let wanted = wanted.unwrap();
    let (settings, oauth) = (&wanted.settings, &wanted.settings.oauth);
    assert!(!wanted.has_secret && oauth.native && oauth.rotate_public && oauth.dpop_bound && oauth.userinfo_signed);
    assert!(settings.gives_refresh_tokens() && oauth.grants == [Grant::DeviceCode]);
    assert_eq!(settings.scopes(), ["openid"], "what the pool does not register is left out");
    assert_eq!(oauth.back_channel.as_ref().map(|logout| logout.session_required), Some(true));
    assert_eq!(wanted.told.contacts.as_deref(), Some(&["a@b.example".to_owned()][..]));
}

#[test]
fn response_types_and_grants_go_together() {
    let of = |response_types: Value, grant_types: Value| {
        let uris = json!(["https://app.example/cb"]);
        dynamic(json!({ "redirect_uris": uris, "response_types": response_types, "grant_types": grant_types }))
    };
    let both =
        of(json!(["code", "token id_token", "id_token token"]), json!(["authorization_code", "implicit"])).unwrap();
    assert_eq!(both.settings.allowed_oauth_flows.unwrap(), [OAuthFlowType::Code]);
    assert_eq!(both.settings.oauth.response_types, [ResponseType::IdTokenToken]);
    for (response_types, grant_types) in [
        (json!(["token"]), json!(["authorization_code"])),
        (json!(["code id_token"]), json!(["authorization_code"])),
        (json!(["code"]), json!(["implicit"])),
        (json!(["id_token"]), json!(["implicit", "authorization_code"])),
        (json!(["none"]), json!(["authorization_code"])),
        (json!(["code code"]), json!(["authorization_code"])),
        (json!([]), json!(["authorization_code"])),
        (json!(["code"]), json!(["authorization_code", "password"])),
        (json!(["code"]), json!(["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"])),
    ] {
        // An ID token alone of a client of codes is odd, but gives what it says.
        let odd = response_types == json!(["id_token"]);
        assert_eq!(of(response_types.clone(), grant_types.clone()).is_ok(), odd, "{response_types} {grant_types}");
    }
}

#[test]
fn nobody_registers_for_more_than_the_terms_have() {
    let of = |metadata: Value, flows: &[OAuthFlowType]| {
        let uris = json!({ "redirect_uris": ["https://app.example/cb"] });
        let mut all = uris.as_object().unwrap().clone();
        all.extend(metadata.as_object().unwrap().clone());
        read(all.into(), Registered::Dynamically, flows).map(drop)
    };
    let code = [OAuthFlowType::Code];
    for metadata in [
        json!({ "grant_types": ["implicit"], "response_types": ["token"] }),
        json!({ "grant_types": ["implicit"], "response_types": ["id_token"] }),
        json!({ "grant_types": ["implicit", "authorization_code"], "response_types": ["code id_token"] }),
        json!({ "grant_types": ["client_credentials"], "response_types": [] }),
    ] {
        let refused = of(metadata.clone(), &code).unwrap_err().to_string();
        assert!(refused.starts_with("grant_types: the pool registers no client for "), "{metadata}: {refused}");
    }
    let device = json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"], "response_types": [] });
    assert!(of(device.clone(), &code).is_ok() && of(device, &[OAuthFlowType::Implicit]).is_err());
    let all = [OAuthFlowType::Code, OAuthFlowType::Implicit, OAuthFlowType::ClientCredentials];
    assert!(of(json!({ "grant_types": ["client_credentials"], "response_types": [] }), &all).is_ok());
    let scope = of(json!({ "scope": "aws.cognito.signin.user.admin https://orders/write" }), &code).unwrap_err();
    assert_eq!(scope.to_string(), "scope: the pool registers no client for any of them");
}

#[test]
fn what_is_wrong_is_named() {
    let with = |name: &str, value: Value| {
        let mut all = json!({ "redirect_uris": ["https://app.example/cb"] });
        all[name] = value;
        dynamic(all).map(drop).unwrap_err()
    };
    let redirect = |uris: Value| with("redirect_uris", uris);
    for uris in
        [json!([]), json!(["http://app.example/cb"]), json!(["https://app.example/#f"]), json!(["javascript:1"])]
    {
        assert!(matches!(redirect(uris.clone()), MetadataError::RedirectUri(_)), "{uris}");
    }
    assert!(matches!(redirect(json!(vec!["https://a.example/"; 101])), MetadataError::RedirectUri(_)));
    assert!(matches!(redirect(json!("https://a.example/")), MetadataError::Metadata(_)), "no list");
    assert_eq!(with("software_statement", json!("a.b.c")), MetadataError::SoftwareStatement);
    for (name, value) in [
        ("subject_type", json!("pairwise")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("userinfo_signed_response_alg", json!("ES256")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("application_type", json!("desktop")),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })),
        ("jwks_uri", json!("http://app.example/keys")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("client_name", json!("")),
        ("client_name", json!("Bank\u{202e}knaB")),
        ("client_name", json!("a\u{200b}b")),
        ("client_name", json!("x".repeat(129))),
        ("post_logout_redirect_uris", json!(["http://app.example/"])),
        ("request_uris", json!(["http://app.example/r"])),
        ("initiate_login_uri", json!("http://app.example/")),
        ("contacts", json!(vec!["a"; 21])),
        ("software_id", json!("x".repeat(257))),
        ("require_signed_request_object", json!(true)),
        ("default_max_age", json!(-1)),
        ("scope", json!(["openid"])),
    ] {
        assert!(matches!(with(name, value.clone()), MetadataError::Metadata(_)), "{name} {value}");
    }
    let two = json!({ "redirect_uris": ["https://a.example/"], "tls_client_auth_san_dns": "a", "tls_client_auth_san_uri": "b:" });
    assert!(dynamic(two).is_err());
    let web = json!({ "redirect_uris": ["http://127.0.0.1/"], "application_type": "web" });
    assert!(matches!(dynamic(web), Err(MetadataError::RedirectUri(_))));
}

#[test]
fn a_documents_client_has_no_secret() {
    let of = |method: Value| {
        let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": method,
            "jwks_uri": "https://app.example/keys" });
        read(metadata, Registered::ByDocument("https://app.example/c".into()), &[OAuthFlowType::Code])
    };
    let wanted = of(Value::Null).unwrap();
    assert!(!wanted.has_secret && wanted.settings.oauth.auth_methods == [AuthMethod::None]);
    assert!(of(json!("private_key_jwt")).is_ok());
    for method in ["client_secret_basic", "client_secret_post", "tls_client_auth"] {
        assert!(of(json!(method)).is_err(), "{method}");
    }
}
