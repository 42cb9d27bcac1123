//! The nine operations, on both engines.

use common::feed::Kind;
use serde_json::{Value, json};

use super::model::{Device, DeviceKey};
use super::{forget, rows, rules};
use crate::engines::on_both_engines;
use crate::sessions::{Session, rows as session_rows};
use crate::store::{Batch, CommitError, Migration, Query, Statement, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-Horse-1";
const ABSENT: &str = "ResourceNotFoundException: Device does not exist.";
const INVALID: &str = "InvalidParameterException: Invalid device key given.";
const REVOKED: &str = "NotAuthorizedException: Access Token has been revoked";

on_both_engines!(
    a_device_from_its_key_to_its_end,
    lists_in_pages,
    administrators_do_the_same,
    a_key_is_good_for_whom_it_was_given_to,
    users_decide_where_they_are_asked,
    a_pool_that_remembers_no_devices,
    forgetting_ends_what_came_from_the_device_and_no_more,
    a_device_with_many_sessions,
    a_sign_in_meanwhile_is_not_left_alive,
    tokens_without_a_session_end_too,
    refreshing_names_the_device,
    the_least_used_device_makes_room,
    verifiers_lie_sealed,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A pool that remembers every device, with jane and joan.
async fn world(store: Store) -> World {
    with_configuration(store, json!({ "ChallengeRequiredOnNewDevice": true })).await
}

async fn with_configuration(store: Store, configuration: Value) -> World {
    let world = World::with_pool(store, json!({ "DeviceConfiguration": configuration })).await;
    for name in ["jane", "joan"] {
        world.user(name, PASSWORD).await;
    }
    world
}

/// A sign-in from a new device: the key, and the access token.
async fn arrive(world: &World, name: &str) -> (String, String) {
    let tokens = world.sign_in(name, PASSWORD).await.unwrap();
    (text(&tokens["NewDeviceMetadata"]["DeviceKey"]), text(&tokens["AccessToken"]))
}

/// One that is confirmed too. It has no secret, so sign-ins are not asked for it.
async fn settle(world: &World, name: &str) -> (String, String) {
    let (key, token) = arrive(world, name).await;
    let request = json!({ "AccessToken": token, "DeviceKey": key, "DeviceName": format!("{name}'s") });
    world.ask("ConfirmDevice", request).await.unwrap();
    (key, token)
}

/// A sign-in that names a device.
async fn sign_in_from(world: &World, name: &str, key: &str) -> Value {
    let parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD, "DEVICE_KEY": key });
    let request = json!({ "ClientId": world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    world.ask("InitiateAuth", request).await.unwrap()["AuthenticationResult"].clone()
}

fn of(token: &str, key: &str) -> Value {
    json!({ "AccessToken": token, "DeviceKey": key })
}

async fn lives(world: &World, token: &str) -> bool {
    world.ask("GetUser", json!({ "AccessToken": token })).await.is_ok()
}

fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&common::jose::base64url_decode(body).unwrap()).unwrap()
}

fn attribute(device: &Value, name: &str) -> Option<String> {
    let attributes = device["DeviceAttributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["Name"] == name).map(|attribute| text(&attribute["Value"]))
}

fn names(device: &Value) -> Vec<String> {
    device["DeviceAttributes"].as_array().unwrap().iter().map(|attribute| text(&attribute["Name"])).collect()
}

async fn told(world: &World, kind: Kind) -> i64 {
    let query = Query::new("SELECT COUNT(*) FROM feed_log WHERE kind = $1").bind(u32::from(kind.0));
    world.services.store.one(query).await.unwrap().unwrap().int(0).unwrap()
}

async fn commit(world: &World, statements: Vec<Statement>) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.extend(statements);
    world.services.store.commit(batch).await
}

async fn a_device_from_its_key_to_its_end(store: Store) {
    let world = world(store).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let (key, token) = (text(&tokens["NewDeviceMetadata"]["DeviceKey"]), text(&tokens["AccessToken"]));
    assert!(key.starts_with("eu-test-1_") && key.len() == 46, "{key}");
    assert_eq!(text(&tokens["NewDeviceMetadata"]["DeviceGroupKey"]).len(), 9);
    assert_eq!(claims(&token)["device_key"], key.as_str());
    assert!(claims(&text(&tokens["IdToken"])).get("device_key").is_none());
    assert_eq!(refusal(world.ask("GetDevice", of(&token, &key)).await), ABSENT, "not before it is confirmed");

    let confirm = with(&of(&token, &key), json!({ "DeviceName": "Jane's phone" }));
    let confirmed = world.ask("ConfirmDevice", confirm.clone()).await.unwrap();
    assert_eq!(confirmed, json!({ "UserConfirmationNecessary": false }));
    let again = refusal(world.ask("ConfirmDevice", confirm).await);
    assert!(again.starts_with("DeviceKeyExistsException: "), "{again}");

    let device = world.ask("GetDevice", of(&token, &key)).await.unwrap()["Device"].clone();
    assert_eq!(device["DeviceKey"], key.as_str());
    assert_eq!(
        names(&device),
        [
            "device_status",
            "device_name",
            "dev:device_arn",
            "dev:device_owner",
            "last_ip_used",
            "dev:device_remembered_status",
            "dev:device_sdk"
        ],
        "as Cognito's documented answer has them"
    );
    let owner = format!("jane.{}", world.pool);
    assert_eq!(attribute(&device, "dev:device_owner").unwrap(), owner);
    let arn = format!("arn:aws:cognito-idp:eu-test-1:000000000000:owner/{owner}/device/{key}");
    assert_eq!(attribute(&device, "dev:device_arn").unwrap(), arn);
    assert_eq!(attribute(&device, "device_name").unwrap(), "Jane's phone");
    assert_eq!(attribute(&device, "last_ip_used").unwrap(), "127.0.0.1");
    assert_eq!(attribute(&device, "dev:device_remembered_status").unwrap(), "remembered");

    world.clock.advance(std::time::Duration::from_millis(1_500));
    let update = with(&of(&token, &key), json!({ "DeviceRememberedStatus": "not_remembered" }));
    assert_eq!(world.ask("UpdateDeviceStatus", update).await.unwrap(), json!({}));
    world.ask("UpdateDeviceStatus", of(&token, &key)).await.unwrap();
    let updated = world.ask("GetDevice", of(&token, &key)).await.unwrap()["Device"].clone();
    assert_eq!(attribute(&updated, "dev:device_remembered_status").unwrap(), "not_remembered");
    assert_eq!(updated["DeviceCreateDate"], device["DeviceCreateDate"]);
    assert_eq!(updated["DeviceLastAuthenticatedDate"], device["DeviceLastAuthenticatedDate"]);
    assert!(updated["DeviceLastModifiedDate"].as_f64() > device["DeviceLastModifiedDate"].as_f64());

    let (_, other) = arrive(&world, "jane").await;
    world.ask("ForgetDevice", of(&token, &key)).await.unwrap();
    assert_eq!(refusal(world.ask("GetDevice", of(&other, &key)).await), ABSENT);
    assert_eq!(refusal(world.ask("ForgetDevice", of(&other, &key)).await), ABSENT);
    assert_eq!(refusal(world.ask("ConfirmDevice", of(&other, &key)).await), INVALID, "a key does not come back");
}

async fn lists_in_pages(store: Store) {
    let world = world(store).await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(settle(&world, "jane").await.0);
    }
    let (_, token) = settle(&world, "joan").await;
    assert_eq!(names(&world.ask("ListDevices", json!({ "AccessToken": token })).await.unwrap()["Devices"][0]).len(), 3);
    let (_, token) = arrive(&world, "jane").await;
    let list = async |more: Value| {
        let base = json!({ "AccessToken": token, "Limit": 2 });
        world.ask("ListDevices", with(&base, more)).await
    };
    let first = list(json!({})).await.unwrap();
    let second = list(json!({ "PaginationToken": first["PaginationToken"] })).await.unwrap();
    assert!(second.get("PaginationToken").is_none());
    let of_page = |page: &Value| page["Devices"].as_array().unwrap().clone();
    let listed: Vec<_> = [of_page(&first), of_page(&second)].concat().iter().map(|d| text(&d["DeviceKey"])).collect();
    keys.sort();
    assert_eq!(listed, keys, "hers, all of them, and no other's");
    // A token leads on in the list of the same user only.
    let (_, joan) = arrive(&world, "joan").await;
    let stolen = json!({ "AccessToken": joan, "PaginationToken": first["PaginationToken"] });
    let said = refusal(world.ask("ListDevices", stolen).await);
    assert!(said.starts_with("InvalidParameterException: Paging marker"), "{said}");
}

async fn administrators_do_the_same(store: Store) {
    let world = world(store).await;
    let (key, token) = settle(&world, "jane").await;
    let jane = json!({ "UserPoolId": world.pool, "Username": "jane" });
    let device = with(&jane, json!({ "DeviceKey": key }));
    let found = world.ask("AdminGetDevice", device.clone()).await.unwrap();
    assert_eq!(found, world.ask("GetDevice", of(&token, &key)).await.unwrap());
    let listed = world.ask("AdminListDevices", with(&jane, json!({ "Limit": 1 }))).await.unwrap();
    assert_eq!(listed["Devices"], json!([found["Device"]]));
    let update = with(&device, json!({ "DeviceRememberedStatus": "not_remembered" }));
    world.ask("AdminUpdateDeviceStatus", update).await.unwrap();
    let found = world.ask("AdminGetDevice", device.clone()).await.unwrap();
    assert_eq!(attribute(&found["Device"], "dev:device_remembered_status").unwrap(), "not_remembered");

    for operation in ["AdminGetDevice", "AdminListDevices", "AdminUpdateDeviceStatus", "AdminForgetDevice"] {
        let nobody = with(&device, json!({ "Username": "nobody" }));
        let wanted = match operation {
            // Their model has no UserNotFoundException.
            "AdminGetDevice" | "AdminListDevices" => "ResourceNotFoundException: User does not exist.",
            _ => "UserNotFoundException: User does not exist.",
        };
        assert_eq!(refusal(world.ask(operation, nobody).await), wanted, "{operation}");
        let nowhere = with(&device, json!({ "UserPoolId": "eu-test-1_Nothing00" }));
        let said = refusal(world.ask(operation, nowhere).await);
        assert_eq!(said, "ResourceNotFoundException: User pool eu-test-1_Nothing00 does not exist.", "{operation}");
        if operation != "AdminListDevices" {
            let joans = with(&device, json!({ "Username": "joan" }));
            assert_eq!(refusal(world.ask(operation, joans).await), ABSENT, "{operation}");
        }
    }
    assert_eq!(world.ask("AdminForgetDevice", device.clone()).await.unwrap(), Value::Null);
    assert_eq!(refusal(world.ask("AdminForgetDevice", device).await), ABSENT);
    assert!(!lives(&world, &token).await);
}

/// SECURITY.md T73: a device of A is none of B's.
async fn a_key_is_good_for_whom_it_was_given_to(store: Store) {
    let world = world(store).await;
    let (janes, jane) = arrive(&world, "jane").await;
    let (joans, joan) = settle(&world, "joan").await;
    let unknown = "eu-test-1_0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
    for key in [&joans, unknown] {
        assert_eq!(refusal(world.ask("ConfirmDevice", of(&jane, key)).await), INVALID);
        for operation in ["GetDevice", "ForgetDevice", "UpdateDeviceStatus"] {
            assert_eq!(refusal(world.ask(operation, of(&jane, key)).await), ABSENT, "{operation}");
        }
        let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "DEVICE_KEY": key });
        let request =
            json!({ "ClientId": world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        assert_eq!(refusal(world.ask("InitiateAuth", request.clone()).await), ABSENT);
        let wrong =
            json!({ "AuthParameters": { "USERNAME": "jane", "PASSWORD": "Wrong-1-password", "DEVICE_KEY": key } });
        let said = refusal(world.ask("InitiateAuth", with(&request, wrong)).await);
        assert_eq!(said, "NotAuthorizedException: Incorrect username or password.", "not before the password is right");
    }
    assert!(lives(&world, &joan).await);
    assert_eq!(
        world.count("SELECT failures * 10 + in_flight FROM lockouts WHERE failures + in_flight > 0").await,
        20,
        "two wrong ones, none left open"
    );
    world.ask("ConfirmDevice", of(&jane, &janes)).await.unwrap();
    // A key that a sign-in before has given.
    let (earlier, _) = arrive(&world, "jane").await;
    let (_, later) = arrive(&world, "jane").await;
    world.ask("ConfirmDevice", of(&later, &earlier)).await.unwrap();
}

async fn users_decide_where_they_are_asked(store: Store) {
    let world = with_configuration(store, json!({ "DeviceOnlyRememberedOnUserPrompt": true })).await;
    let (key, token) = arrive(&world, "jane").await;
    let confirmed = world.ask("ConfirmDevice", of(&token, &key)).await.unwrap();
    assert_eq!(confirmed, json!({ "UserConfirmationNecessary": true }));
    let status = async || {
        let device = world.ask("GetDevice", of(&token, &key)).await.unwrap()["Device"].clone();
        assert!(!names(&device).contains(&"device_name".to_owned()), "it has no name");
        attribute(&device, "dev:device_remembered_status").unwrap()
    };
    assert_eq!(status().await, "not_remembered");
    let update = with(&of(&token, &key), json!({ "DeviceRememberedStatus": "remembered" }));
    world.ask("UpdateDeviceStatus", update).await.unwrap();
    assert_eq!(status().await, "remembered");
}

async fn a_pool_that_remembers_no_devices(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let key = "eu-test-1_0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
    let tokens = sign_in_from(&world, "jane", key).await;
    let token = text(&tokens["AccessToken"]);
    assert!(tokens.get("NewDeviceMetadata").is_none() && claims(&token).get("device_key").is_none());
    let said = refusal(world.ask("ConfirmDevice", of(&token, key)).await);
    assert!(said.starts_with("InvalidUserPoolConfigurationException: "), "{said}");
    assert_eq!(world.ask("ListDevices", json!({ "AccessToken": token })).await.unwrap(), json!({ "Devices": [] }));
    let refresh = json!({ "ClientId": world.client, "RefreshToken": tokens["RefreshToken"], "DeviceKey": key });
    world.ask("GetTokensFromRefreshToken", refresh).await.unwrap();
}

async fn forgetting_ends_what_came_from_the_device_and_no_more(store: Store) {
    let world = world(store).await;
    let (key, first) = settle(&world, "jane").await;
    let second = sign_in_from(&world, "jane", &key).await;
    assert!(second.get("NewDeviceMetadata").is_none(), "it is known");
    assert_eq!(claims(&text(&second["AccessToken"]))["device_key"], key.as_str());
    let (_, elsewhere) = settle(&world, "jane").await;
    let (_, joan) = settle(&world, "joan").await;

    world.ask("ForgetDevice", of(&elsewhere, &key)).await.unwrap();
    for token in [&first, &text(&second["AccessToken"])] {
        assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": token })).await), REVOKED);
    }
    let refresh = json!({ "ClientId": world.client, "RefreshToken": second["RefreshToken"], "DeviceKey": key });
    let said = refusal(world.ask("GetTokensFromRefreshToken", refresh).await);
    assert_eq!(said, "NotAuthorizedException: Refresh Token has been revoked");
    assert!(lives(&world, &elsewhere).await && lives(&world, &joan).await);
    assert_eq!((told(&world, Kind::DEVICE_FORGOTTEN).await, told(&world, Kind::SESSION_REVOKED).await), (1, 2));
}

async fn a_device_with_many_sessions(store: Store) {
    let world = world(store).await;
    let (key, token) = settle(&world, "jane").await;
    let session = text(&claims(&token)["origin_jti"]);
    let pool = common::ids::PoolId::parse(world.pool.as_str()).unwrap();
    let row = world.services.store.one(session_rows::by_origin_jti(&pool, &session)).await.unwrap().unwrap();
    let session = session_rows::session(&row).unwrap();
    let many = 2 * forget::AT_ONCE + 10;
    let more = (0..many).map(|n| {
        let mut refresh_digest = [0; 32];
        refresh_digest[..8].copy_from_slice(&n.to_be_bytes());
        session_rows::insert(&Session { origin_jti: format!("o{n}"), refresh_digest, ..session.clone() })
    });
    commit(&world, more.collect()).await.unwrap();
    let (_, elsewhere) = arrive(&world, "jane").await;
    world.ask("ForgetDevice", of(&elsewhere, &key)).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL").await, 1);
    let wanted = (1, i64::try_from(many).unwrap() + 1);
    assert_eq!((told(&world, Kind::DEVICE_FORGOTTEN).await, told(&world, Kind::SESSION_REVOKED).await), wanted);
}

async fn a_sign_in_meanwhile_is_not_left_alive(store: Store) {
    let world = world(store).await;
    let (key, _) = settle(&world, "jane").await;
    let read = stored(&world, &key).await;
    sign_in_from(&world, "jane", &key).await;
    assert_eq!(commit(&world, vec![rows::delete(&read)]).await, Err(CommitError::Missed { index: 0 }));
    let fresh = stored(&world, &key).await;
    commit(&world, vec![rows::delete(&fresh)]).await.unwrap();
    let late = commit(&world, vec![rows::seen(&fresh, "", None, world.now())]).await;
    assert_eq!(late, Err(CommitError::Missed { index: 0 }), "nobody signs in with what is forgotten");
}

async fn stored(world: &World, key: &str) -> Device {
    let sql = "SELECT pool, sub, device, group_key, name, verifier, remembered, trust, last_address, authenticated_at,
                      created_at, modified_at, version FROM devices WHERE device = $1";
    let row = world.services.store.one(Query::new(sql).bind(key)).await.unwrap().unwrap();
    rows::device(&row).unwrap()
}

async fn tokens_without_a_session_end_too(store: Store) {
    let world = world(store).await;
    let request = json!({ "UserPoolId": world.pool, "ClientName": "no origin", "EnableTokenRevocation": false,
                          "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let made = world.ask("CreateUserPoolClient", request).await.unwrap();
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
    let request = json!({ "ClientId": made["UserPoolClient"]["ClientId"], "AuthFlow": "USER_PASSWORD_AUTH",
                          "AuthParameters": parameters });
    let tokens = world.ask("InitiateAuth", request).await.unwrap()["AuthenticationResult"].clone();
    let (key, token) = (text(&tokens["NewDeviceMetadata"]["DeviceKey"]), text(&tokens["AccessToken"]));
    assert!(claims(&token).get("origin_jti").is_none());
    assert!(lives(&world, &token).await, "before it is confirmed");
    world.ask("ConfirmDevice", of(&token, &key)).await.unwrap();
    assert!(lives(&world, &token).await);
    world.ask("ForgetDevice", of(&token, &key)).await.unwrap();
    assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": token })).await), REVOKED);
}

async fn refreshing_names_the_device(store: Store) {
    let world = world(store).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let (key, token) = (text(&tokens["NewDeviceMetadata"]["DeviceKey"]), text(&tokens["AccessToken"]));
    let other = settle(&world, "jane").await.0;
    let by_flow = async |device: Option<&str>| {
        let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"], "DEVICE_KEY": device });
        let request =
            json!({ "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
        world.ask("InitiateAuth", request).await
    };
    let by_operation = async |device: Option<&str>| {
        let request = json!({ "ClientId": world.client, "RefreshToken": tokens["RefreshToken"], "DeviceKey": device });
        world.ask("GetTokensFromRefreshToken", request).await
    };
    let invalid = "NotAuthorizedException: Invalid Refresh Token.";
    // A device that was never confirmed need not be named.
    for device in [None, Some(key.as_str())] {
        by_flow(device).await.unwrap();
        by_operation(device).await.unwrap();
    }
    world.ask("ConfirmDevice", of(&token, &key)).await.unwrap();
    assert_eq!(refusal(by_flow(Some("no key")).await), invalid);
    for device in [None, Some(other.as_str())] {
        assert_eq!(refusal(by_flow(device).await), invalid);
        assert_eq!(refusal(by_operation(device).await), invalid);
    }
    for answer in [by_flow(Some(&key)).await, by_operation(Some(&key)).await] {
        let token = text(&answer.unwrap()["AuthenticationResult"]["AccessToken"]);
        assert_eq!(claims(&token)["device_key"], key.as_str());
    }
}

async fn the_least_used_device_makes_room(store: Store) {
    let world = world(store).await;
    let (oldest, _) = settle(&world, "jane").await;
    let (joans, _) = settle(&world, "joan").await;
    let sample = stored(&world, &oldest).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let more = (1..rules::MOST).map(|n| {
        let key = DeviceKey::parse(&format!("eu_{n:x}")).unwrap();
        rows::insert(&Device { key, authenticated: world.now(), ..sample.clone() })
    });
    commit(&world, more.collect()).await.unwrap();
    let (newest, token) = settle(&world, "jane").await;
    let of_jane = "SELECT COUNT(*) FROM devices WHERE sub = (SELECT sub FROM users WHERE username = 'jane')";
    assert_eq!(world.count(of_jane).await, i64::try_from(rules::MOST).unwrap());
    assert_eq!(refusal(world.ask("GetDevice", of(&token, &oldest)).await), ABSENT);
    world.ask("GetDevice", of(&token, &newest)).await.unwrap();
    stored(&world, &joans).await;
}

async fn verifiers_lie_sealed(store: Store) {
    let world = world(store).await;
    let (key, token) = arrive(&world, "jane").await;
    let with_secret = |salt: &str, verifier: &str| {
        let config = json!({ "Salt": salt, "PasswordVerifier": verifier });
        with(&of(&token, &key), json!({ "DeviceSecretVerifierConfig": config }))
    };
    for (salt, verifier) in [("", "TXk="), ("TXk=", ""), ("TXk=", "AAAA"), ("?", "TXk=")] {
        let said = refusal(world.ask("ConfirmDevice", with_secret(salt, verifier)).await);
        assert_eq!(said, "InvalidParameterException: Invalid device secret verifier given.", "{salt:?} {verifier:?}");
    }
    // The documentation's example.
    world.ask("ConfirmDevice", with_secret("TXlTUlBTYWx0", "TXlWZXJpZmllclN0cmluZw")).await.unwrap();
    let sealed = stored(&world, &key).await.sealed_verifier.unwrap();
    for part in [b"MySRPSalt".as_slice(), b"MyVerifierString"] {
        assert!(!sealed.windows(part.len()).any(|window| window == part));
    }
}
