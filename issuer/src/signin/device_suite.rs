//! Sign-ins from remembered devices, on both engines. The device is a client of our own ([`test_client`](crate::passwords::srp::test_client)).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::factors::totp;
use crate::passwords::srp::test_client::Client;
use crate::passwords::srp::{Challenge, Identity, Verifier};
use crate::store::{Batch, Migration, Store};
use crate::world::{World, refusal, text, with};
use crate::{devices, pools, users};

const PASSWORD: &str = "Correct-Horse-1";
const OTHER: &str = "Another-Horse-2";
/// The instant at which worlds begin.
const SENT: &str = "Mon Sep 21 14:13:20 UTC 2026";
const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";
const SESSION: &str = "NotAuthorizedException: Invalid session for the user.";
const ABSENT: &str = "ResourceNotFoundException: Device does not exist.";

on_both_engines!(
    a_remembered_device_proves_itself,
    it_is_found_without_a_session,
    what_is_not_remembered_is_not_asked,
    whatever_differs_is_refused,
    a_device_that_is_gone_meanwhile_gets_nothing,
    trust_ends_with_the_password_and_comes_back_with_a_proof,
    an_answer_can_be_repeated_without_a_lost_device,
    a_new_password_goes_before_the_device,
    administrators_sign_in_from_devices,
    a_trusted_device_stands_for_a_second_factor,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// What an app keeps of its device.
struct Phone {
    key: String,
    group: String,
    secret: &'static str,
}

/// A pool that remembers devices, and jane with one.
struct Place {
    world: World,
    phone: Phone,
    /// From the sign-in that made the device.
    token: String,
    srp: Client,
}

impl Place {
    async fn new(store: Store) -> Self {
        let world = World::with_pool(store, json!({ "DeviceConfiguration": {} })).await;
        world.user("jane", PASSWORD).await;
        world.user("joan", PASSWORD).await;
        let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
        let given = |name: &str| text(&tokens["NewDeviceMetadata"][name]);
        let phone = Phone { key: given("DeviceKey"), group: given("DeviceGroupKey"), secret: "a secret" };
        let verifier = Verifier::create(phone.identity(), phone.secret.as_bytes()).unwrap().to_bytes();
        let (salt, value) = verifier.expose()[1..].split_at(16);
        let config = json!({ "Salt": STANDARD.encode(salt), "PasswordVerifier": STANDARD.encode(value) });
        let token = text(&tokens["AccessToken"]);
        let request = json!({ "AccessToken": token, "DeviceKey": phone.key, "DeviceSecretVerifierConfig": config });
        let confirmed = world.ask("ConfirmDevice", request).await.unwrap();
        assert_eq!(confirmed["UserConfirmationNecessary"], false);
        Self { world, phone, token, srp: Client::new([9; 32]) }
    }

    /// InitiateAuth by password, from the device.
    async fn sign_in(&self) -> Value {
        let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "DEVICE_KEY": self.phone.key });
        let request =
            json!({ "ClientId": self.world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        self.world.ask("InitiateAuth", request).await.unwrap()
    }

    async fn respond(&self, challenge: &str, session: Option<&Value>, answers: Value) -> Result<Value, Fault> {
        let answers = with(&json!({ "USERNAME": "jane", "DEVICE_KEY": self.phone.key }), answers);
        let request = json!({ "ClientId": self.world.client, "ChallengeName": challenge,
                              "Session": session, "ChallengeResponses": answers });
        self.world.ask("RespondToAuthChallenge", request).await
    }

    async fn begin(&self, session: Option<&Value>) -> Result<Value, Fault> {
        self.respond("DEVICE_SRP_AUTH", session, json!({ "SRP_A": self.srp.srp_a() })).await
    }

    /// The answer to DEVICE_PASSWORD_VERIFIER.
    fn proof(&self, asked: &Value, secret: &str) -> Value {
        proof(&self.srp, self.phone.identity(), asked, secret)
    }

    async fn finish(&self, asked: &Value, session: Option<&Value>) -> Result<Value, Fault> {
        self.respond("DEVICE_PASSWORD_VERIFIER", session, self.proof(asked, self.phone.secret)).await
    }

    async fn set_status(&self, status: &str) {
        let request =
            json!({ "AccessToken": self.token, "DeviceKey": self.phone.key, "DeviceRememberedStatus": status });
        self.world.ask("UpdateDeviceStatus", request).await.unwrap();
    }
}

impl Phone {
    fn identity(&self) -> Identity<'_> {
        Identity { realm: &self.group, name: &self.key }
    }
}

fn proof(srp: &Client, identity: Identity<'_>, asked: &Value, secret: &str) -> Value {
    let parameter = |name: &str| text(&asked["ChallengeParameters"][name]);
    let challenge =
        Challenge { salt: parameter("SALT"), srp_b: parameter("SRP_B"), secret_block: parameter("SECRET_BLOCK") };
    json!({
        "PASSWORD_CLAIM_SECRET_BLOCK": challenge.secret_block,
        "PASSWORD_CLAIM_SIGNATURE": srp.sign(identity, secret.as_bytes(), &challenge, SENT),
        "TIMESTAMP": SENT,
    })
}

fn claims(answer: &Value) -> Value {
    let token = text(&answer["AuthenticationResult"]["AccessToken"]);
    let body = token.split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&common::jose::base64url_decode(&body).unwrap()).unwrap()
}

async fn a_remembered_device_proves_itself(store: Store) {
    let it = Place::new(store).await;
    let first = it.sign_in().await;
    assert_eq!(first["ChallengeName"], "DEVICE_SRP_AUTH");
    assert!(first["AuthenticationResult"].is_null(), "not before the device is proven");
    let second = it.begin(Some(&first["Session"])).await.unwrap();
    assert_eq!(second["ChallengeName"], "DEVICE_PASSWORD_VERIFIER");
    assert_eq!(second["ChallengeParameters"]["DEVICE_KEY"], it.phone.key.as_str());
    assert_eq!(refusal(it.begin(Some(&first["Session"])).await), SESSION, "once");
    let done = it.finish(&second, Some(&second["Session"])).await.unwrap();
    assert_eq!(claims(&done)["device_key"], it.phone.key.as_str());
    assert!(done["AuthenticationResult"].get("NewDeviceMetadata").is_none());
    assert_eq!(refusal(it.finish(&second, Some(&second["Session"])).await), SESSION, "once");
    assert_eq!(it.world.count("SELECT COUNT(*) FROM attempts").await, 0);
    assert_eq!(it.world.count("SELECT failures + in_flight FROM lockouts").await, 0);
}

/// As pycognito and the Android SDK do it.
async fn it_is_found_without_a_session(store: Store) {
    let it = Place::new(store).await;
    it.sign_in().await;
    let asked = it.begin(None).await.unwrap();
    it.finish(&asked, None).await.unwrap();
    // With that of a challenge before, as amazon-cognito-identity-js does after a code.
    let stale = json!("AYABeE-a-session-of-before-AYABeE");
    it.sign_in().await;
    let asked = it.begin(Some(&stale)).await.unwrap();
    it.finish(&asked, None).await.unwrap();
    // Nobody's password was proven: users, with keys of every kind, are told the same as names of nobody.
    assert_eq!(refusal(it.begin(None).await), SESSION);
    for name in ["jane", "nobody"] {
        for key in [it.phone.key.as_str(), "no key", "eu-test-1_0f"] {
            let answers = json!({ "USERNAME": name, "DEVICE_KEY": key, "SRP_A": it.srp.srp_a() });
            assert_eq!(refusal(it.respond("DEVICE_SRP_AUTH", None, answers).await), SESSION, "{name} {key}");
        }
    }
    // Another client's sign-in is none.
    it.sign_in().await;
    let answers = json!({ "USERNAME": "jane", "DEVICE_KEY": it.phone.key, "SRP_A": it.srp.srp_a() });
    let request =
        json!({ "ClientId": it.world.legacy, "ChallengeName": "DEVICE_SRP_AUTH", "ChallengeResponses": answers });
    assert_eq!(refusal(it.world.ask("RespondToAuthChallenge", request).await), SESSION);
}

async fn what_is_not_remembered_is_not_asked(store: Store) {
    let it = Place::new(store).await;
    it.set_status("not_remembered").await;
    let done = it.sign_in().await;
    assert_eq!(claims(&done)["device_key"], it.phone.key.as_str(), "it is the device all the same");
    assert!(done["AuthenticationResult"].get("NewDeviceMetadata").is_none());
    it.set_status("remembered").await;
    let asked = it.sign_in().await;
    it.set_status("not_remembered").await;
    let asked = it.begin(Some(&asked["Session"])).await.unwrap();
    assert_eq!(refusal(it.finish(&asked, None).await), SESSION, "it is asked when the proof is there");
}

async fn whatever_differs_is_refused(store: Store) {
    let it = Place::new(store).await;
    let asked = it.sign_in().await;
    let other = json!({ "DEVICE_KEY": "eu-test-1_0f", "SRP_A": it.srp.srp_a() });
    assert_eq!(refusal(it.respond("DEVICE_SRP_AUTH", Some(&asked["Session"]), other).await), SESSION);
    let joan = json!({ "USERNAME": "joan", "SRP_A": it.srp.srp_a() });
    assert_eq!(refusal(it.respond("DEVICE_SRP_AUTH", Some(&asked["Session"]), joan).await), SESSION);
    for bad in ["0", "x", &"f".repeat(2_000)] {
        let said = refusal(it.respond("DEVICE_SRP_AUTH", Some(&asked["Session"]), json!({ "SRP_A": bad })).await);
        assert_eq!(said, "InvalidParameterException: SRP_A is not a valid public value.");
    }
    // The Session of one challenge is none of another.
    let nonsense =
        json!({ "PASSWORD_CLAIM_SECRET_BLOCK": "AA==", "PASSWORD_CLAIM_SIGNATURE": "AA==", "TIMESTAMP": SENT });
    let skipped = it.respond("DEVICE_PASSWORD_VERIFIER", Some(&asked["Session"]), nonsense.clone()).await;
    assert_eq!(refusal(skipped), SESSION);
    let asked = it.begin(Some(&asked["Session"])).await.unwrap();
    let good = it.proof(&asked, it.phone.secret);
    for other in [json!({ "USERNAME": "joan" }), json!({ "DEVICE_KEY": "eu-test-1_0f" })] {
        let said = refusal(it.respond("DEVICE_PASSWORD_VERIFIER", None, with(&good, other)).await);
        assert_eq!(said, SESSION, "and nothing is used up");
    }
    let wrong = it.proof(&asked, "another secret");
    assert_eq!(refusal(it.respond("DEVICE_PASSWORD_VERIFIER", None, wrong).await), WRONG);
    assert_eq!(refusal(it.respond("DEVICE_PASSWORD_VERIFIER", None, good).await), SESSION, "one try");
    assert_eq!(it.world.count("SELECT failures + in_flight FROM lockouts").await, 0, "no password was guessed");
}

async fn a_device_that_is_gone_meanwhile_gets_nothing(store: Store) {
    let it = Place::new(store).await;
    let named = json!({ "UserPoolId": it.world.pool, "Username": "jane" });
    let asked = it.sign_in().await;
    let asked = it.begin(Some(&asked["Session"])).await.unwrap();
    let set = with(&named, json!({ "Password": PASSWORD, "Permanent": true }));
    it.world.ask("AdminSetUserPassword", set).await.unwrap();
    assert_eq!(refusal(it.finish(&asked, None).await), SESSION, "another password, though it is the same");
    let asked = it.sign_in().await;
    let asked = it.begin(Some(&asked["Session"])).await.unwrap();
    it.world.ask("AdminForgetDevice", with(&named, json!({ "DeviceKey": it.phone.key }))).await.unwrap();
    assert_eq!(refusal(it.finish(&asked, None).await), ABSENT);
}

/// SECURITY.md I45, T73. What trust is worth: [`super::device`].
async fn trust_ends_with_the_password_and_comes_back_with_a_proof(store: Store) {
    let it = Place::new(store).await;
    let trusted = async || {
        let pool = common::ids::PoolId::parse(it.world.pool.as_str()).unwrap();
        let pool = pools::find(&it.world.services.store, &pool).await.unwrap();
        let user = users::named(&it.world.services.store, &pool, "jane").await.unwrap();
        let device = devices::named(&it.world.services.store, &user, &it.phone.key).await.unwrap();
        (device.trust == Some(devices::rules::ground(&user)), user)
    };
    let prove = async |password: &str| {
        let parameters = json!({ "USERNAME": "jane", "PASSWORD": password, "DEVICE_KEY": it.phone.key });
        let request =
            json!({ "ClientId": it.world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        it.world.ask("InitiateAuth", request).await.unwrap();
        let asked = it.begin(None).await.unwrap();
        it.finish(&asked, None).await.unwrap()
    };
    assert!(trusted().await.0, "as soon as it is confirmed");
    let change = json!({ "AccessToken": it.token, "PreviousPassword": PASSWORD, "ProposedPassword": OTHER });
    it.world.ask("ChangePassword", change).await.unwrap();
    assert!(!trusted().await.0);
    prove(OTHER).await;
    let (back, user) = trusted().await;
    assert!(back);
    let mut batch = Batch::new();
    batch.add(devices::rows::distrust(&user.pool, &user.sub));
    it.world.services.store.commit(batch).await.unwrap();
    assert!(!trusted().await.0);
    prove(OTHER).await;
    assert!(trusted().await.0);
}

/// amazon-cognito-identity-js and Amplify do so, to the end of time if need be.
async fn an_answer_can_be_repeated_without_a_lost_device(store: Store) {
    let it = Place::new(store).await;
    let begin = async |device: Option<&str>| {
        let parameters = json!({ "USERNAME": "jane", "SRP_A": it.srp.srp_a(), "DEVICE_KEY": device });
        let request = json!({ "ClientId": it.world.client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
        it.world.ask("InitiateAuth", request).await.unwrap()
    };
    let pool = common::ids::PoolId::parse(it.world.pool.as_str()).unwrap();
    let lost = "eu-test-1_0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
    let answer = |asked: &Value, password: &str, device: Option<&str>| {
        let proof = proof(&it.srp, Identity::of_user(&pool, "jane"), asked, password);
        with(&proof, json!({ "DEVICE_KEY": device }))
    };
    let asked = begin(Some(lost)).await;
    for device in [lost, "no key at all"] {
        let named = answer(&asked, PASSWORD, Some(device));
        assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", Some(&asked["Session"]), named).await), ABSENT);
    }
    let repeated = answer(&asked, PASSWORD, None);
    let done = it.respond("PASSWORD_VERIFIER", Some(&asked["Session"]), repeated.clone()).await.unwrap();
    assert!(done["AuthenticationResult"]["NewDeviceMetadata"]["DeviceKey"].is_string());
    assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", Some(&asked["Session"]), repeated).await), SESSION);
    // A wrong answer is used up, with or without.
    let asked = begin(None).await;
    let wrong = answer(&asked, OTHER, Some(lost));
    assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", Some(&asked["Session"]), wrong).await), WRONG);
    let right = answer(&asked, PASSWORD, None);
    assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", Some(&asked["Session"]), right).await), SESSION);
    assert_eq!(it.world.count("SELECT failures * 10 + in_flight FROM lockouts").await, 10);
    // The one that the sign-in began with counts where the answer names none.
    let asked = begin(Some(&it.phone.key)).await;
    let next = it.respond("PASSWORD_VERIFIER", None, answer(&asked, PASSWORD, None)).await.unwrap();
    assert_eq!(next["ChallengeName"], "DEVICE_SRP_AUTH");
}

async fn a_new_password_goes_before_the_device(store: Store) {
    let it = Place::new(store).await;
    let set = json!({ "UserPoolId": it.world.pool, "Username": "jane", "Password": PASSWORD, "Permanent": false });
    it.world.ask("AdminSetUserPassword", set).await.unwrap();
    let asked = it.sign_in().await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let answers = json!({ "NEW_PASSWORD": OTHER, "DEVICE_KEY": null });
    let asked = it.respond("NEW_PASSWORD_REQUIRED", Some(&asked["Session"]), answers).await.unwrap();
    assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH", "the device is still the one that was named");
    let asked = it.begin(Some(&asked["Session"])).await.unwrap();
    it.finish(&asked, Some(&asked["Session"])).await.unwrap();
}

async fn administrators_sign_in_from_devices(store: Store) {
    let it = Place::new(store).await;
    let request = json!({ "UserPoolId": it.world.pool, "ClientName": "admin",
                          "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
    let client = it.world.ask("CreateUserPoolClient", request).await.unwrap()["UserPoolClient"]["ClientId"].clone();
    let named = json!({ "UserPoolId": it.world.pool, "ClientId": client });
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "DEVICE_KEY": it.phone.key });
    let request = json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let mut asked = it.world.ask("AdminInitiateAuth", with(&named, request)).await.unwrap();
    for challenge in ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"] {
        assert_eq!(asked["ChallengeName"], challenge);
        let answers = match challenge {
            "DEVICE_SRP_AUTH" => json!({ "SRP_A": it.srp.srp_a() }),
            _ => it.proof(&asked, it.phone.secret),
        };
        let answers = with(&answers, json!({ "USERNAME": "jane", "DEVICE_KEY": it.phone.key }));
        let request = json!({ "ChallengeName": challenge, "Session": asked["Session"], "ChallengeResponses": answers });
        asked = it.world.ask("AdminRespondToAuthChallenge", with(&named, request)).await.unwrap();
    }
    assert_eq!(claims(&asked)["device_key"], it.phone.key.as_str());
}

/// SECURITY.md T73: a device stands for a code while it is trusted. A change of factors ends that, and a proof after a code brings it back.
async fn a_trusted_device_stands_for_a_second_factor(store: Store) {
    let it = Place::new(store).await;
    let (world, pool) = (&it.world, json!({ "UserPoolId": it.world.pool }));
    let instead = json!({ "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": true } });
    world.ask("UpdateUserPool", with(&pool, instead)).await.unwrap();
    let mfa = json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true },
                      "EmailMfaConfiguration": {} });
    world.ask("SetUserPoolMfaConfig", with(&pool, mfa)).await.unwrap();
    let token = json!({ "AccessToken": it.token });
    let made = world.ask("AssociateSoftwareToken", token.clone()).await.unwrap();
    let seed = data_encoding::BASE32_NOPAD.decode(text(&made["SecretCode"]).as_bytes()).unwrap();
    let code = |ahead: u64| totp::text(&seed, totp::step(world.now()) - 1 + ahead);
    world.ask("VerifySoftwareToken", with(&token, json!({ "UserCode": code(0) }))).await.unwrap();
    let enabled = json!({ "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true } });
    world.ask("SetUserMFAPreference", with(&token, enabled)).await.unwrap();

    let by_code = async |ahead: u64| {
        let asked = it.sign_in().await;
        assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "factors have changed");
        let answer = json!({ "SOFTWARE_TOKEN_MFA_CODE": code(ahead) });
        it.respond("SOFTWARE_TOKEN_MFA", Some(&asked["Session"]), answer).await.unwrap()
    };
    let by_device = async |asked: Value| {
        assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH");
        let asked = it.begin(Some(&asked["Session"])).await.unwrap();
        let wrong =
            it.respond("SOFTWARE_TOKEN_MFA", Some(&asked["Session"]), json!({ "SOFTWARE_TOKEN_MFA_CODE": "000000" }));
        assert_eq!(refusal(wrong.await), SESSION);
        let done = it.finish(&asked, Some(&asked["Session"])).await.unwrap();
        assert!(done["AuthenticationResult"]["AccessToken"].is_string());
    };
    by_device(by_code(1).await).await;
    by_device(it.sign_in().await).await;
    let mail = json!({ "Username": "jane", "EmailMfaSettings": { "Enabled": true } });
    world.ask("AdminSetUserMFAPreference", with(&pool, mail)).await.unwrap();
    by_device(by_code(2).await).await;
}
