//! Requests that are none, forms that are not this browser's, and tokens that are not for here, on both engines.

use axum::http::Method;
use serde_json::{Value, json};

use super::fixture::{BASE, Browser, CALLBACK, PASSWORD, app, claims, request};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    errors_go_where_the_specifications_say,
    what_does_not_matter_does_not_matter,
    a_form_is_answered_by_its_own_browser,
    a_page_learns_no_more_than_the_api_and_says_it_safely,
    only_access_tokens_of_this_pool_are_good_at_user_info,
    nothing_breaks_a_page,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn world(store: Store) -> World {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    world
}

/// I02, I08.
async fn errors_go_where_the_specifications_say(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({ "CallbackURLs": [CALLBACK, "https://app.example.com/second"] })).await;
    let plain = json!({ "UserPoolId": world.pool, "ClientName": "plain", "CallbackURLs": [CALLBACK] });
    let plain = text(&world.ask("CreateUserPoolClient", plain).await.unwrap()["UserPoolClient"]["ClientId"]);
    let other = World::with_pool(world.services.store.clone(), json!({ "PoolName": "other" })).await;
    let foreign = app(&other, json!({})).await;
    let browser = Browser::of(&world);
    let ask = async |query: &str| browser.get(&format!("/oauth2/authorize?{query}")).await;
    let by_page = [
        String::new(),
        request("", ""),
        request("nobody", ""),
        request(&foreign, ""),
        request(&client, "redirect_uri="),
        request(&client, "redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%2F"),
        request(&client, "redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fx"),
        request(&client, "redirect_uri=https%3A%2F%2Fevil.test%2Fcb"),
        request(&client, "redirect_uri=javascript%3Aalert(1)"),
        request(&client, "") + "&redirect_uri=https%3A%2F%2Fevil.test",
        request(&client, "") + "&client_id=" + &client,
        request(&client, "") + "&x=%00",
        request(&client, "") + "&x=%FF",
        request(&client, "") + &(0..64).map(|n| format!("&x{n}=")).collect::<String>(),
        request(&client, "") + "&x=" + &"x".repeat(9_000),
        request(&client, "request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax"),
    ];
    for query in by_page {
        for path in ["oauth2/authorize", "login", "mfa", "consent", "newpassword"] {
            let page = browser.get(&format!("/{path}?{query}")).await;
            assert_eq!((page.status, page.location()), (400, String::new()), "{path} {query}");
            assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
            assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        }
    }
    let iss = format!("http://issuer.test/{}", world.pool);
    for (more, error) in [
        ("response_type=", "invalid_request"),
        ("response_type=id_token+foo", "unsupported_response_type"),
        ("response_type=token", "unauthorized_client"),
        ("scope=openid+admin", "invalid_scope"),
        ("code_challenge=", "invalid_request"),
        ("code_challenge=&code_challenge_method=", "invalid_request"),
        ("code_challenge_method=plain", "invalid_request"),
        ("prompt=none", "login_required"),
        ("prompt=none+login", "invalid_request"),
        ("max_age=soon", "invalid_request"),
        ("request=eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request_uri=https%3A%2F%2Fapp.example.com%2Frequest", "request_uri_not_supported"),
        ("response_mode=query.jwt", "invalid_request"),
        ("resource=https%3A%2F%2Fapi.example.com", "invalid_target"),
        ("identity_provider=Google", "invalid_request"),
        ("id_token_hint=x", "invalid_request"),
        ("nonce=a&nonce=b", "invalid_request"),
    ] {
        let back = ask(&request(&client, more)).await;
        assert_eq!(back.status, 302, "{more}");
        assert!(back.location().starts_with(CALLBACK), "{more}: {}", back.location());
        let parts = (back.parameter("error"), back.parameter("state"), back.parameter("iss"));
        assert_eq!(parts, (Some(error.into()), Some("st&te".into()), Some(iss.clone())), "{more}");
        let text = back.parameter("error_description").unwrap_or_default();
        assert!(text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\'), "{text}");
    }
    let none = ask(&request(&client, "state=&scope=x")).await;
    assert_eq!((none.parameter("error"), none.parameter("state")), (Some("invalid_scope".into()), None));
    // A client that signs nobody in.
    assert_eq!(ask(&request(&plain, "")).await.parameter("error"), Some("unauthorized_client".into()));
    for path in ["/error?error=x&error_description=%3Cscript%3E", "/nowhere", "/oauth2/nowhere"] {
        let page = browser.get(path).await;
        assert!((400..=404).contains(&page.status) && !page.body.contains("script>"), "{path}");
    }
    assert_eq!(browser.send(Method::PUT, "/login", &[], "").await.status, 405);
}

/// The conformance modules' harmless requests.
async fn what_does_not_matter_does_not_matter(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let code = async |query: &str| {
        let fresh = Browser::of(&world);
        let back = fresh.sign_in(query, "jane").await;
        back.parameter("code").unwrap_or_else(|| panic!("{query}: {} {}", back.status, back.body))
    };
    for more in [
        "extra=foobar",
        "display=page",
        "display=popup",
        "ui_locales=se",
        "claims_locales=se",
        "login_hint=buffy%40example.com",
        "nonce=",
        "acr_values=1+2",
        "scope=email+openid",
        "identity_provider=COGNITO",
        "redirect_uri=",
    ] {
        let shown = code(&request(&client, more)).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &*client),
            ("code", &shown),
            ("redirect_uri", if more == "redirect_uri=" { "" } else { CALLBACK }),
            ("code_verifier", super::fixture::VERIFIER),
        ];
        let tokens = browser.token(&form, None).await;
        assert_eq!(tokens.status, 200, "{more}: {}", tokens.body);
        assert_eq!(tokens.headers["cache-control"], "no-store");
    }
    let hinted = browser.visit(&format!("/oauth2/authorize?{}", request(&client, "login_hint=j%22%3E"))).await;
    assert!(hinted.body.contains("value=\"j&quot;&gt;\""), "{}", hinted.body);
    // By POST, and in any order.
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let query: Vec<_> = request(&client, "").split('&').map(str::to_owned).collect();
    let turned = query.iter().rev().cloned().collect::<Vec<_>>().join("&");
    let posted = browser.send(Method::POST, "/oauth2/authorize", &kind, &turned).await;
    assert_eq!((posted.status, posted.location()), (303, format!("{BASE}/oauth2/authorize?{turned}")));
    let page = browser.visit(&posted.location()).await;
    assert!(browser.submit(&page, &[("username", "jane"), ("password", PASSWORD)]).await.parameter("code").is_some());
    let twice = browser.send(Method::POST, "/oauth2/authorize", &kind, &(turned + "&state=b")).await;
    assert_eq!(browser.get(&twice.location()).await.parameter("error"), Some("invalid_request".into()));
}

/// T79: login CSRF, fixation, tabs.
async fn a_form_is_answered_by_its_own_browser(store: Store) {
    let world = world(store).await;
    world.user("mallory", PASSWORD).await;
    let client = app(&world, json!({})).await;
    let (victim, attacker) = (Browser::of(&world), Browser::of(&world));
    let query = request(&client, "");
    let page = attacker.visit(&format!("/oauth2/authorize?{query}")).await;
    let token = page.hidden("_csrf");
    let login = format!("/login?{query}");
    let fields = |token: &str| {
        [("_csrf", token.to_owned()), ("username", "mallory".to_owned()), ("password", PASSWORD.to_owned())]
    };
    let send = async |browser: &Browser, path: &str, token: &str| {
        let fields = fields(token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(path, &fields).await
    };
    let no_session = |browser: &Browser| !browser.cookies.lock().unwrap().contains_key("__Host-tg-session");
    // The attacker's form in the victim's browser, before and after the victim has a form cookie.
    for _ in 0..2 {
        assert_eq!(send(&victim, &login, &token).await.status, 403);
        victim.visit(&format!("/oauth2/authorize?{query}")).await;
        assert!(no_session(&victim));
    }
    // A cookie of a sibling domain has no prefix, and one that was set twice is none.
    let tossed = Browser::of(&world);
    let cookie = attacker.cookies.lock().unwrap()["__Host-tg-form"].clone();
    tossed.cookies.lock().unwrap().insert("tg-form".into(), cookie.clone());
    assert_eq!(send(&tossed, &login, &token).await.status, 403);
    for bad in ["", "x", &token[1..], &format!("{token}A")] {
        assert_eq!(send(&attacker, &login, bad).await.status, 403, "{bad}");
    }
    let elsewhere = format!("/login?{}", request(&client, "state=other"));
    assert_eq!(send(&attacker, &elsewhere, &token).await.status, 403, "a form of another request");
    let mut late = world.now();
    late = late.plus(std::time::Duration::from_secs(7_200));
    // In parallel tabs both forms are good.
    let other = attacker.visit(&format!("/oauth2/authorize?{}", request(&client, "state=tab2"))).await;
    assert_eq!(send(&attacker, &login, &token).await.status, 303);
    assert!(
        attacker.submit(&other, &[("username", "mallory"), ("password", PASSWORD)]).await.parameter("code").is_some()
    );
    world.clock.set(late);
    assert_eq!(send(&attacker, &login, &token).await.status, 403, "two hours are over");
    // A session that somebody else chose is none.
    let fixed = Browser::of(&world);
    fixed.cookies.lock().unwrap().insert("__Host-tg-session".into(), "chosen-by-an-attacker".into());
    let back = fixed.sign_in(&query, "jane").await;
    assert!(back.parameter("code").is_some());
    assert_ne!(fixed.cookies.lock().unwrap()["__Host-tg-session"], "chosen-by-an-attacker");
}

async fn a_page_learns_no_more_than_the_api_and_says_it_safely(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let page = browser.visit(&format!("/oauth2/authorize?{}", request(&client, ""))).await;
    for (header, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers[header], value);
    }
    assert!(!page.body.contains("<script"), "no script");
    let try_it = async |name: &str, password: &str| {
        let reply = browser.submit(&page, &[("username", name), ("password", password)]).await;
        let said = reply.body.split_once("role=\"alert\">").map_or("", |(_, rest)| rest);
        (reply.status, said.split('<').next().unwrap().to_owned(), reply.body.clone())
    };
    for (name, password) in [("jane", "wrong"), ("nobody", PASSWORD), ("\"><script>alert(1)</script>", "hunter2")] {
        let (status, said, body) = try_it(name, password).await;
        assert_eq!((status, said.as_str()), (200, "Incorrect username or password."), "{name}");
        assert!(!body.contains("<script") && !body.contains(password), "{body}");
    }
    assert_eq!(try_it("jane", "").await.1, "Missing required parameter PASSWORD");
    assert_eq!(try_it("", PASSWORD).await.1, "Missing required parameter USERNAME");
    assert_eq!(try_it(&"x".repeat(3_000), PASSWORD).await.1, "USERNAME is not a user name.");
    // The lockout of the API holds here.
    for _ in 0..6 {
        try_it("jane", "wrong").await;
    }
    assert_ne!(try_it("jane", PASSWORD).await.0, 303, "locked");
}

/// T42, T43.
async fn only_access_tokens_of_this_pool_are_good_at_user_info(store: Store) {
    let world = world(store).await;
    let other = World::with_pool(world.services.store.clone(), json!({ "PoolName": "other" })).await;
    other.user("jane", PASSWORD).await;
    let worlds = [&world, &other];
    let mut tokens: Vec<Value> = Vec::new();
    for one in worlds {
        let client = app(one, json!({})).await;
        let browser = Browser::of(one);
        let code = browser.sign_in(&request(&client, ""), "jane").await.parameter("code").unwrap();
        tokens.push(browser.redeem(&client, &code).await.json());
    }
    for (at, one) in worlds.iter().enumerate() {
        for (from, tokens) in tokens.iter().enumerate() {
            let status = Browser::of(one).user_info(&tokens["access_token"]).await.status;
            assert_eq!(status, if at == from { 200 } else { 401 }, "{from} at {at}");
        }
    }
    let browser = Browser::of(&world);
    for kind in ["id_token", "refresh_token"] {
        let refused = browser.user_info(&tokens[0][kind]).await;
        assert_eq!(refused.error(), (401, "invalid_token".into()), "{kind}");
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\"Access token is expired"));
    }
    let api = world.sign_in("jane", PASSWORD).await.unwrap();
    let refused = browser.user_info(&api["AccessToken"]).await;
    assert_eq!(refused.error(), (403, "insufficient_scope".into()), "it has no scope openid");
    let good = text(&tokens[0]["access_token"]);
    let bearer = format!("bearer {good}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let ask = async |method: Method, fields: &[(&str, &str)], body: &str| {
        browser.send(method, "/oauth2/userInfo", fields, body).await
    };
    let body = format!("access_token={good}");
    assert_eq!(ask(Method::GET, &[("authorization", &bearer)], "").await.status, 200);
    assert_eq!(ask(Method::POST, &[("authorization", &bearer)], "").await.status, 200);
    assert_eq!(ask(Method::POST, &[kind], &body).await.status, 200);
    assert_eq!(
        ask(Method::POST, &[kind, ("authorization", &bearer)], &body).await.error(),
        (400, "invalid_request".into())
    );
    let none = ask(Method::GET, &[], "").await;
    assert_eq!((none.status, none.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
    let in_query = browser.send(Method::GET, &format!("/oauth2/userInfo?access_token={good}"), &[], "").await;
    assert_eq!(in_query.status, 401, "never in the query");
    for bad in ["Basic x", "Bearer", "Bearer a b", "DPoP x"] {
        assert_eq!(ask(Method::GET, &[("authorization", bad)], "").await.status, 401, "{bad}");
    }
    // ID tokens don't sign in, access tokens are no hint, and codes are no tokens.
    assert_eq!(claims(&tokens[0]["id_token"])["token_use"], "id");
}

/// Random and hostile requests to every page: never a 5xx, never a redirect to elsewhere.
async fn nothing_breaks_a_page(store: Store) {
    let world = world(store).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let values = [
        "",
        "%00",
        "%FF%FE",
        "%F0%9F%98%80",
        "%0d%0aLocation:%20https://evil.test",
        "%27%22%3E%3Csvg%20onload%3Dx%3E",
        "..%2f..%2f",
        "a".repeat(7_000).as_str(),
        "https%3A%2F%2Fevil.test",
        "%2520",
        "null",
        "-1",
        "[]",
        "{}",
    ]
    .map(str::to_owned);
    let names = [
        "client_id",
        "redirect_uri",
        "state",
        "scope",
        "nonce",
        "prompt",
        "code_challenge",
        "response_mode",
        "id_token_hint",
        "x",
        "resource",
        "logout_uri",
        "post_logout_redirect_uri",
    ];
    let paths = [
        "oauth2/authorize",
        "login",
        "mfa",
        "mfa-option",
        "mfa-setup",
        "newpassword",
        "consent",
        "logout",
        "error",
        "oauth2/userInfo",
    ];
    for (index, name) in names.iter().enumerate() {
        for (at, value) in values.iter().enumerate() {
            let path = paths[(index + at) % paths.len()];
            let query = format!("{}&{name}={value}", request(&client, &format!("{name}=")));
            for method in [Method::GET, Method::POST] {
                let kind = [
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("cookie", "__Host-tg-session=x; __Host-tg-form=y"),
                ];
                let reply = browser.send(method.clone(), &format!("/{path}?{query}"), &kind, "a=b").await;
                assert!(reply.status < 500, "{method} {path} {name}={value}: {}", reply.status);
                let to = reply.location();
                assert!(
                    to.is_empty() || to.starts_with(BASE) || to.starts_with(CALLBACK) || to.starts_with("/login?"),
                    "{to}"
                );
                assert!(!reply.body.contains("<svg"), "{path} {name}");
            }
        }
    }
}
