//! The ends and changes of pools and clients, and what their tokens are worth after, over both engines.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-Horse-1";

on_both_engines!(
    a_deleted_pool_answers_nobody_and_its_tokens_are_dead,
    protection_and_deletion_at_once_leave_one_or_the_other,
    updates_side_by_side_are_told_so,
    a_deleted_clients_tokens_are_dead_and_no_others,
    tokens_of_pages_belong_to_one_list,
    a_group_deleted_while_users_join_leaves_nobody_in_it,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn jane(store: Store) -> (World, Value) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    (world, tokens)
}

fn pool(world: &World) -> Value {
    json!({ "UserPoolId": world.pool })
}

async fn a_deleted_pool_answers_nobody_and_its_tokens_are_dead(store: Store) {
    let (world, tokens) = jane(store).await;
    let access = json!({ "AccessToken": tokens["AccessToken"] });
    world.ask("GetUser", access.clone()).await.unwrap();
    world.ask("DeleteUserPool", pool(&world)).await.unwrap();

    let absent = format!("ResourceNotFoundException: User pool {} does not exist.", world.pool);
    for operation in
        ["DescribeUserPool", "DeleteUserPool", "UpdateUserPool", "ListUsers", "ListGroups", "ListUserPoolClients"]
    {
        assert_eq!(refusal(world.ask(operation, pool(&world)).await), absent, "{operation}");
    }
    assert_eq!(refusal(world.ask("GetUser", access).await), "NotAuthorizedException: Invalid Access Token");
    let no_client = format!("ResourceNotFoundException: User pool client {} does not exist.", world.client);
    assert_eq!(refusal(world.sign_in("jane", PASSWORD).await), no_client);
    let listed = world.ask("ListUserPools", json!({ "MaxResults": 60 })).await.unwrap();
    assert_eq!(listed["UserPools"], json!([]));
    // Nothing that signs or opens is left, and edges were told of both keys: the revocation of each, and its new state.
    assert_eq!(world.count("SELECT COUNT(*) FROM signing_keys WHERE private_key IS NOT NULL").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM pool_keys").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM feed_log WHERE kind = 7").await, 2);
}

async fn protection_and_deletion_at_once_leave_one_or_the_other(store: Store) {
    let world = World::new(store).await;
    let protect = with(&pool(&world), json!({ "DeletionProtection": "ACTIVE" }));
    let asked = [
        world.ask("UpdateUserPool", protect.clone()),
        world.ask("DeleteUserPool", pool(&world)),
        world.ask("UpdateUserPool", protect),
    ];
    let ended = join_all(asked).await;
    let there = world.ask("DescribeUserPool", pool(&world)).await;
    match &there {
        Ok(found) => {
            assert_eq!(found["UserPool"]["DeletionProtection"], "ACTIVE");
            let refused = refusal(world.ask("DeleteUserPool", pool(&world)).await);
            assert_eq!(
                refused,
                "InvalidParameterException: The user pool cannot be deleted because deletion protection is activated. \
                 Deletion protection must be inactivated first."
            );
        }
        Err(_) => assert!(ended[1].is_ok(), "{ended:?}"),
    }
    assert_eq!(ended[1].is_ok(), there.is_err());
}

async fn updates_side_by_side_are_told_so(store: Store) {
    let world = World::new(store).await;
    let names: Vec<String> = (0..20).map(|n| format!("name-{n}")).collect();
    let ended = join_all(
        names.iter().map(|name| world.ask("UpdateUserPool", with(&pool(&world), json!({ "PoolName": name })))),
    )
    .await;
    let found = world.ask("DescribeUserPool", pool(&world)).await.unwrap();
    let won: Vec<&String> = names.iter().zip(&ended).filter(|(_, end)| end.is_ok()).map(|(name, _)| name).collect();
    assert!(won.contains(&&text(&found["UserPool"]["Name"])));
    for end in ended {
        if end.is_err() {
            assert!(refusal(end).starts_with("ConcurrentModificationException: "));
        }
    }
}

async fn a_deleted_clients_tokens_are_dead_and_no_others(store: Store) {
    let (world, tokens) = jane(store).await;
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
    let request = json!({ "ClientId": world.legacy, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let other = world.ask("InitiateAuth", request).await.unwrap()["AuthenticationResult"]["AccessToken"].clone();
    let client = with(&pool(&world), json!({ "ClientId": world.client }));
    world.ask("DeleteUserPoolClient", client.clone()).await.unwrap();
    let dead = world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
    assert_eq!(refusal(dead), "NotAuthorizedException: Access Token has been revoked");
    world.ask("GetUser", json!({ "AccessToken": other })).await.unwrap();
    let absent = format!("ResourceNotFoundException: User pool client {} does not exist.", world.client);
    for operation in ["DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"] {
        assert_eq!(refusal(world.ask(operation, client.clone()).await), absent, "{operation}");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM feed_log WHERE kind = 6").await, 1);
}

async fn tokens_of_pages_belong_to_one_list(store: Store) {
    let world = World::new(store).await;
    for name in ["a", "b", "c"] {
        world.ask("CreateGroup", with(&pool(&world), json!({ "GroupName": name }))).await.unwrap();
    }
    let list = |more: Value| world.ask("ListGroups", with(&pool(&world), more));
    let first = list(json!({ "Limit": 1 })).await.unwrap();
    let rest = list(json!({ "NextToken": first["NextToken"] })).await.unwrap();
    assert_eq!(rest["Groups"].as_array().unwrap().len(), 2);
    assert!(rest.get("NextToken").is_none());
    let clients = with(&pool(&world), json!({ "NextToken": first["NextToken"] }));
    assert!(
        refusal(world.ask("ListUserPoolClients", clients).await)
            .starts_with("InvalidParameterException: Paging marker ")
    );
    world.clock.advance(std::time::Duration::from_secs(3_601));
    let stale = list(json!({ "NextToken": first["NextToken"] })).await;
    assert!(refusal(stale).starts_with("InvalidParameterException: Paging marker "));
}

async fn a_group_deleted_while_users_join_leaves_nobody_in_it(store: Store) {
    let world = World::new(store).await;
    for n in 0..10 {
        let request = with(&pool(&world), json!({ "Username": format!("u{n}"), "MessageAction": "SUPPRESS" }));
        world.ask("AdminCreateUser", request).await.unwrap();
    }
    let group = with(&pool(&world), json!({ "GroupName": "staff" }));
    for _ in 0..10 {
        world.ask("CreateGroup", group.clone()).await.unwrap();
        let joins =
            (0..10).map(|n| world.ask("AdminAddUserToGroup", with(&group, json!({ "Username": format!("u{n}") }))));
        let (ended, deleted) = tokio::join!(join_all(joins), world.ask("DeleteGroup", group.clone()));
        deleted.unwrap();
        for end in ended {
            if end.is_err() {
                assert_eq!(refusal(end), "ResourceNotFoundException: Group not found.");
            }
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM memberships").await, 0);
    }
}
