//! Terms of clients, over both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    terms_from_their_making_to_their_end,
    a_client_has_one_of_each_name,
    of_a_rename_and_a_making_at_once_one_is_done,
    terms_go_with_their_client,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn create(world: &World, name: &str) -> Value {
    json!({
        "UserPoolId": world.pool, "ClientId": world.client, "TermsName": name, "TermsSource": "LINK", "Enforcement": "NONE",
        "Links": { "cognito:default": "https://example.com/terms", "cognito:german": "https://example.com/de/agb" },
    })
}

async fn terms_from_their_making_to_their_end(store: Store) {
    let world = World::new(store).await;
    let made = world.ask("CreateTerms", create(&world, "terms-of-use")).await.unwrap()["Terms"].clone();
    for (member, value) in create(&world, "terms-of-use").as_object().unwrap() {
        assert_eq!(&made[member], value, "{member}");
    }
    let named = json!({ "UserPoolId": world.pool, "TermsId": made["TermsId"] });
    assert_eq!(world.ask("DescribeTerms", named.clone()).await.unwrap()["Terms"], made);
    let by_client = json!({ "UserPoolId": world.pool, "ClientId": world.client, "TermsName": "terms-of-use" });
    assert_eq!(world.ask("DescribeTermsByClient", by_client.clone()).await.unwrap()["Terms"], made);
    world.ask("CreateTerms", create(&world, "privacy-policy")).await.unwrap();
    let list =
        async |more: Value| world.ask("ListTerms", with(&json!({ "UserPoolId": world.pool }), more)).await.unwrap();
    let first = list(json!({ "MaxResults": 1 })).await;
    let second = list(json!({ "MaxResults": 1, "NextToken": first["NextToken"] })).await;
    let mut names = [text(&first["Terms"][0]["TermsName"]), text(&second["Terms"][0]["TermsName"])];
    names.sort();
    assert_eq!(names, ["privacy-policy", "terms-of-use"]);
    assert!(second.get("NextToken").is_none() && second["Terms"][0].get("Links").is_none());

    let links = json!({ "cognito:default": "https://example.com/new" });
    let update = with(&named, json!({ "Links": links }));
    let updated = world.ask("UpdateTerms", update).await.unwrap()["Terms"].clone();
    assert_eq!((&updated["Links"], &updated["TermsName"]), (&links, &json!("terms-of-use")));
    let without = with(&named, json!({ "Links": { "cognito:german": "https://example.com/de" } }));
    assert_eq!(
        refusal(world.ask("UpdateTerms", without).await),
        "InvalidParameterException: Links must contain cognito:default."
    );
    world.ask("DeleteTerms", named.clone()).await.unwrap();
    let absent = format!("ResourceNotFoundException: Terms {} does not exist.", text(&made["TermsId"]));
    for operation in ["DescribeTerms", "UpdateTerms", "DeleteTerms"] {
        assert_eq!(refusal(world.ask(operation, named.clone()).await), absent, "{operation}");
    }
    let by_client = world.ask("DescribeTermsByClient", by_client).await;
    assert_eq!(refusal(by_client), "ResourceNotFoundException: Terms terms-of-use does not exist.");
}

async fn a_client_has_one_of_each_name(store: Store) {
    let world = World::new(store).await;
    world.ask("CreateTerms", create(&world, "terms-of-use")).await.unwrap();
    let exists =
        format!("TermsExistsException: Terms with the name terms-of-use already exist for client {}.", world.client);
    assert_eq!(refusal(world.ask("CreateTerms", create(&world, "terms-of-use")).await), exists);
    let other = world.ask("CreateTerms", create(&world, "privacy-policy")).await.unwrap();
    let rename = json!({ "UserPoolId": world.pool, "TermsId": other["Terms"]["TermsId"], "TermsName": "terms-of-use" });
    assert_eq!(refusal(world.ask("UpdateTerms", rename).await), exists);
    let legacy = with(&create(&world, "terms-of-use"), json!({ "ClientId": world.legacy }));
    world.ask("CreateTerms", legacy).await.unwrap();
}

async fn of_a_rename_and_a_making_at_once_one_is_done(store: Store) {
    let world = World::new(store).await;
    let other = world.ask("CreateTerms", create(&world, "privacy-policy")).await.unwrap();
    let named = json!({ "UserPoolId": world.pool, "TermsId": other["Terms"]["TermsId"] });
    let rename = with(&named, json!({ "TermsName": "terms-of-use" }));
    for _ in 0..5 {
        let (made, renamed) = tokio::join!(
            world.ask("CreateTerms", create(&world, "terms-of-use")),
            world.ask("UpdateTerms", rename.clone())
        );
        assert_eq!(u8::from(made.is_ok()) + u8::from(renamed.is_ok()), 1, "{made:?} {renamed:?}");
        for refused in [&made, &renamed].into_iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refused.exception.name(), "TermsExistsException");
        }
        if let Ok(made) = made {
            let delete = json!({ "UserPoolId": world.pool, "TermsId": made["Terms"]["TermsId"] });
            world.ask("DeleteTerms", delete).await.unwrap();
        }
        world.ask("UpdateTerms", with(&named, json!({ "TermsName": "privacy-policy" }))).await.unwrap();
    }
}

async fn terms_go_with_their_client(store: Store) {
    let world = World::new(store).await;
    world.ask("CreateTerms", create(&world, "terms-of-use")).await.unwrap();
    let client = json!({ "UserPoolId": world.pool, "ClientId": world.client });
    world.ask("DeleteUserPoolClient", client).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM terms").await, 0);
}
