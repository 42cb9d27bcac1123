//! Changes with a store, users who sign in and writers who are quicker.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::ChangeError;
use super::model::{Change, Event, Report, Type};
use super::rows::Running;
use super::run::Teller;
use super::step::{Step, step};
use super::{begin, dry_run, running};
use crate::aws_json::{AdminCaller, Call, Caller, Origin};
use crate::engines::on_both_engines;
use crate::pools::{self, Pool};
use crate::store::{Migration, Store};
use crate::world::World;

on_both_engines!(
    a_renamed_attribute_has_its_new_name_at_once_for_everybody,
    a_dropped_attribute_is_gone_for_everybody_and_does_not_come_back,
    relaxing_takes_wider_bounds_only,
    a_retyped_attribute_has_no_value_that_does_not_fit,
    an_alias_signs_in_from_one_moment_on_and_another_no_more,
    names_that_collide_refuse_a_change_before_anything_is_changed,
    a_writer_that_is_quicker_ends_a_change_as_if_it_had_not_been_begun,
    a_pool_minds_case_no_more,
    people_with_user_names_sign_in_by_address,
);

const PASSWORD: &str = "Passw0rd!x";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

struct Schema {
    world: World,
}

impl Schema {
    async fn new(store: Store, settings: Value) -> Self {
        let mut all = json!({ "Schema": [
            { "Name": "plan", "AttributeDataType": "String", "Mutable": true,
              "StringAttributeConstraints": { "MinLength": "1", "MaxLength": "10" } },
            { "Name": "other", "AttributeDataType": "String", "Mutable": true },
        ]});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Self { world: World::with_pool(store, all).await }
    }

    fn call(&self) -> Call {
        // Each at another instant: the record has a row for each.
        self.world.clock.advance(Duration::from_millis(10));
        let origin = Origin {
            request_id: uuid::Uuid::now_v7().to_string(),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            user_agent: None,
        };
        let caller = Caller::Admin(AdminCaller { access_key_id: "test".into(), single_use: false, region: None });
        Call::new(self.world.services.clone(), "ChangeSchema", self.world.now(), origin, caller)
    }

    async fn pool(&self) -> Pool {
        pools::named(&self.world.services.store, &self.world.pool).await.unwrap()
    }

    async fn look(&self, change: &Change) -> Result<Report, ChangeError> {
        let (told, mut events) = tokio::sync::mpsc::channel::<Event>(1_000);
        let report = dry_run(&self.call(), &self.pool().await, change, &mut Teller::new(told)).await;
        events.close();
        report
    }

    async fn begin(&self, change: &Change) -> Option<Running> {
        begin::begin(&self.call(), &self.pool().await, change, 0).await.unwrap()
    }

    /// To the end, as often taken up again as there are steps.
    async fn end(&self) -> Option<Report> {
        let pool = self.pool().await.id;
        for _ in 0..200 {
            let running = running(&self.world.services.store, &pool).await.unwrap().unwrap();
            match step(&self.call(), &running).await.unwrap() {
                Step::Over(report) => {
                    assert_eq!(self::running(&self.world.services.store, &pool).await.unwrap(), None);
                    assert!(self.pool().await.settings.changing.is_none());
                    return report;
                }
                Step::Wait => self.world.clock.advance(Duration::from_secs(1)),
                Step::Went(_) => {}
            }
        }
        panic!("the change does not end");
    }

    async fn make(&self, change: &Change) {
        if self.begin(change).await.is_some() {
            assert_eq!(self.end().await, None);
        }
    }

    async fn user(&self, name: &str, attributes: &[(&str, &str)]) -> Result<Value, cognito_model::Fault> {
        let attributes: Vec<Value> =
            attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let request = json!({
            "UserPoolId": self.world.pool, "Username": name, "UserAttributes": attributes, "MessageAction": "SUPPRESS",
        });
        self.world.ask("AdminCreateUser", request).await?;
        let request =
            json!({ "UserPoolId": self.world.pool, "Username": name, "Password": PASSWORD, "Permanent": true });
        self.world.ask("AdminSetUserPassword", request).await
    }

    async fn value(&self, name: &str, attribute: &str) -> Option<String> {
        let request = json!({ "UserPoolId": self.world.pool, "Username": name });
        let user = self.world.ask("AdminGetUser", request).await.unwrap();
        let found = user["UserAttributes"].as_array().unwrap().iter().find(|a| a["Name"] == attribute)?;
        Some(found["Value"].as_str().unwrap().to_owned())
    }

    async fn set(&self, name: &str, attribute: &str, value: &str) -> Result<Value, cognito_model::Fault> {
        let request = json!({ "UserPoolId": self.world.pool, "Username": name,
            "UserAttributes": [{ "Name": attribute, "Value": value }] });
        self.world.ask("AdminUpdateUserAttributes", request).await
    }

    async fn signs_in(&self, name: &str) -> bool {
        self.world.sign_in(name, PASSWORD).await.is_ok()
    }

    async fn listed(&self, filter: &str) -> usize {
        let request = json!({ "UserPoolId": self.world.pool, "Filter": filter });
        self.world.ask("ListUsers", request).await.unwrap()["Users"].as_array().unwrap().len()
    }
}

fn rename() -> Change {
    Change::Rename { attribute: "custom:plan".into(), to: "custom:tier".into() }
}

fn sign_in(aliases: &[&str], names: &[&str], case_insensitive: bool) -> Change {
    serde_json::from_value(json!({ "kind": "sign-in", "alias_attributes": aliases, "username_attributes": names,
        "case_insensitive": case_insensitive }))
    .unwrap()
}

async fn a_renamed_attribute_has_its_new_name_at_once_for_everybody(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    let client = json!({ "UserPoolId": schema.world.pool, "ClientName": "c",
        "ReadAttributes": ["email", "custom:plan"], "WriteAttributes": ["custom:plan", "custom:other"] });
    let client = schema.world.ask("CreateUserPoolClient", client).await.unwrap()["UserPoolClient"]["ClientId"].clone();
    for n in 0..120 {
        schema.user(&format!("u{n}"), &[("custom:plan", if n % 2 == 0 { "gold" } else { "free" })]).await.unwrap();
    }
    let report = schema.look(&rename()).await.unwrap();
    assert_eq!((report.users, report.affected, report.conflicts), (120, 120, 0));
    assert_eq!(schema.value("u1", "custom:plan").await.unwrap(), "free", "a look changes nothing");

    let first = schema.begin(&rename()).await.unwrap();
    assert!(matches!(schema.look(&rename()).await, Err(ChangeError::UnderWay(_) | ChangeError::Senseless(_))));
    let Step::Went(_) = step(&schema.call(), &first).await.unwrap() else { panic!() };
    assert!(matches!(step(&schema.call(), &first).await, Err(ChangeError::Busy)), "two do not do the same");
    // Some rows have been come to and some not; nobody can tell.
    for n in [0, 60, 119] {
        assert!(schema.value(&format!("u{n}"), "custom:tier").await.is_some());
        assert_eq!(schema.value(&format!("u{n}"), "custom:plan").await, None);
    }
    assert_eq!(schema.listed(r#"custom:tier = "gold""#).await, 60);
    for n in [5, 115] {
        schema.set(&format!("u{n}"), "custom:tier", "new").await.unwrap();
        schema.set(&format!("u{n}"), "custom:plan", "old").await.unwrap_err();
    }
    let request = json!({ "UserPoolId": schema.world.pool,
        "CustomAttributes": [{ "Name": "plan", "AttributeDataType": "String" }] });
    assert!(
        schema.world.ask("AddCustomAttributes", request.clone()).await.unwrap_err().message.contains("under this name")
    );
    assert_eq!(schema.end().await, None);
    assert_eq!(schema.listed(r#"custom:tier = "gold""#).await, 60);
    assert_eq!(schema.listed(r#"custom:tier = "new""#).await, 2);
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM derived_values WHERE attribute = 'custom:plan'").await, 0);
    let request = json!({ "UserPoolId": schema.world.pool, "ClientId": client });
    let client = schema.world.ask("DescribeUserPoolClient", request).await.unwrap()["UserPoolClient"].clone();
    assert_eq!(client["ReadAttributes"], json!(["email", "custom:tier"]));
    assert_eq!(client["WriteAttributes"], json!(["custom:tier", "custom:other"]));
    let request = json!({ "UserPoolId": schema.world.pool,
        "CustomAttributes": [{ "Name": "plan", "AttributeDataType": "String" }] });
    schema.world.ask("AddCustomAttributes", request).await.unwrap();
    assert_eq!(schema.value("u1", "custom:plan").await, None);
    for (change, why) in [
        (Change::Rename { attribute: "custom:no".into(), to: "custom:x".into() }, "no custom attribute"),
        (Change::Rename { attribute: "custom:tier".into(), to: "custom:plan".into() }, "already"),
        (Change::Rename { attribute: "custom:tier".into(), to: "dev:custom:x".into() }, "same prefix"),
        (Change::Rename { attribute: "custom:tier".into(), to: format!("custom:{}", "x".repeat(21)) }, "1 to 20"),
        (Change::Drop { attribute: "email".into() }, "no custom attribute"),
    ] {
        let error = schema.look(&change).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

async fn a_dropped_attribute_is_gone_for_everybody_and_does_not_come_back(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    for n in 0..60 {
        schema.user(&format!("u{n}"), &[("custom:plan", "gold"), ("custom:other", "x")]).await.unwrap();
    }
    let change = Change::Drop { attribute: "custom:plan".into() };
    assert_eq!(schema.look(&change).await.unwrap().affected, 60);
    schema.begin(&change).await.unwrap();
    assert_eq!(schema.value("u7", "custom:plan").await, None);
    schema.set("u8", "custom:other", "y").await.unwrap();
    assert_eq!(schema.end().await, None);
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM derived_values").await, 60);
    assert_eq!(schema.value("u8", "custom:other").await.unwrap(), "y");
}

async fn relaxing_takes_wider_bounds_only(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    schema.user("ann", &[("custom:plan", "gold")]).await.unwrap();
    let relax = |min: Option<&str>, max: Option<&str>| Change::Relax {
        attribute: "custom:plan".into(),
        min: min.map(str::to_owned),
        max: max.map(str::to_owned),
        optional: false,
        mutable: false,
    };
    for change in [relax(Some("2"), None), relax(None, Some("9")), relax(None, None), relax(None, Some("5000"))] {
        assert!(matches!(schema.look(&change).await, Err(ChangeError::Senseless(_))), "{change:?}");
    }
    schema.set("ann", "custom:plan", "0123456789a").await.unwrap_err();
    schema.make(&relax(None, Some("11"))).await;
    schema.set("ann", "custom:plan", "0123456789a").await.unwrap();
}

async fn a_retyped_attribute_has_no_value_that_does_not_fit(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    for (name, value) in [("ann", "12"), ("bob", "gold"), ("cid", "7")] {
        schema.user(name, &[("custom:plan", value)]).await.unwrap();
    }
    let change =
        Change::Retype { attribute: "custom:plan".into(), to: Type::Number, min: None, max: Some("50".into()) };
    let report = schema.look(&change).await.unwrap();
    assert_eq!(
        (report.conflicts, report.shown[0].value.as_str(), report.shown[0].users[0].as_str()),
        (1, "gold", "bob")
    );
    schema.set("bob", "custom:plan", "1").await.unwrap();
    assert_eq!(schema.look(&change).await.unwrap().conflicts, 0);
    schema.begin(&change).await.unwrap();
    schema.set("ann", "custom:plan", "text").await.unwrap_err();
    schema.set("ann", "custom:plan", "51").await.unwrap_err();
    schema.set("ann", "custom:plan", "50").await.unwrap();
    schema.user("dee", &[("custom:plan", "text")]).await.unwrap_err();
    assert_eq!(schema.end().await, None);
    schema.set("ann", "custom:plan", "text").await.unwrap_err();
    schema.set("ann", "custom:plan", "49").await.unwrap();
}

async fn an_alias_signs_in_from_one_moment_on_and_another_no_more(store: Store) {
    let schema = Schema::new(store, json!({ "AliasAttributes": ["preferred_username"] })).await;
    for n in 0..70 {
        let (email, preferred) = (format!("u{n}@x.example"), format!("p{n}"));
        let verified = if n == 3 { "false" } else { "true" };
        let attributes = [("email", email.as_str()), ("email_verified", verified), ("preferred_username", &preferred)];
        schema.user(&format!("u{n}"), &attributes).await.unwrap();
    }
    let change = sign_in(&["email"], &[], false);
    let report = schema.look(&change).await.unwrap();
    assert_eq!((report.conflicts, report.affected), (0, 70));
    let first = schema.begin(&change).await.unwrap();
    let Step::Went(second) = step(&schema.call(), &first).await.unwrap() else { panic!() };
    let Step::Went(all) = step(&schema.call(), &second).await.unwrap() else { panic!() };
    // One has proven nothing, and gets no name.
    assert!((49..=50).contains(&second.dirty), "{}", second.dirty);
    assert_eq!((all.dirty, all.done), (69, 70));
    for n in [1, 69] {
        assert!(schema.signs_in(&format!("p{n}")).await && schema.signs_in(&format!("u{n}")).await);
        assert!(!schema.signs_in(&format!("u{n}@x.example")).await, "not before the moment");
    }
    // Who comes, and who changes, while names are claimed.
    schema.user("late", &[("email", "late@x.example"), ("email_verified", "true")]).await.unwrap();
    let request = json!({ "UserPoolId": schema.world.pool, "Username": "u1", "UserAttributes": [
        { "Name": "email", "Value": "other@x.example" }, { "Name": "email_verified", "Value": "true" }] });
    schema.world.ask("AdminUpdateUserAttributes", request).await.unwrap();
    assert!(schema.user("thief", &[("email", "u2@x.example"), ("email_verified", "true")]).await.is_err());
    assert_eq!(schema.end().await, None);
    for name in ["late@x.example", "other@x.example", "u69@x.example", "u69"] {
        assert!(schema.signs_in(name).await, "{name}");
    }
    for name in ["u1@x.example", "u3@x.example", "p1", "p69"] {
        assert!(!schema.signs_in(name).await, "{name}");
    }
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM login_names WHERE kind = 'preferred_username'").await, 0);
}

async fn names_that_collide_refuse_a_change_before_anything_is_changed(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    for name in ["Ann", "ann", "ANN", "Bob", "straße", "STRASSE"] {
        let email =
            [("email", if name == "Bob" { "b@x.example" } else { "Same@x.example" }), ("email_verified", "true")];
        schema.user(name, &email).await.unwrap();
    }
    let report = schema.look(&sign_in(&[], &[], true)).await.unwrap();
    assert_eq!((report.users, report.conflicts), (6, 2));
    let mut users = report.shown[0].users.clone();
    users.sort();
    assert_eq!((report.shown[0].value.as_str(), users), ("ann", vec!["ANN".to_owned(), "Ann".into(), "ann".into()]));
    assert_eq!(schema.look(&sign_in(&["email"], &[], false)).await.unwrap().conflicts, 1);
    let (told, _events) = tokio::sync::mpsc::channel::<Event>(1_000);
    let pool = schema.pool().await;
    let change = sign_in(&["email"], &[], true);
    let refused = super::run(&schema.call(), &pool.id, Some(&change), &mut Teller::new(told)).await.unwrap_err();
    let ChangeError::InTheWay(report) = refused else { panic!("{refused}") };
    assert_eq!(report.conflicts, 3);
    assert_eq!(schema.pool().await.modified, pool.modified);
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM login_names").await, 12);
}

async fn a_writer_that_is_quicker_ends_a_change_as_if_it_had_not_been_begun(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    for name in ["Ann", "Bob", "Zed"] {
        schema.user(name, &[("custom:plan", "12")]).await.unwrap();
    }
    // As if made by somebody who had read the pool before the change began.
    schema.begin(&sign_in(&[], &[], true)).await.unwrap();
    let claim = "INSERT INTO login_names (pool, name, kind, sub) SELECT pool, 'zed', 'username', 'ffffffff-ffff-4fff-8fff-ffffffffffff' FROM pools";
    let mut batch = crate::store::Batch::new();
    batch.add(crate::store::Statement::new(claim));
    schema.world.services.store.commit(batch).await.unwrap();
    let report = schema.end().await.unwrap();
    assert_eq!((report.conflicts, report.shown[0].value.as_str()), (1, "zed"));
    assert!(schema.signs_in("Ann").await && !schema.signs_in("ann").await);
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM login_names WHERE kind = 'username'").await, 4);

    let change = Change::Retype { attribute: "custom:plan".into(), to: Type::Number, min: None, max: None };
    schema.begin(&change).await.unwrap();
    let mut batch = crate::store::Batch::new();
    let sql = "UPDATE users SET attributes = REPLACE(attributes, '12', 'x') WHERE username = 'Bob'";
    batch.add(crate::store::Statement::new(sql));
    schema.world.services.store.commit(batch).await.unwrap();
    assert_eq!(schema.end().await.unwrap().shown[0].users, ["Bob"]);
    schema.set("Ann", "custom:plan", "text").await.unwrap();
}

async fn a_pool_minds_case_no_more(store: Store) {
    let schema = Schema::new(store, json!({ "AliasAttributes": ["preferred_username"] })).await;
    for n in 0..60 {
        schema.user(&format!("Ann{n}"), &[("preferred_username", &format!("Pref{n}"))]).await.unwrap();
    }
    schema.begin(&sign_in(&["preferred_username"], &[], true)).await.unwrap();
    let running = running(&schema.world.services.store, &schema.pool().await.id).await.unwrap().unwrap();
    step(&schema.call(), &running).await.unwrap();
    for n in [1, 59] {
        assert!(schema.signs_in(&format!("Ann{n}")).await && schema.signs_in(&format!("Pref{n}")).await);
        assert!(!schema.signs_in(&format!("ann{n}")).await && !schema.signs_in(&format!("pref{n}")).await);
    }
    schema.user("Late", &[]).await.unwrap();
    let taken = schema.user("late", &[]).await.unwrap_err();
    assert_eq!(taken.exception.name(), "UsernameExistsException");
    // A change of an attribute leaves the names of both ways as they are.
    schema.set("Ann2", "custom:plan", "gold").await.unwrap();
    assert_eq!(schema.end().await, None);
    for name in ["Ann1", "ann1", "ANN1", "late", "PREF2", "ann2"] {
        assert!(schema.signs_in(name).await, "{name}");
    }
    assert!(!schema.pool().await.settings.case_sensitive());
    assert_eq!(schema.world.count("SELECT COUNT(*) FROM login_names").await, 60 * 3 + 2);
    let again = schema.look(&sign_in(&["preferred_username"], &[], true)).await;
    assert!(matches!(again, Err(ChangeError::Senseless(_))));
}

async fn people_with_user_names_sign_in_by_address(store: Store) {
    let schema = Schema::new(store, json!({})).await;
    for (name, email, verified) in [("Ann", "Ann@x.example", "true"), ("bob", "b@x.example", "false")] {
        schema.user(name, &[("email", email), ("email_verified", verified)]).await.unwrap();
    }
    schema.make(&sign_in(&[], &["email"], false)).await;
    assert!(schema.signs_in("ann@x.example").await && schema.signs_in("Ann").await && schema.signs_in("bob").await);
    assert!(!schema.signs_in("b@x.example").await, "nobody has proven it");
    schema.user("new@x.example", &[("email_verified", "true")]).await.unwrap();
    schema.user("plain", &[]).await.unwrap_err();
    assert!(schema.signs_in("new@x.example").await);
    let both = schema.look(&sign_in(&["email"], &["email"], false)).await;
    assert!(matches!(both, Err(ChangeError::Senseless(_))));
    // And back: who came by address keeps it as a name.
    schema.make(&sign_in(&["email"], &[], false)).await;
    assert!(schema.signs_in("Ann@x.example").await && schema.signs_in("Ann").await);
    assert!(schema.signs_in("new@x.example").await);
}
