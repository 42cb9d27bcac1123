//! Attacks of SECURITY.md on whatever operation lets them in, on both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    nobody_vouches_for_oneself,
    one_address_in_another_spelling_is_one_account,
    where_administrators_make_users_nobody_signs_up,
    every_operation_of_a_client_with_a_secret_demands_its_proof,
);

const PASSWORD: &str = "Correct-Horse-1";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn attributes(world: &World, name: &str) -> Value {
    let user = json!({ "UserPoolId": world.pool, "Username": name });
    world.ask("AdminGetUser", user).await.unwrap()["UserAttributes"].clone()
}

/// T55: what says that something is true of a user is written by no user, by no way.
async fn nobody_vouches_for_oneself(store: Store) {
    let schema = json!([
        { "Name": "role", "AttributeDataType": "String", "Mutable": true },
        { "Name": "born", "AttributeDataType": "String", "Mutable": false },
        { "Name": "vetted", "AttributeDataType": "String", "Mutable": true, "DeveloperOnlyAttribute": true },
    ]);
    let world = World::with_pool(store, json!({ "Schema": schema })).await;
    let client = json!({
        "UserPoolId": world.pool, "ClientId": world.client, "WriteAttributes": ["email", "given_name"],
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], "PreventUserExistenceErrors": "ENABLED",
    });
    world.ask("UpdateUserPoolClient", client).await.unwrap();
    world.user("ada", PASSWORD).await;
    let token = world.sign_in("ada", PASSWORD).await.unwrap()["AccessToken"].clone();
    let before = attributes(&world, "ada").await;
    let claims = [
        ("email_verified", "true"),
        ("phone_number_verified", "true"),
        ("sub", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"),
        ("identities", "[]"),
        ("cognito:user_status", "CONFIRMED"),
        ("cognito:username", "root"),
        ("cognito:groups", "admins"),
        ("cognito:mfa_enabled", "true"),
        ("custom:role", "admin"),
        ("custom:born", "1990"),
        ("dev:custom:vetted", "yes"),
        ("custom:dev:vetted", "yes"),
        ("custom:no_such", "x"),
        ("updated_at", "1"),
        ("username", "root"),
    ];
    for (nth, (name, value)) in claims.into_iter().enumerate() {
        let claimed = json!([{ "Name": name, "Value": value }]);
        let update = json!({ "AccessToken": token, "UserAttributes": claimed });
        let refused = refusal(world.ask("UpdateUserAttributes", update).await);
        assert!(refused.starts_with("NotAuthorized") || refused.starts_with("InvalidParameter"), "{name}: {refused}");
        let sign_up = json!({
            "ClientId": world.client, "Username": format!("mallory{nth}"), "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": "mallory@example.com" }, claimed[0]],
        });
        let refused = refusal(world.ask("SignUp", sign_up).await);
        assert!(refused.starts_with("NotAuthorized") || refused.starts_with("InvalidParameter"), "{name}: {refused}");
    }
    assert_eq!(attributes(&world, "ada").await, before);
    assert_eq!(world.count("SELECT COUNT(*) FROM users").await, 1);
    // The last way in: a new password is set, and with it attributes.
    let temporary = json!({ "UserPoolId": world.pool, "Username": "fred", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", temporary).await.unwrap();
    for (name, value) in claims {
        let parameters = json!({ "USERNAME": "fred", "PASSWORD": PASSWORD });
        let begin = json!({ "ClientId": world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        let session = world.ask("InitiateAuth", begin).await.unwrap()["Session"].clone();
        let mut responses = json!({ "USERNAME": "fred", "NEW_PASSWORD": "Another-Horse-1" });
        responses[format!("userAttributes.{name}")] = json!(value);
        let respond = json!({
            "ClientId": world.client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session, "ChallengeResponses": responses,
        });
        let refused = world.ask("RespondToAuthChallenge", respond).await;
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
    let fred = attributes(&world, "fred").await;
    assert_eq!(fred.as_array().unwrap().len(), 1, "sub alone: {fred}");
}

/// T56: another spelling of a name is the same name; what merely looks like it is another's, and gets nothing of the first one's.
async fn one_address_in_another_spelling_is_one_account(store: Store) {
    let world = World::with_pool(store, json!({ "AliasAttributes": ["email", "preferred_username"], "UsernameConfiguration": { "CaseSensitive": false } })).await;
    world.user("ada", PASSWORD).await;
    let named = json!({ "UserPoolId": world.pool, "Username": "ada", "UserAttributes": [{ "Name": "preferred_username", "Value": "jos\u{e9}" }] });
    world.ask("AdminUpdateUserAttributes", named).await.unwrap();
    world.user("eve", "Wrong-Horse-1").await;
    let token = world.sign_in("eve", "Wrong-Horse-1").await.unwrap()["AccessToken"].clone();
    for same in ["jose\u{301}", "JOS\u{c9}", "JOSE\u{301}", "Jos\u{e9}"] {
        let claim =
            json!({ "AccessToken": token, "UserAttributes": [{ "Name": "preferred_username", "Value": same }] });
        let refused = refusal(world.ask("UpdateUserAttributes", claim).await);
        assert!(refused.starts_with("AliasExistsException"), "{same}: {refused}");
        assert!(world.sign_in(same, PASSWORD).await.is_ok(), "{same} is ada");
    }
    for (nth, same) in ["ADA@EXAMPLE.COM", "Ada@example.com", "ada@Example.Com"].into_iter().enumerate() {
        let name = format!("mallory{nth}");
        let sign_up = json!({
            "ClientId": world.client, "Username": name, "Password": "Wrong-Horse-1", "UserAttributes": [{ "Name": "email", "Value": same }],
        });
        world.ask("SignUp", sign_up).await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
        let code = world.messages_to(same).await.pop().unwrap().code;
        let confirm = json!({ "ClientId": world.client, "Username": name, "ConfirmationCode": code });
        let refused = refusal(world.ask("ConfirmSignUp", confirm).await);
        assert!(refused.starts_with("AliasExistsException"), "{same}: {refused}");
        assert!(world.sign_in(same, "Wrong-Horse-1").await.is_err());
        assert!(world.sign_in(same, PASSWORD).await.is_ok(), "{same} is ada");
    }
    // A dot more, a Cyrillic a, a full-width a: somebody else.
    for (nth, other) in ["a.da@example.com", "\u{430}da@example.com", "\u{ff41}da@example.com"].into_iter().enumerate()
    {
        let name = format!("lookalike{nth}");
        let sign_up = json!({
            "ClientId": world.client, "Username": name, "Password": "Wrong-Horse-1", "UserAttributes": [{ "Name": "email", "Value": other }],
        });
        // An address that mail can't have is refused.
        if world.ask("SignUp", sign_up).await.is_ok() {
            world.clock.advance(std::time::Duration::from_secs(1));
            let code = world.messages_to(other).await.pop().unwrap().code;
            world
                .ask("ConfirmSignUp", json!({ "ClientId": world.client, "Username": name, "ConfirmationCode": code }))
                .await
                .unwrap();
            assert!(world.sign_in(other, PASSWORD).await.is_err(), "{other} is not ada");
        }
        let sent = world.messages_to("ada@example.com").await.len();
        world.ask("ForgotPassword", json!({ "ClientId": world.client, "Username": other })).await.unwrap();
        assert_eq!(world.messages_to("ada@example.com").await.len(), sent, "{other} is not ada");
    }
    assert!(world.sign_in("ada@example.com", PASSWORD).await.is_ok());
}

/// T70: a pool that is closed to sign-ups is closed on every way there is.
async fn where_administrators_make_users_nobody_signs_up(store: Store) {
    let closed = json!({ "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
    let world = World::with_pool(store, closed).await;
    for client in [&world.client, &world.legacy] {
        let sign_up = json!({
            "ClientId": client, "Username": "mallory", "Password": PASSWORD, "UserAttributes": [{ "Name": "email", "Value": "m@example.com" }],
        });
        let refused = refusal(world.ask("SignUp", sign_up).await);
        assert!(refused.starts_with("NotAuthorizedException: SignUp is not permitted"), "{refused}");
        for (operation, more) in [
            ("ConfirmSignUp", json!({ "ConfirmationCode": "123456" })),
            ("ResendConfirmationCode", json!({})),
            ("ForgotPassword", json!({})),
            ("ConfirmForgotPassword", json!({ "ConfirmationCode": "123456", "Password": PASSWORD })),
        ] {
            let _any = world.ask(operation, with(&json!({ "ClientId": client, "Username": "mallory" }), more)).await;
        }
        let parameters = json!({ "USERNAME": "mallory", "PASSWORD": PASSWORD });
        let sign_in = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        assert!(world.ask("InitiateAuth", sign_in).await.is_err());
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM users").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM messages").await, 0);
}

/// T71: `SECRET_HASH` and `ClientSecret`, absent, cut, of another client, user or secret, at every operation that takes one.
async fn every_operation_of_a_client_with_a_secret_demands_its_proof(store: Store) {
    let world = World::new(store).await;
    let make = async |name: &str| {
        let request = json!({
            "UserPoolId": world.pool, "ClientName": name, "GenerateSecret": true, "PreventUserExistenceErrors": "LEGACY",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        });
        let made = world.ask("CreateUserPoolClient", request).await.unwrap()["UserPoolClient"].clone();
        (text(&made["ClientId"]), text(&made["ClientSecret"]))
    };
    let ((client, secret), (other, other_secret)) = (make("a").await, make("b").await);
    world.user("ada", PASSWORD).await;
    let hash = |secret: &str, user: &str, client: &str| {
        let client = common::ids::ClientId::parse(client).unwrap();
        crate::passwords::secret_hash(&common::secret::SecretString::new(secret), user, &client)
    };
    let good = hash(&secret, "ada", &client);
    let wrong = [
        None,
        Some(good[..43].to_owned()),
        Some(good[..1].to_owned()),
        Some(format!("{good}=")),
        Some(hash(&secret, "ada", &other)),
        Some(hash(&other_secret, "ada", &client)),
        Some(hash(&secret, "bob", &client)),
        Some(hash(&secret, "ADA", &client)),
        Some(secret.clone()),
    ];
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD, "SECRET_HASH": good });
    let sign_in = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let refresh = world.ask("InitiateAuth", sign_in).await.unwrap()["AuthenticationResult"]["RefreshToken"].clone();
    let base = json!({ "ClientId": client, "Username": "ada" });
    let by_member = [
        ("SignUp", with(&base, json!({ "Password": PASSWORD }))),
        ("ConfirmSignUp", with(&base, json!({ "ConfirmationCode": "123456" }))),
        ("ResendConfirmationCode", base.clone()),
        ("ForgotPassword", base.clone()),
        ("ConfirmForgotPassword", with(&base, json!({ "ConfirmationCode": "123456", "Password": PASSWORD }))),
    ];
    let mut count = 0;
    for proof in &wrong {
        let claimed = |member: &str| proof.as_ref().map_or(json!({}), |proof| json!({ member: proof }));
        let mut asked: Vec<(&'static str, Value)> =
            by_member.iter().map(|(operation, request)| (*operation, with(request, claimed("SecretHash")))).collect();
        for (flow, parameters) in [
            ("USER_PASSWORD_AUTH", json!({ "USERNAME": "ada", "PASSWORD": PASSWORD })),
            ("USER_SRP_AUTH", json!({ "USERNAME": "ada", "SRP_A": "a".repeat(768) })),
            ("REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": refresh })),
        ] {
            let parameters = with(&parameters, claimed("SECRET_HASH"));
            asked.push(("InitiateAuth", json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters })));
        }
        asked.push(("RevokeToken", with(&json!({ "ClientId": client, "Token": refresh }), claimed("ClientSecret"))));
        for (operation, request) in asked {
            // A client's own secret is no hash, but it is what RevokeToken asks for.
            if operation == "RevokeToken" && proof.as_ref() == Some(&secret) {
                continue;
            }
            // On refresh the hash is over the immutable name, whatever case one signs in by: all of these are wrong there, too.
            let refused = refusal(world.ask(operation, request.clone()).await);
            let known = ["NotAuthorizedException", "UnauthorizedException", "InvalidParameterException"];
            let is_right = known.iter().any(|name| refused.starts_with(name));
            assert!(is_right, "{operation} {request}: {refused}");
            count += 1;
        }
    }
    assert_eq!(count, 9 * wrong.len() - 1);
    let right = json!({ "REFRESH_TOKEN": refresh, "SECRET_HASH": good });
    let right = json!({ "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": right });
    world.ask("InitiateAuth", right).await.unwrap();
}
