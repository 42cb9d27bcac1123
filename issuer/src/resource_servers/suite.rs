//! Resource servers and the scopes of clients, over both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    a_resource_server_from_its_making_to_its_end,
    lists_go_by_pages_in_order,
    clients_name_scopes_that_exist,
    what_is_wrong_is_said,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn scopes(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "ScopeName": name, "ScopeDescription": format!("May {name}") })).collect()
}

fn orders(world: &World) -> Value {
    json!({ "UserPoolId": world.pool, "Identifier": "https://orders.example.com" })
}

async fn a_resource_server_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let create = with(&orders(&world), json!({ "Name": "Orders", "Scopes": scopes(&["read", "write"]) }));
    let made = world.ask("CreateResourceServer", create.clone()).await.unwrap();
    let expected = json!({ "ResourceServer": create });
    assert_eq!(made, expected);
    assert_eq!(world.ask("DescribeResourceServer", orders(&world)).await.unwrap(), expected);
    let again = world.ask("CreateResourceServer", create).await;
    let exists =
        format!("InvalidParameterException: https://orders.example.com already exists in user pool {}.", world.pool);
    assert_eq!(refusal(again), exists);

    let update = with(&orders(&world), json!({ "Name": "Orders 2" }));
    let updated = world.ask("UpdateResourceServer", update).await.unwrap()["ResourceServer"].clone();
    assert_eq!((&updated["Name"], &updated["Scopes"]), (&json!("Orders 2"), &Value::Null));

    world.ask("DeleteResourceServer", orders(&world)).await.unwrap();
    let absent = "ResourceNotFoundException: Resource server https://orders.example.com does not exist.";
    for operation in ["DescribeResourceServer", "DeleteResourceServer"] {
        assert_eq!(refusal(world.ask(operation, orders(&world)).await), absent, "{operation}");
    }
    let update = with(&orders(&world), json!({ "Name": "x" }));
    assert_eq!(refusal(world.ask("UpdateResourceServer", update).await), absent);
}

async fn lists_go_by_pages_in_order(store: Store) {
    let world = World::new(store).await;
    for identifier in ["c", "a", "b"] {
        let create = json!({ "UserPoolId": world.pool, "Identifier": identifier, "Name": identifier });
        world.ask("CreateResourceServer", create).await.unwrap();
    }
    let list = async |more: Value| {
        let request = with(&json!({ "UserPoolId": world.pool }), more);
        world.ask("ListResourceServers", request).await.unwrap()
    };
    let first = list(json!({ "MaxResults": 2 })).await;
    let rest = list(json!({ "MaxResults": 2, "NextToken": first["NextToken"] })).await;
    let names = |page: &Value| -> Vec<String> {
        page["ResourceServers"].as_array().unwrap().iter().map(|server| text(&server["Identifier"])).collect()
    };
    assert_eq!((names(&first), names(&rest)), (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]));
    assert!(rest.get("NextToken").is_none());
}

async fn clients_name_scopes_that_exist(store: Store) {
    let world = World::new(store).await;
    let create = with(&orders(&world), json!({ "Name": "Orders", "Scopes": scopes(&["read"]) }));
    world.ask("CreateResourceServer", create).await.unwrap();
    let client = |scope: &str| {
        json!({ "UserPoolId": world.pool, "ClientName": "api", "AllowedOAuthFlows": ["code"],
                "CallbackURLs": ["https://app.example.com/cb"], "AllowedOAuthScopes": ["openid", scope] })
    };
    let made = world.ask("CreateUserPoolClient", client("https://orders.example.com/read")).await.unwrap();
    let made = &made["UserPoolClient"];
    assert_eq!(made["AllowedOAuthScopes"], json!(["openid", "https://orders.example.com/read"]));
    for unknown in ["https://orders.example.com/write", "https://other.example.com/read", "read", "Cognito"] {
        let said = format!("ScopeDoesNotExistException: Invalid scope requested: {unknown}");
        assert_eq!(refusal(world.ask("CreateUserPoolClient", client(unknown)).await), said);
        let mut update = with(&client(unknown), json!({ "ClientId": made["ClientId"] }));
        update["ClientName"] = json!("new");
        assert_eq!(refusal(world.ask("UpdateUserPoolClient", update).await), said);
    }
}

async fn what_is_wrong_is_said(store: Store) {
    let world = World::new(store).await;
    let create = |identifier: &str, scopes: Value| json!({ "UserPoolId": world.pool, "Identifier": identifier, "Name": "n", "Scopes": scopes });
    let refused = async |request: Value| refusal(world.ask("CreateResourceServer", request).await);
    let twice = refused(create("a", scopes(&["read", "read"]))).await;
    assert_eq!(twice, "InvalidParameterException: Duplicate scope name read.");
    let reserved = refused(create("aws.cognito", json!([]))).await;
    assert_eq!(reserved, "InvalidParameterException: Identifier aws.cognito is reserved.");
    let slash = refused(create("a", scopes(&["a/b"]))).await;
    assert!(slash.contains("scopeName") && slash.contains("regular expression pattern"), "{slash}");
    let other = json!({ "UserPoolId": "eu-test-1_None", "Identifier": "a", "Name": "n" });
    assert_eq!(refused(other).await, "ResourceNotFoundException: User pool eu-test-1_None does not exist.");
}
