//! Risk configurations, over both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, with};

on_both_engines!(a_client_has_its_own_or_the_pools, what_is_wrong_is_said,);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_client_has_its_own_or_the_pools(store: Store) {
    let world = World::new(store).await;
    let pool = json!({ "UserPoolId": world.pool });
    let client = with(&pool, json!({ "ClientId": world.client }));
    let describe = async |of: &Value| {
        world.ask("DescribeRiskConfiguration", of.clone()).await.unwrap()["RiskConfiguration"].clone()
    };
    let set = async |of: &Value, more: Value| {
        world.ask("SetRiskConfiguration", with(of, more)).await.unwrap()["RiskConfiguration"].clone()
    };
    assert_eq!((describe(&pool).await, describe(&client).await), (pool.clone(), client.clone()));
    let compromised = json!({ "Actions": { "EventAction": "BLOCK" }, "EventFilter": ["SIGN_IN"] });
    let of_pool = set(&pool, json!({ "CompromisedCredentialsRiskConfiguration": compromised })).await;
    assert_eq!(of_pool["CompromisedCredentialsRiskConfiguration"], compromised);
    assert_eq!((describe(&pool).await, describe(&client).await), (of_pool.clone(), of_pool.clone()));
    let ranges = json!({ "BlockedIPRangeList": ["192.0.2.0/24"], "SkippedIPRangeList": ["2001:db8::/32"] });
    let own = set(&client, json!({ "RiskExceptionConfiguration": ranges })).await;
    assert_eq!((&own["RiskExceptionConfiguration"], &own["ClientId"]), (&ranges, &json!(world.client)));
    assert_eq!((describe(&client).await, describe(&pool).await), (own, of_pool.clone()));
    set(&client, json!({})).await;
    assert_eq!(describe(&client).await, of_pool, "the pool's again");
    set(&client, json!({ "RiskExceptionConfiguration": ranges })).await;
    world.ask("DeleteUserPoolClient", client).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM risk_configurations").await, 1);
}

async fn what_is_wrong_is_said(store: Store) {
    let world = World::new(store).await;
    let set = async |more: Value| {
        let request = with(&json!({ "UserPoolId": world.pool }), more);
        refusal(world.ask("SetRiskConfiguration", request).await)
    };
    let range = set(json!({ "RiskExceptionConfiguration": { "BlockedIPRangeList": ["192.0.2.0/33"] } })).await;
    assert_eq!(range, "InvalidParameterException: BlockedIPRangeList has an invalid IP range: 192.0.2.0/33");
    let action = json!({ "HighAction": { "EventAction": "BLOCK", "Notify": true } });
    let notify = set(json!({ "AccountTakeoverRiskConfiguration": { "Actions": action } })).await;
    assert!(notify.contains("needs a NotifyConfiguration"), "{notify}");
    let unknown =
        set(json!({ "CompromisedCredentialsRiskConfiguration": { "Actions": { "EventAction": "WARN" } } })).await;
    assert!(unknown.contains("enum value set"), "{unknown}");
    assert!(set(json!({ "ClientId": "none" })).await.starts_with("ResourceNotFoundException: "));
}
