//! Basic OP and Form Post OP (IDENTITY: OpenID Connect Core), Config OP.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::checks::{callback, id_token, is_page, is_random, refused, token_answer};
use super::{Op, edited, member, modules, replaced, sent_to};
use crate::pages::fixture::{CALLBACK, VERIFIER, app};
use crate::world::text;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

modules!(
    oidcc_server => |_path, reply| replaced(reply, "&state=", "&session_state=x&state="),
    oidcc_server_client_secret_post => |path, reply| if path == "/oauth2/token" { reply.headers.insert("cache-control", "public".parse().unwrap()); },
    oidcc_response_type_missing => |path, reply| if path.contains("/authorize") && !path.contains("response_type") { sent_to(reply, &format!("{CALLBACK}?code=x&state=st%26te")); },
    oidcc_idtoken_signature => |_path, reply| edited(reply, |body| if body["id_token"].is_string() { body["id_token"] = json!(member(body, "id_token").replace("eyJ", "eyI")) }),
    oidcc_userinfo_get => |path, reply| if path.contains("userInfo") { edited(reply, |body| body["sub"] = json!("somebody")) },
    oidcc_userinfo_post_header => |path, reply| if path.contains("userInfo") { reply.status = 405 },
    oidcc_userinfo_post_body => |path, reply| if path.contains("userInfo") { edited(reply, |body| body["sub"] = json!("somebody")) },
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow => |path, reply| if path.contains("/authorize") && !path.contains("nonce") { sent_to(reply, &format!("{CALLBACK}?error=invalid_request")) },
    oidcc_ensure_request_with_unknown_parameter_succeeds => |path, reply| if path.contains("foobar") { reply.status = 400; reply.body.clear() },
    oidcc_ensure_post_request_succeeds => |path, reply| if path == "/oauth2/authorize" { reply.status = 405; reply.headers.remove("location"); },
    oidcc_ensure_request_with_valid_pkce_succeeds => |path, reply| if path == "/oauth2/token" { reply.status = 400 },
    oidcc_scope_profile => |path, reply| if path.contains("userInfo") { edited(reply, |body| { body.as_object_mut().unwrap().remove("name"); }) },
    oidcc_scope_email => |path, reply| if path.contains("userInfo") { edited(reply, |body| body["email_verified"] = json!("true")) },
    oidcc_scope_phone => |path, reply| if path.contains("userInfo") { edited(reply, |body| { body.as_object_mut().unwrap().remove("phone_number"); }) },
    oidcc_scope_all => |path, reply| if path.contains("userInfo") { edited(reply, |body| { body.as_object_mut().unwrap().remove("email"); }) },
    oidcc_display_page => |path, reply| if path.contains("display") { reply.status = 400; reply.body.clear() },
    oidcc_ui_locales => |path, reply| if path.contains("ui_locales") { reply.status = 400; reply.body.clear() },
    oidcc_login_hint => |path, reply| if path.contains("login_hint") { reply.status = 400; reply.body.clear() },
    oidcc_prompt_login => |path, reply| if path.contains("prompt=login") { sent_to(reply, &format!("{CALLBACK}?code=x")) },
    oidcc_prompt_none_not_logged_in => |path, reply| if path.contains("/authorize") { sent_to(reply, &format!("https://login.example.com/login?{}", path.split('?').nth(1).unwrap_or_default())) },
    oidcc_prompt_none_logged_in => |path, reply| if path.contains("prompt=none") { sent_to(reply, &format!("{CALLBACK}?error=login_required")) },
    oidcc_max_age_1 => |path, reply| if path.contains("max_age=1") { sent_to(reply, &format!("{CALLBACK}?code=x")) },
    oidcc_max_age_10000 => |path, reply| if path.contains("max_age=10000") && path.contains("/authorize") { sent_to(reply, "https://login.example.com/login") },
    oidcc_id_token_hint => |path, reply| if path.contains("id_token_hint") { sent_to(reply, &format!("{CALLBACK}?error=login_required")) },
    oidcc_ensure_request_with_acr_values_succeeds => |path, reply| if path.contains("acr_values") { reply.status = 400; reply.body.clear() },
    oidcc_codereuse => |path, reply| if path == "/oauth2/token" && reply.status == 400 { reply.status = 200 },
    oidcc_codereuse_30seconds => |path, reply| if path.contains("userInfo") { reply.status = 200 },
    oidcc_ensure_registered_redirect_uri => |path, reply| if path.contains("evil") { sent_to(reply, "https://evil.example.com/cb?error=invalid_request") },
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported => |path, reply| if path.contains("request=") { reply.headers.remove("location"); reply.status = 200 },
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported => |path, reply| if path.contains("request_uri=") { reply.headers.remove("location"); reply.status = 200 },
    oidcc_refresh_token => |path, reply| if path == "/oauth2/token" && reply.status == 400 { reply.status = 200 },
    oidcc_formpost_server => |_path, reply| replaced(reply, "name=\"state\"", "name=\"estate\""),
    oidcc_config => |path, reply| if path.contains("openid-configuration") { edited(reply, |body| { body.as_object_mut().unwrap().remove("jwks_uri"); }) },
);

async fn oidcc_server(op: Op) {
    let back = op.sign_in("").await;
    callback(&op, &back, &["code", "state", "iss"]);
    let code = back.parameter("code").unwrap();
    is_random(&code);
    let tokens = token_answer(&op.browser.redeem(&op.client, &code).await);
    let id = id_token(&op, &tokens["id_token"], Some("n0nce")).await;
    let told = op.browser.user_info(&tokens["access_token"]).await.json();
    assert_eq!(told["sub"], id["sub"]);
}

async fn oidcc_server_client_secret_post(op: Op) {
    let made = json!({
        "UserPoolId": op.world.pool, "ClientName": "web", "GenerateSecret": true, "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": ["openid"], "CallbackURLs": [CALLBACK],
    });
    let made = op.world.ask("CreateUserPoolClient", made).await.unwrap()["UserPoolClient"].clone();
    let (id, secret) = (text(&made["ClientId"]), text(&made["ClientSecret"]));
    op.sign_in("").await;
    let ask = crate::pages::fixture::request(&id, "scope=openid&code_challenge=&code_challenge_method=");
    let back = op.browser.get(&format!("/oauth2/authorize?{ask}")).await;
    let code = back.parameter("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &*id),
        ("client_secret", &*secret),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
    ];
    token_answer(&op.browser.token(&form, None).await);
}

async fn oidcc_response_type_missing(op: Op) {
    let back = op.ask("response_type=").await;
    refused(&op, &back, &["unsupported_response_type", "invalid_request"]);
}

async fn oidcc_idtoken_signature(op: Op) {
    op.id(&op.sign_in("").await).await;
}

async fn oidcc_userinfo_get(op: Op) {
    let tokens = op.tokens(&op.sign_in("").await).await;
    let told = op.browser.user_info(&tokens["access_token"]).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.json()["sub"], id_token(&op, &tokens["id_token"], Some("n0nce")).await["sub"]);
}

async fn oidcc_userinfo_post_header(op: Op) {
    let tokens = op.tokens(&op.sign_in("").await).await;
    let bearer = format!("Bearer {}", text(&tokens["access_token"]));
    let told = op.browser.send(Method::POST, "/oauth2/userInfo", &[("authorization", &bearer)], "").await;
    assert_eq!(told.status, 200);
}

async fn oidcc_userinfo_post_body(op: Op) {
    let tokens = op.tokens(&op.sign_in("").await).await;
    let body = format!("access_token={}", text(&tokens["access_token"]));
    let told = op.browser.send(Method::POST, "/oauth2/userInfo", &[FORM], &body).await;
    assert_eq!(told.json()["sub"], id_token(&op, &tokens["id_token"], Some("n0nce")).await["sub"]);
}

async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: Op) {
    let tokens = op.tokens(&op.sign_in("nonce=").await).await;
    id_token(&op, &tokens["id_token"], None).await;
}

async fn oidcc_ensure_request_with_unknown_parameter_succeeds(op: Op) {
    op.id(&op.sign_in("extra=foobar").await).await;
}

async fn oidcc_ensure_post_request_succeeds(op: Op) {
    let posted = op.browser.send(Method::POST, "/oauth2/authorize", &[FORM], &op.query("")).await;
    assert_eq!(posted.status, 303);
    let page = op.browser.visit(&posted.location()).await;
    let back = op.browser.submit(&page, &[("username", "jane"), ("password", super::PASSWORD)]).await;
    op.id(&back).await;
}

async fn oidcc_ensure_request_with_valid_pkce_succeeds(op: Op) {
    op.tokens(&op.sign_in("").await).await;
}

/// The claims of a scope are at UserInfo, and not in the ID token of the code flow.
async fn scope(op: &Op, scope: &str, claims: &Value) {
    let attributes = json!([
        { "Name": "name", "Value": "Jane" }, { "Name": "updated_at", "Value": "1790000000" },
        { "Name": "phone_number", "Value": "+4930123" }, { "Name": "phone_number_verified", "Value": "true" },
    ]);
    let update = json!({ "UserPoolId": op.world.pool, "Username": "jane", "UserAttributes": attributes });
    op.world.ask("AdminUpdateUserAttributes", update).await.unwrap();
    let tokens = op.tokens(&op.sign_in(&format!("scope=openid+{scope}")).await).await;
    let id = id_token(op, &tokens["id_token"], Some("n0nce")).await;
    let told = op.browser.user_info(&tokens["access_token"]).await.json();
    for (name, value) in claims.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name} at UserInfo");
        assert!(id.get(name).is_none(), "{name} in the ID token");
    }
    assert_eq!(told["sub"], id["sub"]);
    assert_eq!(told.as_object().unwrap().len(), claims.as_object().unwrap().len() + 1, "{told}");
}

async fn oidcc_scope_profile(op: Op) {
    scope(&op, "profile", &json!({ "name": "Jane", "updated_at": 1_790_000_000 })).await;
}

async fn oidcc_scope_email(op: Op) {
    scope(&op, "email", &json!({ "email": "jane@example.com", "email_verified": true })).await;
}

async fn oidcc_scope_phone(op: Op) {
    scope(&op, "phone", &json!({ "phone_number": "+4930123", "phone_number_verified": true })).await;
}

async fn oidcc_scope_all(op: Op) {
    let all = json!({
        "name": "Jane", "updated_at": 1_790_000_000, "email": "jane@example.com", "email_verified": true,
        "phone_number": "+4930123", "phone_number_verified": true,
    });
    scope(&op, "profile+email+phone", &all).await;
}

async fn oidcc_display_page(op: Op) {
    op.id(&op.sign_in("display=page").await).await;
    op.id(&op.sign_in("display=popup&prompt=login").await).await;
}

async fn oidcc_ui_locales(op: Op) {
    op.id(&op.sign_in("ui_locales=se&claims_locales=se").await).await;
}

async fn oidcc_login_hint(op: Op) {
    op.id(&op.sign_in("login_hint=buffy%40example.com").await).await;
}

async fn oidcc_prompt_login(op: Op) {
    let first = op.id(&op.sign_in("").await).await;
    op.world.clock.advance(Duration::from_secs(2));
    let again = op.id(&op.sign_in("prompt=login").await).await;
    assert!(again["auth_time"].as_u64() > first["auth_time"].as_u64());
    assert_eq!(again["sub"], first["sub"]);
}

async fn oidcc_prompt_none_not_logged_in(op: Op) {
    refused(&op, &op.ask("prompt=none").await, &["login_required"]);
}

async fn oidcc_prompt_none_logged_in(op: Op) {
    let first = op.id(&op.sign_in("").await).await;
    op.world.clock.advance(Duration::from_secs(2));
    let silent = op.id(&op.ask("prompt=none").await).await;
    assert_eq!((&silent["sub"], &silent["auth_time"]), (&first["sub"], &first["auth_time"]));
}

async fn oidcc_max_age_1(op: Op) {
    let first = op.id(&op.sign_in("").await).await;
    op.world.clock.advance(Duration::from_secs(2));
    let again = op.id(&op.sign_in("max_age=1").await).await;
    assert!(again["auth_time"].as_u64() > first["auth_time"].as_u64());
}

async fn oidcc_max_age_10000(op: Op) {
    let first = op.id(&op.sign_in("").await).await;
    op.world.clock.advance(Duration::from_secs(2));
    let again = op.id(&op.ask("max_age=10000").await).await;
    assert_eq!(again["auth_time"], first["auth_time"]);
}

async fn oidcc_id_token_hint(op: Op) {
    let tokens = op.tokens(&op.sign_in("").await).await;
    let hint = text(&tokens["id_token"]);
    let again = op.id(&op.ask(&format!("prompt=none&id_token_hint={hint}")).await).await;
    assert_eq!(again["sub"], id_token(&op, &tokens["id_token"], Some("n0nce")).await["sub"]);
}

async fn oidcc_ensure_request_with_acr_values_succeeds(op: Op) {
    let id = op.id(&op.sign_in("acr_values=urn:cognito:loa:1+2").await).await;
    assert_eq!(id["acr"], "urn:cognito:loa:1");
}

async fn oidcc_codereuse(op: Op) {
    let code = op.sign_in("").await.parameter("code").unwrap();
    assert_eq!(op.browser.redeem(&op.client, &code).await.status, 200);
    assert_eq!(op.browser.redeem(&op.client, &code).await.error(), (400, "invalid_grant".into()));
}

async fn oidcc_codereuse_30seconds(op: Op) {
    let code = op.sign_in("").await.parameter("code").unwrap();
    let tokens = op.browser.redeem(&op.client, &code).await.json();
    op.world.clock.advance(Duration::from_secs(30));
    assert_eq!(op.browser.redeem(&op.client, &code).await.error(), (400, "invalid_grant".into()));
    assert_eq!(op.browser.user_info(&tokens["access_token"]).await.status, 401, "the first access token");
}

async fn oidcc_ensure_registered_redirect_uri(op: Op) {
    is_page(&op.ask("redirect_uri=https%3A%2F%2Fevil.example.com%2Fcb").await);
}

async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(op: Op) {
    refused(&op, &op.ask("request=eyJhbGciOiJub25lIn0.e30.").await, &["request_not_supported"]);
}

async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(op: Op) {
    let back = op.ask("request_uri=https%3A%2F%2Fapp.example.com%2Frequest").await;
    refused(&op, &back, &["request_uri_not_supported"]);
}

async fn oidcc_refresh_token(op: Op) {
    let first = op.tokens(&op.sign_in("").await).await;
    let token = text(&first["refresh_token"]);
    let other = app(&op.world, json!({ "ClientName": "other" })).await;
    let refresh = async |client: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", &*token)];
        op.browser.token(&form, None).await
    };
    op.world.clock.advance(Duration::from_secs(2));
    let again = refresh(&op.client).await;
    assert_eq!(again.headers["cache-control"], "no-store");
    assert_ne!(again.json()["access_token"], first["access_token"]);
    let (old, new) =
        (id_token(&op, &first["id_token"], Some("n0nce")).await, id_token(&op, &again.json()["id_token"], None).await);
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(new[name], old[name], "{name}");
    }
    assert_eq!(refresh(&other).await.error(), (400, "invalid_grant".into()), "another client");
}

async fn oidcc_formpost_server(op: Op) {
    let page = op.browser.sign_in(&op.query("response_mode=form_post"), "jane").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")), "{}", page.body);
    assert_eq!((page.hidden("state").as_str(), page.hidden("iss")), ("st&amp;te", op.iss()));
    assert!(page.body.contains("<script>document.forms[0].submit()</script>"));
    let reply = op.browser.redeem(&op.client, &page.hidden("code")).await;
    id_token(&op, &token_answer(&reply)["id_token"], Some("n0nce")).await;
    let error = op.browser.get(&format!("/oauth2/authorize?{}", op.query("response_mode=form_post&scope=x"))).await;
    assert_eq!(error.hidden("error"), "invalid_scope");
}

async fn oidcc_config(op: Op) {
    let reply = op.browser.get("/.well-known/openid-configuration").await;
    assert_eq!((reply.status, reply.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let document = reply.json();
    assert_eq!(document["issuer"], op.iss());
    let base = "https://login.example.com/";
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
    ] {
        assert!(text(&document[name]).starts_with(base), "{name}");
    }
    let has = |name: &str, wanted: &str| {
        let listed = document[name].as_array().unwrap_or_else(|| panic!("{name} is no list"));
        assert!(!listed.is_empty() && listed.iter().any(|one| one == wanted), "{name} without {wanted}");
    };
    has("response_types_supported", "code");
    has("response_modes_supported", "form_post");
    has("subject_types_supported", "public");
    has("id_token_signing_alg_values_supported", "RS256");
    has("grant_types_supported", "authorization_code");
    has("scopes_supported", "openid");
    has("claims_supported", "sub");
    has("code_challenge_methods_supported", "S256");
    has("token_endpoint_auth_methods_supported", "client_secret_basic");
    for name in ["request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"] {
        assert_eq!(document[name], false, "{name}");
    }
    assert!(text(&document["jwks_uri"]).ends_with("/.well-known/jwks.json"));
    let pool = common::ids::PoolId::parse(op.world.pool.as_str()).unwrap();
    let keys = op.world.services.keys.public_jwks_json(&pool).await.unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let keys = keys["keys"].as_array().unwrap();
    let kids: std::collections::BTreeSet<String> = keys.iter().map(|key| member(key, "kid")).collect();
    assert_eq!(kids.len(), keys.len(), "distinct kids");
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key.get(private).is_none()), "no private key is published");
    }
    assert_eq!(VERIFIER.len(), 43);
}
