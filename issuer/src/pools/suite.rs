//! Settings of pools that operations of their own set, over both engines.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    custom_attributes_are_added_and_used,
    custom_attributes_that_cannot_be,
    factors_are_kept,
    what_nothing_acts_on_yet_is_kept_and_shown,
    tags_by_arn,
    where_logs_go,
    how_many_sessions_a_user_has,
    a_certificate_is_made_once,
    changes_side_by_side_are_all_made,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn pool(world: &World) -> Value {
    json!({ "UserPoolId": world.pool })
}

async fn described(world: &World) -> Value {
    world.ask("DescribeUserPool", pool(world)).await.unwrap()["UserPool"].clone()
}

async fn custom_attributes_are_added_and_used(store: Store) {
    let world = World::new(store).await;
    let tier =
        json!({ "Name": "tier", "AttributeDataType": "String", "StringAttributeConstraints": { "MaxLength": "4" } });
    let hidden = json!({ "Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": true });
    // A standard name is one's own with the prefix.
    let email = json!({ "Name": "email", "AttributeDataType": "Number", "Mutable": false });
    let add = with(&pool(&world), json!({ "CustomAttributes": [tier, hidden, email] }));
    assert_eq!(world.ask("AddCustomAttributes", add).await.unwrap(), json!({}));
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    let schema = described(&world).await["SchemaAttributes"].clone();
    let found = |name: &str| schema.as_array().unwrap().iter().find(|a| a["Name"] == name).cloned().unwrap();
    assert_eq!(found("custom:tier")["StringAttributeConstraints"]["MaxLength"], "4");
    assert_eq!((&found("custom:tier")["Mutable"], &found("custom:email")["Mutable"]), (&json!(true), &json!(false)));
    assert_eq!(found("dev:custom:note")["DeveloperOnlyAttribute"], true);
    assert_eq!(found("email")["AttributeDataType"], "String");
    let user = |tier: &str| {
        let attributes = json!([{ "Name": "custom:tier", "Value": tier }]);
        with(&pool(&world), json!({ "Username": tier, "UserAttributes": attributes, "MessageAction": "SUPPRESS" }))
    };
    world.ask("AdminCreateUser", user("gold")).await.unwrap();
    assert!(refusal(world.ask("AdminCreateUser", user("platinum")).await).contains("no longer than 4"));
}

async fn custom_attributes_that_cannot_be(store: Store) {
    let world = World::new(store).await;
    let add = async |attributes: Value| {
        world.ask("AddCustomAttributes", with(&pool(&world), json!({ "CustomAttributes": attributes }))).await
    };
    let text = |name: &str| json!({ "Name": name, "AttributeDataType": "String" });
    add(json!([text("tier")])).await.unwrap();
    let again = refusal(add(json!([text("other"), text("tier")])).await);
    let said = "InvalidParameterException: custom:tier: Existing attribute already has name custom:tier.";
    assert_eq!(again, said);
    assert_eq!(refusal(add(json!([text("a"), text("a")])).await), said.replace("tier", "a"));
    let required = refusal(add(json!([with(&text("a"), json!({ "Required": true }))])).await);
    assert_eq!(required, "InvalidParameterException: Required custom attributes are not supported currently.");
    let bounds = json!({ "StringAttributeConstraints": { "MinLength": "5", "MaxLength": "4" } });
    let bounds = refusal(add(json!([with(&text("a"), bounds)])).await);
    assert_eq!(bounds, "InvalidParameterException: user.custom:a: Max length cannot be less than min length.");
    let many = |from: usize, count: usize| (from..from + count).map(|n| text(&n.to_string())).collect::<Value>();
    add(many(0, 25)).await.unwrap();
    add(many(25, 24)).await.unwrap();
    let full = refusal(add(many(49, 1)).await);
    assert_eq!(full, "InvalidParameterException: A user pool has at most 50 custom attributes.");
    let absent = json!({ "UserPoolId": "eu-test-1_None", "CustomAttributes": [text("a")] });
    let absent = refusal(world.ask("AddCustomAttributes", absent).await);
    assert_eq!(absent, "ResourceNotFoundException: User pool eu-test-1_None does not exist.");
}

async fn factors_are_kept(store: Store) {
    let world = World::new(store).await;
    let get = async || world.ask("GetUserPoolMfaConfig", pool(&world)).await.unwrap();
    let off = json!({ "MfaConfiguration": "OFF" });
    assert_eq!(get().await, off);
    let passkeys = json!({ "RelyingPartyId": "auth.example.com", "UserVerification": "preferred" });
    let email = json!({ "Message": "Your code is {####}", "Subject": "Code" });
    let settings =
        json!({ "MfaConfiguration": "OFF", "WebAuthnConfiguration": passkeys, "EmailMfaConfiguration": email });
    let kept = with(&off, settings.clone());
    assert_eq!(world.ask("SetUserPoolMfaConfig", with(&pool(&world), settings)).await.unwrap(), kept);
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    assert_eq!(get().await, kept, "an update of the pool keeps them");
    let token = json!({ "MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    let both = refusal(world.ask("SetUserPoolMfaConfig", with(&pool(&world), token)).await);
    assert!(both.contains("can't turn off MFA and configure an MFA together"), "{both}");
    assert_eq!(get().await, kept);
    let on = json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    world.ask("SetUserPoolMfaConfig", with(&pool(&world), on.clone())).await.unwrap();
    assert_eq!(get().await, on);
    assert_eq!(described(&world).await["MfaConfiguration"], "ON");
    world.ask("UpdateUserPool", with(&pool(&world), json!({ "MfaConfiguration": "OPTIONAL" }))).await.unwrap();
    assert_eq!(get().await["MfaConfiguration"], "OPTIONAL");
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    assert_eq!(get().await["MfaConfiguration"], "OFF", "what an update leaves out goes back to its default");
    let nothing = json!({ "MfaConfiguration": "ON" });
    let said = refusal(world.ask("SetUserPoolMfaConfig", with(&pool(&world), nothing.clone())).await);
    assert!(said.contains("can't disable all MFAs and require an MFA together"), "{said}");
    let said = refusal(world.ask("CreateUserPool", with(&json!({ "PoolName": "p" }), nothing)).await);
    assert!(said.starts_with("InvalidParameterException: SMS configuration"), "{said}");
}

/// Each is for a part that will act on it: until then it must come back as it was given, and go with an update that leaves it out.
async fn what_nothing_acts_on_yet_is_kept_and_shown(store: Store) {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:f";
    let key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let settings = json!({
        "LambdaConfig": {
            "PreSignUp": function,
            "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": function },
            "InboundFederation": { "LambdaVersion": "V1_0", "LambdaArn": function },
            "PreTokenGenerationConfig": { "LambdaVersion": "V3_0", "LambdaArn": function },
            "PreTokenGeneration": function,
            "KMSKeyID": key,
        },
        "UserPoolAddOns": {
            "AdvancedSecurityMode": "ENFORCED",
            "AdvancedSecurityAdditionalFlows": { "CustomAuthMode": "AUDIT" },
        },
        "DcrConfiguration": {
            "EnableStatus": "Enabled",
            "OpenDcrEnabled": true,
            "OpenDcrGrantTypes": ["code"],
            "AllowedScopes": ["openid"],
        },
        "IssuerConfiguration": { "Type": "UPDATED" },
        "KeyConfiguration": { "KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key },
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
        "EmailConfiguration": { "EmailSendingAccount": "COGNITO_DEFAULT", "ConfigurationSet": "set" },
    });
    let world = World::with_pool(store, settings.clone()).await;
    let found = described(&world).await;
    for (name, value) in settings.as_object().unwrap().iter().filter(|(name, _)| *name != "Policies") {
        assert_eq!(&found[name], value, "{name}");
    }
    assert_eq!(found["Policies"]["SignInPolicy"], settings["Policies"]["SignInPolicy"]);
    let listed = world.ask("ListUserPools", json!({ "MaxResults": 10 })).await.unwrap();
    assert_eq!(listed["UserPools"][0]["LambdaConfig"], settings["LambdaConfig"]);
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    let left = described(&world).await;
    assert_eq!(left["LambdaConfig"], json!({}));
    for gone in ["UserPoolAddOns", "DcrConfiguration", "IssuerConfiguration", "KeyConfiguration"] {
        assert_eq!(left[gone], Value::Null, "{gone}");
    }
}

async fn tags_by_arn(store: Store) {
    let world = World::with_pool(store, json!({ "UserPoolTags": { "team": "a" } })).await;
    let arn = text(&described(&world).await["Arn"]);
    let named = json!({ "ResourceArn": arn });
    let list = async || world.ask("ListTagsForResource", named.clone()).await.unwrap()["Tags"].clone();
    assert_eq!(list().await, json!({ "team": "a" }));
    let tag = with(&named, json!({ "Tags": { "team": "b", "stage": "prod" } }));
    assert_eq!(world.ask("TagResource", tag).await.unwrap(), json!({}));
    assert_eq!(described(&world).await["UserPoolTags"], json!({ "team": "b", "stage": "prod" }));
    let untag = with(&named, json!({ "TagKeys": ["team", "none"] }));
    world.ask("UntagResource", untag).await.unwrap();
    assert_eq!(list().await, json!({ "stage": "prod" }));
    let reserved = with(&named, json!({ "Tags": { "aws:x": "y" } }));
    assert!(refusal(world.ask("TagResource", reserved).await).starts_with("InvalidParameterException: Tag key aws:x"));
    let pool = world.ask("CreateUserPool", json!({ "PoolName": "p", "UserPoolTags": { "aws:x": "y" } })).await;
    assert!(refusal(pool).starts_with("UserPoolTaggingException: "));
    for wrong in
        ["arn:aws:cognito-idp:eu-other-1:000000000000:userpool/eu-test-1_A", "arn:aws:s3:eu-test-1:000000000000:bucket"]
    {
        let said = refusal(world.ask("ListTagsForResource", json!({ "ResourceArn": wrong })).await);
        assert_eq!(said, format!("ResourceNotFoundException: Resource {wrong} does not exist."));
    }
    let gone = arn.replace(&world.pool, "eu-test-1_None");
    let said = refusal(world.ask("ListTagsForResource", json!({ "ResourceArn": gone })).await);
    assert_eq!(said, "ResourceNotFoundException: User pool eu-test-1_None does not exist.");
}

async fn where_logs_go(store: Store) {
    let world = World::new(store).await;
    let get = async || world.ask("GetLogDeliveryConfiguration", pool(&world)).await.unwrap();
    let answer =
        |list: Value| json!({ "LogDeliveryConfiguration": with(&pool(&world), json!({ "LogConfigurations": list })) });
    assert_eq!(get().await, answer(json!([])));
    let group = json!({ "LogGroupArn": "arn:aws:logs:eu-test-1:123456789012:log-group:cognito-errors" });
    let errors =
        json!({ "EventSource": "userNotification", "LogLevel": "ERROR", "CloudWatchLogsConfiguration": group });
    let set = async |list: Value| {
        world.ask("SetLogDeliveryConfiguration", with(&pool(&world), json!({ "LogConfigurations": list }))).await
    };
    assert_eq!(set(json!([errors])).await.unwrap(), answer(json!([errors])));
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    assert_eq!(get().await, answer(json!([errors])), "an update of the pool keeps it");
    let info = with(&errors, json!({ "LogLevel": "INFO" }));
    let said = refusal(set(json!([info])).await);
    assert_eq!(said, "InvalidParameterException: LogLevel of userNotification must be ERROR.");
    set(json!([])).await.unwrap();
    assert_eq!(get().await, answer(json!([])));
}

async fn how_many_sessions_a_user_has(store: Store) {
    let world = World::new(store).await;
    let get = async || world.ask("GetUserPoolSessionConfiguration", pool(&world)).await.unwrap();
    let answer = |most: i32, tracking: &str| {
        with(&pool(&world), json!({ "TokenSession": { "MaxPerUser": most }, "UserSessionTracking": tracking }))
    };
    assert_eq!(get().await, answer(20, "DISABLED"));
    let set = async |request: Value| world.ask("SetUserPoolSessionConfiguration", request).await;
    assert_eq!(set(answer(3, "ENABLED")).await.unwrap(), answer(3, "ENABLED"));
    world.ask("UpdateUserPool", pool(&world)).await.unwrap();
    assert_eq!(get().await, answer(3, "ENABLED"), "an update of the pool keeps it");
    assert!(refusal(set(answer(101, "ENABLED")).await).contains("less than or equal to 100"));
}

async fn a_certificate_is_made_once(store: Store) {
    use base64::Engine;
    let world = World::new(store).await;
    let ask = async || text(&world.ask("GetSigningCertificate", pool(&world)).await.unwrap()["Certificate"]);
    let (first, second) = (ask().await, ask().await);
    assert_eq!(first, second);
    let der = base64::engine::general_purpose::STANDARD.decode(first).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), format!("CN={}", world.pool));
    let row = Query::new("SELECT private_key FROM federation_keys");
    let row = world.services.store.one(row).await.unwrap().unwrap();
    assert!(ring::signature::RsaKeyPair::from_pkcs8(row.bytes(0).unwrap()).is_err(), "it lies sealed");
}

/// Operations that have no exception for it don't tell that another was quicker.
async fn changes_side_by_side_are_all_made(store: Store) {
    let world = World::new(store).await;
    let arn = described(&world).await["Arn"].clone();
    let attribute = |n: usize| {
        with(&pool(&world), json!({ "CustomAttributes": [{ "Name": format!("a{n}"), "AttributeDataType": "String" }] }))
    };
    let tag = |n: usize| json!({ "ResourceArn": arn, "Tags": { format!("t{n}"): "x" } });
    let attributes = join_all((0..6).map(|n| world.ask("AddCustomAttributes", attribute(n))));
    let tags = join_all((0..6).map(|n| world.ask("TagResource", tag(n))));
    let (attributes, tags) = tokio::join!(attributes, tags);
    assert!(attributes.iter().chain(&tags).all(Result::is_ok), "{attributes:?} {tags:?}");
    let pool = described(&world).await;
    assert_eq!(pool["UserPoolTags"].as_object().unwrap().len(), 6);
    let custom = pool["SchemaAttributes"].as_array().unwrap().iter();
    assert_eq!(custom.filter(|attribute| text(&attribute["Name"]).starts_with("custom:a")).count(), 6);
}
