//! Plans as tables of rules; names and waiting addresses on both engines.

use std::sync::Arc;

use cognito_model::idp::types as wire;
use cognito_model::idp::types::{
    AliasAttributeType, AttributeDataType, AttributeType, SchemaAttributeType, UsernameAttributeType,
    VerifiedAttributeType,
};
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use common::secret::SecretString;

use super::names::{self, Taking, Wanted};
use super::plan::{Plan, Turn};
use super::*;
use crate::clients::model::Settings as ClientSettings;
use crate::engines::on_both_engines;
use crate::envelope::{PoolKey, RootKey};
use crate::pools::model::Settings;
use crate::pools::schema::{Attributes, declare};
use crate::store::{Migration, Store};
use crate::users::address::Address;
use crate::users::{self, Status, User, login_names, rows};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const SUBS: [&str; 2] = ["0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f", "1c6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f"];

fn pool(settings: Settings) -> Pool {
    let id = PoolId::parse("eu_a").unwrap();
    Pool { id, name: "p".into(), iss: "https://i/eu_a".into(), settings, created: NOW, modified: NOW }
}

fn own(name: &str) -> SchemaAttributeType {
    let data_type = Some(AttributeDataType::String);
    SchemaAttributeType { name: Some(name.into()), attribute_data_type: data_type, ..SchemaAttributeType::default() }
}

/// E-mail addresses are verified by code; `name` is required, `custom:fixed` cannot change.
fn settings() -> Settings {
    let fixed = SchemaAttributeType { mutable: Some(false), ..own("fixed") };
    let hidden = SchemaAttributeType { developer_only_attribute: Some(true), ..own("hidden") };
    let required = SchemaAttributeType { required: Some(true), ..own("name") };
    Settings {
        auto_verified_attributes: vec![VerifiedAttributeType::Email],
        custom_attributes: [fixed, hidden, required].into_iter().map(|a| declare(a).unwrap()).collect(),
        ..Settings::default()
    }
}

fn proven_first() -> Settings {
    let list = Some(vec![VerifiedAttributeType::Email]);
    let first = wire::UserAttributeUpdateSettingsType { attributes_require_verification_before_update: list };
    Settings { user_attribute_update_settings: Some(first), ..settings() }
}

fn values(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn edits(pairs: &[(&str, &str)]) -> Edits {
    let attribute = |(name, value): &(&str, &str)| AttributeType { name: (*name).into(), value: Some((*value).into()) };
    Edits::of_list(&pairs.iter().map(attribute).collect::<Vec<_>>()).unwrap()
}

fn ann() -> User {
    let known = [
        ("name", "Ann"),
        ("custom:fixed", "x"),
        ("email", "a@x.example"),
        ("email_verified", "true"),
        ("phone_number", "+4915112345678"),
        ("phone_number_verified", "true"),
    ];
    User { attributes: values(&known), ..User::sample() }
}

fn planned(settings: Settings, pairs: &[(&str, &str)], author: Author<'_>) -> Result<Plan, String> {
    plan(&pool(settings), &ann(), &edits(pairs), author)
        .map_err(|error| cognito_model::Fault::from(error).message.into())
}

#[test]
fn who_may_write_what() {
    let any = ClientSettings::default();
    let some =
        ClientSettings { write_attributes: Some(vec!["nickname".into(), "email_verified".into()]), ..any.clone() };
    let unauthorized = "A client attempted to write unauthorized attribute";
    let fixed = "Attribute cannot be updated.";
    let unknown = "Attribute does not exist in the schema.";
    let cases: &[(Author<'_>, &str, &str, &str)] = &[
        (Author::User(&any), "email_verified", "true", unauthorized),
        (Author::User(&any), "email_verified", "", unauthorized),
        (Author::User(&any), "phone_number_verified", "true", unauthorized),
        (Author::User(&any), "identities", "[]", unauthorized),
        (Author::User(&any), "dev:custom:hidden", "x", unauthorized),
        (Author::User(&any), "sub", "x", fixed),
        (Author::User(&any), "cognito:groups", "admin", fixed),
        (Author::User(&any), "custom:fixed", "y", fixed),
        (Author::User(&any), "custom:fixed", "", fixed),
        (Author::User(&any), "custom:absent", "y", unknown),
        (Author::User(&any), "custom:absent", "", unknown),
        (Author::User(&any), "name", "", "user.name: Required attribute cannot be deleted."),
        (Author::User(&any), "email", "no address", "Invalid email address format."),
        (Author::User(&some), "email_verified", "true", unauthorized),
        (Author::User(&some), "email", "b@x.example", unauthorized),
        (Author::Newcomer(&some), "email", "b@x.example", unauthorized),
        (Author::Admin, "sub", "x", fixed),
        (Author::Admin, "identities", "[]", fixed),
        (Author::Admin, "cognito:user_status", "CONFIRMED", fixed),
        (Author::Admin, "custom:fixed", "y", fixed),
        (Author::Admin, "custom:absent", "y", unknown),
        (Author::Admin, "name", "", "Required attribute cannot be deleted."),
        (Author::Admin, "email_verified", "yes", "a boolean"),
    ];
    for (author, name, value, want) in cases {
        let text = planned(settings(), &[(name, value)], *author).expect_err(name);
        assert!(text.contains(want), "{author:?} {name}={value:?}: {text}");
    }
    let allowed: &[(Author<'_>, &str, &str)] = &[
        (Author::User(&any), "nickname", "Ännchen"),
        (Author::User(&some), "nickname", "🦀"),
        (Author::User(&any), "custom:fixed", "x"),
        (Author::User(&any), "gender", ""),
        (Author::Admin, "dev:custom:hidden", "x"),
        (Author::Admin, "email_verified", "false"),
    ];
    for (author, name, value) in allowed {
        assert!(planned(settings(), &[(name, value)], *author).is_ok(), "{author:?} {name}={value:?}");
    }
}

#[test]
fn what_becomes_of_an_address() {
    let client = ClientSettings::default();
    let user = Author::User(&client);
    let new = [("email", "b@x.example")];
    let vouched = [("email", "b@x.example"), ("email_verified", "true")];
    let unvouched = [("email", "b@x.example"), ("email_verified", "false")];
    type Case<'a> = (Settings, Author<'a>, &'a [(&'a str, &'a str)], Turn, (&'a str, Option<&'a str>));
    let prove = || Turn::Prove("b@x.example".into());
    let wait = || Turn::Wait("b@x.example".into());
    let cases: Vec<Case<'_>> = vec![
        (settings(), user, &new, prove(), ("b@x.example", Some("false"))),
        (settings(), Author::Admin, &new, prove(), ("b@x.example", Some("false"))),
        (settings(), Author::Admin, &unvouched, prove(), ("b@x.example", Some("false"))),
        (settings(), Author::Admin, &vouched, Turn::Settled, ("b@x.example", Some("true"))),
        (settings(), user, &[("email", "a@x.example")], Turn::Kept, ("a@x.example", Some("true"))),
        (settings(), user, &[("email", "")], Turn::Settled, ("", None)),
        (Settings::default(), user, &new, Turn::Settled, ("b@x.example", Some("false"))),
        (proven_first(), user, &new, wait(), ("a@x.example", Some("true"))),
        (proven_first(), Author::Newcomer(&client), &new, wait(), ("a@x.example", Some("true"))),
        (proven_first(), Author::Admin, &new, wait(), ("a@x.example", Some("true"))),
        (proven_first(), Author::Admin, &unvouched, wait(), ("a@x.example", Some("true"))),
        (proven_first(), Author::Admin, &vouched, Turn::Settled, ("b@x.example", Some("true"))),
        (proven_first(), user, &[("email", "a@x.example")], Turn::Kept, ("a@x.example", Some("true"))),
    ];
    for (settings, author, pairs, turn, (email, flag)) in cases {
        let plan = planned(settings, pairs, author).unwrap();
        assert_eq!(plan.addresses, [(Address::Email, turn)], "{author:?} {pairs:?}");
        assert_eq!(plan.attributes.get("email").map_or("", String::as_str), email, "{author:?} {pairs:?}");
        assert_eq!(plan.attributes.get("email_verified").map(String::as_str), flag, "{author:?} {pairs:?}");
        assert_eq!(plan.attributes.get("phone_number_verified").map(String::as_str), Some("true"));
    }
}

#[test]
fn newcomers_set_what_they_have_not_and_the_unconfirmed_wait_for_nothing() {
    let client = ClientSettings::default();
    let bare = User { attributes: values(&[("name", "Ann")]), ..ann() };
    let new = edits(&[("email", "b@x.example"), ("custom:fixed", "first")]);
    let set = plan(&pool(proven_first()), &bare, &new, Author::Newcomer(&client)).unwrap();
    assert_eq!(set.addresses, [(Address::Email, Turn::Prove("b@x.example".into()))]);
    assert_eq!(set.attributes["custom:fixed"], "first");

    let nameless = User { attributes: Attributes::new(), ..ann() };
    let refused = plan(&pool(settings()), &nameless, &Edits::default(), Author::Newcomer(&client));
    assert!(refused.unwrap_err().to_string().contains("name: The attribute is required"));

    let unconfirmed = User { status: Status::Unconfirmed, ..ann() };
    let changed =
        plan(&pool(proven_first()), &unconfirmed, &edits(&[("email", "b@x.example")]), Author::Admin).unwrap();
    assert_eq!(
        (changed.addresses, changed.attributes["email"].as_str()),
        (vec![(Address::Email, Turn::Settled)], "b@x.example")
    );
}

#[test]
fn which_names_the_attributes_give() {
    let aliases = Settings {
        alias_attributes: vec![AliasAttributeType::Email, AliasAttributeType::PreferredUsername],
        ..settings()
    };
    let both = Settings {
        username_attributes: vec![UsernameAttributeType::Email, UsernameAttributeType::PhoneNumber],
        ..settings()
    };
    let given = values(&[
        ("email", "B@x.example"),
        ("email_verified", "false"),
        ("phone_number", "+4915112345678"),
        ("phone_number_verified", "true"),
        ("preferred_username", "annie"),
    ]);
    let typed = |settings: &Settings, name: &str| {
        let by_address = !settings.username_attributes.is_empty();
        let sub = User::sample().sub.to_string();
        let user = User { username: if by_address { sub } else { name.to_owned() }, ..User::sample() };
        names::own(&pool(settings.clone()), &user, name.to_owned())
    };
    let names = |settings: &Settings, username: &str, attributes: &Attributes| -> Vec<(&'static str, String)> {
        let wanted = names::wanted(&pool(settings.clone()), &typed(settings, username), attributes).unwrap();
        wanted.into_iter().map(|Wanted { key, kind }| (kind, key)).collect()
    };
    let own = |pairs: &[(&'static str, &str)]| -> Vec<_> { pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect() };
    assert_eq!(names(&aliases, "ann", &given), own(&[("username", "ann"), ("preferred_username", "annie")]));
    let main_email = own(&[("username", "b@x.example"), ("phone_number", "+4915112345678")]);
    assert_eq!(names(&both, "old@x.example", &given), main_email);
    // Verified phone numbers sign in; the e-mail address does not, since nobody has proven it.
    assert_eq!(names(&both, "+4915100000000", &given), own(&[("username", "+4915112345678")]));
    let without = values(&[("phone_number", "+4915112345678")]);
    let refused = names::wanted(&pool(both.clone()), &typed(&both, "old@x.example"), &without).unwrap_err();
    assert!(refused.to_string().contains("email: Required"));
    // Who was made with a user name keeps it when the pool goes over to addresses.
    let person = names::own(&pool(settings()), &User { username: "ann".into(), ..User::sample() }, "ann".into());
    let wanted = names::wanted(&pool(both), &person, &given).unwrap();
    assert_eq!(wanted.len(), 2);
    assert!(wanted.contains(&Wanted { key: "ann".into(), kind: "username" }));
}

on_both_engines!(
    aliases_move_when_they_are_verified,
    user_names_follow_their_address,
    one_of_two_gets_a_name,
    who_loses_an_address_loses_its_verification,
    an_address_that_waits_changes_nothing_yet,
    what_an_earlier_version_left_stands_in_nobodys_way,
);

fn migrations() -> Vec<&'static Migration> {
    users::MIGRATIONS.into_iter().chain(crate::codes::MIGRATIONS).collect()
}

struct World {
    store: Store,
    pool: Pool,
    key: Arc<PoolKey>,
}

impl World {
    fn new(store: Store, settings: Settings) -> Self {
        let pool = pool(settings);
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let key = Arc::new(root.new_pool_key(&pool.id).unwrap().0);
        Self { store, pool, key }
    }

    /// A user who signed up under a name, with the names that its attributes give.
    async fn add(&self, who: usize, name: &str, attributes: &[(&str, &str)]) -> User {
        let sub = Sub::parse(SUBS[who]).unwrap();
        let attributes = values(attributes);
        let username = login_names::choose(&self.pool, name, &sub).unwrap().username;
        let user = User { sub, username, attributes, ..User::sample() };
        let mut batch = Batch::new();
        batch.add(rows::insert(&user));
        login_names::claim_at_creation(&mut batch, &self.pool, &user, name);
        self.store.commit(batch).await.unwrap();
        let moves = names::follow(&self.store, &self.pool, &user, &user.attributes, Taking::Never, NOW).await.unwrap();
        let mut batch = Batch::new();
        batch.extend(moves.statements);
        self.store.commit(batch).await.unwrap();
        user
    }

    async fn prepare(&self, user: &User, pairs: &[(&str, &str)]) -> Result<Prepared, UserError> {
        let plan = plan(&self.pool, user, &edits(pairs), Author::Admin)?;
        Prepared::new(&self.store, &self.key, &self.pool, user, &plan, user.status, NOW).await
    }

    async fn commit(&self, prepared: &Prepared) -> Result<(), CommitError> {
        let mut batch = Batch::new();
        batch.extend(prepared.statements.iter().cloned());
        self.store.commit(batch).await
    }

    async fn update(&self, who: usize, pairs: &[(&str, &str)]) -> Result<(), String> {
        let user = self.read(who).await;
        let prepared = self.prepare(&user, pairs).await.map_err(|error| error.to_string())?;
        self.commit(&prepared).await.map_err(|error| error.to_string())
    }

    async fn read(&self, who: usize) -> User {
        users::by_sub(&self.store, &self.pool, &Sub::parse(SUBS[who]).unwrap()).await.unwrap().unwrap()
    }

    /// Who signs in by a name.
    async fn whose(&self, name: &str) -> Option<usize> {
        let user = users::by_name(&self.store, &self.pool, name).await.unwrap()?;
        SUBS.iter().position(|sub| *sub == user.sub.as_str())
    }
}

fn with_aliases() -> Settings {
    let alias_attributes = vec![AliasAttributeType::Email, AliasAttributeType::PreferredUsername];
    Settings { alias_attributes, auto_verified_attributes: vec![VerifiedAttributeType::Email], ..Settings::default() }
}

fn by_address() -> Settings {
    let username_attributes = vec![UsernameAttributeType::Email, UsernameAttributeType::PhoneNumber];
    Settings { username_attributes, ..Settings::default() }
}

async fn aliases_move_when_they_are_verified(store: Store) {
    let world = World::new(store, with_aliases());
    world.add(0, "ann", &[("email", "a@x.example"), ("email_verified", "true")]).await;
    assert_eq!(world.whose("a@x.example").await, Some(0));
    world.update(0, &[("email", "b@x.example")]).await.unwrap();
    assert_eq!((world.whose("a@x.example").await, world.whose("b@x.example").await), (None, None));
    world.update(0, &[("email_verified", "true")]).await.unwrap();
    assert_eq!((world.whose("b@x.example").await, world.whose("ann").await), (Some(0), Some(0)));
    world.update(0, &[("preferred_username", "Ännchen")]).await.unwrap();
    assert_eq!(world.whose("A\u{308}nnchen").await, Some(0), "one form for every comparison");
    world.update(0, &[("preferred_username", ""), ("email", "")]).await.unwrap();
    assert_eq!((world.whose("Ännchen").await, world.whose("b@x.example").await), (None, None));
    assert!(world.read(0).await.attributes.is_empty());
}

async fn user_names_follow_their_address(store: Store) {
    let world = World::new(store, by_address());
    world.add(0, "Ann@x.example", &[("email", "Ann@x.example")]).await;
    world.add(1, "+4915112345678", &[("phone_number", "+4915112345678")]).await;
    world.update(0, &[("email", "B@x.example")]).await.unwrap();
    assert_eq!((world.whose("ann@x.example").await, world.whose("b@X.example").await), (None, Some(0)));
    assert_eq!(world.whose(SUBS[0]).await, Some(0));
    let refused = world.update(0, &[("email", "")]).await.unwrap_err();
    assert!(refused.contains("Required attribute cannot be deleted"), "{refused}");
    // The other kind of address signs in once it is verified, and only if nobody else does by it.
    world.update(0, &[("phone_number", "+4915112345678")]).await.unwrap();
    let refused = world.update(0, &[("phone_number_verified", "true")]).await.unwrap_err();
    assert_eq!(refused, "An account with the given phone_number already exists.");
    world.update(0, &[("phone_number", "+4915100000000"), ("phone_number_verified", "true")]).await.unwrap();
    assert_eq!(world.whose("+4915100000000").await, Some(0));
    let refused = world.update(0, &[("email", "")]).await.unwrap_err();
    assert!(refused.contains("cannot be deleted"), "the name that the user was made by stays: {refused}");
}

async fn one_of_two_gets_a_name(store: Store) {
    let world = World::new(store, by_address());
    let one = world.add(0, "a@x.example", &[("email", "a@x.example")]).await;
    let two = world.add(1, "b@x.example", &[("email", "b@x.example")]).await;
    let both = [&one, &two].map(|user| world.prepare(user, &[("email", "C@x.example")]));
    let [first, second] = both.map(|prepared| prepared);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let outcomes = futures_util::future::join(world.commit(&first), world.commit(&second)).await;
    let (lost, prepared) = match outcomes {
        (Ok(()), Err(lost)) => (lost, &second),
        (Err(lost), Ok(())) => (lost, &first),
        other => panic!("{other:?}"),
    };
    let CommitError::Missed { index } = lost else { panic!("{lost:?}") };
    assert_eq!(prepared.refusal(index).unwrap().to_string(), "An account with the given email already exists.");
    let late =
        world.update(usize::from(world.whose("c@x.example").await == Some(0)), &[("email", "c@X.example")]).await;
    assert_eq!(late.unwrap_err(), "An account with the given email already exists.");

    // A plan made of what is no longer so does not happen, and is no refusal.
    world.update(0, &[("nickname", "x")]).await.unwrap();
    let CommitError::Missed { index } = world.commit(&first).await.unwrap_err() else { panic!() };
    assert!(first.refusal(index).is_none());
}

async fn who_loses_an_address_loses_its_verification(store: Store) {
    let world = World::new(store, with_aliases());
    world.add(0, "ann", &[("email", "a@x.example"), ("email_verified", "true"), ("preferred_username", "annie")]).await;
    let new = world.add(1, "bob", &[("email", "a@x.example")]).await;
    let verified = values(&[("email", "a@x.example"), ("email_verified", "true")]);
    let never = names::follow(&world.store, &world.pool, &new, &verified, Taking::Never, NOW).await.unwrap_err();
    assert_eq!(never.to_string(), "An account with the given email already exists.");
    let moves = names::follow(&world.store, &world.pool, &new, &verified, Taking::Addresses, NOW).await.unwrap();
    let mut batch = Batch::new();
    batch.add(rows::update_profile(&new, new.status, &verified, NOW));
    batch.extend(moves.statements.iter().cloned());
    world.store.commit(batch.clone()).await.unwrap();
    assert_eq!(world.whose("a@x.example").await, Some(1));
    let loser = world.read(0).await;
    assert!(!loser.verified("email") && loser.attributes["email"] == "a@x.example");
    assert_eq!(world.whose("annie").await, Some(0), "the other names stay");

    let named = values(&[("preferred_username", "annie")]);
    let refused = names::follow(&world.store, &world.pool, &new, &named, Taking::Addresses, NOW).await.unwrap_err();
    assert_eq!(refused.to_string(), "Already found an entry for the provided username.");
}

async fn an_address_that_waits_changes_nothing_yet(store: Store) {
    let first = proven_first().user_attribute_update_settings;
    let world = World::new(store, Settings { user_attribute_update_settings: first, ..by_address() });
    world.add(0, "a@x.example", &[("email", "a@x.example"), ("email_verified", "true")]).await;
    world.add(1, "b@x.example", &[("email", "b@x.example")]).await;
    let user = world.read(0).await;
    let waits = world.prepare(&user, &[("email", "c@x.example")]).await.unwrap();
    world.commit(&waits).await.unwrap();
    assert_eq!((waits.messages.len(), waits.messages[0].to.as_str()), (1, "c@x.example"));
    assert_eq!((world.whose("a@x.example").await, world.whose("c@x.example").await), (Some(0), None));
    assert_eq!(world.read(0).await.attributes, user.attributes);
    let row = world.store.one(waiting::find(&world.pool.id, &user.sub, Address::Email)).await.unwrap();
    assert_eq!(row.unwrap().text(0), Ok("c@x.example"));

    let taken = world.update(0, &[("email", "B@x.example")]).await.unwrap_err();
    assert_eq!(taken, "An account with the given email already exists.");
    world.update(0, &[("email", "a@x.example")]).await.unwrap();
    let row = world.store.one(waiting::find(&world.pool.id, &user.sub, Address::Email)).await.unwrap();
    assert!(row.is_none(), "the present value gives up the one that waited");
}

async fn what_an_earlier_version_left_stands_in_nobodys_way(store: Store) {
    let world = World::new(store, with_aliases());
    world.add(0, "ann", &[("email", "a@x.example"), ("email_verified", "true")]).await;
    world.add(1, "bob", &[]).await;
    // ForceAliasCreation used to leave `email_verified` as it was.
    let taken =
        crate::store::Statement::new("UPDATE login_names SET sub = $1 WHERE name = 'a@x.example'").bind(SUBS[1]);
    let mut batch = Batch::new();
    batch.add(taken);
    world.store.commit(batch).await.unwrap();
    world.update(0, &[("nickname", "Annie")]).await.unwrap();
    assert_eq!(world.whose("a@x.example").await, Some(1));
    // Once the name is free, it is the user's again.
    world.update(1, &[("nickname", "Bobby")]).await.unwrap();
    assert_eq!(world.whose("a@x.example").await, None, "bob's attributes do not give it");
    world.update(0, &[("nickname", "")]).await.unwrap();
    assert_eq!(world.whose("a@x.example").await, Some(0));
}
