//! Domains of pools, over both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    a_prefix_from_its_making_to_its_end,
    a_domain_of_ones_own,
    a_name_is_of_one_pool_and_a_pool_has_one_of_each_kind,
    a_pool_with_a_domain_is_not_deleted,
);

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/a1b2c3d4";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn domain(world: &World, name: &str) -> Value {
    json!({ "UserPoolId": world.pool, "Domain": name })
}

async fn describe(world: &World, name: &str) -> Value {
    world.ask("DescribeUserPoolDomain", json!({ "Domain": name })).await.unwrap()["DomainDescription"].clone()
}

async fn pool(world: &World) -> Value {
    world.ask("DescribeUserPool", json!({ "UserPoolId": world.pool })).await.unwrap()["UserPool"].clone()
}

async fn a_prefix_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let made = world.ask("CreateUserPoolDomain", domain(&world, "orders")).await.unwrap();
    assert_eq!(made, json!({ "ManagedLoginVersion": 1 }));
    let found = describe(&world, "orders").await;
    assert_eq!((&found["Status"], &found["UserPoolId"]), (&json!("ACTIVE"), &json!(world.pool)));
    assert_eq!((&found["AWSAccountId"], &found["Domain"]), (&json!("000000000000"), &json!("orders")));
    assert_eq!(text(&found["Version"]).len(), 14);
    assert_eq!(pool(&world).await["Domain"], "orders");
    let update = with(&domain(&world, "orders"), json!({ "ManagedLoginVersion": 2 }));
    assert_eq!(world.ask("UpdateUserPoolDomain", update).await.unwrap(), json!({ "ManagedLoginVersion": 2 }));
    world.ask("UpdateUserPoolDomain", domain(&world, "orders")).await.unwrap();
    assert_eq!(describe(&world, "orders").await["ManagedLoginVersion"], 2, "what is left out stays");
    let custom = with(&domain(&world, "orders"), json!({ "CustomDomainConfig": { "CertificateArn": CERTIFICATE } }));
    assert!(refusal(world.ask("UpdateUserPoolDomain", custom).await).contains("only be set for a custom domain"));
    world.ask("DeleteUserPoolDomain", domain(&world, "orders")).await.unwrap();
    assert_eq!(describe(&world, "orders").await, json!({}));
    assert!(pool(&world).await.get("Domain").is_none());
    for operation in ["UpdateUserPoolDomain", "DeleteUserPoolDomain"] {
        let said = refusal(world.ask(operation, domain(&world, "orders")).await);
        assert_eq!(said, "InvalidParameterException: No such domain or user pool exists.", "{operation}");
    }
}

async fn a_domain_of_ones_own(store: Store) {
    let world = World::new(store).await;
    let config = json!({ "CertificateArn": CERTIFICATE, "SecurityPolicy": "TLS_V1_2_2021" });
    let routing = json!({ "Failover": { "PrimaryRoute53HealthCheckId": "h", "SecondaryRegion": "eu-test-2" } });
    let more = json!({ "CustomDomainConfig": config, "ManagedLoginVersion": 2, "Routing": routing });
    let create = with(&domain(&world, "auth.example.com"), more);
    let made = world.ask("CreateUserPoolDomain", create).await.unwrap();
    let expected = json!({ "CloudFrontDomain": "issuer.test", "ManagedLoginVersion": 2, "Routing": routing });
    assert_eq!(made, expected);
    let found = describe(&world, "auth.example.com").await;
    assert_eq!((&found["CustomDomainConfig"], &found["Routing"]), (&config, &routing));
    assert_eq!(pool(&world).await["CustomDomain"], "auth.example.com");
    let other = json!({ "CertificateArn": format!("{CERTIFICATE}e5") });
    let update = with(&domain(&world, "auth.example.com"), json!({ "CustomDomainConfig": other }));
    assert_eq!(world.ask("UpdateUserPoolDomain", update).await.unwrap(), expected);
    assert_eq!(describe(&world, "auth.example.com").await["CustomDomainConfig"], other);
}

async fn a_name_is_of_one_pool_and_a_pool_has_one_of_each_kind(store: Store) {
    let world = World::new(store).await;
    let second = world.ask("CreateUserPool", json!({ "PoolName": "second" })).await.unwrap();
    let second = json!({ "UserPoolId": second["UserPool"]["Id"], "Domain": "orders" });
    world.ask("CreateUserPoolDomain", domain(&world, "orders")).await.unwrap();
    let refused = async |request: Value| refusal(world.ask("CreateUserPoolDomain", request).await);
    let taken = "InvalidParameterException: Domain already associated with another user pool.";
    assert_eq!(refused(second.clone()).await, taken);
    let has_one = "InvalidParameterException: User pool already has a domain configured.";
    assert_eq!(refused(domain(&world, "other")).await, has_one);
    let deleted = world.ask("DeleteUserPoolDomain", second).await;
    assert_eq!(refusal(deleted), "InvalidParameterException: No such domain or user pool exists.");
    let custom =
        with(&domain(&world, "auth.example.com"), json!({ "CustomDomainConfig": { "CertificateArn": CERTIFICATE } }));
    world.ask("CreateUserPoolDomain", custom).await.unwrap();
    let reserved = refused(domain(&world, "my-cognito")).await;
    assert_eq!(reserved, "InvalidParameterException: Domain cannot contain reserved word: cognito");
    assert!(refused(domain(&world, "-a")).await.contains("regular expression pattern"));
}

async fn a_pool_with_a_domain_is_not_deleted(store: Store) {
    let world = World::new(store).await;
    world.ask("CreateUserPoolDomain", domain(&world, "orders")).await.unwrap();
    let named = json!({ "UserPoolId": world.pool });
    let said = refusal(world.ask("DeleteUserPool", named.clone()).await);
    let expected = "User pool cannot be deleted. It has a domain configured that should be deleted first.";
    assert_eq!(said, format!("InvalidParameterException: {expected}"));
    world.ask("DeleteUserPoolDomain", domain(&world, "orders")).await.unwrap();
    world.ask("DeleteUserPool", named).await.unwrap();
}
