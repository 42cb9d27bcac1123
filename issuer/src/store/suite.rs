//! The contract of the seam, as tests that each engine passes: `engine_suite!(sqlite, …)`, `engine_suite!(postgres, …)`.

use std::future::Future;

use futures_util::future::join_all;
use ring::digest::{SHA256, digest};

use super::{
    Batch, CommitError, Migration, OpenError, Query, Row, Rows, Statement, Store, StoreConfig, StoreError, Value,
};

pub(super) const COUNTERS: Migration = Migration {
    version: 1,
    name: "counters",
    sql: "CREATE TABLE counters (pool TEXT NOT NULL, name TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (pool, name)) WITHOUT ROWID;
          CREATE INDEX counters_n ON counters (pool, n);",
};
pub(super) const BLOBS: Migration = Migration {
    version: 2,
    name: "blobs",
    sql: "CREATE TABLE blobs (id BIGINT PRIMARY KEY, body BYTEA, note TEXT);
          CREATE TABLE leaves (blob BIGINT NOT NULL REFERENCES blobs (id), note TEXT);",
};
pub(super) const FEED: Migration = Migration {
    version: 3,
    name: "feed",
    sql: "CREATE TABLE feed_head (feed TEXT PRIMARY KEY, seq BIGINT NOT NULL, digest BYTEA NOT NULL) WITHOUT ROWID;
          CREATE TABLE feed_log (feed TEXT NOT NULL, seq BIGINT NOT NULL, prev BIGINT NOT NULL, digest BYTEA NOT NULL, subject TEXT,
              body BYTEA NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (feed, seq));",
};
pub(super) const SCHEMA: &[&Migration] = &[&COUNTERS, &BLOBS, &FEED];

/// A database that the test owns and that lives as long as this value.
pub(super) trait Home: Send {
    fn config(&self) -> StoreConfig;
}

pub(super) fn run<H: Home, F: Future<Output = ()>>(home: H, test: impl FnOnce(Store, StoreConfig) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = home.config();
        test(Store::open(&config, SCHEMA).await.unwrap(), config).await;
    });
}

macro_rules! engine_suite {
    ($engine:ident, $home:expr) => {
        mod $engine {
            $crate::store::suite::engine_tests!(
                $home;
                reads_what_was_written,
                a_miss_names_its_statement_and_undoes_the_batch,
                a_refused_statement_names_itself_and_undoes_the_batch,
                a_failing_batch_leaves_its_neighbours_alone,
                guards_hold_against_concurrent_callers,
                one_of_many_takes_a_unique_name,
                opposite_orders_of_rows_all_end,
                a_caller_that_leaves_halves_nothing,
                big_and_odd_values_return_unchanged,
                what_no_engine_can_hold_is_refused,
                texts_order_by_bytes,
                answers_are_bounded,
                parameters_may_come_in_any_order,
                the_digest_is_sha256_of_both,
                a_log_behind_one_head_has_no_gaps,
                the_first_fault_of_a_batch_is_told,
                what_was_acknowledged_is_there_after_reopening,
                migrations_run_once,
                a_newer_schema_is_refused,
                a_failed_migration_leaves_nothing,
            );
        }
    };
}

macro_rules! engine_tests {
    ($home:expr; $($test:ident),* $(,)?) => {
        $(#[test]
        fn $test() {
            $crate::store::suite::run($home, $crate::store::suite::$test);
        })*
    };
}

pub(super) use {engine_suite, engine_tests};

fn insert(name: &str, n: i64) -> Statement {
    let sql = "INSERT INTO counters (pool, name, n) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Statement::new(sql).bind("p").bind(name).bind(n).expect(Rows::Exactly(1))
}

fn set(name: &str, from: i64, to: i64) -> Statement {
    let sql = "UPDATE counters SET n = $1 WHERE pool = $2 AND name = $3 AND n = $4";
    Statement::new(sql).bind(to).bind("p").bind(name).bind(from).expect(Rows::Exactly(1))
}

fn batch(statements: impl IntoIterator<Item = Statement>) -> Batch {
    let mut batch = Batch::new();
    batch.extend(statements);
    batch
}

async fn counter(store: &Store, name: &str) -> Option<i64> {
    let query = Query::new("SELECT n FROM counters WHERE pool = $1 AND name = $2").bind("p").bind(name);
    store.one(query).await.unwrap().map(|row| row.int(0).unwrap())
}

async fn counters(store: &Store) -> i64 {
    let rows = store.read(Query::new("SELECT count(*) FROM counters")).await.unwrap();
    rows[0].int(0).unwrap()
}

pub(super) async fn reads_what_was_written(store: Store, _: StoreConfig) {
    for n in 0..50 {
        let name = format!("c{n}");
        store.commit(batch([insert(&name, n)])).await.unwrap();
        assert_eq!(counter(&store, &name).await, Some(n));
    }
    assert_eq!(counter(&store, "none").await, None);
    let sql = "SELECT name, n, NULL, EXISTS (SELECT 1 FROM counters WHERE n > $2) FROM counters WHERE pool = $1 ORDER BY n DESC LIMIT 2";
    let rows = store.read(Query::new(sql).bind("p").bind(7)).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].text(0), rows[0].int(1)), (Ok("c49"), Ok(49)));
    assert_eq!((rows[1].opt_text(2), rows[1].flag(3)), (Ok(None), Ok(true)));
    store.commit(Batch::new()).await.unwrap();
}

pub(super) async fn a_miss_names_its_statement_and_undoes_the_batch(store: Store, _: StoreConfig) {
    store.commit(batch([insert("a", 1)])).await.unwrap();
    let mut twice = Batch::new();
    twice.add(insert("b", 1));
    let taken = twice.add(insert("a", 2));
    twice.add(insert("c", 1));
    assert_eq!(store.commit(twice).await, Err(CommitError::Missed { index: taken }));
    assert_eq!(counters(&store).await, 1);
    assert_eq!(store.commit(batch([set("a", 1, 5), set("a", 1, 6)])).await, Err(CommitError::Missed { index: 1 }));
    assert_eq!(counter(&store, "a").await, Some(1));

    let all = Statement::new("DELETE FROM counters WHERE pool = $1").bind("p");
    assert_eq!(
        store.commit(batch([all.clone().expect(Rows::AtLeast(2))])).await,
        Err(CommitError::Missed { index: 0 })
    );
    store.commit(batch([insert("d", 1), all.clone().expect(Rows::AtLeast(2)), all])).await.unwrap();
    assert_eq!(counters(&store).await, 0);
}

pub(super) async fn a_refused_statement_names_itself_and_undoes_the_batch(store: Store, _: StoreConfig) {
    let orphan = Statement::new("INSERT INTO leaves (blob, note) VALUES ($1, $2)").bind(99).bind("x");
    let wrong_type = Statement::new("INSERT INTO blobs (id, body) VALUES ($1, $2)").bind(1).bind("text");
    let null = Statement::new("INSERT INTO counters (pool, name, n) VALUES ($1, $2, $3)")
        .bind("p")
        .bind("n")
        .bind(None::<i64>);
    let duplicate = Statement::new("INSERT INTO counters (pool, name, n) VALUES ('p', 'ok', 1)");
    let syntax = Statement::new("INSERT INTO nowhere VALUES (1)");
    let too_few = Statement::new("UPDATE counters SET n = $2 WHERE name = $1").bind("ok");
    let too_many = Statement::new("UPDATE counters SET n = n WHERE name = $1").bind("ok").bind("more");
    for bad in [orphan, wrong_type, null, duplicate, syntax, too_few, too_many] {
        let sql = bad.sql.clone();
        let outcome = store.commit(batch([insert("ok", 1), bad, insert("later", 1)])).await;
        assert!(matches!(outcome, Err(CommitError::Refused { index: 1, .. })), "{sql}: {outcome:?}");
        assert_eq!(counters(&store).await, 0);
    }
    let outcome = store.read(Query::new("SELECT nothing FROM nowhere")).await;
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    store.commit(batch([insert("ok", 1)])).await.unwrap();
}

pub(super) async fn a_failing_batch_leaves_its_neighbours_alone(store: Store, _: StoreConfig) {
    let outcomes = join_all((0..120).map(|n| {
        let (good, store) = (format!("c{n}"), store.clone());
        async move {
            let statements = match n % 3 {
                0 => vec![insert(&good, n)],
                1 => vec![insert(&good, n), set("absent", 0, 1)],
                _ => vec![insert(&good, n), Statement::new("INSERT INTO leaves (blob) VALUES (7)")],
            };
            store.commit(batch(statements)).await
        }
    }))
    .await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match n % 3 {
            0 => assert_eq!(outcome, Ok(())),
            1 => assert_eq!(outcome, Err(CommitError::Missed { index: 1 })),
            _ => assert!(matches!(outcome, Err(CommitError::Refused { index: 1, .. })), "{outcome:?}"),
        }
    }
    assert_eq!(counters(&store).await, 40);
}

pub(super) async fn guards_hold_against_concurrent_callers(store: Store, _: StoreConfig) {
    store.commit(batch([insert("n", 0)])).await.unwrap();
    let wins: Vec<usize> = join_all((0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut wins = 0;
            while wins < 25 {
                let seen = counter(&store, "n").await.unwrap();
                match store.commit(batch([set("n", seen, seen + 1)])).await {
                    Ok(()) => wins += 1,
                    Err(CommitError::Missed { index: 0 }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            wins
        })
    }))
    .await
    .into_iter()
    .map(Result::unwrap)
    .collect();
    assert_eq!(counter(&store, "n").await, Some(wins.iter().sum::<usize>() as i64));
}

pub(super) async fn one_of_many_takes_a_unique_name(store: Store, _: StoreConfig) {
    for round in 0..10 {
        let name = format!("name{round}");
        let outcomes = join_all((0..16).map(|n| {
            let (store, name) = (store.clone(), name.clone());
            tokio::spawn(
                async move { store.commit(batch([insert(&format!("{name}-{n}"), n), insert(&name, n)])).await },
            )
        }))
        .await;
        let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|o| **o == Err(CommitError::Missed { index: 1 })).count(), 15);
    }
    assert_eq!(counters(&store).await, 20);
}

pub(super) async fn opposite_orders_of_rows_all_end(store: Store, _: StoreConfig) {
    store.commit(batch([insert("a", 0), insert("b", 0)])).await.unwrap();
    let add = |name: &str| {
        Statement::new("UPDATE counters SET n = n + 1 WHERE pool = 'p' AND name = $1")
            .bind(name)
            .expect(Rows::Exactly(1))
    };
    for round in 1..=20 {
        let tasks = (0..4).map(|n| {
            let statements = if n % 2 == 0 { [add("a"), add("b")] } else { [add("b"), add("a")] };
            let store = store.clone();
            tokio::spawn(async move { store.commit(batch(statements)).await })
        });
        assert!(join_all(tasks).await.into_iter().all(|outcome| matches!(outcome, Ok(Ok(())))));
        assert_eq!((counter(&store, "a").await, counter(&store, "b").await), (Some(round * 4), Some(round * 4)));
    }
}

pub(super) async fn a_caller_that_leaves_halves_nothing(store: Store, _: StoreConfig) {
    for n in 0..200 {
        let commit = store.commit(batch([insert(&format!("a{n}"), n), insert(&format!("b{n}"), n)]));
        let pause = std::time::Duration::from_micros(u64::try_from(n).unwrap() * 20);
        drop(tokio::time::timeout(pause, commit).await);
        drop(tokio::time::timeout(pause, store.read(Query::new("SELECT n FROM counters"))).await);
    }
    store.commit(batch([insert("end", 0)])).await.unwrap();
    let whole = "SELECT count(*) FROM counters a WHERE name LIKE 'a%' AND EXISTS
                 (SELECT 1 FROM counters b WHERE b.pool = a.pool AND b.n = a.n AND b.name LIKE 'b%')";
    // What was still on its way when its caller left may be done after "end".
    let mut last = -1;
    loop {
        let all = counters(&store).await;
        if all == last {
            break;
        }
        last = all;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let pairs = store.read(Query::new(whole)).await.unwrap()[0].int(0).unwrap();
    assert_eq!(last, pairs * 2 + 1);
}

pub(super) async fn big_and_odd_values_return_unchanged(store: Store, _: StoreConfig) {
    let big: Vec<u8> = (0..5_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let long = "é😀\u{202e}\n'\"$1\\".repeat(20_000);
    let write = |id: i64, body: Value, note: Value| {
        let sql = "INSERT INTO blobs (id, body, note) VALUES ($1, $2, $3)";
        Statement { sql: sql.into(), values: vec![id.into(), body, note], rows: Rows::Exactly(1) }
    };
    let kept = [
        (i64::MIN, Value::Bytes(big), Value::Text(long)),
        (-1, Value::Null, Value::Null),
        (0, Value::Bytes(Vec::new()), Value::Text(String::new())),
        (i64::MAX, Value::Bytes(vec![0, 255, 0]), Value::Text("\u{1}".into())),
    ];
    store.commit(batch(kept.iter().cloned().map(|(id, body, note)| write(id, body, note)))).await.unwrap();
    let rows = store.read(Query::new("SELECT id, body, note FROM blobs ORDER BY id")).await.unwrap();
    let expected: Vec<Row> =
        kept.into_iter().map(|(id, body, note)| Row::new(vec![Value::Int(id), body, note])).collect();
    assert!(rows == expected, "values changed on their way");
}

pub(super) async fn what_no_engine_can_hold_is_refused(store: Store, _: StoreConfig) {
    for bad in [Value::from("a\0b"), Value::from(u64::MAX)] {
        let statement = Statement::new("INSERT INTO blobs (id, note) VALUES (1, $1)").bind(bad.clone());
        let outcome = store.commit(batch([insert("a", 1), statement])).await;
        assert!(matches!(outcome, Err(CommitError::Refused { index: 1, .. })), "{outcome:?}");
        let outcome = store.read(Query::new("SELECT id FROM blobs WHERE note = $1").bind(bad)).await;
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    }
    assert_eq!(counters(&store).await, 0);
}

pub(super) async fn texts_order_by_bytes(store: Store, _: StoreConfig) {
    let names = ["Z", "a", "B", "é", "e", "😀", "_", "10", "9"];
    store.commit(batch(names.iter().map(|name| insert(name, 1)))).await.unwrap();
    let query = Query::new("SELECT name FROM counters WHERE pool = $1 AND name > $2 ORDER BY name").bind("p").bind("");
    let rows = store.read(query).await.unwrap();
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    assert_eq!(rows.iter().map(|row| row.text(0).unwrap()).collect::<Vec<_>>(), sorted);
    let query = Query::new("SELECT count(*) FROM counters WHERE name LIKE $1").bind("b%");
    assert_eq!(store.read(query).await.unwrap()[0].int(0), Ok(0));
}

pub(super) async fn answers_are_bounded(store: Store, _: StoreConfig) {
    store.commit(batch((0..20).map(|n| insert(&format!("c{n}"), n)))).await.unwrap();
    let all = || Query::new("SELECT name FROM counters");
    assert_eq!(store.read(all().at_most(20)).await.unwrap().len(), 20);
    assert_eq!(store.read(all().at_most(19)).await, Err(StoreError::TooMany { limit: 19 }));
    assert_eq!(store.one(all()).await, Err(StoreError::TooMany { limit: 1 }));
    assert_eq!(store.read(all()).await.unwrap().len(), 20);
}

pub(super) async fn parameters_may_come_in_any_order(store: Store, _: StoreConfig) {
    let sql = "INSERT INTO counters (n, name, pool) VALUES ($3, $2, $1)";
    store.commit(batch([Statement::new(sql).bind("p").bind("x").bind(3).expect(Rows::Exactly(1))])).await.unwrap();
    let sql = "SELECT n FROM counters WHERE ($2 = $2 AND name = $1) OR name = $1";
    let rows = store.read(Query::new(sql).bind("x").bind(1)).await.unwrap();
    assert_eq!(rows[0].int(0), Ok(3));
}

pub(super) async fn the_digest_is_sha256_of_both(store: Store, _: StoreConfig) {
    let write = Statement::new("INSERT INTO blobs (id, body) VALUES (1, $1)").bind(b"left").expect(Rows::Exactly(1));
    let sql = "UPDATE blobs SET body = chain_digest(body, $1) WHERE id = 1";
    let chain = Statement::new(sql).bind(b"right").expect(Rows::Exactly(1));
    store.commit(batch([write, chain])).await.unwrap();
    let row = store.one(Query::new("SELECT body, chain_digest(body, NULL) FROM blobs")).await.unwrap().unwrap();
    assert_eq!(row.bytes(0).unwrap(), digest(&SHA256, b"leftright").as_ref());
    assert_eq!(row.opt_bytes(1), Ok(None));
}

/// As the feed appends: the head's row orders all batches that change it.
pub(super) async fn a_log_behind_one_head_has_no_gaps(store: Store, _: StoreConfig) {
    let head = Statement::new("INSERT INTO feed_head (feed, seq, digest) VALUES ($1, 0, $2)").bind("f").bind([0u8; 32]);
    store.commit(batch([head])).await.unwrap();
    let append = |subject: Option<&'static str>, n: u64| {
        let head = "UPDATE feed_head SET seq = seq + 1, digest = chain_digest(digest, $1) WHERE feed = $2";
        let log = "INSERT INTO feed_log (feed, seq, prev, digest, subject, body, at)
                   SELECT feed, seq, seq - 1, digest, $1, $2, $3 FROM feed_head WHERE feed = $4";
        let body = n.to_be_bytes();
        batch([
            Statement::new(head).bind(body).bind("f").expect(Rows::Exactly(1)),
            Statement::new(log).bind(subject).bind(body).bind(n).bind("f").expect(Rows::Exactly(1)),
        ])
    };
    let tasks = (0..60).map(|n| {
        let (store, batch) = (store.clone(), append((n % 2 == 0).then_some("even"), n));
        tokio::spawn(async move { store.commit(batch).await })
    });
    assert!(join_all(tasks).await.into_iter().all(|outcome| matches!(outcome, Ok(Ok(())))));
    let rows =
        store.read(Query::new("SELECT seq, prev, digest, body, subject FROM feed_log ORDER BY seq")).await.unwrap();
    let mut chain = [0u8; 32].to_vec();
    for (seq, row) in rows.iter().enumerate() {
        assert_eq!((row.u64(0), row.u64(1)), (Ok(seq as u64 + 1), Ok(seq as u64)));
        chain.extend(row.bytes(3).unwrap());
        chain = digest(&SHA256, &chain).as_ref().to_vec();
        assert_eq!(row.bytes(2).unwrap(), chain);
        assert_eq!(row.opt_text(4).unwrap().is_some(), row.bytes(3).unwrap()[7] % 2 == 0);
    }
    assert_eq!(rows.len(), 60);
}

pub(super) async fn the_first_fault_of_a_batch_is_told(store: Store, _: StoreConfig) {
    store.commit(batch([insert("taken", 1)])).await.unwrap();
    let broken = || Statement::new("INSERT INTO leaves (blob) VALUES (99)");
    let missing = || set("absent", 0, 1);
    let outcome = store.commit(batch([insert("a", 1), missing(), broken(), missing()])).await;
    assert_eq!(outcome, Err(CommitError::Missed { index: 1 }));
    let outcome = store.commit(batch([insert("a", 1), broken(), missing()])).await;
    assert!(matches!(outcome, Err(CommitError::Refused { index: 1, .. })), "{outcome:?}");
    assert_eq!(counters(&store).await, 1);
}

pub(super) async fn what_was_acknowledged_is_there_after_reopening(store: Store, config: StoreConfig) {
    store.commit(batch((0..100).map(|n| insert(&format!("c{n}"), n)))).await.unwrap();
    drop(store);
    let store = Store::open(&config, SCHEMA).await.unwrap();
    assert_eq!(counters(&store).await, 100);
}

pub(super) async fn migrations_run_once(store: Store, config: StoreConfig) {
    store.commit(batch([insert("kept", 1)])).await.unwrap();
    drop(store);
    let third = Migration { version: 4, name: "third", sql: "ALTER TABLE blobs ADD COLUMN more TEXT" };
    for _ in 0..2 {
        let store = Store::open(&config, &[&third, &COUNTERS, &BLOBS, &FEED]).await.unwrap();
        assert_eq!(counter(&store, "kept").await, Some(1));
        let rows =
            store.read(Query::new("SELECT version, name FROM schema_migrations ORDER BY version")).await.unwrap();
        let ledger: Vec<_> = rows.iter().map(|row| (row.int(0).unwrap(), row.text(1).unwrap())).collect();
        assert_eq!(ledger, [(1, "counters"), (2, "blobs"), (3, "feed"), (4, "third")]);
    }
}

pub(super) async fn a_newer_schema_is_refused(store: Store, config: StoreConfig) {
    drop(store);
    let older = Store::open(&config, &[&COUNTERS, &BLOBS]).await;
    assert_eq!(older.err(), Some(OpenError::Newer { version: 3, name: "feed".into() }));
}

pub(super) async fn a_failed_migration_leaves_nothing(store: Store, config: StoreConfig) {
    drop(store);
    let bad = Migration { version: 4, name: "bad", sql: "CREATE TABLE half (a BIGINT); CREATE TABLE half (a BIGINT)" };
    let outcome = Store::open(&config, &[&COUNTERS, &BLOBS, &FEED, &bad]).await;
    assert!(matches!(outcome, Err(OpenError::Migrations(_))), "{:?}", outcome.err());
    let good = Migration { version: 4, name: "good", sql: "CREATE TABLE half (a BIGINT)" };
    Store::open(&config, &[&COUNTERS, &BLOBS, &FEED, &good]).await.unwrap();
}
