//! Authorization codes on both engines.

use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::LONGEST_TOKEN_LIFE;
use common::ids::{ClientId, PoolId, Sub};
use common::secret::SecretString;
use futures_util::future::join_all;

use super::codes::{self, Found, Grant, MIGRATION, Stored};
use crate::clients::Client;
use crate::clients::model::Settings;
use crate::engines::on_both_engines;
use crate::sessions::Details;
use crate::store::{Batch, CommitError, Migration, Query, Statement, Store};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
const MISSED: Result<(), CommitError> = Err(CommitError::Missed { index: 0 });

on_both_engines!(
    a_code_brings_back_what_it_stands_for,
    of_64_redemptions_one_succeeds,
    a_burnt_code_gives_nothing,
    a_code_ends_by_itself_and_is_forgotten,
    a_used_code_is_remembered_as_long_as_its_tokens,
    what_is_stored_is_a_digest,
    a_user_and_a_restore_take_them_along,
);

fn migrations() -> Vec<&'static Migration> {
    vec![&MIGRATION]
}

fn client() -> Client {
    Client {
        pool: PoolId::parse("eu_a").unwrap(),
        id: ClientId::parse("c").unwrap(),
        name: "c".into(),
        settings: Settings::default(),
        secrets: Vec::new(),
        created: NOW,
        modified: NOW,
    }
}

fn grant() -> Grant {
    Grant {
        sub: Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap(),
        sid: Some("s".into()),
        redirect_uri: "https://app.test/cb".into(),
        redirect_given: true,
        scope: "openid email".into(),
        nonce: Some("n".into()),
        challenge: Some([7; 32]),
        authenticated: NOW.minus(Duration::from_secs(9)),
        minted: NOW.minus(Duration::from_secs(5)),
        details: Details { version: Some(2), ..Details::default() },
    }
}

async fn commit(store: &Store, statement: Statement) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.add(statement);
    store.commit(batch).await
}

async fn issued(store: &Store, grant: &Grant) -> SecretString {
    let (code, statement) = codes::issue(&client(), grant, NOW).unwrap();
    commit(store, statement).await.unwrap();
    code
}

async fn find(store: &Store, code: &SecretString, at: UnixMillis) -> Found {
    codes::find(store, &client().pool, code.expose(), at).await.unwrap()
}

async fn live(store: &Store, code: &SecretString) -> Box<Stored> {
    match find(store, code, NOW).await {
        Found::Live(stored) => stored,
        other => panic!("{other:?}"),
    }
}

async fn a_code_brings_back_what_it_stands_for(store: Store) {
    let least = Grant {
        sid: None,
        nonce: None,
        challenge: None,
        redirect_given: false,
        details: Details::default(),
        ..grant()
    };
    for grant in [grant(), least] {
        let code = issued(&store, &grant).await;
        let stored = live(&store, &code).await;
        assert_eq!((stored.grant(), stored.client()), (&grant, &client().id));
        let elsewhere = codes::find(&store, &PoolId::parse("eu_b").unwrap(), code.expose(), NOW).await.unwrap();
        assert!(matches!(elsewhere, Found::Absent), "another pool's");
    }
    assert!(matches!(find(&store, &"tnever".to_owned().into(), NOW).await, Found::Absent));
}

/// SECURITY.md T64.
async fn of_64_redemptions_one_succeeds(store: Store) {
    let code = issued(&store, &grant()).await;
    let stored = live(&store, &code).await;
    let ids: Vec<String> = (0..64).map(|n| format!("o{n}")).collect();
    let outcomes = join_all(ids.iter().map(|id| commit(&store, stored.redeem(id, NOW)))).await;
    let won: Vec<_> = ids.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(id, _)| id).collect();
    assert_eq!(won.len(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == MISSED));
    match find(&store, &code, NOW).await {
        Found::Used { origin_jti } => assert_eq!(origin_jti.as_ref(), Some(won[0]), "the one that has tokens"),
        other => panic!("{other:?}"),
    }
}

/// SECURITY.md I07.
async fn a_burnt_code_gives_nothing(store: Store) {
    let code = issued(&store, &grant()).await;
    let stored = live(&store, &code).await;
    commit(&store, stored.burn(NOW)).await.unwrap();
    assert_eq!(commit(&store, stored.redeem("o", NOW)).await, MISSED);
    assert!(matches!(find(&store, &code, NOW).await, Found::Used { origin_jti: None }));
}

async fn a_code_ends_by_itself_and_is_forgotten(store: Store) {
    let code = issued(&store, &grant()).await;
    let end = NOW.plus(Duration::from_secs(300));
    assert!(matches!(find(&store, &code, end.minus(Duration::from_millis(1))).await, Found::Live(_)));
    assert!(matches!(find(&store, &code, end).await, Found::Absent));
    commit(&store, codes::prune(end)).await.unwrap();
    assert_eq!(count(&store).await, 1);
    commit(&store, codes::prune(end.plus(Duration::from_millis(1)))).await.unwrap();
    assert_eq!(count(&store).await, 0);
}

/// SECURITY.md I06: a second use must find what the first one gave.
async fn a_used_code_is_remembered_as_long_as_its_tokens(store: Store) {
    let code = issued(&store, &grant()).await;
    commit(&store, live(&store, &code).await.redeem("o", NOW)).await.unwrap();
    let late = NOW.plus(Duration::from_secs(300)).plus(LONGEST_TOKEN_LIFE);
    commit(&store, codes::prune(late)).await.unwrap();
    assert!(matches!(find(&store, &code, late).await, Found::Used { origin_jti: Some(_) }));
    commit(&store, codes::prune(late.plus(Duration::from_millis(1)))).await.unwrap();
    assert_eq!(count(&store).await, 0);
}

/// SECURITY.md I22.
async fn what_is_stored_is_a_digest(store: Store) {
    let code = issued(&store, &grant()).await;
    let row = store.one(Query::new("SELECT * FROM oauth_codes")).await.unwrap().unwrap();
    assert!(!format!("{:?}", row.values()).contains(code.expose()));
    assert_eq!(row.bytes(1).unwrap(), crate::codes::token_digest(code.expose()));
}

async fn a_user_and_a_restore_take_them_along(store: Store) {
    let other = Sub::parse("1b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap();
    issued(&store, &grant()).await;
    issued(&store, &Grant { sub: other, ..grant() }).await;
    commit(&store, codes::forget(&client().pool, &grant().sub)).await.unwrap();
    assert_eq!(count(&store).await, 1);
    commit(&store, codes::forget_all()).await.unwrap();
    assert_eq!(count(&store).await, 0);
}

async fn count(store: &Store) -> i64 {
    store.one(Query::new("SELECT COUNT(*) FROM oauth_codes")).await.unwrap().unwrap().int(0).unwrap()
}
