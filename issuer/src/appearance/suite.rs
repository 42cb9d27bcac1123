//! How pages look, over both engines.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    a_client_has_its_own_customization_or_that_of_all,
    a_customization_wants_a_domain_and_good_css,
    a_branding_from_its_making_to_its_end,
    both_go_with_their_client,
);

/// The first bytes of a PNG file.
const PNG: &str = "iVBORw0KGgo=";
const CSS: &str = ".logo-customizable { max-width: 60%; }";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn with_domain(store: Store) -> World {
    let world = World::new(store).await;
    world.ask("CreateUserPoolDomain", json!({ "UserPoolId": world.pool, "Domain": "orders" })).await.unwrap();
    world
}

fn client(world: &World) -> Value {
    json!({ "UserPoolId": world.pool, "ClientId": world.client })
}

async fn a_client_has_its_own_customization_or_that_of_all(store: Store) {
    let world = with_domain(store).await;
    let get = async |request: Value| world.ask("GetUICustomization", request).await.unwrap()["UICustomization"].clone();
    let pool = json!({ "UserPoolId": world.pool });
    assert_eq!(get(pool.clone()).await, json!({}));
    let set = with(&pool, json!({ "CSS": CSS }));
    let all = world.ask("SetUICustomization", set).await.unwrap()["UICustomization"].clone();
    assert_eq!((&all["CSS"], &all["ClientId"]), (&json!(CSS), &json!("ALL")));
    assert!(all.get("ImageUrl").is_none() && text(&all["CSSVersion"]).len() == 14);
    assert_eq!(get(client(&world)).await, all);
    world.clock.advance(Duration::from_secs(60));
    let own = with(&client(&world), json!({ "ImageFile": PNG }));
    let own = world.ask("SetUICustomization", own).await.unwrap()["UICustomization"].clone();
    assert!(own.get("CSS").is_none(), "what is left out goes");
    let path = format!("/{}/{}/", world.pool, world.client);
    assert!(text(&own["ImageUrl"]).contains(&path) && text(&own["ImageUrl"]).ends_with("/image.png"));
    assert_eq!(get(client(&world)).await, own);
    assert_eq!(get(with(&pool, json!({ "ClientId": "ALL" }))).await, all);
    let again = world.ask("SetUICustomization", with(&client(&world), json!({ "CSS": CSS }))).await.unwrap();
    assert_eq!(again["UICustomization"]["CreationDate"], own["CreationDate"]);
}

async fn a_customization_wants_a_domain_and_good_css(store: Store) {
    let world = World::new(store).await;
    let set = async |more: Value| refusal(world.ask("SetUICustomization", with(&client(&world), more)).await);
    let no_domain = "There has to be an existing domain associated with this user pool";
    assert_eq!(set(json!({ "CSS": CSS })).await, format!("InvalidParameterException: {no_domain}"));
    assert!(set(json!({ "CSS": "body {}" })).await.contains("not customizable"));
    assert!(set(json!({ "ImageFile": "AAAA" })).await.contains("PNG or JPEG"));
    let absent = json!({ "UserPoolId": world.pool, "ClientId": "none" });
    for operation in ["GetUICustomization", "SetUICustomization"] {
        let said = refusal(world.ask(operation, absent.clone()).await);
        assert_eq!(said, "ResourceNotFoundException: User pool client none does not exist.", "{operation}");
    }
}

async fn a_branding_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let logo = json!({ "Category": "FORM_LOGO", "ColorMode": "LIGHT", "Extension": "PNG", "Bytes": PNG, "ResourceId": "logo" });
    let settings = json!({ "components": { "form": { "borderRadius": 8.0 } } });
    let create = with(&client(&world), json!({ "Settings": settings, "Assets": [logo] }));
    let made = world.ask("CreateManagedLoginBranding", create.clone()).await.unwrap()["ManagedLoginBranding"].clone();
    assert_eq!((&made["Settings"], &made["Assets"]), (&settings, &json!([logo])));
    assert_eq!(made["UseCognitoProvidedValues"], false);
    let named = json!({ "UserPoolId": world.pool, "ManagedLoginBrandingId": made["ManagedLoginBrandingId"] });
    let found = world.ask("DescribeManagedLoginBranding", with(&named, json!({ "ReturnMergedResources": true }))).await;
    assert_eq!(found.unwrap()["ManagedLoginBranding"], made);
    let by_client = world.ask("DescribeManagedLoginBrandingByClient", client(&world)).await.unwrap();
    assert_eq!(by_client["ManagedLoginBranding"], made);
    let exists = format!(
        "ManagedLoginBrandingExistsException: Managed login branding already exists for client {}.",
        world.client
    );
    assert_eq!(refusal(world.ask("CreateManagedLoginBranding", create).await), exists);
    let both = with(&client(&world), json!({ "Settings": settings, "UseCognitoProvidedValues": true }));
    assert!(refusal(world.ask("CreateManagedLoginBranding", both).await).contains("UseCognitoProvidedValues is true"));

    let update = with(&named, json!({ "UseCognitoProvidedValues": true }));
    let updated = world.ask("UpdateManagedLoginBranding", update).await.unwrap()["ManagedLoginBranding"].clone();
    assert!(updated["UseCognitoProvidedValues"] == true && updated.get("Settings").is_none());
    let nameless = world.ask("UpdateManagedLoginBranding", json!({ "UserPoolId": world.pool })).await;
    assert_eq!(refusal(nameless), "InvalidParameterException: ManagedLoginBrandingId must be given.");
    world.ask("DeleteManagedLoginBranding", named.clone()).await.unwrap();
    let id = text(&made["ManagedLoginBrandingId"]);
    let absent = format!("ResourceNotFoundException: Managed login branding {id} does not exist.");
    for operation in ["DescribeManagedLoginBranding", "UpdateManagedLoginBranding", "DeleteManagedLoginBranding"] {
        assert_eq!(refusal(world.ask(operation, named.clone()).await), absent, "{operation}");
    }
    let by_client = refusal(world.ask("DescribeManagedLoginBrandingByClient", client(&world)).await);
    assert!(by_client.contains("has no managed login branding"), "{by_client}");
}

async fn both_go_with_their_client(store: Store) {
    let world = with_domain(store).await;
    world.ask("SetUICustomization", with(&client(&world), json!({ "CSS": CSS }))).await.unwrap();
    let create = with(&client(&world), json!({ "UseCognitoProvidedValues": true }));
    world.ask("CreateManagedLoginBranding", create).await.unwrap();
    world.ask("DeleteUserPoolClient", client(&world)).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM ui_customizations").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM login_brandings").await, 0);
}
