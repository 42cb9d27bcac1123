//! Administrators' sign-ins on both engines, through the operations. What they share with users' sign-ins is tested there too.

use std::collections::BTreeSet;
use std::time::Duration;

use cognito_model::Fault;
use common::secret::SecretString;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::passwords::secret_hash;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text};

const PASSWORD: &str = "Correct-Hörse-1";
const OTHER: &str = "Another-Hörse-2";
const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";
const SESSION: &str = "NotAuthorizedException: Invalid session for the user.";
const FLOWS: [&str; 3] = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];

on_both_engines!(
    a_password_gets_tokens_and_a_refresh_token_more,
    flows_are_asked_of_the_client,
    flows_of_later_versions_and_of_users_are_refused,
    who_cannot_sign_in,
    the_client_is_one_of_the_pool,
    a_client_with_a_secret_demands_its_hash,
    an_own_password_and_what_the_pool_requires,
    users_and_administrators_share_sessions_of_one_client_only,
    srp_begins_alike_for_users_and_nobody,
    an_srp_answer_counts_once,
    sign_ins_are_in_the_audit_record,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A world with the user `jane`, and an administrator's client that hides who exists.
struct Admin {
    world: World,
    client: String,
}

impl Admin {
    async fn new(store: Store) -> Self {
        Self::with_pool(store, json!({})).await
    }

    async fn with_pool(store: Store, settings: Value) -> Self {
        let world = World::with_pool(store, settings).await;
        world.user("jane", PASSWORD).await;
        let client = text(&client(&world, json!({ "PreventUserExistenceErrors": "ENABLED" })).await["ClientId"]);
        Self { world, client }
    }

    async fn initiate(&self, client: &str, flow: &str, parameters: Value) -> Result<Value, Fault> {
        let request = json!({
            "UserPoolId": self.world.pool, "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters,
            "ContextData": { "IpAddress": "192.0.2.1", "ServerName": "a", "ServerPath": "/", "HttpHeaders": [] },
            "ClientMetadata": { "any": "thing" }, "AnalyticsMetadata": { "AnalyticsEndpointId": "none" },
        });
        self.world.ask("AdminInitiateAuth", request).await
    }

    async fn by_password(&self, client: &str, name: &str, password: &str) -> Result<Value, Fault> {
        let parameters = json!({ "USERNAME": name, "PASSWORD": password });
        self.initiate(client, "ADMIN_USER_PASSWORD_AUTH", parameters).await
    }

    async fn respond(&self, challenge: &str, session: Option<&Value>, answers: Value) -> Result<Value, Fault> {
        let mut request = json!({
            "UserPoolId": self.world.pool, "ClientId": self.client, "ChallengeName": challenge,
            "ChallengeResponses": answers, "ClientMetadata": { "any": "thing" },
            "ContextData": { "IpAddress": "192.0.2.1", "ServerName": "a", "ServerPath": "/", "HttpHeaders": [] },
        });
        if let Some(session) = session {
            request["Session"] = session.clone();
        }
        self.world.ask("AdminRespondToAuthChallenge", request).await
    }

    /// A user with a temporary password.
    async fn invited(&self, name: &str) {
        let request = json!({
            "UserPoolId": self.world.pool, "Username": name, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        });
        self.world.ask("AdminCreateUser", request).await.unwrap();
    }
}

async fn client(world: &World, settings: Value) -> Value {
    let mut request = json!({ "UserPoolId": world.pool, "ClientName": "admin", "ExplicitAuthFlows": FLOWS });
    request.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    world.ask("CreateUserPoolClient", request).await.unwrap()["UserPoolClient"].clone()
}

async fn a_password_gets_tokens_and_a_refresh_token_more(store: Store) {
    let it = Admin::new(store).await;
    for flow in ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] {
        let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
        let answer = it.initiate(&it.client, flow, parameters).await.unwrap();
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(members, ["AuthenticationResult", "ChallengeParameters"]);
        let tokens = answer["AuthenticationResult"].clone();
        let user = it.world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
        assert_eq!(user["Username"], "jane");
        for flow in ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"] {
            let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
            let again = it.initiate(&it.client, flow, parameters).await.unwrap()["AuthenticationResult"].clone();
            assert!(again["RefreshToken"].is_null() && again["AccessToken"] != tokens["AccessToken"]);
        }
    }
    let wrong = [("jane", "Correct-Horse-1"), ("jane", OTHER), ("joan", PASSWORD)];
    for (name, password) in wrong {
        assert_eq!(refusal(it.by_password(&it.client, name, password).await), WRONG);
    }
    let parameters = json!({ "REFRESH_TOKEN": "nonsense" });
    let refused = refusal(it.initiate(&it.client, "REFRESH_TOKEN_AUTH", parameters).await);
    assert_eq!(refused, "NotAuthorizedException: Invalid Refresh Token.");
}

async fn flows_are_asked_of_the_client(store: Store) {
    let it = Admin::new(store).await;
    let password = "InvalidParameterException: Auth flow not enabled for this client";
    let srp = "InvalidParameterException: USER_SRP_AUTH is not enabled for the client.";
    let refresh = "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client";
    let rotation = json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 });
    let cases = [
        (json!({ "ExplicitAuthFlows": [] }), vec![password]),
        (json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }), vec![password, srp, refresh]),
        (json!({ "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] }), vec![srp, refresh]),
        (json!({ "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH"] }), vec![]),
        (json!({ "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH"], "RefreshTokenRotation": rotation }), vec![refresh]),
        (json!({}), vec![]),
    ];
    for (settings, refused) in cases {
        let id = text(&client(&it.world, settings.clone()).await["ClientId"]);
        let asked = [
            ("ADMIN_USER_PASSWORD_AUTH", json!({ "USERNAME": "jane", "PASSWORD": PASSWORD })),
            ("USER_SRP_AUTH", json!({ "USERNAME": "jane", "SRP_A": "abcdef" })),
            ("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": "nonsense" })),
        ];
        let mut found = Vec::new();
        for (flow, parameters) in asked {
            let outcome = it.initiate(&id, flow, parameters).await;
            found.extend(outcome.err().map(|fault| format!("{}: {}", fault.exception.name(), fault.message)));
        }
        found.retain(|text| text != "NotAuthorizedException: Invalid Refresh Token.");
        assert_eq!(found, refused, "{settings}");
    }
}

async fn flows_of_later_versions_and_of_users_are_refused(store: Store) {
    let it = Admin::new(store).await;
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "SRP_A": "abcdef" });
    let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_USER_AUTH"];
    let id = text(&client(&it.world, json!({ "ExplicitAuthFlows": flows })).await["ClientId"]);
    let method = "InvalidParameterException: Initiate Auth method not supported.";
    assert_eq!(refusal(it.initiate(&id, "USER_PASSWORD_AUTH", parameters.clone()).await), method);
    for flow in ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] {
        let request = json!({ "ClientId": id, "AuthFlow": flow, "AuthParameters": parameters });
        assert_eq!(refusal(it.world.ask("InitiateAuth", request).await), method);
    }
    for flow in ["CUSTOM_AUTH", "USER_AUTH"] {
        let wanted = format!("InvalidParameterException: {flow} is not enabled for the client.");
        assert_eq!(refusal(it.initiate(&id, flow, parameters.clone()).await), wanted);
    }
    for challenge in ["WEB_AUTHN", "SMS_OTP", "CUSTOM_CHALLENGE", "ADMIN_NO_SRP_AUTH"] {
        let wanted = format!("InvalidParameterException: {challenge} is not a challenge of this sign-in.");
        let session = json!("s".repeat(43));
        assert_eq!(refusal(it.respond(challenge, Some(&session), parameters.clone()).await), wanted);
    }
    for (without, missing) in [("USERNAME", json!({ "PASSWORD": "x" })), ("PASSWORD", json!({ "USERNAME": "jane" }))] {
        let wanted = format!("InvalidParameterException: Missing required parameter {without}");
        assert_eq!(refusal(it.initiate(&it.client, "ADMIN_USER_PASSWORD_AUTH", missing).await), wanted);
    }
}

/// A client that hides who exists hides it from administrators' calls too; what a right password proves is said to everybody.
async fn who_cannot_sign_in(store: Store) {
    let it = Admin::new(store).await;
    let (pool, legacy) = (&it.world.pool, client(&it.world, json!({ "PreventUserExistenceErrors": "LEGACY" })).await);
    let legacy = text(&legacy["ClientId"]);
    it.world.user("disabled", PASSWORD).await;
    it.world.ask("AdminDisableUser", json!({ "UserPoolId": pool, "Username": "disabled" })).await.unwrap();
    let signed_up = json!({
        "ClientId": it.world.client, "Username": "unconfirmed", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "unconfirmed@example.com" }],
    });
    it.world.ask("SignUp", signed_up).await.unwrap();
    it.world.user("reset", PASSWORD).await;
    it.world.ask("AdminResetUserPassword", json!({ "UserPoolId": pool, "Username": "reset" })).await.unwrap();
    it.invited("late").await;
    it.world.clock.advance(Duration::from_secs(8 * 86_400));
    let nobody = "UserNotFoundException: User does not exist.";
    let late = "NotAuthorizedException: Temporary password has expired and must be reset by an administrator.";
    let cases = [
        ("nobody", WRONG, nobody),
        ("disabled", "NotAuthorizedException: User is disabled.", "NotAuthorizedException: User is disabled."),
        (
            "unconfirmed",
            "UserNotConfirmedException: User is not confirmed.",
            "UserNotConfirmedException: User is not confirmed.",
        ),
        (
            "reset",
            "PasswordResetRequiredException: Password reset required for the user",
            "PasswordResetRequiredException: Password reset required for the user",
        ),
        ("late", late, late),
    ];
    for (name, hiding, showing) in cases {
        assert_eq!(refusal(it.by_password(&it.client, name, PASSWORD).await), hiding);
        assert_eq!(refusal(it.by_password(&legacy, name, PASSWORD).await), showing);
        if name != "nobody" {
            assert_eq!(refusal(it.by_password(&it.client, name, OTHER).await), WRONG, "{name}");
        }
    }
    let srp = json!({ "USERNAME": "nobody", "SRP_A": "abcdef" });
    assert_eq!(refusal(it.initiate(&legacy, "USER_SRP_AUTH", srp).await), nobody);
    // Longer than any password may be: a wrong one, and no matter of a policy.
    for name in ["jane", "nobody"] {
        let parameters = json!({ "USERNAME": name, "PASSWORD": "x".repeat(2_000) });
        assert_eq!(refusal(it.initiate(&it.client, "ADMIN_USER_PASSWORD_AUTH", parameters).await), WRONG, "{name}");
    }
}

async fn the_client_is_one_of_the_pool(store: Store) {
    let it = Admin::new(store).await;
    let made = it.world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
    let other = text(&made["UserPool"]["Id"]);
    let challenge = it.initiate(&it.client, "USER_SRP_AUTH", json!({ "USERNAME": "jane", "SRP_A": "abcdef" })).await;
    let challenge = challenge.unwrap();
    let asked = async |pool: &str, client: &str| {
        let named = json!({ "UserPoolId": pool, "ClientId": client });
        let with = |more: Value| {
            let mut request = named.clone();
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        let initiate = with(json!({
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": "jane", "PASSWORD": PASSWORD },
        }));
        let respond = with(json!({
            "ChallengeName": "PASSWORD_VERIFIER", "Session": challenge["Session"],
            "ChallengeResponses": { "USERNAME": "jane" },
        }));
        let first = refusal(it.world.ask("AdminInitiateAuth", initiate).await);
        assert_eq!(refusal(it.world.ask("AdminRespondToAuthChallenge", respond).await), first);
        first
    };
    let client = |id: &str| format!("ResourceNotFoundException: User pool client {id} does not exist.");
    assert_eq!(asked(&other, &it.client).await, client(&it.client));
    assert_eq!(asked(&it.world.pool, "0123456789").await, client("0123456789"));
    let pool = "eu-test-1_Nothing00";
    let absent = format!("ResourceNotFoundException: User pool {pool} does not exist.");
    assert_eq!(asked(pool, &it.client).await, absent);
}

async fn a_client_with_a_secret_demands_its_hash(store: Store) {
    let it = Admin::new(store).await;
    let made = client(&it.world, json!({ "GenerateSecret": true })).await;
    let (id, secret) = (text(&made["ClientId"]), SecretString::new(text(&made["ClientSecret"])));
    let hash = |name: &str| secret_hash(&secret, name, &common::ids::ClientId::parse(id.as_str()).unwrap());
    let missing =
        format!("NotAuthorizedException: Client {id} is configured with secret but SECRET_HASH was not received");
    let wrong = format!("NotAuthorizedException: Unable to verify secret hash for client {id}");
    let password = |given: Value| json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "SECRET_HASH": given });
    let cases = [(json!(""), missing.as_str()), (json!(hash("joan")), &wrong), (json!("nonsense"), &wrong)];
    for (given, wanted) in cases {
        let outcome = it.initiate(&id, "ADMIN_USER_PASSWORD_AUTH", password(given)).await;
        assert_eq!(refusal(outcome), wanted);
    }
    let answer = it.initiate(&id, "ADMIN_USER_PASSWORD_AUTH", password(json!(hash("jane")))).await.unwrap();
    let token = &answer["AuthenticationResult"]["RefreshToken"];
    let refresh = json!({ "REFRESH_TOKEN": token });
    assert_eq!(refusal(it.initiate(&id, "REFRESH_TOKEN_AUTH", refresh).await), missing);
    let refresh = json!({ "REFRESH_TOKEN": token, "SECRET_HASH": hash("jane") });
    it.initiate(&id, "REFRESH_TOKEN_AUTH", refresh).await.unwrap();
}

async fn an_own_password_and_what_the_pool_requires(store: Store) {
    let required =
        |name: &str| json!({ "Name": name, "AttributeDataType": "String", "Mutable": true, "Required": true });
    let it = Admin::with_pool(store, json!({ "Schema": [required("email"), required("given_name")] })).await;
    it.invited("newcomer").await;
    let asked = it.by_password(&it.client, "newcomer", PASSWORD).await.unwrap();
    assert!(asked["AuthenticationResult"].is_null());
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let missing: BTreeSet<String> =
        serde_json::from_str(asked["ChallengeParameters"]["requiredAttributes"].as_str().unwrap()).unwrap();
    assert_eq!(missing, BTreeSet::from(["userAttributes.email".into(), "userAttributes.given_name".into()]));
    let answers = |password: &str, attributes: &[(&str, &str)]| {
        let mut answers = json!({ "USERNAME": "newcomer", "NEW_PASSWORD": password });
        for (name, value) in attributes {
            answers[format!("userAttributes.{name}")] = json!(value);
        }
        answers
    };
    let session = Some(&asked["Session"]);
    let all = [("email", "newcomer@example.com"), ("given_name", "Ηλίας 🦊")];
    // What is refused leaves the challenge open.
    let few = it.respond("NEW_PASSWORD_REQUIRED", session, answers(OTHER, &all[..1])).await;
    assert!(refusal(few).starts_with("InvalidParameterException: "));
    let weak = it.respond("NEW_PASSWORD_REQUIRED", session, answers("weak", &all)).await;
    assert!(refusal(weak).starts_with("InvalidPasswordException: "));
    let none = it.respond("NEW_PASSWORD_REQUIRED", None, answers(OTHER, &all)).await;
    assert_eq!(refusal(none), "InvalidParameterException: Missing required parameter Session");
    let done = it.respond("NEW_PASSWORD_REQUIRED", session, answers(OTHER, &all)).await.unwrap();
    let user = json!({ "AccessToken": done["AuthenticationResult"]["AccessToken"] });
    let user = it.world.ask("GetUser", user).await.unwrap();
    let given = user["UserAttributes"].as_array().unwrap().iter().find(|a| a["Name"] == "given_name").unwrap();
    assert_eq!(given["Value"], "Ηλίας 🦊");
    let again = it.respond("NEW_PASSWORD_REQUIRED", session, answers(PASSWORD, &all)).await;
    assert_eq!(refusal(again), SESSION);
    assert_eq!(refusal(it.by_password(&it.client, "newcomer", PASSWORD).await), WRONG);
    it.by_password(&it.client, "newcomer", OTHER).await.unwrap();
}

async fn users_and_administrators_share_sessions_of_one_client_only(store: Store) {
    let it = Admin::new(store).await;
    let respond = async |client: &str, session: &Value, name: &str| {
        let request = json!({
            "ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
            "ChallengeResponses": { "USERNAME": name, "NEW_PASSWORD": OTHER },
        });
        it.world.ask("RespondToAuthChallenge", request).await
    };
    it.invited("newcomer").await;
    let asked = it.by_password(&it.client, "newcomer", PASSWORD).await.unwrap();
    assert_eq!(refusal(respond(&it.world.client, &asked["Session"], "newcomer").await), SESSION);
    let tokens = respond(&it.client, &asked["Session"], "newcomer").await.unwrap();
    assert!(tokens["AuthenticationResult"]["AccessToken"].is_string());
}

async fn srp_begins_alike_for_users_and_nobody(store: Store) {
    let it = Admin::new(store).await;
    let shape = async |name: &str| {
        let parameters = json!({ "USERNAME": name, "SRP_A": "abcdef" });
        let answer = it.initiate(&it.client, "USER_SRP_AUTH", parameters).await.unwrap();
        assert_eq!(answer["ChallengeName"], "PASSWORD_VERIFIER");
        assert_eq!(answer["ChallengeParameters"]["USERNAME"], name);
        let parameters = answer["ChallengeParameters"].as_object().unwrap();
        let mut names: Vec<String> = parameters.keys().cloned().collect();
        names.push(format!("Session of {}", answer["Session"].as_str().unwrap().len()));
        names
    };
    assert_eq!(shape("jane").await, shape("nobody").await);
    for bad in ["0", "", "not hexadecimal"] {
        let parameters = json!({ "USERNAME": "jane", "SRP_A": bad });
        let refused = refusal(it.initiate(&it.client, "USER_SRP_AUTH", parameters).await);
        assert!(refused.starts_with("InvalidParameterException: "), "{bad:?}: {refused}");
    }
}

/// tests/clients/adminauth.py has the right answers.
async fn an_srp_answer_counts_once(store: Store) {
    let it = Admin::new(store).await;
    for (name, by_session) in [("jane", true), ("jane", false), ("nobody", true)] {
        let parameters = json!({ "USERNAME": name, "SRP_A": "abcdef" });
        let asked = it.initiate(&it.client, "USER_SRP_AUTH", parameters).await.unwrap();
        let answers = json!({
            "USERNAME": name, "TIMESTAMP": "Mon Sep 21 14:13:20 UTC 2026", "PASSWORD_CLAIM_SIGNATURE": "AAAA",
            "PASSWORD_CLAIM_SECRET_BLOCK": asked["ChallengeParameters"]["SECRET_BLOCK"],
        });
        let session = Some(&asked["Session"]).filter(|_| by_session);
        // Under another name than the attempt's it is no answer, and uses nothing up.
        let of_other = json!({ "USERNAME": "bob" });
        let of_other = answers
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(of_other.as_object().unwrap().clone());
        let of_other = Value::Object(of_other.collect());
        assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", session, of_other).await), SESSION);
        assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", session, answers.clone()).await), WRONG);
        assert_eq!(refusal(it.respond("PASSWORD_VERIFIER", session, answers).await), SESSION);
    }
}

async fn sign_ins_are_in_the_audit_record(store: Store) {
    let it = Admin::new(store).await;
    it.by_password(&it.client, "jane", PASSWORD).await.unwrap();
    let sql = "SELECT COUNT(subject) FROM audit WHERE operation = $1 AND actor = $2 AND result = $3";
    let query = Query::new(sql).bind("AdminInitiateAuth").bind("test").bind("ok");
    assert_eq!(it.world.services.store.one(query).await.unwrap().unwrap().int(0).unwrap(), 1);
}
