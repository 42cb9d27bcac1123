//! Pools from one deployment into another, over both engines.

use common::ids::{ClientId, PoolId};
use serde_json::{Value, json};

use super::lines::CONTENTS;
use super::{Checked, ExportKey, PoolLine, Recipient, check, export, import, next_digest, parts, print, settings};
use crate::devices::{self, Device, DeviceKey};
use crate::engines::{on_both_engines, sqlite};
use crate::factors::passkeys::{self, Passkey};
use crate::passwords::srp::test_client::Client;
use crate::passwords::srp::{Challenge, Identity, Verifier};
use crate::pools::mfa::Factor;
use crate::pools::{self, Pool};
use crate::store::{Batch, Migration, Query, Statement, Store};
use crate::world::{World, refusal, text, with};
use crate::{clients, factors, users};

const PASSWORD: &str = "Correct-Horse-1";
/// The world's clock, as SRP clients write it.
const TIMESTAMP: &str = "Mon Sep 21 14:13:20 UTC 2026";

on_both_engines!(
    a_pool_moves_with_all_that_signs_people_in,
    a_pool_of_another_name_keeps_passwords_and_makes_verifiers,
    an_import_that_is_cut_goes_on_and_stores_nothing_twice,
    lines_that_need_more_than_one_batch_are_stored,
    people_keep_their_names_after_a_change_of_how_they_sign_in,
    an_import_takes_an_empty_pool_and_one_file,
    what_is_wrong_is_told_and_its_batch_is_not_stored,
    people_who_come_and_go_meanwhile_leave_a_whole_export,
    an_import_opens_no_way_that_the_pool_closes,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn pool_settings() -> Value {
    json!({
        "AliasAttributes": ["email", "preferred_username"],
        "UsernameConfiguration": { "CaseSensitive": false },
        "Policies": { "PasswordPolicy": { "MinimumLength": 8, "PasswordHistorySize": 3 } },
        "Schema": [{ "Name": "plan", "AttributeDataType": "String", "Mutable": true }],
    })
}

async fn pool_of(world: &World) -> Pool {
    pools::named(&world.services.store, &world.pool).await.unwrap()
}

/// A whole file.
async fn exported(world: &World, key: &ExportKey, clients: bool) -> Vec<u8> {
    let pool = pool_of(world).await;
    let asked = export::Asked { recipient: Recipient::parse(&key.recipient().to_string()).unwrap(), clients };
    let mut file = Vec::new();
    let mut answer = export::begin(&world.services, &pool, &asked, world.now()).await.unwrap();
    let beginning = super::Scan::open(answer.as_slice()).unwrap();
    let (mut digest, at) = (beginning.digest, usize::try_from(beginning.whole).unwrap());
    file.extend(answer.drain(..at));
    loop {
        digest = next_digest(&digest, &answer);
        answer.extend_from_slice(&digest);
        let raw = super::Raw::parse(&answer).unwrap();
        file.append(&mut answer);
        if raw.head.last {
            return file;
        }
        answer = export::go_on(&world.services, &pool, &raw.resume, Some(clients)).await.unwrap();
    }
}

fn whole(file: &[u8], key: &ExportKey, into: Option<(PoolId, Value)>) -> Checked {
    let target = |line: &PoolLine| Some(into.unwrap_or_else(|| (line.pool.clone(), line.settings.clone())));
    check(file, key, target, &mut |_| {}).unwrap()
}

async fn begun(world: &World, id: &PoolId, checked: &Checked, create: bool) -> import::Underway {
    let settings = serde_json::from_value(checked.pool.settings.clone()).unwrap();
    import::begin(
        &world.command("ImportUserPool"),
        id,
        asked(checked, create.then(|| (checked.pool.name.clone(), settings))),
    )
    .await
    .unwrap()
}

fn asked(checked: &Checked, found: Option<(String, pools::model::Settings)>) -> import::Asked {
    import::Asked {
        export: checked.beginning.id.clone(),
        digest: checked.digest.clone(),
        source: checked.pool.pool.clone(),
        lines: checked.counts.lines(),
        clients: checked.clients.iter().map(|(id, value)| (id.clone(), settings(value).unwrap())).collect(),
        found,
    }
}

/// Sends the lines after `done`, as the command does; answers how many are done.
async fn send(world: &World, id: &PoolId, file: &[u8], key: &ExportKey, underway: &import::Underway) -> u64 {
    let to = Recipient::parse(&underway.recipient).unwrap();
    let mut done = underway.import.done;
    let mut parts = parts(file, key, done).unwrap();
    while let Some((before, text)) = parts.read_next().unwrap() {
        done = take(world, id, &underway.import.export, &to, before, &text).await.unwrap();
    }
    done
}

async fn take(
    world: &World,
    id: &PoolId,
    export: &str,
    to: &Recipient,
    before: u64,
    text: &[u8],
) -> Result<u64, cognito_model::Fault> {
    let sealed = to.seal(&import::travelling(export, &before.to_be_bytes()), text).unwrap();
    import::take(&world.command("ImportUserPool"), id, before, &sealed).await
}

/// From the file to a whole pool.
async fn imported(world: &World, id: &PoolId, file: &[u8], key: &ExportKey, create: bool) {
    let checked = whole(file, key, (!create).then(|| (id.clone(), json!({}))));
    assert_eq!(checked.problems, [], "{id}");
    let underway = begun(world, id, &checked, create).await;
    assert_eq!(send(world, id, file, key, &underway).await, checked.counts.lines());
    let done = import::finish(&world.command("ImportUserPool"), id, &checked.beginning.id).await.unwrap();
    assert!(done.finished.is_some());
}

async fn by_srp(world: &World, client: &str, name: &str, password: &str) -> Result<Value, cognito_model::Fault> {
    let srp = Client::new([9; 32]);
    let begin = json!({
        "ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": name, "SRP_A": srp.srp_a() },
    });
    let asked = world.ask("InitiateAuth", begin).await?;
    let told = |name: &str| text(&asked["ChallengeParameters"][name]);
    let challenge = Challenge { salt: told("SALT"), srp_b: told("SRP_B"), secret_block: told("SECRET_BLOCK") };
    let (pool, user) = (PoolId::parse(world.pool.as_str()).unwrap(), told("USER_ID_FOR_SRP"));
    let signature = srp.sign(Identity::of_user(&pool, &user), password.as_bytes(), &challenge, TIMESTAMP);
    let answer = json!({
        "ClientId": client, "ChallengeName": "PASSWORD_VERIFIER", "Session": asked["Session"],
        "ChallengeResponses": {
            "USERNAME": user, "PASSWORD_CLAIM_SECRET_BLOCK": challenge.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": TIMESTAMP,
        },
    });
    Ok(world.ask("RespondToAuthChallenge", answer).await?["AuthenticationResult"].clone())
}

/// What administrators see of everybody in the pool.
async fn everybody(world: &World) -> Value {
    let mut all = Vec::new();
    let users = world.ask("ListUsers", json!({ "UserPoolId": world.pool })).await.unwrap();
    for user in users["Users"].as_array().unwrap() {
        let name = json!({ "UserPoolId": world.pool, "Username": user["Username"] });
        let groups = world.ask("AdminListGroupsForUser", name.clone()).await.unwrap();
        let names: Vec<_> =
            groups["Groups"].as_array().unwrap().iter().map(|group| group["GroupName"].clone()).collect();
        all.push(json!([world.ask("AdminGetUser", name).await.unwrap(), names]));
    }
    Value::Array(all)
}

async fn elsewhere() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder, &migrations()).await;
    (World::new(store).await, folder)
}

/// Ann in two groups with every kind of name; Bob with a temporary password; Cid who waits for a code; Dan who is disabled; Eli who had another password.
async fn settle(world: &World) {
    let pool = json!({ "UserPoolId": world.pool });
    for group in ["staff", "ops"] {
        let group = json!({ "GroupName": group, "Description": "d", "Precedence": 3, "RoleArn": "arn:aws:iam::000000000000:role/r" });
        world.ask("CreateGroup", with(&pool, group)).await.unwrap();
    }
    for (name, password) in [("Ann", PASSWORD), ("dan", PASSWORD), ("eli", "Former-Horse-1")] {
        world.user(name, password).await;
    }
    let change = json!({ "Username": "eli", "Password": PASSWORD, "Permanent": true });
    world.ask("AdminSetUserPassword", with(&pool, change)).await.unwrap();
    let of = |name: &str| with(&pool, json!({ "Username": name }));
    let more = json!([{ "Name": "custom:plan", "Value": "größe" }, { "Name": "preferred_username", "Value": "Annie" }]);
    world.ask("AdminUpdateUserAttributes", with(&of("Ann"), json!({ "UserAttributes": more }))).await.unwrap();
    for group in ["staff", "ops"] {
        world.ask("AdminAddUserToGroup", with(&of("Ann"), json!({ "GroupName": group }))).await.unwrap();
    }
    let bob = json!({ "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", with(&of("bob"), bob)).await.unwrap();
    let email = json!([{ "Name": "email", "Value": "cid@example.com" }]);
    let cid = json!({ "ClientId": world.client, "Username": "cid", "Password": PASSWORD, "UserAttributes": email });
    world.ask("SignUp", cid).await.unwrap();
    world.ask("AdminDisableUser", of("dan")).await.unwrap();
}

/// A software token, a passkey and a trusted device of a user.
async fn hold(world: &World, name: &str) {
    let pool = pool_of(world).await;
    let (store, key) = (&world.services.store, world.services.pool_keys.key(&pool.id).await.unwrap());
    let user = users::named(store, &pool, name).await.unwrap();
    let sub = user.sub.as_str();
    let seed = key.seal(factors::rows::seed_cell(&[sub]), b"twenty bytes of seed").unwrap();
    let verified = factors::rows::Verified { seed: &seed, name: Some("Phone"), step: 59_666_666 };
    let passkey = Passkey {
        pool: pool.id.clone(),
        sub: user.sub.clone(),
        credential: "Y3JlZGVudGlhbA".into(),
        public_key: vec![1, 2, 3],
        sign_count: 7,
        flags: 5,
        name: "Key".into(),
        relying_party: "example.com".into(),
        transports: vec!["usb".into()],
        attachment: None,
        created: world.now(),
    };
    let device = DeviceKey::parse("eu-test-1_0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap();
    let verifier = Verifier::create(Identity { realm: "-group", name: device.as_str() }, b"device password").unwrap();
    let cell = [sub, device.as_str()];
    let device = Device {
        pool: pool.id.clone(),
        sub: user.sub.clone(),
        sealed_verifier: Some(key.seal(devices::rows::verifier_cell(&cell), verifier.to_bytes().expose()).unwrap()),
        key: device.clone(),
        group_key: "-group".into(),
        name: Some("Laptop".into()),
        remembered: true,
        trust: Some([9; 16]),
        last_address: "192.0.2.1".into(),
        authenticated: world.now(),
        created: world.now(),
        modified: world.now(),
        version: 4,
    };
    let mut batch = Batch::new();
    batch.add(factors::rows::put_first(&user, &verified, world.now()));
    batch.add(passkeys::rows::insert(&passkey));
    batch.add(devices::rows::insert(&device));
    batch.add(users::rows::set_mfa(&user, &user.mfa.clone().with(Factor::SoftwareToken), world.now()));
    store.commit(batch).await.unwrap();
}

/// The lines of a file, without the first and the last.
fn lines_of(file: &[u8], key: &ExportKey) -> Vec<String> {
    let mut out = Vec::new();
    print(file, key, &mut out).unwrap();
    let lines: Vec<_> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    lines[1..lines.len() - 1].to_vec()
}

async fn a_pool_moves_with_all_that_signs_people_in(store: Store) {
    let here = World::with_pool(store, pool_settings()).await;
    settle(&here).await;
    hold(&here, "eli").await;
    let secret = json!({ "UserPoolId": here.pool, "ClientName": "server", "GenerateSecret": true });
    let secret = here.ask("CreateUserPoolClient", secret).await.unwrap()["UserPoolClient"].clone();
    let oauth = br#"{"profile":"openid","pkce":"required","auth_methods":["client_secret_post"],"third_party":true}"#;
    let named =
        async |world: &World| clients::named(&world.services, &world.pool, secret["ClientId"].as_str().unwrap()).await;
    let (pool, client) = named(&here).await.unwrap();
    let client = clients::set_oauth(&here.command("SetClientOAuth"), &pool, client, oauth).await.unwrap();
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, true).await;
    for clear in ["argon2id", "example.com", &text(&secret["ClientSecret"]), "CONFIRMED"] {
        assert!(!file.windows(clear.len()).any(|window| window == clear.as_bytes()), "{clear} lies in the file");
    }
    let counts = whole(&file, &key, None).counts;
    assert_eq!((counts.groups, counts.clients, counts.users), (2, 3, 5));

    let (mut there, _folder) = elsewhere().await;
    let id = PoolId::parse(here.pool.as_str()).unwrap();
    imported(&there, &id, &file, &key, true).await;
    let messages = there.count("SELECT COUNT(*) FROM messages").await;
    assert_eq!(messages, 0, "an import writes to nobody");
    there.pool.clone_from(&here.pool);
    there.client.clone_from(&here.client);
    assert_eq!(everybody(&there).await, everybody(&here).await);
    // What was exported from there is what was exported from here.
    let lines = lines_of(&file, &key);
    assert!(lines.iter().any(|line| ["Phone", "Y3JlZGVudGlhbA", "Laptop"].iter().all(|held| line.contains(held))));
    assert_eq!(lines_of(&exported(&there, &key, true).await, &key), lines);
    assert_eq!(there.count("SELECT COUNT(*) FROM devices WHERE trust IS NOT NULL").await, 0, "each is proven again");
    let described =
        async |world: &World| world.ask("DescribeUserPool", json!({ "UserPoolId": world.pool })).await.unwrap();
    let (mut a, mut b) = (described(&here).await, described(&there).await);
    for pool in [&mut a, &mut b] {
        for own in ["CreationDate", "LastModifiedDate"] {
            pool["UserPool"].as_object_mut().unwrap().remove(own);
        }
    }
    assert_eq!(a, b);
    let ask = json!({ "UserPoolId": there.pool, "ClientId": secret["ClientId"] });
    let described = there.ask("DescribeUserPoolClient", ask).await.unwrap();
    assert_eq!(described["UserPoolClient"]["ClientSecret"], secret["ClientSecret"]);
    assert_eq!(named(&there).await.unwrap().1.settings.oauth, client.settings.oauth);

    for name in ["ann", "ANN", "Ann@Example.com", "annie"] {
        assert!(there.sign_in(name, PASSWORD).await.unwrap()["IdToken"].is_string(), "{name}");
        assert!(by_srp(&there, &there.client, name, PASSWORD).await.unwrap()["IdToken"].is_string(), "{name}");
    }
    let former =
        json!({ "UserPoolId": there.pool, "Username": "eli", "Password": "Former-Horse-1", "Permanent": true });
    let refused = refusal(there.ask("AdminSetUserPassword", former).await);
    assert!(refused.starts_with("PasswordHistoryPolicyViolationException"), "{refused}");
    assert_eq!(refusal(by_srp(&there, &there.client, "ann", "Wrong-Horse-1").await), WRONG);
    assert_eq!(refusal(there.sign_in("ann", "Wrong-Horse-1").await), WRONG);
    assert!(there.sign_in("bob", PASSWORD).await.unwrap().is_null(), "a temporary password asks for another one");
    assert_eq!(refusal(there.sign_in("dan", PASSWORD).await), "NotAuthorizedException: User is disabled.");
    assert_eq!(refusal(there.sign_in("cid", PASSWORD).await), "UserNotConfirmedException: User is not confirmed.");
}

const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";

async fn a_pool_of_another_name_keeps_passwords_and_makes_verifiers(store: Store) {
    let here = World::new(store).await;
    here.user("jane", PASSWORD).await;
    let weak = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA";
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, false).await;

    let (there, _folder) = elsewhere().await;
    let id = PoolId::parse(there.pool.as_str()).unwrap();
    imported(&there, &id, &file, &key, false).await;
    assert_eq!(there.count("SELECT COUNT(*) FROM users WHERE srp_verifier IS NULL").await, 1);
    // As for somebody without a password: no word of why.
    assert_eq!(refusal(by_srp(&there, &there.client, "jane", PASSWORD).await), WRONG);
    assert_eq!(refusal(there.sign_in("jane", "Wrong-Horse-1").await), WRONG);
    assert_eq!(there.count("SELECT COUNT(*) FROM users WHERE srp_verifier IS NULL").await, 1);
    there.sign_in("jane", PASSWORD).await.unwrap();
    assert!(by_srp(&there, &there.client, "jane", PASSWORD).await.unwrap()["IdToken"].is_string());
    assert_eq!(refusal(by_srp(&there, &there.client, "jane", "Wrong-Horse-1").await), WRONG);

    // A hash of another cost is replaced, too, once the password is here.
    let hash = argon2_of(PASSWORD);
    assert!(hash.starts_with(weak), "{hash}");
    let mut batch = Batch::new();
    batch.add(Statement::new("UPDATE users SET password_hash = $1, srp_verifier = NULL").bind(hash));
    there.services.store.commit(batch).await.unwrap();
    there.sign_in("jane", PASSWORD).await.unwrap();
    let stored = there.services.store.one(Query::new("SELECT password_hash FROM users")).await.unwrap().unwrap();
    assert!(stored.text(0).unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(by_srp(&there, &there.client, "jane", PASSWORD).await.unwrap()["IdToken"].is_string());
    there.sign_in("jane", PASSWORD).await.unwrap();
}

/// A weak hash of somebody else's making.
fn argon2_of(password: &str) -> String {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(64, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    hasher.hash_password_with_salt(password.as_bytes(), b"somesaltsomesalt").unwrap().to_string()
}

/// Users by SQL, with one name each: `{number}-…`.
async fn fill(world: &World, users: std::ops::Range<u32>) {
    for part in users.collect::<Vec<_>>().chunks(500) {
        let mut batch = Batch::new();
        for user in part {
            let sub = format!("{user:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f");
            batch.add(
                Statement::new(
                    "INSERT INTO users (pool, sub, username, status, enabled, attributes, valid_after, newest_mint, created_at, modified_at)
                     VALUES ($1, $2, $3, 'CONFIRMED', 1, '{}', 0, 0, 1, 1)",
                )
                .bind(&world.pool)
                .bind(&sub)
                .bind(format!("user-{user}")),
            );
            for (name, kind) in [(format!("user-{user}"), "username"), (sub.clone(), "sub")] {
                let name = Statement::new("INSERT INTO login_names (pool, name, kind, sub) VALUES ($1, $2, $3, $4)")
                    .bind(&world.pool)
                    .bind(name)
                    .bind(kind)
                    .bind(&sub);
                batch.add(name);
            }
        }
        world.services.store.commit(batch).await.unwrap();
    }
}

async fn an_import_that_is_cut_goes_on_and_stores_nothing_twice(store: Store) {
    let (here, _folder) = elsewhere().await;
    fill(&here, 0..1_300).await;
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, false).await;
    let there = World::new(store).await;
    let id = PoolId::parse(here.pool.as_str()).unwrap();
    let checked = whole(&file, &key, None);
    assert_eq!((checked.counts.users, checked.problems.len()), (1_300, 0));

    let first = begun(&there, &id, &checked, true).await;
    let to = Recipient::parse(&first.recipient).unwrap();
    let export = &first.import.export;
    let mut lines = parts(file.as_slice(), &key, 0).unwrap();
    let part = |parts: &mut super::read::Parts<&[u8]>| parts.read_next().unwrap().unwrap();
    let (a, b) = (part(&mut lines), part(&mut lines));
    assert_eq!((a.0, b.0), (0, 500));
    let early = take(&there, &id, export, &to, b.0, &b.1).await;
    assert_eq!(refusal(early), "InvalidParameterException: Lines are missing: 0 are done, and these begin after 500.");
    // The command was killed and begins anew, with another part in flight; each line is stored once.
    let tries = (0..4).map(|_| take(&there, &id, export, &to, a.0, &a.1));
    for done in futures_util::future::join_all(tries).await {
        assert_eq!(done.unwrap(), 500);
    }
    let again = begun(&there, &id, &checked, true).await;
    assert_eq!((again.import.done, again.recipient.as_str()), (500, first.recipient.as_str()));
    // Half of what is sent is there already.
    let overlapping = [a.1.as_slice(), &b.1].concat();
    assert_eq!(take(&there, &id, export, &to, 0, &overlapping).await.unwrap(), 1_000);
    let early = import::finish(&there.command("ImportUserPool"), &id, export).await;
    assert_eq!(refusal(early.map(drop)), "InvalidParameterException: 1000 of 1300 lines are done.");
    let again = begun(&there, &id, &checked, true).await;
    assert_eq!(send(&there, &id, &file, &key, &again).await, 1_300);
    for _ in 0..2 {
        import::finish(&there.command("ImportUserPool"), &id, export).await.unwrap();
    }
    assert_eq!(there.count("SELECT COUNT(*) FROM users").await, 1_300);
    assert_eq!(there.count("SELECT COUNT(*) FROM login_names").await, 2_600);
    assert_eq!(
        there.count("SELECT COUNT(*) FROM audit WHERE operation = 'ImportUserPool' AND subject IS NOT NULL").await,
        5
    );
    let late = take(&there, &id, export, &to, 1_300, b"").await;
    assert_eq!(refusal(late), "InvalidParameterException: The import of the pool is done.");
    assert_eq!(there.count("SELECT COUNT(*) FROM pool_imports WHERE LENGTH(sealed_key) > 0").await, 0);
}

async fn lines_that_need_more_than_one_batch_are_stored(store: Store) {
    let (here, _folder) = elsewhere().await;
    fill(&here, 0..500).await;
    let mut batch = Batch::new();
    for group in ["staff", "ops", "night"] {
        here.ask("CreateGroup", json!({ "UserPoolId": here.pool, "GroupName": group })).await.unwrap();
        let join = "INSERT INTO memberships (pool, sub, name, created_at) SELECT pool, sub, $1, 1 FROM users";
        batch.add(Statement::new(join).bind(group));
    }
    here.services.store.commit(batch).await.unwrap();
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, false).await;
    let there = World::new(store).await;
    imported(&there, &PoolId::parse(here.pool.as_str()).unwrap(), &file, &key, true).await;
    assert_eq!(there.count("SELECT COUNT(*) FROM memberships").await, 1_500);
}

/// The settings as a change of how people sign in leaves them.
async fn signing_in_by(world: &World, names: Vec<cognito_model::idp::types::UsernameAttributeType>) {
    let pool = pool_of(world).await;
    let settings = pools::model::Settings { username_attributes: names, ..pool.settings.clone() };
    let mut batch = Batch::new();
    batch.add(pools::rows::update(&pool, &pool.name, &settings, world.now()));
    world.services.store.commit(batch).await.unwrap();
}

async fn people_keep_their_names_after_a_change_of_how_they_sign_in(store: Store) {
    use cognito_model::idp::types::UsernameAttributeType::Email;
    let there = World::new(store).await;
    let by_address = json!({ "UsernameAttributes": ["email"] });
    for (before, name, after) in [(json!({}), "jane", vec![Email]), (by_address, "joe@example.com", Vec::new())] {
        let folder = tempfile::tempdir().unwrap();
        let here = World::with_pool(sqlite(&folder, &migrations()).await, before).await;
        let user = json!({ "UserPoolId": here.pool, "Username": name });
        here.ask("AdminCreateUser", with(&user, json!({ "MessageAction": "SUPPRESS" }))).await.unwrap();
        let password = json!({ "Password": PASSWORD, "Permanent": true });
        here.ask("AdminSetUserPassword", with(&user, password)).await.unwrap();
        signing_in_by(&here, after).await;
        here.sign_in(name, PASSWORD).await.unwrap();
        let key = ExportKey::generate().unwrap();
        let file = exported(&here, &key, true).await;
        let id = PoolId::parse(here.pool.as_str()).unwrap();
        imported(&there, &id, &file, &key, true).await;
        let ask = json!({ "ClientId": here.client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": name, "PASSWORD": PASSWORD } });
        let signed_in = there.ask("InitiateAuth", ask).await.unwrap();
        assert!(signed_in["AuthenticationResult"]["IdToken"].is_string(), "{name}");
    }
}

async fn an_import_takes_an_empty_pool_and_one_file(store: Store) {
    let here = World::new(store).await;
    here.user("jane", PASSWORD).await;
    let key = ExportKey::generate().unwrap();
    let (file, other) = (exported(&here, &key, false).await, exported(&here, &key, true).await);
    let (checked, other) = (whole(&file, &key, None), whole(&other, &key, None));
    let source = PoolId::parse(here.pool.as_str()).unwrap();
    let call = || here.command("ImportUserPool");
    let found = || Some(("p".to_owned(), serde_json::from_value(checked.pool.settings.clone()).unwrap()));
    let refused = async |id: &PoolId, asked| refusal(import::begin(&call(), id, asked).await.map(|_| ()));
    assert_eq!(
        refused(&source, asked(&checked, found())).await,
        "InvalidParameterException: There is a pool of this id."
    );
    assert!(
        refused(&source, asked(&checked, None)).await.starts_with("InvalidParameterException: The pool is not empty")
    );
    let nowhere = PoolId::parse("eu-test-1_Nowhere").unwrap();
    assert!(refused(&nowhere, asked(&checked, None)).await.contains("User pool eu-test-1_Nowhere does not exist."));
    let abroad = PoolId::parse("us-east-9_Abroad").unwrap();
    assert!(refused(&abroad, asked(&checked, found())).await.contains("of the region eu-test-1"));
    let taken =
        format!("InvalidParameterException: A pool of this deployment has the app client {}.", other.clients[0].0);
    assert_eq!(refused(&nowhere, asked(&other, found())).await, taken);
    let mut naming = asked(&checked, found());
    let settings =
        clients::model::Settings { supported_identity_providers: Some(vec!["Idp".into()]), ..Default::default() };
    naming.clients.push((ClientId::parse("new").unwrap(), settings));
    let said = refused(&nowhere, naming).await;
    assert!(said.starts_with("InvalidParameterException: app client new: The provider Idp does not exist"), "{said}");
    assert!(pools::find(&here.services.store, &nowhere).await.is_err(), "nothing was made");
    begun(&here, &nowhere, &checked, true).await;
    assert!(refused(&nowhere, asked(&other, None)).await.contains("from another export"));
    assert!(import::look(&here.services, &nowhere, &asked(&checked, None)).await.unwrap().is_some());
    let sign_up = json!({ "UserPoolId": nowhere.as_str(), "Username": "x", "MessageAction": "SUPPRESS" });
    here.ask("AdminCreateUser", sign_up).await.unwrap();
    assert_eq!(here.count("SELECT COUNT(*) FROM pool_imports").await, 1);
    // Where the id was a deleted pool's, its rows are cleared away first.
    let mut batch = Batch::new();
    batch.add(Statement::new("INSERT INTO deleted_pools (pool, deleted_at) VALUES ('eu-test-1_Gone', 1)"));
    here.services.store.commit(batch).await.unwrap();
    let gone = PoolId::parse("eu-test-1_Gone").unwrap();
    let said = refused(&gone, asked(&checked, found())).await;
    assert!(said.contains("still being cleared away, until 1970-01-03T00:20:00Z or soon after"), "{said}");
    assert!(pools::find(&here.services.store, &gone).await.is_err());
}

async fn what_is_wrong_is_told_and_its_batch_is_not_stored(store: Store) {
    let there = World::new(store).await;
    let (here, _folder) = elsewhere().await;
    fill(&here, 0..3).await;
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, false).await;
    let checked = whole(&file, &key, None);
    let id = PoolId::parse(there.pool.as_str()).unwrap();
    let underway = begun(&there, &id, &checked, false).await;
    let (export, to) = (underway.import.export.clone(), Recipient::parse(&underway.recipient).unwrap());
    let (_, text) = parts(file.as_slice(), &key, 0).unwrap().read_next().unwrap().unwrap();
    let text = String::from_utf8(text).unwrap();
    let cases = [
        (text.replace("user-1\"", "user-0\""), "line 3: another user of the pool signs in by the same name or address"),
        (text.replace("00000001-", "00000000-"), "line 3: there is a user of this sub"),
        (text.replace("CONFIRMED", "ASLEEP"), "line 2: an unknown status"),
        (text.replacen("{}", r#"{"email":"no address"}"#, 1), "line 2: Invalid email address format."),
        (text.replacen("\"created_at\"", "\"groups\":{\"x\":1},\"created_at\"", 1), "line 2: there is no such group as it is in"),
        (format!("{text}{{}}\n"), "There are more lines than the import was begun with."),
        (text.replace("user-1", "us er"), "line 3: the username is no name of 1 to 128 characters"),
        (text.replacen("\"created_at\"", r#""password":{"hash":"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"},"created_at""#, 1), "line 2: the password hash asks for more than"),
    ];
    for (text, want) in &cases {
        let said = refusal(take(&there, &id, &export, &to, 0, text.as_bytes()).await);
        assert!(said.starts_with(&format!("InvalidParameterException: {want}")), "{said}");
        assert_eq!(there.count("SELECT COUNT(*) FROM users").await, 0, "{want}");
    }
    let sealed = to.seal(&import::travelling(&export, &1u64.to_be_bytes()), text.as_bytes()).unwrap();
    let moved = import::take(&there.command("ImportUserPool"), &id, 0, &sealed).await;
    assert_eq!(refusal(moved), "InvalidParameterException: The lines are sealed for another import or place.");
    assert_eq!(take(&there, &id, &export, &to, 0, text.as_bytes()).await.unwrap(), 3);
}

async fn people_who_come_and_go_meanwhile_leave_a_whole_export(store: Store) {
    let here = World::new(store).await;
    fill(&here, 0..700).await;
    let key = ExportKey::generate().unwrap();
    let pool = pool_of(&here).await;
    let asked = export::Asked { recipient: key.recipient(), clients: false };
    let answer = export::begin(&here.services, &pool, &asked, here.now()).await.unwrap();
    let scan = super::Scan::open(answer.as_slice()).unwrap();
    let (head, first) = answer.split_at(usize::try_from(scan.whole).unwrap());
    let (mut file, mut digest, mut frame) = (head.to_vec(), scan.digest, first.to_vec());
    here.clock.advance(std::time::Duration::from_secs(5));
    for turn in 0.. {
        digest = next_digest(&digest, &frame);
        frame.extend_from_slice(&digest);
        let raw = super::Raw::parse(&frame).unwrap();
        file.append(&mut frame);
        if raw.head.last {
            break;
        }
        // A group of later, with somebody in it who is yet to come; some go, some come, before and behind the place.
        if turn == 1 {
            let pool = json!({ "UserPoolId": here.pool });
            here.ask("CreateGroup", with(&pool, json!({ "GroupName": "late" }))).await.unwrap();
            let late = with(&pool, json!({ "Username": "user-690", "GroupName": "late" }));
            here.ask("AdminAddUserToGroup", late).await.unwrap();
            for gone in ["user-5", "user-600"] {
                here.ask("AdminDeleteUser", with(&pool, json!({ "Username": gone }))).await.unwrap();
            }
            fill(&here, 900..1_000).await;
        }
        let odd = export::go_on(&here.services, &pool, &raw.resume[1..], None).await.map(drop);
        assert_eq!(refusal(odd), "InvalidParameterException: resume: none that this issuer gave for this pool");
        let with = export::go_on(&here.services, &pool, &raw.resume, Some(true)).await.map(drop);
        assert!(refusal(with).contains("begun without app clients"));
        let mut other = pool.clone();
        other.settings.alias_attributes.push(cognito_model::idp::types::AliasAttributeType::Email);
        let changed = export::go_on(&here.services, &other, &raw.resume, None).await.map(drop);
        assert!(refusal(changed).contains("has changed since the export was begun"));
        frame = export::go_on(&here.services, &pool, &raw.resume, None).await.unwrap();
    }
    let checked = whole(&file, &key, None);
    assert_eq!((checked.counts.users, checked.counts.groups), (799, 0));
    assert_eq!(checked.problems, []);
    assert_eq!(checked.pool.contents, CONTENTS.into_iter().filter(|what| *what != "clients").collect::<Vec<_>>());
}

/// SECURITY.md T70.
async fn an_import_opens_no_way_that_the_pool_closes(store: Store) {
    let only_admins = json!({ "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
    let here = World::with_pool(store, only_admins).await;
    here.user("jane", PASSWORD).await;
    let key = ExportKey::generate().unwrap();
    let file = exported(&here, &key, true).await;
    let (mut there, _folder) = elsewhere().await;
    imported(&there, &PoolId::parse(here.pool.as_str()).unwrap(), &file, &key, true).await;
    there.pool.clone_from(&here.pool);
    let sign_up = json!({ "ClientId": here.client, "Username": "eve", "Password": PASSWORD });
    let refused = refusal(there.ask("SignUp", sign_up).await);
    assert_eq!(refused, "NotAuthorizedException: SignUp is not permitted for this user pool");
    // Settings that CreateUserPool refuses are refused here, too.
    let checked = whole(&file, &key, None);
    let mut settings: pools::model::Settings = serde_json::from_value(checked.pool.settings.clone()).unwrap();
    settings.email_verification_message = Some("no placeholder".into());
    let id = PoolId::parse("eu-test-1_Odd").unwrap();
    let odd =
        import::begin(&there.command("ImportUserPool"), &id, asked(&checked, Some(("odd".into(), settings)))).await;
    assert!(refusal(odd.map(|_| ())).starts_with("InvalidParameterException"), "an address message without its code");
    assert!(pools::find(&there.services.store, &id).await.is_err());
}
