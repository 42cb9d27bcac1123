//! Replicas of pools, over both engines.

use serde_json::json;

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, with};

on_both_engines!(a_replica_from_its_making_to_its_end, what_is_wrong_is_said,);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_replica_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let pool = json!({ "UserPoolId": world.pool });
    let named = with(&pool, json!({ "RegionName": "eu-other-1" }));
    let made = world.ask("CreateUserPoolReplica", named.clone()).await.unwrap()["UserPoolReplica"].clone();
    assert_eq!((&made["Role"], &made["Status"]), (&json!("SECONDARY"), &json!("INACTIVE")));
    let arn = format!("arn:aws:cognito-idp:eu-other-1:000000000000:userpool/{}", world.pool);
    assert_eq!(made["UserPoolArn"], json!(arn));
    let second = with(&pool, json!({ "RegionName": "eu-third-1" }));
    let refused = refusal(world.ask("CreateUserPoolReplica", second).await);
    assert_eq!(refused, "LimitExceededException: A user pool can have one replica.");
    let update = with(&named, json!({ "Status": "ACTIVE" }));
    let updated = world.ask("UpdateUserPoolReplica", update.clone()).await.unwrap()["UserPoolReplica"].clone();
    assert_eq!(updated["Status"], "ACTIVE");
    let listed = world.ask("ListUserPoolReplicas", pool.clone()).await.unwrap()["UserPoolReplicas"].clone();
    assert_eq!((&listed[0]["Role"], &listed[0]["RegionName"]), (&json!("PRIMARY"), &json!("eu-test-1")));
    assert_eq!((&listed[1], listed.as_array().unwrap().len()), (&updated, 2));
    let deleted = world.ask("DeleteUserPoolReplica", named.clone()).await.unwrap();
    assert_eq!(deleted["UserPoolReplica"]["Status"], "DELETING");
    let absent = format!("ResourceNotFoundException: User pool {} has no replica in eu-other-1.", world.pool);
    assert_eq!(refusal(world.ask("DeleteUserPoolReplica", named).await), absent);
    assert_eq!(refusal(world.ask("UpdateUserPoolReplica", update).await), absent);
}

async fn what_is_wrong_is_said(store: Store) {
    let world = World::new(store).await;
    let pool = json!({ "UserPoolId": world.pool });
    let create = async |more| refusal(world.ask("CreateUserPoolReplica", with(&pool, more)).await);
    let here = create(json!({ "RegionName": "eu-test-1" })).await;
    assert_eq!(here, format!("InvalidParameterException: User pool {} is in eu-test-1 already.", world.pool));
    let nowhere = create(json!({ "RegionName": "nowhere" })).await;
    assert_eq!(nowhere, "InvalidParameterException: RegionName is no region.");
    let tagged = create(json!({ "RegionName": "eu-other-1", "UserPoolTags": { "aws:x": "y" } })).await;
    assert!(tagged.starts_with("UserPoolTaggingException: "), "{tagged}");
    let token = world.ask("ListUserPoolReplicas", with(&pool, json!({ "NextToken": "x" }))).await;
    assert!(refusal(token).contains("Paging marker"));
}
