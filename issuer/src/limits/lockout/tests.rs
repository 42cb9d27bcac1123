use std::task::{Context, Waker};

use common::clock::{FakeClock, UnixMillis};
use common::ids::{PoolId, Sub};
use common::secret::SecretString;

use super::*;
use crate::engines::on_both_engines;
use crate::envelope::RootKey;
use crate::store::{Migration, Query, Rows};

const START: UnixMillis = UnixMillis(1_000_000_000);

on_both_engines!(
    a_hundred_guesses_at_once_get_five_tries,
    two_issuers_share_the_count,
    thirty_two_right_passwords_at_once_all_pass,
    the_ladder_by_the_clock,
    a_success_forgets_and_gives_its_place_back,
    an_attempt_whose_client_left_is_a_failure,
    what_was_not_verified_is_not_counted,
    a_place_is_not_taken_without_what_goes_with_it,
    what_is_quiet_is_deleted,
);

fn migrations() -> Vec<&'static Migration> {
    vec![&rows::MIGRATION]
}

struct World {
    lockout: Lockout,
    clock: Arc<FakeClock>,
}

impl World {
    fn new(store: Store) -> Self {
        let clock = Arc::new(FakeClock::at(START));
        Self { lockout: Lockout::new(store, clock.clone()), clock }
    }

    /// Another process on the same database.
    fn neighbour(&self) -> Lockout {
        Lockout::new(self.lockout.store.clone(), self.clock.clone())
    }

    async fn attempts(&self) -> Attempts {
        self.lockout.read(&jane()).await.unwrap().attempts
    }

    /// Until what runs in the background has ended.
    async fn until(&self, done: impl Fn(Attempts) -> bool) {
        while !done(self.attempts().await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn commit(&self, statement: Statement) {
        let mut batch = Batch::new();
        batch.add(statement);
        self.lockout.store.commit(batch).await.unwrap();
    }

    async fn wrong(&self) -> Result<(), LockoutError> {
        self.lockout.attempt(jane(), Vec::new()).await?.fail().await
    }
}

fn pool() -> PoolId {
    PoolId::parse("eu_a").unwrap()
}

fn jane() -> Subject {
    Subject::user(&pool(), &Sub::parse("00000000-0000-4000-8000-000000000001").unwrap())
}

/// How many of `count` wrong guesses, sent at once to these issuers in turn, were verified.
async fn verified(lockouts: &[Lockout], count: usize) -> usize {
    let tasks: Vec<_> = (0..count)
        .map(|turn| {
            let lockout = lockouts[turn % lockouts.len()].clone();
            tokio::spawn(async move {
                let attempt = match lockout.attempt(jane(), Vec::new()).await {
                    Ok(attempt) => attempt,
                    Err(LockoutError::Locked) => return 0,
                    Err(other) => panic!("{other}"),
                };
                tokio::time::sleep(Duration::from_millis(3)).await;
                attempt.fail().await.unwrap();
                1
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}

async fn a_hundred_guesses_at_once_get_five_tries(store: Store) {
    let world = World::new(store);
    assert_eq!(verified(std::slice::from_ref(&world.lockout), 100).await, 5);
    for rung in [1, 2, 4] {
        assert_eq!(verified(std::slice::from_ref(&world.lockout), 20).await, 0);
        world.clock.advance(Duration::from_secs(rung));
        assert_eq!(verified(std::slice::from_ref(&world.lockout), 20).await, 1, "after {rung} s");
    }
}

async fn two_issuers_share_the_count(store: Store) {
    let world = World::new(store);
    let issuers = [world.lockout.clone(), world.neighbour(), world.neighbour()];
    assert_eq!(verified(&issuers, 100).await, 5);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(verified(&issuers, 30).await, 1);
}

async fn thirty_two_right_passwords_at_once_all_pass(store: Store) {
    let world = Arc::new(World::new(store));
    let issuers = [world.lockout.clone(), world.neighbour()];
    let tasks: Vec<_> = (0..32)
        .map(|turn| {
            let (lockout, world) = (issuers[turn % 2].clone(), world.clone());
            tokio::spawn(async move {
                let proven = lockout.attempt(jane(), Vec::new()).await.unwrap().proven();
                tokio::time::sleep(Duration::from_millis(3)).await;
                world.commit(proven.cleared()).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = world.attempts().await;
    assert_eq!((after.failures, after.in_flight), (0, 0));
}

async fn the_ladder_by_the_clock(store: Store) {
    let world = World::new(store);
    for _ in 0..5 {
        world.wrong().await.unwrap();
    }
    for rung in [1_000, 2_000, 4_000, 8_000] {
        world.clock.advance(Duration::from_millis(rung - 1));
        assert!(matches!(world.wrong().await, Err(LockoutError::Locked)), "{rung}");
        world.clock.advance(Duration::from_millis(1));
        world.wrong().await.unwrap();
    }
    let other = Subject::user(&pool(), &Sub::parse("00000000-0000-4000-8000-000000000002").unwrap());
    world.lockout.attempt(other, Vec::new()).await.unwrap().fail().await.unwrap();
    world.clock.advance(Ladder::COGNITO.quiet);
    world.wrong().await.unwrap();
    assert_eq!(world.attempts().await.failures, 1);
}

async fn a_success_forgets_and_gives_its_place_back(store: Store) {
    let world = World::new(store);
    for _ in 0..4 {
        world.wrong().await.unwrap();
    }
    let proven = world.lockout.attempt(jane(), Vec::new()).await.unwrap().proven();
    proven.give_back().await.unwrap();
    assert_eq!((world.attempts().await.failures, world.attempts().await.in_flight), (4, 0));
    let proven = world.lockout.attempt(jane(), Vec::new()).await.unwrap().proven();
    world.commit(proven.cleared()).await;
    assert_eq!((world.attempts().await.failures, world.attempts().await.in_flight), (0, 0));
    for _ in 0..5 {
        world.wrong().await.unwrap();
    }
    assert!(matches!(world.wrong().await, Err(LockoutError::Locked)));
    world.commit(forget(&jane())).await;
    world.wrong().await.unwrap();
}

async fn an_attempt_whose_client_left_is_a_failure(store: Store) {
    let world = World::new(store);
    drop(world.lockout.attempt(jane(), Vec::new()).await.unwrap());
    world.until(|attempts| attempts.failures == 1 && attempts.in_flight == 0).await;
    drop(world.lockout.attempt(jane(), Vec::new()).await.unwrap().proven());
    world.until(|attempts| attempts.failures == 1 && attempts.in_flight == 0).await;
    // Gone while it waited to be admitted: nothing was verified, so nothing is counted.
    for _ in 0..8 {
        let mut leaving = Box::pin(world.lockout.attempt(jane(), Vec::new()));
        assert!(leaving.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(leaving);
    }
    world.lockout.attempt(jane(), Vec::new()).await.unwrap().give_back().await.unwrap();
    world.until(|attempts| attempts.failures == 1 && attempts.in_flight == 0).await;
}

async fn what_was_not_verified_is_not_counted(store: Store) {
    let world = World::new(store);
    for _ in 0..10 {
        world.lockout.attempt(jane(), Vec::new()).await.unwrap().give_back().await.unwrap();
    }
    assert_eq!((world.attempts().await.failures, world.attempts().await.in_flight), (0, 0));
}

async fn a_place_is_not_taken_without_what_goes_with_it(store: Store) {
    let world = World::new(store);
    let used_up = Statement::new("DELETE FROM lockouts WHERE pool = 'none'").expect(Rows::Exactly(1));
    let outcome = world.lockout.attempt(jane(), vec![used_up]).await;
    assert!(matches!(outcome, Err(LockoutError::Missed(0))));
    assert_eq!(world.attempts().await, Attempts::default());
}

async fn what_is_quiet_is_deleted(store: Store) {
    let world = World::new(store);
    world.wrong().await.unwrap();
    let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
    let key = root.new_pool_key(&pool()).unwrap().0;
    world.lockout.attempt(Subject::nobody(&pool(), &key, "nobody"), Vec::new()).await.unwrap().fail().await.unwrap();
    let rows = async || world.lockout.store.read(Query::new("SELECT subject FROM lockouts")).await.unwrap().len();
    world.commit(rows::prune(START.plus(Ladder::COGNITO.quiet))).await;
    assert_eq!(rows().await, 2);
    world.commit(rows::prune(START.plus(Ladder::COGNITO.quiet + Ladder::COGNITO.lease * 2))).await;
    assert_eq!(rows().await, 0);
}
