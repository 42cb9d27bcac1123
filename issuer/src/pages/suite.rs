//! What pages ask of a user on the way, on both engines.

use data_encoding::BASE32_NOPAD;
use serde_json::json;

use super::fixture::{BASE, Browser, CALLBACK, PASSWORD, app, claims, request, set_oauth};
use crate::clients::oauth::Profile;
use crate::engines::on_both_engines;
use crate::factors::totp;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    an_invited_user_chooses_a_password,
    a_second_factor_is_set_up_and_asked_for,
    a_choice_of_factors_is_asked_for,
    who_asks_for_more_signs_in_again,
    an_app_of_others_asks_for_consent,
    another_user_takes_the_browser_over,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn an_invited_user_chooses_a_password(store: Store) {
    let schema = json!([{ "Name": "given_name", "Required": true }]);
    let world = World::with_pool(store, json!({ "Schema": schema })).await;
    let create = json!({
        "UserPoolId": world.pool, "Username": "new", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
    });
    world.ask("AdminCreateUser", create).await.unwrap();
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let page = browser.sign_in(&request(&client, ""), "new").await;
    assert!(page.body.contains("New password") && page.body.contains("First name"), "{}", page.body);
    let name = ("userAttributes.given_name", "\"><script>");
    let answer = async |password: &str, again: &str, name: (&str, &str)| {
        browser.submit(&page, &[("password", password), ("confirm", again), name]).await
    };
    let unlike = answer("Another-Horse-2", "Another-Horse-3", name).await;
    assert!(unlike.body.contains("The two passwords are not the same."), "{}", unlike.body);
    assert!(unlike.body.contains("value=\"&quot;&gt;&lt;script&gt;\""), "what was typed stays, as text");
    assert!(!unlike.body.contains("Another-Horse"), "but for secrets");
    let weak = answer("short", "short", name).await;
    assert!(weak.status == 200 && weak.body.contains("Password did not conform"), "{}", weak.body);
    let back = answer("Another-Horse-2", "Another-Horse-2", ("userAttributes.given_name", "New")).await;
    assert!(back.location().starts_with(CALLBACK), "{} {}", back.status, back.body);
    assert!(
        !browser.cookies.lock().unwrap().keys().any(|name| name.contains("tg-step")),
        "nothing is left of the step"
    );
    let user = world.ask("AdminGetUser", json!({ "UserPoolId": world.pool, "Username": "new" })).await.unwrap();
    assert_eq!(text(&user["UserStatus"]), "CONFIRMED");
    // The step is over, also for who kept its page.
    let late = answer("Third-Horse-3", "Third-Horse-3", name).await;
    assert!(late.body.contains("Sign in"), "{}", late.body);
}

async fn with_mfa(store: Store, mode: &str) -> World {
    let world = World::new(store).await;
    let config = json!({
        "UserPoolId": world.pool, "MfaConfiguration": mode, "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "EmailMfaConfiguration": {},
    });
    world.ask("SetUserPoolMfaConfig", config).await.unwrap();
    world
}

fn code(world: &World, secret: &str) -> String {
    let seed = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    totp::text(&seed, totp::step(world.now()))
}

async fn a_second_factor_is_set_up_and_asked_for(store: Store) {
    let world = with_mfa(store, "ON").await;
    let create = json!({ "UserPoolId": world.pool, "Username": "jane", "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", create).await.unwrap();
    let permanent = json!({ "UserPoolId": world.pool, "Username": "jane", "Password": PASSWORD, "Permanent": true });
    world.ask("AdminSetUserPassword", permanent).await.unwrap();
    let client = app(&world, json!({})).await;
    set_oauth(&world, &client, |oauth| oauth.profile = Profile::Openid).await;
    let browser = Browser::of(&world);
    let page = browser.sign_in(&request(&client, ""), "jane").await;
    let shown = page.body.split_once("<code>").unwrap_or_else(|| panic!("{}", page.body)).1;
    let secret = shown.split('<').next().unwrap().replace(' ', "");
    let wrong = browser.submit(&page, &[("code", "000000")]).await;
    assert!(wrong.status == 200 && wrong.body.contains("The code is not right."), "{}", wrong.body);
    let back = browser.submit(&page, &[("code", &code(&world, &secret))]).await;
    let tokens = browser.redeem(&client, &back.parameter("code").unwrap()).await.json();
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["acr"], &id["amr"]), (&json!("urn:cognito:loa:4"), &json!(["pwd", "otp", "mfa"])));

    world.clock.advance(std::time::Duration::from_secs(60));
    let other = Browser::of(&world);
    let page = other.sign_in(&request(&client, ""), "jane").await;
    assert!(page.body.contains("authenticator app") && page.body.contains("one-time-code"), "{}", page.body);
    assert!(other.submit(&page, &[("code", "")]).await.status == 200);
    // Another browser has nothing of this sign-in.
    assert!(Browser::of(&world).get("/mfa?a=b").await.status == 400);
    let query = request(&client, "");
    assert_eq!(Browser::of(&world).get(&format!("/mfa?{query}")).await.location(), format!("{BASE}/login?{query}"));
    let back = other.submit(&page, &[("code", &code(&world, &secret))]).await;
    assert!(back.parameter("code").is_some(), "{} {}", back.status, back.body);
    let again = other.submit(&page, &[("code", &code(&world, &secret))]).await;
    assert!(again.parameter("code").is_none(), "the step is over");
}

async fn a_choice_of_factors_is_asked_for(store: Store) {
    let world = with_mfa(store, "OPTIONAL").await;
    world.user("jane", PASSWORD).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let associated =
        world.ask("AssociateSoftwareToken", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
    let secret = text(&associated["SecretCode"]);
    let verify = json!({ "AccessToken": tokens["AccessToken"], "UserCode": code(&world, &secret) });
    world.ask("VerifySoftwareToken", verify).await.unwrap();
    let both = json!({
        "UserPoolId": world.pool, "Username": "jane", "SoftwareTokenMfaSettings": { "Enabled": true },
        "EmailMfaSettings": { "Enabled": true },
    });
    world.ask("AdminSetUserMFAPreference", both).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(60));
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let page = browser.sign_in(&request(&client, ""), "jane").await;
    assert!(page.body.contains("How do you want to get your code?"), "{}", page.body);
    let odd = browser.submit(&page, &[("answer", "SMS_MFA")]).await;
    assert!(odd.body.contains("none of MFAS_CAN_CHOOSE"), "{}", odd.body);
    let page = browser.submit(&page, &[("answer", "EMAIL_OTP")]).await;
    assert!(page.body.contains("We have sent a code to j***@e***"), "{}", page.body);
    let back = browser.submit(&page, &[("code", &world.code("jane").await)]).await;
    assert!(back.parameter("code").is_some(), "{} {}", back.status, back.body);
}

/// I13, I23; RFC 9470.
async fn who_asks_for_more_signs_in_again(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let tokens = async |back: super::fixture::Reply| {
        let code = back.parameter("code").unwrap_or_else(|| panic!("{} {}", back.status, back.location()));
        browser.redeem(&client, &code).await.json()
    };
    let first = tokens(browser.sign_in(&request(&client, ""), "jane").await).await;
    let cookie = browser.cookies.lock().unwrap()["__Host-tg-session"].clone();
    world.clock.advance(std::time::Duration::from_secs(10));
    for more in ["prompt=login", "max_age=1", "max_age=0", "prompt=select_account", "acr_values=urn:cognito:loa:2"] {
        let page = browser.visit(&format!("/oauth2/authorize?{}", request(&client, more))).await;
        assert!(page.body.contains("Sign in"), "{more}");
    }
    let plain = request(&client, "max_age=10000&acr_values=urn:cognito:loa:1");
    let same = tokens(browser.get(&format!("/oauth2/authorize?{plain}")).await).await;
    assert_eq!(claims(&same["id_token"])["auth_time"], claims(&first["id_token"])["auth_time"]);
    assert_eq!(claims(&same["id_token"])["acr"], "urn:cognito:loa:1", "who asks is told");
    let again = tokens(browser.sign_in(&request(&client, "prompt=login"), "jane").await).await;
    let (old, new) = (&claims(&first["id_token"]), &claims(&again["id_token"]));
    assert_eq!(new["auth_time"].as_u64().unwrap(), old["auth_time"].as_u64().unwrap() + 10);
    // The cookie is another one, and the old one is worth nothing.
    let thief = Browser::of(&world);
    thief.cookies.lock().unwrap().insert("__Host-tg-session".into(), cookie);
    let silent = |browser| async move {
        let browser: &Browser = browser;
        browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await
    };
    assert_eq!(silent(&thief).await.parameter("error"), Some("login_required".into()));
    assert_eq!(world.count("SELECT COUNT(*) FROM browser_sessions").await, 1, "the session goes on");
}

/// I11.
async fn an_app_of_others_asks_for_consent(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let client = app(&world, json!({ "ClientName": "Photos" })).await;
    set_oauth(&world, &client, |oauth| oauth.third_party = true).await;
    let browser = Browser::of(&world);
    let page = browser.sign_in(&request(&client, ""), "jane").await;
    assert!(page.body.contains("Allow access?") && page.body.contains("Photos wants to:"), "{}", page.body);
    let none = browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await;
    assert_eq!(none.parameter("error"), Some("consent_required".into()));
    let refused = browser.submit(&page, &[]).await;
    assert_eq!((refused.status, refused.parameter("error")), (303, Some("access_denied".into())));
    let page = browser.visit(&format!("/oauth2/authorize?{}", request(&client, ""))).await;
    let stranger = Browser::of(&world);
    let action = format!("/consent?{}", request(&client, ""));
    let forged = stranger.post(&action, &[("_csrf", &page.hidden("_csrf")), ("decision", "allow")]).await;
    assert_eq!(forged.status, 403);
    let allowed = browser.submit(&page, &[("decision", "allow")]).await;
    assert!(allowed.parameter("code").is_some(), "{} {}", allowed.status, allowed.body);
    let silent = browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await;
    assert!(silent.parameter("code").is_some(), "it was allowed before");
    let more = browser.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none&scope=openid+phone"))).await;
    assert_eq!(more.parameter("error"), Some("consent_required".into()), "that is more");
    let again = browser.visit(&format!("/oauth2/authorize?{}", request(&client, "prompt=consent"))).await;
    assert!(again.body.contains("Allow access?"));
    // A page of consent is no way around a password that is asked for.
    let login = browser.get(&format!("/consent?{}", request(&client, "prompt=login+consent"))).await;
    assert!(login.location().starts_with(&format!("{BASE}/login?")), "{}", login.location());
}

async fn another_user_takes_the_browser_over(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    world.user("john", PASSWORD).await;
    let client = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let janes = browser.sign_in(&request(&client, ""), "jane").await.parameter("code").unwrap();
    let janes = browser.redeem(&client, &janes).await.json();
    let hint = text(&janes["id_token"]);
    let old = browser.cookies.lock().unwrap()["__Host-tg-session"].clone();
    let back = browser.sign_in(&request(&client, "prompt=select_account"), "john").await;
    let johns = browser.redeem(&client, &back.parameter("code").unwrap()).await.json();
    assert_ne!(claims(&johns["id_token"])["sub"], claims(&janes["id_token"])["sub"]);
    let thief = Browser::of(&world);
    thief.cookies.lock().unwrap().insert("__Host-tg-session".into(), old);
    let silent = thief.get(&format!("/oauth2/authorize?{}", request(&client, "prompt=none"))).await;
    assert_eq!(silent.parameter("error"), Some("login_required".into()));
    // Whoever wants jane gets no john.
    let with = request(&client, &format!("id_token_hint={hint}&prompt=none"));
    let none = browser.get(&format!("/oauth2/authorize?{with}")).await;
    assert_eq!(none.parameter("error"), Some("login_required".into()));
    let wrong = browser.sign_in(&request(&client, &format!("id_token_hint={hint}")), "john").await;
    assert_eq!(wrong.parameter("error"), Some("login_required".into()));
}
