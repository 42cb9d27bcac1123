//! The statements on both engines: what many do at once with one session, and a mutant that shows that these tests would notice.

use common::clock::UnixMillis;
use futures_util::future::join_all;

use super::grace::{Ran, close};
use super::model::{Rotation, Session};
use super::rows;
use crate::engines::on_both_engines;
use crate::store::{Batch, CommitError, Migration, Rows, Statement, Store};

const MANY: u8 = 64;
const NOW: UnixMillis = UnixMillis(100_000);

on_both_engines!(
    of_many_who_rotate_one_token_one_does,
    a_rotation_without_its_guard_would_be_noticed,
    a_rotation_and_a_revocation_never_both_win_over_each_other,
    replaced_tokens_are_found_by_the_first_and_the_present_digest,
    a_grace_closes_once_and_for_all,
    a_clock_that_was_set_back_closes_every_grace,
    rows_of_an_older_issuer_are_whole,
);

fn migrations() -> Vec<&'static Migration> {
    rows::MIGRATIONS.iter().collect()
}

async fn commit(store: &Store, statement: Statement) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.add(statement);
    store.commit(batch).await
}

async fn stored(store: &Store) -> Session {
    let sample = Session::sample();
    let row = store.one(rows::by_origin_jti(&sample.pool, &sample.origin_jti)).await.unwrap().unwrap();
    rows::session(&row).unwrap()
}

/// Everyone has read the same row, and makes a successor of their own; how many got it in.
async fn race(store: &Store, statement: impl Fn(&Session, &[u8; 32]) -> Statement) -> usize {
    let read = stored(store).await;
    let outcomes = join_all((1..=MANY).map(|who| commit(store, statement(&read, &[who; 32])))).await;
    for outcome in &outcomes {
        assert!(matches!(outcome, Ok(()) | Err(CommitError::Missed { index: 0 })), "{outcome:?}");
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

async fn of_many_who_rotate_one_token_one_does(store: Store) {
    commit(&store, rows::insert(&Session::sample())).await.unwrap();
    for generation in 1..=3 {
        let successes = race(&store, |read, successor| rows::rotate(read, successor, NOW, None)).await;
        assert_eq!((successes, stored(&store).await.rotation.generation), (1, generation));
    }
}

/// The statement without what makes it a check-and-set (the bug of Keycloak CVE-2026-1035): the race above counts every one of them.
async fn a_rotation_without_its_guard_would_be_noticed(store: Store) {
    commit(&store, rows::insert(&Session::sample())).await.unwrap();
    let unguarded = |read: &Session, successor: &[u8; 32]| {
        Statement::new(
            "UPDATE sessions SET refresh_digest = $1, generation = generation + 1 WHERE pool = $2 AND origin_jti = $3",
        )
        .bind(successor)
        .bind(&read.pool)
        .bind(&read.origin_jti)
        .expect(Rows::Exactly(1))
    };
    assert_eq!(race(&store, unguarded).await, usize::from(MANY));
}

async fn a_rotation_and_a_revocation_never_both_win_over_each_other(store: Store) {
    let session = Session::sample();
    commit(&store, rows::insert(&session)).await.unwrap();
    commit(&store, rows::revoke(&session, NOW)).await.unwrap();
    for late in [
        rows::rotate(&session, &[1; 32], NOW, None),
        rows::unchanged(&session),
        rows::still_in_grace(&session),
        rows::revoke(&session, NOW),
    ] {
        assert_eq!(commit(&store, late).await, Err(CommitError::Missed { index: 0 }));
    }
    assert_eq!(stored(&store).await.revoked, Some(NOW));
}

async fn replaced_tokens_are_found_by_the_first_and_the_present_digest(store: Store) {
    let pool = Session::sample().pool;
    commit(&store, rows::insert(&Session::sample())).await.unwrap();
    for successor in [[1; 32], [2; 32]] {
        let read = stored(&store).await;
        commit(&store, rows::rotate(&read, &successor, NOW, None)).await.unwrap();
        assert_eq!(commit(&store, rows::unchanged(&read)).await, Err(CommitError::Missed { index: 0 }));
    }
    for (digest, found) in [([0; 32], true), ([1; 32], false), ([2; 32], true), ([3; 32], false)] {
        let row = store.one(rows::by_refresh_digest(&pool, &digest)).await.unwrap();
        assert_eq!(row.is_some(), found, "{digest:?}");
    }
}

async fn with_grace(store: &Store, until: u64) -> Session {
    let rotation = Rotation { generation: 1, rotated: Some(NOW), grace_until: Some(UnixMillis(until)) };
    let session = Session { rotation, ..Session::sample() };
    commit(store, rows::insert(&session)).await.unwrap();
    session
}

/// A second that ends at an instant.
fn second(to: u64) -> Ran {
    let took = std::time::Duration::from_secs(1);
    Ran { from: UnixMillis(to).minus(took), to: UnixMillis(to), took }
}

async fn a_grace_closes_once_and_for_all(store: Store) {
    let session = with_grace(&store, 110_000).await;
    close(&store, second(109_999)).await.unwrap();
    assert_eq!(commit(&store, rows::still_in_grace(&session)).await, Ok(()));
    close(&store, second(110_000)).await.unwrap();
    assert_eq!(stored(&store).await.rotation.grace_until, None);
    assert_eq!(commit(&store, rows::still_in_grace(&session)).await, Err(CommitError::Missed { index: 0 }));
}

async fn a_clock_that_was_set_back_closes_every_grace(store: Store) {
    with_grace(&store, 110_000).await;
    let took = std::time::Duration::from_secs(1);
    close(&store, Ran { from: UnixMillis(105_000), to: UnixMillis(104_000), took }).await.unwrap();
    assert_eq!(stored(&store).await.rotation.grace_until, None);
}

/// What the issuer before this one writes, which knows none of the new columns.
async fn rows_of_an_older_issuer_are_whole(store: Store) {
    let session = Session::sample();
    let insert = Statement::new(
        "INSERT INTO sessions (pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at,
                               revoked_at)
         VALUES ($1, $2, $3, $4, $5, '', 100, 100, 1000, NULL)",
    );
    let insert = insert.bind(&session.pool).bind(&session.origin_jti).bind(&session.sub).bind(&session.client);
    commit(&store, insert.bind(session.refresh_digest)).await.unwrap();
    let found = stored(&store).await;
    assert_eq!((&found.rotation, &found.parent), (&Rotation::default(), &None));
    commit(&store, rows::rotate(&found, &[1; 32], NOW, None)).await.unwrap();
    assert_eq!(stored(&store).await.rotation.generation, 1);
}
