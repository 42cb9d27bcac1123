//! Provisioned limits, over both engines.

use serde_json::json;

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal};

on_both_engines!(a_limit_is_the_default_until_it_is_set,);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_limit_is_the_default_until_it_is_set(store: Store) {
    let world = World::new(store).await;
    let of = |category: &str| json!({ "LimitClass": "API_CATEGORY", "Attributes": { "Category": category } });
    let get =
        async || world.ask("GetProvisionedLimit", json!({ "LimitDefinition": of("UserCreation") })).await.unwrap();
    let limit = |rate: i32| json!({ "Limit": { "LimitDefinition": of("UserCreation"), "FreeLimitValue": 50, "ProvisionedLimitValue": rate } });
    assert_eq!(get().await, limit(50));
    let set = async |category: &str, rate: i32| {
        let request = json!({ "LimitDefinition": of(category), "RequestedLimitValue": rate });
        world.ask("UpdateProvisionedLimit", request).await
    };
    assert_eq!(set("UserCreation", 80).await.unwrap(), limit(80));
    assert_eq!(set("UserCreation", 90).await.unwrap(), limit(90));
    assert_eq!(get().await, limit(90));
    assert!(refusal(set("UserCreation", 49).await).starts_with("InvalidParameterException: RequestedLimitValue"));
    assert!(refusal(set("UserCreation", 1_000_001).await).starts_with("ServiceQuotaExceededException: "));
    assert!(refusal(set("Unknown", 80).await).starts_with("InvalidParameterException: LimitDefinition.Attributes"));
}
