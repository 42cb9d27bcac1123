//! Second factors through the operations, on both engines (SECURITY.md I38, I40, T58, T59, T60).

use std::time::Duration;

use cognito_model::Fault;
use data_encoding::BASE32_NOPAD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::totp;
use crate::engines::on_both_engines;
use crate::limits::Budget;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-horse-1";
const OTHER: &str = "Another-horse-2";
const SESSION: &str = "NotAuthorizedException: Invalid session for the user.";
const WRONG: &str = "CodeMismatchException: Invalid code received for user";
const TOO_MANY: &str = "TooManyRequestsException: Too many requests";

on_both_engines!(
    a_token_is_enrolled_and_asked_for,
    seeds_are_sealed,
    wrong_codes_have_bounds,
    guesses_over_many_sessions_share_one_budget,
    a_code_counts_once,
    a_required_factor_is_set_up,
    an_invited_user_sets_a_password_and_then_a_factor_up,
    several_factors_are_chosen_from,
    a_code_by_mail_is_for_one_sign_in,
    what_ends_a_challenge,
    a_challenge_is_of_one_user_and_kind,
    a_new_token_leaves_the_old_one_until_it_is_verified,
    a_lost_token_is_deleted,
    preferences_and_what_they_want,
    the_old_settings_are_of_text_messages,
    what_a_user_can_sign_in_with,
    who_sets_a_token_up,
    administrators_sign_ins_ask_too,
    a_temporary_password_moves_no_second_factor,
    a_set_up_that_came_too_late_is_over,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A pool with software tokens and codes by mail, and the user `jane`.
async fn world(store: Store, mfa: &str) -> World {
    let world = World::new(store).await;
    configure(&world, mfa, json!({ "EmailMfaConfiguration": { "Message": "Code {####}", "Subject": "Sign in" } }))
        .await;
    world.user("jane", PASSWORD).await;
    world
}

async fn configure(world: &World, mfa: &str, more: Value) {
    let token = json!({ "Enabled": mfa != "OFF" });
    let request = json!({ "UserPoolId": world.pool, "MfaConfiguration": mfa, "SoftwareTokenMfaConfiguration": token });
    world.ask("SetUserPoolMfaConfig", with(&request, more)).await.unwrap();
}

fn named(world: &World, name: &str) -> Value {
    json!({ "UserPoolId": world.pool, "Username": name })
}

async fn begin(world: &World, name: &str, password: &str) -> Result<Value, Fault> {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    let request = json!({ "ClientId": world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    world.ask("InitiateAuth", request).await
}

async fn respond(world: &World, asked: &Value, challenge: &str, answers: Value) -> Result<Value, Fault> {
    let request = json!({ "ClientId": world.client, "ChallengeName": challenge, "Session": asked["Session"],
                          "ChallengeResponses": with(&json!({ "USERNAME": "jane" }), answers) });
    world.ask("RespondToAuthChallenge", request).await
}

/// The code of a seed as its app shows it, so many steps from now.
fn code(world: &World, seed: &Value, ahead: i64) -> String {
    let seed = BASE32_NOPAD.decode(seed.as_str().unwrap().as_bytes()).unwrap();
    totp::text(&seed, totp::step(world.now()).checked_add_signed(ahead).unwrap())
}

async fn answer(world: &World, asked: &Value, code: &str) -> Result<Value, Fault> {
    respond(world, asked, "SOFTWARE_TOKEN_MFA", json!({ "SOFTWARE_TOKEN_MFA_CODE": code })).await
}

/// Six digits that no step near now has.
fn wrong(world: &World, seed: &Value) -> String {
    let near: Vec<String> = (-2..3).map(|ahead| code(world, seed, ahead)).collect();
    (0..10).map(|n| format!("{n:06}")).find(|guess| !near.contains(guess)).unwrap()
}

async fn access_token(world: &World) -> Value {
    world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"].clone()
}

async fn prefer(world: &World, token: &Value, settings: Value) -> Result<Value, Fault> {
    world.ask("SetUserMFAPreference", with(&json!({ "AccessToken": token }), settings)).await
}

/// Registers a software token and verifies it with the code of the step before this one; answers its seed.
async fn register(world: &World, token: &Value) -> Value {
    let made = world.ask("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    let seed = made["SecretCode"].clone();
    let verify = json!({ "AccessToken": token, "UserCode": code(world, &seed, -1), "FriendlyDeviceName": "Phone" });
    assert_eq!(world.ask("VerifySoftwareToken", verify).await.unwrap(), json!({ "Status": "SUCCESS" }));
    seed
}

/// The same, and it is what the user is asked for.
async fn enrol(world: &World) -> Value {
    let token = access_token(world).await;
    let seed = register(world, &token).await;
    prefer(world, &token, json!({ "SoftwareTokenMfaSettings": { "Enabled": true } })).await.unwrap();
    seed
}

async fn a_token_is_enrolled_and_asked_for(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let made = world.ask("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    let seed = made["SecretCode"].clone();
    assert_eq!((text(&seed).len(), &made["Session"]), (32, &Value::Null));
    let verify = |code: String| json!({ "AccessToken": token, "UserCode": code });
    let mismatch = refusal(world.ask("VerifySoftwareToken", verify(wrong(&world, &seed))).await);
    assert_eq!(mismatch, "EnableSoftwareTokenMFAException: Code mismatch and fail enable Software Token MFA");
    world.ask("VerifySoftwareToken", verify(code(&world, &seed, 0))).await.unwrap();
    // Registered, and not asked for before the user says so.
    world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"].as_str().unwrap();
    let settings = json!({ "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true } });
    prefer(&world, &token, settings).await.unwrap();
    let user = world.ask("GetUser", json!({ "AccessToken": token })).await.unwrap();
    let seen = world.ask("AdminGetUser", named(&world, "jane")).await.unwrap();
    for user in [user, seen] {
        assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
        assert_eq!((&user["PreferredMfaSetting"], &user["MFAOptions"]), (&json!("SOFTWARE_TOKEN_MFA"), &Value::Null));
    }
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(asked["ChallengeParameters"]["USER_ID_FOR_SRP"], "jane");
    assert!(asked["AuthenticationResult"].is_null());
    let done = answer(&world, &asked, &code(&world, &seed, 1)).await.unwrap();
    world.ask("GetUser", json!({ "AccessToken": done["AuthenticationResult"]["AccessToken"] })).await.unwrap();
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, 1)).await), SESSION, "an attempt is used once");
    // A wrong password tells nothing of factors.
    let refused = refusal(begin(&world, "jane", OTHER).await);
    assert_eq!(refused, "NotAuthorizedException: Incorrect username or password.");
}

async fn seeds_are_sealed(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let seed = register(&world, &token).await;
    world.ask("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    let plain = BASE32_NOPAD.decode(text(&seed).as_bytes()).unwrap();
    let row = world.services.store.one(Query::new("SELECT seed, pending FROM software_tokens")).await.unwrap().unwrap();
    for column in [0, 1] {
        let sealed = row.bytes(column).unwrap();
        assert!(sealed.len() > plain.len() && !sealed.windows(plain.len()).any(|part| part == plain));
    }
}

async fn wrong_codes_have_bounds(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    let guess = wrong(&world, &seed);
    // Whatever is no code counts as a wrong one (T60).
    for bad in [guess.as_str(), " 123456", "12345", "1234567"] {
        assert_eq!(refusal(answer(&world, &asked, bad).await), WRONG, "{bad:?}");
    }
    answer(&world, &asked, &code(&world, &seed, 0)).await.unwrap();

    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    for _ in 0..5 {
        assert_eq!(refusal(answer(&world, &asked, &guess).await), WRONG);
    }
    let right = code(&world, &seed, 1);
    assert_eq!(refusal(answer(&world, &asked, &right).await), SESSION, "five answers a session");
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    for _ in 0..5 {
        assert_eq!(refusal(answer(&world, &asked, &guess).await), WRONG);
    }
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(refusal(answer(&world, &asked, &right).await), TOO_MANY, "ten an hour");
    world.clock.advance(Duration::from_secs(3_600));
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    answer(&world, &asked, &code(&world, &seed, 0)).await.unwrap();
}

async fn guesses_over_many_sessions_share_one_budget(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(begin(&world, "jane", PASSWORD).await.unwrap());
    }
    let guess = wrong(&world, &seed);
    let guesses = sessions.iter().flat_map(|asked| (0..4).map(|_| answer(&world, asked, &guess)).collect::<Vec<_>>());
    let said: Vec<String> = join_all(guesses).await.into_iter().map(refusal).collect();
    let tried = said.iter().filter(|text| *text == WRONG).count();
    assert_eq!(tried, Budget::SecondFactor.tries() as usize);
    assert!(said.iter().all(|text| text == WRONG || text == TOO_MANY), "{said:?}");
}

async fn a_code_counts_once(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(begin(&world, "jane", PASSWORD).await.unwrap());
    }
    let now = code(&world, &seed, 0);
    let outcomes = join_all(sessions.iter().map(|asked| answer(&world, asked, &now))).await;
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    let used = "ExpiredCodeException: Your software token has already been used once.";
    for said in bad.into_iter().map(refusal) {
        assert!(said == used || said == SESSION, "{said}");
    }
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(refusal(answer(&world, &asked, &now).await), used);
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, -1)).await), used, "nor an earlier one");
    answer(&world, &asked, &code(&world, &seed, 1)).await.unwrap();
}

/// From MFA_SETUP to tokens; answers the seed.
async fn set_up(world: &World, asked: &Value) -> Value {
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], r#"["SOFTWARE_TOKEN_MFA"]"#);
    let unset = refusal(respond(world, asked, "MFA_SETUP", json!({})).await);
    assert_eq!(unset, "InvalidParameterException: No MFA factor was set up with this session.");
    let first = world.ask("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await.unwrap();
    let again = refusal(world.ask("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await);
    assert_eq!(again, SESSION, "a session leads on once");
    let made = world.ask("AssociateSoftwareToken", json!({ "Session": first["Session"] })).await.unwrap();
    assert_ne!(made["SecretCode"], first["SecretCode"]);
    let seed = made["SecretCode"].clone();
    let verify = |session: &Value, code: String| json!({ "Session": session, "UserCode": code });
    let mismatch = world.ask("VerifySoftwareToken", verify(&made["Session"], wrong(world, &seed))).await;
    assert!(refusal(mismatch).starts_with("EnableSoftwareTokenMFAException: "));
    let verified = world.ask("VerifySoftwareToken", verify(&made["Session"], code(world, &seed, 0))).await.unwrap();
    assert_eq!(verified["Status"], "SUCCESS");
    let again = world.ask("VerifySoftwareToken", verify(&made["Session"], code(world, &seed, 1))).await;
    assert_eq!(refusal(again), SESSION);
    let done = respond(world, &verified, "MFA_SETUP", json!({})).await.unwrap();
    assert!(done["AuthenticationResult"]["AccessToken"].is_string());
    assert_eq!(refusal(respond(world, &verified, "MFA_SETUP", json!({})).await), SESSION);
    seed
}

async fn a_required_factor_is_set_up(store: Store) {
    let world = World::new(store).await;
    configure(&world, "ON", json!({})).await;
    world.user("jane", PASSWORD).await;
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    let seed = set_up(&world, &asked).await;
    let user = world.ask("AdminGetUser", named(&world, "jane")).await.unwrap();
    assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let done = answer(&world, &asked, &code(&world, &seed, 1)).await.unwrap();
    let token = &done["AuthenticationResult"]["AccessToken"];
    let off = json!({ "SoftwareTokenMfaSettings": { "Enabled": false } });
    assert!(refusal(prefer(&world, token, off).await).contains("MFA is required"));
    assert_eq!(world.count("SELECT COUNT(*) FROM attempts").await, 0);
}

async fn an_invited_user_sets_a_password_and_then_a_factor_up(store: Store) {
    let world = World::new(store).await;
    configure(&world, "ON", json!({})).await;
    let invite = json!({ "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", with(&named(&world, "jane"), invite)).await.unwrap();
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let early = respond(&world, &asked, "MFA_SETUP", json!({})).await;
    assert_eq!(refusal(early), SESSION, "no challenge is passed over");
    let associate = world.ask("AssociateSoftwareToken", json!({ "Session": asked["Session"] })).await;
    assert_eq!(refusal(associate), SESSION);
    let next = respond(&world, &asked, "NEW_PASSWORD_REQUIRED", json!({ "NEW_PASSWORD": OTHER })).await.unwrap();
    assert!(next["AuthenticationResult"].is_null());
    let used = respond(&world, &asked, "NEW_PASSWORD_REQUIRED", json!({ "NEW_PASSWORD": PASSWORD })).await;
    assert_eq!(refusal(used), SESSION);
    set_up(&world, &next).await;
    assert_eq!(begin(&world, "jane", OTHER).await.unwrap()["ChallengeName"], "SOFTWARE_TOKEN_MFA");
}

async fn several_factors_are_chosen_from(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let seed = register(&world, &token).await;
    let both = json!({ "SoftwareTokenMfaSettings": { "Enabled": true }, "EmailMfaSettings": { "Enabled": true } });
    prefer(&world, &token, both).await.unwrap();
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "SELECT_MFA_TYPE");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"], r#"["EMAIL_OTP","SOFTWARE_TOKEN_MFA"]"#);
    let choose = async |choice: &str| respond(&world, &asked, "SELECT_MFA_TYPE", json!({ "ANSWER": choice })).await;
    for none in ["SMS_MFA", "software_token_mfa", "x"] {
        let said = refusal(choose(none).await);
        assert_eq!(said, "InvalidParameterException: ANSWER is none of MFAS_CAN_CHOOSE.");
    }
    let early = answer(&world, &asked, &code(&world, &seed, 0)).await;
    assert_eq!(refusal(early), SESSION, "nothing was asked yet");
    let by_token = choose("SOFTWARE_TOKEN_MFA").await.unwrap();
    assert_eq!(by_token["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"], "Phone");
    assert_eq!(refusal(choose("EMAIL_OTP").await), SESSION);
    answer(&world, &by_token, &code(&world, &seed, 0)).await.unwrap();

    prefer(&world, &token, json!({ "EmailMfaSettings": { "PreferredMfa": true } })).await.unwrap();
    let by_mail = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(by_mail["ChallengeName"], "EMAIL_OTP");
    let parameters = &by_mail["ChallengeParameters"];
    assert_eq!(parameters["CODE_DELIVERY_DELIVERY_MEDIUM"], "EMAIL");
    assert_eq!(parameters["CODE_DELIVERY_DESTINATION"], "j***@e***");
    let message = world.messages_to("jane@example.com").await.pop().unwrap();
    assert_eq!((message.subject.as_deref(), message.body), (Some("Sign in"), format!("Code {}", message.code)));
    assert_eq!(message.until, world.now().0 + 180_000);
    let done = respond(&world, &by_mail, "EMAIL_OTP", json!({ "EMAIL_OTP_CODE": message.code })).await.unwrap();
    assert!(done["AuthenticationResult"]["AccessToken"].is_string());
}

async fn a_code_by_mail_is_for_one_sign_in(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let by_mail = json!({ "EmailMfaSettings": { "Enabled": true } });
    prefer(&world, &access_token(&world).await, by_mail).await.unwrap();
    let by_code =
        async |asked: &Value, code: &str| respond(&world, asked, "EMAIL_OTP", json!({ "EMAIL_OTP_CODE": code })).await;
    let first = begin(&world, "jane", PASSWORD).await.unwrap();
    let code = world.code("jane").await;
    world.clock.advance(Duration::from_secs(1));
    let second = begin(&world, "jane", PASSWORD).await.unwrap();
    let newer = world.code("jane").await;
    let mismatch = "CodeMismatchException: Invalid code or auth state for the user.";
    assert_eq!(refusal(by_code(&first, &code).await), mismatch, "a newer one has replaced it");
    assert_eq!(refusal(by_code(&first, &newer).await), mismatch, "it is another sign-in's");
    by_code(&second, &newer).await.unwrap();
    // The messages are bounded, too: whoever has a password can't send mail without end.
    let sent = async || begin(&world, "jane", PASSWORD).await;
    for _ in 0..Budget::SecondFactorMessages.tries() {
        sent().await.unwrap();
    }
    assert_eq!(refusal(sent().await), TOO_MANY);
    assert_eq!(world.count("SELECT COUNT(*) FROM lockouts WHERE failures + in_flight > 0").await, 0);
    // An end.
    world.clock.advance(Duration::from_secs(3_600));
    let late = sent().await.unwrap();
    let code = world.code("jane").await;
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(refusal(by_code(&late, &code).await), SESSION);
}

async fn what_ends_a_challenge(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    let jane = named(&world, "jane");
    let ask = async |operation, more: Value| world.ask(operation, with(&jane, more)).await.unwrap();
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    ask("AdminSetUserPassword", json!({ "Password": OTHER, "Permanent": true })).await;
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, 0)).await), SESSION, "another password");
    let asked = begin(&world, "jane", OTHER).await.unwrap();
    ask("AdminUserGlobalSignOut", json!({})).await;
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, 0)).await), SESSION, "a sign-out everywhere");
    let asked = begin(&world, "jane", OTHER).await.unwrap();
    ask("AdminDisableUser", json!({})).await;
    let said = refusal(answer(&world, &asked, &code(&world, &seed, 0)).await);
    assert_eq!(said, "NotAuthorizedException: User is disabled.");
    ask("AdminEnableUser", json!({})).await;
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, 0)).await), SESSION, "enabling revives nothing");
    let asked = begin(&world, "jane", OTHER).await.unwrap();
    ask("AdminDeleteSoftwareToken", json!({})).await;
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &seed, 0)).await), SESSION, "a change of factors");
    let asked = begin(&world, "jane", OTHER).await.unwrap();
    assert!(asked["AuthenticationResult"].is_object());
}

async fn a_challenge_is_of_one_user_and_kind(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    world.user("bob", PASSWORD).await;
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    let right = code(&world, &seed, 0);
    let as_bob = json!({ "USERNAME": "bob", "SOFTWARE_TOKEN_MFA_CODE": right });
    assert_eq!(refusal(respond(&world, &asked, "SOFTWARE_TOKEN_MFA", as_bob).await), SESSION);
    for (challenge, answers) in [
        ("EMAIL_OTP", json!({ "EMAIL_OTP_CODE": right })),
        ("SMS_MFA", json!({ "SMS_MFA_CODE": right })),
        ("SELECT_MFA_TYPE", json!({ "ANSWER": "SOFTWARE_TOKEN_MFA" })),
        ("MFA_SETUP", json!({})),
        ("NEW_PASSWORD_REQUIRED", json!({ "NEW_PASSWORD": OTHER })),
    ] {
        assert_eq!(refusal(respond(&world, &asked, challenge, answers).await), SESSION, "{challenge}");
    }
    let other_client = json!({ "ClientId": world.legacy, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": asked["Session"],
                               "ChallengeResponses": { "USERNAME": "jane", "SOFTWARE_TOKEN_MFA_CODE": right } });
    assert_eq!(refusal(world.ask("RespondToAuthChallenge", other_client).await), SESSION);
    let without = respond(&world, &asked, "SOFTWARE_TOKEN_MFA", json!({})).await;
    assert_eq!(refusal(without), "InvalidParameterException: Missing required parameter SOFTWARE_TOKEN_MFA_CODE");
    answer(&world, &asked, &right).await.unwrap();
}

async fn a_new_token_leaves_the_old_one_until_it_is_verified(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let old = register(&world, &token).await;
    prefer(&world, &token, json!({ "SoftwareTokenMfaSettings": { "Enabled": true } })).await.unwrap();
    let made = world.ask("AssociateSoftwareToken", json!({ "AccessToken": token })).await.unwrap();
    let new = made["SecretCode"].clone();
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &new, 0)).await), WRONG);
    answer(&world, &asked, &code(&world, &old, 0)).await.unwrap();
    let verify = json!({ "AccessToken": token, "UserCode": code(&world, &new, 0) });
    world.ask("VerifySoftwareToken", verify.clone()).await.unwrap();
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(refusal(answer(&world, &asked, &code(&world, &old, 1)).await), WRONG);
    answer(&world, &asked, &code(&world, &new, 1)).await.unwrap();
    let again = refusal(world.ask("VerifySoftwareToken", verify).await);
    assert!(again.starts_with("SoftwareTokenMFANotFoundException: "), "{again}");
}

async fn a_lost_token_is_deleted(store: Store) {
    let world = world(store, "OPTIONAL").await;
    enrol(&world).await;
    for _ in 0..2 {
        world.ask("AdminDeleteSoftwareToken", named(&world, "jane")).await.unwrap();
        let user = world.ask("AdminGetUser", named(&world, "jane")).await.unwrap();
        assert!(user["UserMFASettingList"].is_null());
    }
    world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"].as_str().unwrap();
    enrol(&world).await;
    world.ask("AdminDeleteUser", named(&world, "jane")).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM software_tokens").await, 0);
    let nobody = refusal(world.ask("AdminDeleteSoftwareToken", named(&world, "jane")).await);
    assert_eq!(nobody, "UserNotFoundException: User does not exist.");
}

async fn preferences_and_what_they_want(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let enabled = |factor: &str| json!({ factor: { "Enabled": true } });
    let by_token = enabled("SoftwareTokenMfaSettings");
    let refused = refusal(prefer(&world, &token, by_token.clone()).await);
    assert_eq!(refused, "InvalidParameterException: User has not verified software token mfa");
    let refused = refusal(prefer(&world, &token, enabled("SMSMfaSettings")).await);
    assert_eq!(refused, "InvalidParameterException: SMS_MFA is not enabled for the user pool.");
    let admin = async |more: Value| world.ask("AdminSetUserMFAPreference", with(&named(&world, "jane"), more)).await;
    admin(enabled("EmailMfaSettings")).await.unwrap();
    let list = async || world.ask("AdminGetUser", named(&world, "jane")).await.unwrap()["UserMFASettingList"].clone();
    assert_eq!(list().await, json!(["EMAIL_OTP"]));
    prefer(&world, &token, json!({ "EmailMfaSettings": { "Enabled": false } })).await.unwrap();
    assert_eq!(list().await, Value::Null);
    // An administrator makes a user set a token up.
    admin(by_token).await.unwrap();
    assert_eq!(begin(&world, "jane", PASSWORD).await.unwrap()["ChallengeName"], "MFA_SETUP");
    let nobody = world.ask("AdminSetUserMFAPreference", named(&world, "nobody")).await;
    assert_eq!(refusal(nobody), "UserNotFoundException: User does not exist.");
    // Changes at once are all there.
    let changes = [json!({ "SoftwareTokenMfaSettings": { "Enabled": false } }), enabled("EmailMfaSettings")];
    for outcome in join_all(changes.into_iter().map(admin)).await {
        outcome.unwrap();
    }
    assert_eq!(list().await, json!(["EMAIL_OTP"]));
}

async fn the_old_settings_are_of_text_messages(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let sms = json!({ "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::000000000000:role/sms" } });
    configure(&world, "OPTIONAL", json!({ "SmsMfaConfiguration": sms })).await;
    let token = access_token(&world).await;
    let by_sms = json!({ "MFAOptions": [{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }] });
    let set = async || world.ask("SetUserSettings", with(&json!({ "AccessToken": token }), by_sms.clone())).await;
    let without = "InvalidParameterException: User does not have delivery config set to turn on SMS_MFA";
    assert_eq!(refusal(set().await), without);
    let phone = json!([{ "Name": "phone_number", "Value": "+15551234567" }, { "Name": "phone_number_verified", "Value": "true" }]);
    let jane = named(&world, "jane");
    world.ask("AdminUpdateUserAttributes", with(&jane, json!({ "UserAttributes": phone }))).await.unwrap();
    set().await.unwrap();
    let user = world.ask("GetUser", json!({ "AccessToken": token })).await.unwrap();
    assert_eq!(user["MFAOptions"], by_sms["MFAOptions"]);
    assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA"]));
    let listed = world.ask("ListUsers", json!({ "UserPoolId": world.pool })).await.unwrap();
    assert_eq!(listed["Users"][0]["MFAOptions"], by_sms["MFAOptions"]);
    let asked = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
    assert_eq!(asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "+*******4567");
    let code = world.messages_to("+15551234567").await.pop().unwrap().code;
    respond(&world, &asked, "SMS_MFA", json!({ "SMS_MFA_CODE": code })).await.unwrap();
    world.ask("AdminSetUserSettings", with(&jane, json!({ "MFAOptions": [] }))).await.unwrap();
    world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"].as_str().unwrap();
    let by_mail = json!({ "MFAOptions": [{ "DeliveryMedium": "EMAIL" }] });
    let refused = refusal(world.ask("AdminSetUserSettings", with(&jane, by_mail)).await);
    assert_eq!(refused, "InvalidParameterException: MFAOptions: only SMS to phone_number can be set.");
}

async fn what_a_user_can_sign_in_with(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let factors = async || {
        let own = world.ask("GetUserAuthFactors", json!({ "AccessToken": token })).await.unwrap();
        assert_eq!(own, world.ask("AdminGetUserAuthFactors", named(&world, "jane")).await.unwrap());
        own
    };
    assert_eq!(factors().await, json!({ "Username": "jane", "ConfiguredUserAuthFactors": ["PASSWORD"] }));
    register(&world, &token).await;
    let both = json!({ "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true }, "EmailMfaSettings": { "Enabled": true } });
    prefer(&world, &token, both).await.unwrap();
    let expected = json!({
        "Username": "jane", "PreferredMfaSetting": "SOFTWARE_TOKEN_MFA",
        "UserMFASettingList": ["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"],
        "ConfiguredUserAuthFactors": ["PASSWORD", "EMAIL_OTP", "SOFTWARE_TOKEN"],
    });
    assert_eq!(factors().await, expected);
    let nobody = refusal(world.ask("AdminGetUserAuthFactors", named(&world, "nobody")).await);
    assert_eq!(nobody, "UserNotFoundException: User does not exist.");
}

async fn who_sets_a_token_up(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    let session = json!("s".repeat(43));
    for (operation, more) in
        [("AssociateSoftwareToken", json!({})), ("VerifySoftwareToken", json!({ "UserCode": "123456" }))]
    {
        let ask = async |who: Value| refusal(world.ask(operation, with(&who, more.clone())).await);
        assert_eq!(
            ask(json!({})).await,
            "InvalidParameterException: Missing required parameter AccessToken or Session"
        );
        let both = ask(json!({ "AccessToken": token, "Session": session })).await;
        assert!(both.contains("but not both"), "{both}");
        assert_eq!(ask(json!({ "AccessToken": "nonsense" })).await, "NotAuthorizedException: Invalid Access Token");
        for none in [
            session.clone(),
            json!(format!("t.{}.{}", "x".repeat(40), world.pool)),
            json!("t".repeat(40) + ".eu-test-1_None"),
        ] {
            assert_eq!(ask(json!({ "Session": none })).await, SESSION);
        }
        let named = json!({ "AccessToken": token });
        if operation == "VerifySoftwareToken" {
            let absent = ask(named).await;
            assert!(absent.starts_with("SoftwareTokenMFANotFoundException: "), "{absent}");
            let long = with(&more, json!({ "AccessToken": token, "FriendlyDeviceName": "x".repeat(257) }));
            assert!(
                refusal(world.ask(operation, long).await).starts_with("InvalidParameterException: FriendlyDeviceName")
            );
        }
    }
    configure(&world, "OFF", json!({})).await;
    let off = refusal(world.ask("AssociateSoftwareToken", json!({ "AccessToken": token })).await);
    assert_eq!(off, "SoftwareTokenMFANotFoundException: Software Token MFA has not been enabled by the userPool");
}

async fn administrators_sign_ins_ask_too(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let seed = enrol(&world).await;
    let client = json!({ "UserPoolId": world.pool, "ClientName": "a", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
    let client = text(&world.ask("CreateUserPoolClient", client).await.unwrap()["UserPoolClient"]["ClientId"]);
    let by = json!({ "UserPoolId": world.pool, "ClientId": client });
    let begin = with(
        &by,
        json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": "jane", "PASSWORD": PASSWORD } }),
    );
    let asked = world.ask("AdminInitiateAuth", begin).await.unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let answers = json!({ "USERNAME": "jane@example.com", "SOFTWARE_TOKEN_MFA_CODE": code(&world, &seed, 0) });
    let answer =
        json!({ "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": asked["Session"], "ChallengeResponses": answers });
    // Where the address is no alias, it names nobody.
    assert_eq!(refusal(world.ask("AdminRespondToAuthChallenge", with(&by, answer.clone())).await), SESSION);
    let mut answer = answer;
    answer["ChallengeResponses"]["USERNAME"] = json!("jane");
    let done = world.ask("AdminRespondToAuthChallenge", with(&by, answer)).await.unwrap();
    assert!(done["AuthenticationResult"]["IdToken"].is_string());
}

/// Whoever has no more than a temporary password gets neither the codes nor rid of them (SECURITY.md T58).
async fn a_temporary_password_moves_no_second_factor(store: Store) {
    let world = world(store, "OPTIONAL").await;
    let token = access_token(&world).await;
    prefer(&world, &token, json!({ "EmailMfaSettings": { "Enabled": true } })).await.unwrap();
    let temporary = with(&named(&world, "jane"), json!({ "Password": OTHER, "Permanent": false }));
    world.ask("AdminSetUserPassword", temporary).await.unwrap();
    let asked = begin(&world, "jane", OTHER).await.unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let set = async |more: Value| {
        let answers = with(&json!({ "NEW_PASSWORD": PASSWORD }), more);
        respond(&world, &asked, "NEW_PASSWORD_REQUIRED", answers).await
    };
    for address in ["thief@example.com", ""] {
        let said = refusal(set(json!({ "userAttributes.email": address })).await);
        assert!(said.contains("user.email: Attribute cannot be updated."), "{address:?}: {said}");
    }
    world.user("joe", PASSWORD).await;
    assert_eq!(refusal(set(json!({ "USERNAME": "joe" })).await), SESSION, "another name than the challenge's");
    let next = set(json!({})).await.unwrap();
    assert_eq!(next["ChallengeName"], "EMAIL_OTP");
}

/// Who began to set a token up with the password alone does not end it beside the user, who has a factor meanwhile.
async fn a_set_up_that_came_too_late_is_over(store: Store) {
    let world = World::new(store).await;
    configure(&world, "OFF", json!({})).await;
    let jane = json!({ "UserPoolId": world.pool, "Username": "jane" });
    world.ask("AdminCreateUser", with(&jane, json!({ "MessageAction": "SUPPRESS" }))).await.unwrap();
    let password = with(&jane, json!({ "Password": PASSWORD, "Permanent": true }));
    world.ask("AdminSetUserPassword", password).await.unwrap();
    let mail = json!({ "EmailMfaConfiguration": { "Message": "Code {####}", "Subject": "Sign in" } });
    configure(&world, "ON", mail).await;
    let begun = begin(&world, "jane", PASSWORD).await.unwrap();
    assert_eq!(begun["ChallengeName"], "MFA_SETUP");
    let associated = world.ask("AssociateSoftwareToken", json!({ "Session": begun["Session"] })).await.unwrap();
    let email =
        json!([{ "Name": "email", "Value": "jane@example.com" }, { "Name": "email_verified", "Value": "true" }]);
    world.ask("AdminUpdateUserAttributes", with(&jane, json!({ "UserAttributes": email }))).await.unwrap();
    let verify = json!({ "Session": associated["Session"], "UserCode": code(&world, &associated["SecretCode"], 0) });
    assert_eq!(refusal(world.ask("VerifySoftwareToken", verify).await), SESSION);
}
