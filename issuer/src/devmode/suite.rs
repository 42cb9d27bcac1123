//! Resets of a whole issuer's state, without sockets.

use std::net::Ipv4Addr;
use std::sync::Arc;

use common::feed::{FeedName, FeedState};
use common::ids::PoolId;
use common::secret::SecretString;
use serde_json::json;

use super::DevMode;
use crate::backup;
use crate::config;
use crate::engines::on_both_engines;
use crate::outbox;
use crate::publish::tests::Plain;
use crate::publish::{self, PublishConfig, Sealing};
use crate::store::{Content, Migration, Piece, Store};
use crate::world::{World, refusal, text};

const PASSWORD: &str = "Right-password-1";

on_both_engines!(
    a_reset_goes_back_to_the_first_start,
    a_pool_of_the_first_start_that_was_deleted_is_back_and_stays,
    pools_that_are_gone_leave_an_empty_feed_for_a_while,
    without_a_first_start_there_is_nothing_to_go_back_to,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

struct Dev {
    world: World,
    publishing: publish::Running,
    mode: DevMode,
    folder: tempfile::TempDir,
}

impl Dev {
    async fn new(store: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(store).await;
        world.user("ada", PASSWORD).await;
        let services = &world.services;
        let listen = PublishConfig { listen: (Ipv4Addr::LOCALHOST, 0).into(), advertise: String::new() };
        let sealing: Arc<dyn Sealing> = Arc::new(Plain);
        let (store, clock, feed) = (services.store.clone(), services.clock.clone(), services.feed.clone());
        let publishing = publish::start(store, clock, listen, sealing, feed).await.unwrap();
        let settings = config::DevMode {
            token_file: folder.path().join("dev.token"),
            baseline: folder.path().join("first"),
            outbox: folder.path().join("outbox"),
        };
        std::fs::create_dir(&settings.outbox).unwrap();
        std::fs::write(&settings.token_file, "0123456789abcdef0123456789abcdef").unwrap();
        let mode = DevMode::open(&settings, services.pool_keys.root(), &migrations()).unwrap();
        Self { world, publishing, mode, folder }
    }

    async fn keep_first_start(&self) {
        let services = &self.world.services;
        let mut parts =
            backup::stream(&services.store, services.pool_keys.root(), services.now(), async |_| {}).await.unwrap();
        let mut file = Vec::new();
        while let Some(part) = parts.recv().await {
            file.extend_from_slice(&part);
        }
        std::fs::write(self.folder.path().join("first"), file).unwrap();
    }

    async fn reset(&self) {
        let request = uuid::Uuid::now_v7().to_string();
        let done = self.mode.reset(&self.world.services, &self.publishing.handle(), &request).await.unwrap();
        assert_eq!(done.pools, 1);
    }

    async fn feed(&self, pool: &str) -> Option<FeedState> {
        let feed = FeedName::from(PoolId::parse(pool).unwrap());
        let rows = self.world.services.store.read(outbox::snapshot(&feed, self.world.now())).await.unwrap();
        let (position, records) = outbox::read_snapshot(&rows).unwrap()?;
        Some(FeedState::from_records(position, &records).unwrap())
    }

    async fn end(self) {
        self.publishing.drain(std::time::Duration::from_secs(1)).await;
    }
}

/// What a reset must bring back: every table but what is kept, the feed, and the keys.
async fn state(store: &Store) -> Vec<Content> {
    let mut dump = store.dump().await.unwrap();
    let mut contents = Vec::<Content>::new();
    loop {
        match dump.next().await.unwrap() {
            Piece::Table { name, columns } => contents.push(Content { table: name, columns, rows: Vec::new() }),
            Piece::Rows(rows) => contents.last_mut().unwrap().rows.extend(rows),
            Piece::End => break,
        }
    }
    let other = ["audit", "deleted_pools", "feed_head", "feed_log", "signing_keys"];
    contents.retain(|content| !other.contains(&content.table.as_str()));
    for content in &mut contents {
        content.rows.sort_by_key(|row| format!("{row:?}"));
    }
    contents
}

async fn a_reset_goes_back_to_the_first_start(store: Store) {
    let dev = Dev::new(store).await;
    let world = &dev.world;
    dev.keep_first_start().await;
    let first = state(&world.services.store).await;
    let epoch = dev.feed(&world.pool).await.unwrap().position().epoch;

    for round in 0..2 {
        let tokens = world.sign_in("ada", PASSWORD).await.unwrap();
        let access = text(&tokens["AccessToken"]);
        for number in 0..40 {
            let user =
                json!({ "UserPoolId": world.pool, "Username": format!("user{number}"), "MessageAction": "SUPPRESS" });
            world.ask("AdminCreateUser", user).await.unwrap();
        }
        let ada = json!({ "UserPoolId": world.pool, "Username": "ada" });
        let sign_up = json!({
            "ClientId": world.client, "Username": "bob", "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": "bob@example.com" }],
        });
        world.ask("SignUp", sign_up).await.unwrap();
        world.sign_in("ada", "Wrong-password-1").await.unwrap_err();
        let other = world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
        let ip_set = json!({ "Name": "s", "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": [] });
        world.ask_waf("CreateIPSet", ip_set).await.unwrap();
        world.ask("UpdateUserPool", json!({ "UserPoolId": world.pool, "UserPoolTags": { "a": "b" } })).await.unwrap();
        world.ask("DeleteUserPoolClient", json!({ "UserPoolId": world.pool, "ClientId": world.legacy })).await.unwrap();
        world.ask("AdminDeleteUser", ada).await.unwrap();
        std::fs::write(dev.folder.path().join("outbox/1-a.json"), "{}").unwrap();

        dev.reset().await;
        assert_eq!(state(&world.services.store).await, first, "round {round}");
        assert!(std::fs::read_dir(dev.folder.path().join("outbox")).unwrap().next().is_none());
        let pools = world.ask("ListUserPools", json!({ "MaxResults": 60 })).await.unwrap();
        assert_eq!(pools["UserPools"].as_array().unwrap().len(), 1);
        let old = refusal(world.ask("GetUser", json!({ "AccessToken": access })).await);
        assert!(old.starts_with("NotAuthorizedException"), "{old}");
        let lost = world.services.keys.public_jwks(&PoolId::parse(text(&other["UserPool"]["Id"])).unwrap()).await;
        assert!(lost.is_err(), "nothing in memory is of a pool that is gone");

        // Edges: a later lineage, in which there are the keys that sign now and no others.
        let state = dev.feed(&world.pool).await.unwrap();
        assert!(state.position().epoch > epoch, "round {round}");
        let pool = PoolId::parse(world.pool.as_str()).unwrap();
        let published = world.services.keys.public_jwks_json(&pool).await.unwrap();
        let kids: Vec<String> = state.keys().map(|key| key.kid.clone()).collect();
        assert!(kids.len() == 2 && kids.iter().all(|kid| published.contains(kid.as_str())), "{kids:?}");
        assert!(state.clients().count() > 0, "what the log says beside keys is there");
    }
    dev.end().await;
}

async fn a_pool_of_the_first_start_that_was_deleted_is_back_and_stays(store: Store) {
    let dev = Dev::new(store).await;
    dev.keep_first_start().await;
    let world = &dev.world;
    world.ask("DeleteUserPool", json!({ "UserPoolId": world.pool })).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM deleted_pools").await, 1);
    dev.reset().await;
    assert_eq!(world.count("SELECT COUNT(*) FROM deleted_pools").await, 0);
    world.sign_in("ada", PASSWORD).await.unwrap();
    dev.end().await;
}

async fn pools_that_are_gone_leave_an_empty_feed_for_a_while(store: Store) {
    let dev = Dev::new(store).await;
    dev.keep_first_start().await;
    let world = &dev.world;
    let other = world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
    let other = text(&other["UserPool"]["Id"]);
    assert_eq!(dev.feed(&other).await.unwrap().keys().count(), 2);
    dev.reset().await;
    assert_eq!(dev.feed(&other).await.unwrap().keys().count(), 0, "edges know no key of it");
    dev.reset().await;
    assert!(dev.feed(&other).await.is_some(), "edges may not have followed yet");
    world.clock.advance(super::reset::FEEDS_STAY + std::time::Duration::from_secs(1));
    dev.reset().await;
    assert!(dev.feed(&other).await.is_none());
    dev.end().await;
}

async fn without_a_first_start_there_is_nothing_to_go_back_to(store: Store) {
    let dev = Dev::new(store).await;
    let world = &dev.world;
    let refused = dev.mode.reset(&world.services, &dev.publishing.handle(), "r").await.unwrap_err();
    assert_eq!(refused.status(), 503);
    world.sign_in("ada", PASSWORD).await.unwrap();

    dev.keep_first_start().await;
    let settings = config::DevMode {
        token_file: dev.folder.path().join("dev.token"),
        baseline: dev.folder.path().join("first"),
        outbox: dev.folder.path().join("outbox"),
    };
    let root = world.services.pool_keys.root();
    let open = |settings: &config::DevMode, known: &[&Migration]| {
        DevMode::open(settings, root, known).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&settings, &migrations()), Ok(()));
    let older = &migrations()[1..];
    assert!(open(&settings, older).unwrap_err().contains("another version of tollgate made it"));
    std::fs::write(&settings.token_file, "short").unwrap();
    assert!(open(&settings, &migrations()).unwrap_err().contains("less than 32 characters"));
    let mode = DevMode { token: SecretString::new("x".repeat(32)), ..dev.mode };
    std::fs::write(&mode.baseline, "damaged").unwrap();
    let refused = mode.reset(&world.services, &dev.publishing.handle(), "r").await.unwrap_err();
    assert_eq!(refused.status(), 500);
    world.sign_in("ada", PASSWORD).await.unwrap();
    dev.publishing.drain(std::time::Duration::from_secs(1)).await;
}
