//! From the authorization request to tokens, and to the end of the session, on both engines.

use futures_util::future::join_all;
use serde_json::json;

use super::fixture::{Browser, CALLBACK, PASSWORD, VERIFIER, app, claims, half_hash, request, set_oauth};
use crate::clients::oauth::{LogoutUri, Pkce, Profile, ResponseType};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    a_browser_signs_in_once_for_two_apps_and_out_of_both,
    a_code_is_for_one_client_one_uri_one_verifier_and_once,
    codes_that_are_redeemed_in_parallel_end_their_session,
    a_code_ends_with_its_user_and_its_session,
    tokens_come_by_fragment_where_a_client_may,
    a_pushed_request_is_answered_once,
    a_form_carries_the_answer,
    a_client_of_the_openid_profile_gets_its_claims_at_user_info,
    signing_out_leads_to_registered_uris_only,
    an_app_that_listens_hears_of_the_end,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn world(store: Store) -> World {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    world
}

async fn a_browser_signs_in_once_for_two_apps_and_out_of_both(store: Store) {
    let world = world(store).await;
    let (one, two) = (app(&world, json!({})).await, app(&world, json!({ "ClientName": "two" })).await);
    let browser = Browser::of(&world);
    let back = browser.sign_in(&request(&one, ""), "jane").await;
    assert_eq!((back.status, back.location().split('?').next()), (303, Some(CALLBACK)));
    let iss = format!("http://issuer.test/{}", world.pool);
    assert_eq!((back.parameter("state"), back.parameter("iss")), (Some("st&te".into()), Some(iss.clone())));
    let first = browser.redeem(&one, &back.parameter("code").unwrap()).await.json();
    let id = claims(&first["id_token"]);
    assert_eq!(
        (&id["nonce"], &id["aud"], &id["email"], &id["token_use"]),
        (&json!("n0nce"), &json!(one), &json!("jane@example.com"), &json!("id"))
    );
    assert_eq!(id["at_hash"], half_hash(&text(&first["access_token"])));
    assert!(id.get("sid").is_none() && id.get("acr").is_none(), "Cognito's have neither");
    let access = claims(&first["access_token"]);
    assert_eq!(
        (&access["scope"], &access["version"], &access["username"]),
        (&json!("openid email"), &json!(2), &json!("jane"))
    );
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(3_600)));
    assert!(first.get("scope").is_none());

    // The second app asks nobody, and says so.
    let silent = browser.get(&format!("/oauth2/authorize?{}", request(&two, "prompt=none"))).await;
    assert_eq!(silent.status, 302);
    let second = browser.redeem(&two, &silent.parameter("code").unwrap()).await.json();
    assert_eq!(claims(&second["id_token"])["auth_time"], id["auth_time"]);

    let told = browser.user_info(&first["access_token"]).await;
    let want = json!({
        "sub": id["sub"], "email": "jane@example.com", "email_verified": "true", "username": "jane",
    });
    assert_eq!((told.status, told.json()), (200, want));
    let refresh = |client: &str, tokens: &serde_json::Value| {
        let (client, token) = (client.to_owned(), text(&tokens["refresh_token"]));
        let browser = &browser;
        async move {
            let form = [("grant_type", "refresh_token"), ("client_id", &*client), ("refresh_token", &*token)];
            browser.token(&form, None).await
        }
    };
    let again = refresh(&one, &first).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(claims(&again.json()["id_token"])["auth_time"], id["auth_time"]);

    let told = world.count("SELECT COUNT(*) FROM feed_log").await;
    let out = browser.get(&format!("/logout?client_id={one}&logout_uri=https%3A%2F%2Fapp.example.com%2Fout")).await;
    assert_eq!((out.status, out.location()), (302, "https://app.example.com/out".into()));
    for (client, tokens) in [(&one, &first), (&two, &second)] {
        assert_eq!(refresh(client, tokens).await.error(), (400, "invalid_grant".into()));
        assert_eq!(browser.user_info(&tokens["access_token"]).await.error(), (401, "invalid_token".into()));
    }
    let silent = browser.get(&format!("/oauth2/authorize?{}", request(&two, "prompt=none"))).await;
    assert_eq!(silent.parameter("error"), Some("login_required".into()));
    assert_eq!(world.count("SELECT COUNT(*) FROM feed_log").await, told + 2, "one record an app");
}

/// T64, I04 to I07.
async fn a_code_is_for_one_client_one_uri_one_verifier_and_once(store: Store) {
    let world = world(store).await;
    let (client, other) = (app(&world, json!({})).await, app(&world, json!({ "ClientName": "other" })).await);
    let made = json!({
        "UserPoolId": world.pool, "ClientName": "web", "GenerateSecret": true, "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": ["openid"], "CallbackURLs": [CALLBACK],
    });
    let made = world.ask("CreateUserPoolClient", made).await.unwrap()["UserPoolClient"].clone();
    let (web, secret) = (text(&made["ClientId"]), text(&made["ClientSecret"]));
    let browser = Browser::of(&world);
    browser.sign_in(&request(&client, ""), "jane").await;
    let code = async |client: &str, more: &str| {
        let back = browser.get(&format!("/oauth2/authorize?{}", request(client, more))).await;
        back.parameter("code").unwrap_or_else(|| panic!("{} {}", back.status, back.location()))
    };
    let long = "a".repeat(129);
    let wrong: [(&str, &str); 8] = [
        ("another client", &other),
        ("redirect_uri", "https://app.example.com/cb2"),
        ("redirect_uri", ""),
        ("code_verifier", ""),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj"),
        ("code_verifier", &VERIFIER[1..]),
        ("code_verifier", &long),
        ("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ];
    for (name, value) in wrong {
        let shown = code(&client, "").await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", if name == "another client" { value } else { &client }),
            ("code", &*shown),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        if let Some(field) = form.iter_mut().find(|(known, _)| *known == name) {
            field.1 = value;
        }
        assert_eq!(browser.token(&form, None).await.error(), (400, "invalid_grant".into()), "{name} {value}");
        let after = browser.redeem(&client, &shown).await;
        assert_eq!(after.error(), (400, "invalid_grant".into()), "a wrong try burns it: {name} {value}");
    }
    // A confidential client may go without PKCE, but not with half of it.
    let without = "code_challenge=&code_challenge_method=&scope=openid";
    let redeem = async |code: &str, verifier: Option<&str>| {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        browser.token(&form, Some((&web, &secret))).await
    };
    let plain = code(&web, without).await;
    assert_eq!(redeem(&plain, Some(VERIFIER)).await.error(), (400, "invalid_grant".into()), "a verifier for nothing");
    let plain = code(&web, without).await;
    let good = redeem(&plain, None).await;
    assert_eq!(good.status, 200, "{}", good.body);
    let stripped = code(&web, "scope=openid").await;
    assert_eq!(redeem(&stripped, None).await.error(), (400, "invalid_grant".into()), "the verifier was left out");
    set_oauth(&world, &web, |oauth| oauth.pkce = Pkce::Required).await;
    let refused = browser.get(&format!("/oauth2/authorize?{}", request(&web, without))).await;
    assert_eq!(refused.parameter("error"), Some("invalid_request".into()));

    // A second use ends what the first one gave, 30 seconds later too; so does one by a stranger.
    let shown = code(&client, "").await;
    let tokens = browser.redeem(&client, &shown).await.json();
    world.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(browser.user_info(&tokens["access_token"]).await.status, 200);
    assert_eq!(browser.redeem(&other, &shown).await.error(), (400, "invalid_grant".into()));
    assert_eq!(browser.user_info(&tokens["access_token"]).await.status, 401, "the first access token, too");
    let late = code(&client, "").await;
    world.clock.advance(std::time::Duration::from_secs(300));
    assert_eq!(browser.redeem(&client, &late).await.error(), (400, "invalid_grant".into()), "five minutes are over");
    for odd in ["", "x", "%00", &"c".repeat(60_000)] {
        let (status, error) = browser.redeem(&client, odd).await.error();
        assert!(status == 400 && (error == "invalid_grant" || error == "invalid_request"), "{status} {error}");
    }
}

/// T61 for codes.
async fn codes_that_are_redeemed_in_parallel_end_their_session(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let code = browser.sign_in(&request(&client, ""), "jane").await.parameter("code").unwrap();
    let replies = join_all((0..16).map(|_| browser.redeem(&client, &code))).await;
    let good: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(good.len(), 1, "exactly one");
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.error() == (400, "invalid_grant".into())));
    let token = good[0].json()["access_token"].clone();
    assert_eq!(browser.user_info(&token).await.status, 401, "two had the code: nobody keeps what it gave");
}

async fn a_code_ends_with_its_user_and_its_session(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let code = async |browser: &Browser| {
        let back = browser.sign_in(&request(&client, ""), "jane").await;
        back.parameter("code").unwrap_or_else(|| panic!("{} {}", back.status, back.body))
    };
    let name = json!({ "UserPoolId": world.pool, "Username": "jane" });
    let dead = async |browser: &Browser, shown: &str| {
        assert_eq!(browser.redeem(&client, shown).await.error(), (400, "invalid_grant".into()));
        let again = browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await;
        assert_eq!(again.parameter("error"), Some("login_required".into()));
    };
    let browser = Browser::of(&world);
    let shown = code(&browser).await;
    world.ask("AdminUserGlobalSignOut", name.clone()).await.unwrap();
    dead(&browser, &shown).await;
    let shown = code(&browser).await;
    browser.get(&format!("/logout?client_id={client}&logout_uri=https%3A%2F%2Fapp.example.com%2Fout")).await;
    dead(&browser, &shown).await;
    let shown = code(&browser).await;
    world.ask("AdminDisableUser", name.clone()).await.unwrap();
    dead(&browser, &shown).await;
    world.ask("AdminEnableUser", name.clone()).await.unwrap();
    dead(&browser, &shown).await;
    let shown = code(&browser).await;
    world.ask("AdminDeleteUser", name).await.unwrap();
    dead(&browser, &shown).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM browser_sessions").await, 0);
}

async fn tokens_come_by_fragment_where_a_client_may(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({ "AllowedOAuthFlows": ["code", "implicit"] })).await;
    let browser = Browser::of(&world);
    let pkce = "&code_challenge=&code_challenge_method=";
    let back = browser.sign_in(&request(&client, &format!("response_type=token{pkce}")), "jane").await;
    assert!(back.location().starts_with(&format!("{CALLBACK}#")), "{}", back.location());
    let (access, id) = (back.parameter("access_token").unwrap(), back.parameter("id_token").unwrap());
    assert_eq!(
        (back.parameter("token_type"), back.parameter("expires_in")),
        (Some("Bearer".into()), Some("3600".into()))
    );
    assert!(back.parameter("refresh_token").is_none() && back.parameter("code").is_none());
    assert_eq!(claims(&json!(id))["at_hash"], half_hash(&access));
    assert_eq!(browser.user_info(&json!(access)).await.status, 200);
    let ask = async |more: &str| browser.get(&format!("/oauth2/authorize?{}", request(&client, more))).await;
    assert!(ask(&format!("response_type=token{pkce}&scope=email")).await.parameter("id_token").is_none());

    assert_eq!(ask("response_type=code+id_token").await.parameter("error"), Some("unauthorized_client".into()));
    set_oauth(&world, &client, |oauth| {
        oauth.response_types = vec![
            ResponseType::CodeIdToken,
            ResponseType::CodeIdTokenToken,
            ResponseType::CodeToken,
            ResponseType::IdToken,
        ];
    })
    .await;
    let hybrid = ask("response_type=code+id_token+token").await;
    let (code, access) = (hybrid.parameter("code").unwrap(), hybrid.parameter("access_token").unwrap());
    let id = claims(&json!(hybrid.parameter("id_token").unwrap()));
    assert_eq!((id["c_hash"].clone(), id["at_hash"].clone()), (json!(half_hash(&code)), json!(half_hash(&access))));
    let redeemed = browser.redeem(&client, &code).await.json();
    assert!(claims(&redeemed["id_token"]).get("c_hash").is_none());
    let alone = ask("response_type=id_token").await;
    assert!(alone.parameter("access_token").is_none());
    let id = claims(&json!(alone.parameter("id_token").unwrap()));
    assert!(id.get("at_hash").is_none() && id.get("c_hash").is_none() && id["nonce"] == "n0nce");
    let half = ask("response_type=code+token&scope=email").await;
    assert!(half.parameter("id_token").is_none() && half.parameter("access_token").is_some());
}

/// I12.
async fn a_pushed_request_is_answered_once(store: Store) {
    let world = world(store).await;
    let (client, other) = (app(&world, json!({})).await, app(&world, json!({ "ClientName": "other" })).await);
    set_oauth(&world, &client, |oauth| oauth.par_required = true).await;
    let browser = Browser::of(&world);
    let push = async |text: &str| {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        browser.send(axum::http::Method::POST, "/oauth2/par", &kind, text).await
    };
    let pushed = push(&request(&client, "")).await;
    assert_eq!((pushed.status, &pushed.json()["expires_in"]), (201, &json!(600)));
    let uri = text(&pushed.json()["request_uri"]);
    let by = |client: &str, uri: &str| {
        let query = [("client_id", client), ("request_uri", uri)];
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
    };
    assert!(browser.get(&format!("/oauth2/authorize?{}", by(&other, &uri))).await.body.contains("request_uri"));
    // Looking at the page uses nothing up.
    for _ in 0..2 {
        assert_eq!(browser.visit(&format!("/oauth2/authorize?{}", by(&client, &uri))).await.status, 200);
    }
    let back = browser.sign_in(&by(&client, &uri), "jane").await;
    assert_eq!(back.status, 303, "{}", back.body);
    assert_eq!(browser.redeem(&client, &back.parameter("code").unwrap()).await.status, 200);
    let again = browser.get(&format!("/oauth2/authorize?{}", by(&client, &uri))).await;
    assert_eq!((again.status, again.location()), (400, String::new()), "used");
    let direct = browser.get(&format!("/oauth2/authorize?{}", request(&client, ""))).await;
    assert_eq!(direct.parameter("error"), Some("invalid_request".into()), "it must push");
    let late = text(&push(&request(&client, "")).await.json()["request_uri"]);
    world.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(browser.get(&format!("/oauth2/authorize?{}", by(&client, &late))).await.status, 400);
    for (text, error) in [
        (request(&client, &format!("request_uri={late}")), "invalid_request"),
        (request(&client, "redirect_uri=https%3A%2F%2Fevil.test"), "invalid_request"),
        (request(&client, "code_challenge_method=plain"), "invalid_request"),
        (request(&client, "scope=openid+phone+nothing"), "invalid_scope"),
        (request(&client, "response_type=token"), "unauthorized_client"),
        (request(&client, "request=x"), "request_not_supported"),
        (request("nobody", ""), "invalid_client"),
    ] {
        assert_eq!(push(&text).await.error(), (400, error.to_owned()), "{text}");
    }
}

async fn a_form_carries_the_answer(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let page = browser.sign_in(&request(&client, "response_mode=form_post&state=%22%3E%3Cscript%3E"), "jane").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")), "{}", page.body);
    assert_eq!(page.hidden("state"), "&quot;&gt;&lt;script&gt;");
    assert_eq!(browser.redeem(&client, &page.hidden("code")).await.status, 200);
    let none = browser.get(&format!("/oauth2/authorize?{}", request(&client, "response_mode=form_post&scope=x"))).await;
    assert_eq!((none.status, none.hidden("error").as_str()), (200, "invalid_scope"));
}

async fn a_client_of_the_openid_profile_gets_its_claims_at_user_info(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    set_oauth(&world, &client, |oauth| oauth.profile = Profile::Openid).await;
    let browser = Browser::of(&world);
    let back = browser.sign_in(&request(&client, "scope=openid+email+offline_access"), "jane").await;
    let tokens = browser.redeem(&client, &back.parameter("code").unwrap()).await.json();
    assert_eq!(tokens["scope"], "openid email");
    let id = claims(&tokens["id_token"]);
    assert!(id.get("email").is_none() && id["sid"].is_string(), "{id}");
    assert_eq!((&id["acr"], &id["amr"]), (&json!("urn:cognito:loa:1"), &json!(["pwd"])));
    let header = text(&tokens["access_token"]).split('.').next().unwrap().to_owned();
    let header: serde_json::Value = serde_json::from_slice(&common::jose::base64url_decode(&header).unwrap()).unwrap();
    assert_eq!(header["typ"], "at+jwt");
    let told = browser.user_info(&tokens["access_token"]).await.json();
    assert_eq!(told, json!({ "sub": id["sub"], "email": "jane@example.com", "email_verified": true }));
    set_oauth(&world, &client, |oauth| oauth.userinfo_signed = true).await;
    let signed = browser.user_info(&tokens["access_token"]).await;
    assert_eq!(signed.headers["content-type"], "application/jwt");
    assert_eq!(claims(&json!(signed.body))["aud"], json!(client));
}

/// OpenID Connect RP-Initiated Logout 1.0; I02, I11.
async fn signing_out_leads_to_registered_uris_only(store: Store) {
    let world = world(store).await;
    let (client, other) = (app(&world, json!({})).await, app(&world, json!({ "ClientName": "other" })).await);
    let browser = Browser::of(&world);
    let hint = async |browser: &Browser| {
        let back = browser.sign_in(&request(&client, "prompt=login"), "jane").await;
        let tokens = browser.redeem(&client, &back.parameter("code").unwrap()).await;
        text(&tokens.json()["id_token"])
    };
    let is_in = async |browser: &Browser| {
        let silent = browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await;
        silent.parameter("code").is_some()
    };
    let out = async |browser: &Browser, pairs: &[(&str, &str)]| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        browser.get(&format!("/logout?{query}")).await
    };
    let good = "https://app.example.com/out";
    let token = hint(&browser).await;
    let left = out(&browser, &[("id_token_hint", &token), ("post_logout_redirect_uri", good), ("state", "a&b")]).await;
    assert_eq!((left.status, left.location()), (302, format!("{good}?state=a%26b")));
    assert!(!is_in(&browser).await);

    let token = hint(&browser).await;
    let forged = {
        let (head, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let none = common::jose::base64url_encode(br#"{"alg":"none"}"#);
        let turned: String = signature.chars().rev().collect();
        [format!("{none}.{body}."), format!("{head}.{body}.{turned}"), "x".into(), format!("{head}.{body}")]
    };
    let access = text(
        &browser
            .redeem(
                &client,
                &browser.get(&format!("/oauth2/authorize?{}", request(&client, ""))).await.parameter("code").unwrap(),
            )
            .await
            .json()["access_token"],
    );
    let mut refused: Vec<Vec<(&str, &str)>> = vec![
        vec![("id_token_hint", &token), ("post_logout_redirect_uri", "https://app.example.com/out?x=1")],
        vec![("id_token_hint", &token), ("post_logout_redirect_uri", "https://evil.test/")],
        vec![("id_token_hint", &token), ("client_id", &other)],
        vec![("client_id", "nobody"), ("logout_uri", good)],
        vec![("client_id", &client), ("logout_uri", "https://evil.test/")],
        vec![("logout_uri", good)],
        vec![("post_logout_redirect_uri", good)],
        vec![("redirect_uri", CALLBACK)],
        vec![("id_token_hint", &access), ("post_logout_redirect_uri", good)],
        vec![("state", "a"), ("state", "b")],
    ];
    refused
        .extend(forged.iter().map(|hint| vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", good)]));
    for pairs in refused {
        let left = out(&browser, &pairs).await;
        assert_eq!((left.status, left.location()), (400, String::new()), "{pairs:?}");
        assert!(is_in(&browser).await, "{pairs:?}");
    }
    // Without a token of the session its user is asked; another browser's answer is none.
    for pairs in [vec![], vec![("state", "x")], vec![("client_id", &*client), ("post_logout_redirect_uri", good)]] {
        hint(&browser).await;
        let page = out(&browser, &pairs).await;
        assert!(page.body.contains("Do you want to sign out?") && is_in(&browser).await);
        let stranger = Browser::of(&world);
        *stranger.cookies.lock().unwrap() = browser.cookies.lock().unwrap().clone();
        stranger.cookies.lock().unwrap().remove("__Host-tg-form");
        assert!(stranger.submit(&page, &[]).await.body.contains("Do you want to sign out?"));
        assert!(is_in(&browser).await);
        let left = browser.submit(&page, &[]).await;
        match pairs.len() {
            2 => assert_eq!((left.status, left.location()), (303, good.to_owned())),
            _ => assert!(left.body.contains("You are signed out.")),
        }
        assert!(!is_in(&browser).await);
    }
    // An app's POST has no cookie: the token says which session.
    set_oauth(&world, &client, |oauth| oauth.profile = Profile::Openid).await;
    let token = hint(&browser).await;
    let app = Browser::of(&world);
    let left = app.post("/logout", &[("id_token_hint", &token), ("post_logout_redirect_uri", good)]).await;
    assert_eq!((left.status, left.location()), (303, good.into()));
    assert!(!is_in(&browser).await);
    // Cognito's way to sign in as somebody else.
    hint(&browser).await;
    let query = request(&client, "");
    let page = browser.visit(&format!("/logout?{query}")).await;
    assert!(page.body.contains("Sign in") && !is_in(&browser).await);
}

async fn an_app_that_listens_hears_of_the_end(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let uri = "https://app.example.com/signed-out?a=1".to_owned();
    set_oauth(&world, &client, |oauth| {
        oauth.front_channel = Some(LogoutUri { uri, session_required: true });
    })
    .await;
    let browser = Browser::of(&world);
    let back = browser.sign_in(&request(&client, ""), "jane").await;
    let tokens = browser.redeem(&client, &back.parameter("code").unwrap()).await.json();
    let sid = text(&claims(&tokens["id_token"])["sid"]);
    let out = format!(
        "/logout?id_token_hint={}&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fout",
        text(&tokens["id_token"])
    );
    let page = browser.get(&out).await;
    let src = format!(
        "src=\"https://app.example.com/signed-out?a=1&amp;iss=http%3A%2F%2Fissuer.test%2F{}&amp;sid={sid}\"",
        world.pool
    );
    assert!(page.body.contains(&src), "{}", page.body);
    assert!(page.body.contains("content=\"2;url=https://app.example.com/out\""), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-src https://app.example.com"), "{policy}");
}
