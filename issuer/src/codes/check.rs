//! The check of a code that a user sent.

use common::clock::UnixMillis;
use common::secret::constant_time_eq;

use super::code::{CodeSlot, MAX_ATTEMPTS, digest};
use super::rows::{self, StoredCode};
use crate::envelope::PoolKey;
use crate::store::{Batch, CommitError, Statement, Store, StoreError};

/// Why a code is not taken. The first four are the user's business: `CodeMismatchException`, `ExpiredCodeException`,
/// `LimitExceededException`; how they show is for the feature to map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It is another code. The attempt is counted.
    #[error("the code does not match")]
    Mismatch,
    /// There is none: never sent, used, or withdrawn.
    #[error("there is no code")]
    Absent,
    #[error("the code has expired")]
    Expired,
    #[error("the code was guessed at too often")]
    Exhausted,
    #[error(transparent)]
    Storage(#[from] StoreError),
    #[error(transparent)]
    Commit(CommitError),
}

/// Counts an attempt, then compares. On a match it answers the statement that consumes the code, for the batch of whatever the code
/// permits: if two calls bring the same code, one of the batches misses at that statement.
///
/// The count is committed before the comparison, so guesses sent side by side cannot share one attempt.
pub async fn check(
    now: UnixMillis,
    store: &Store,
    key: &PoolKey,
    slot: CodeSlot<'_>,
    claimed: &str,
) -> Result<Statement, CodeError> {
    let mut attempt = Batch::new();
    attempt.add(rows::count_attempt(now, slot));
    let counted = match store.commit(attempt).await {
        Ok(()) => true,
        Err(CommitError::Missed { .. }) => false,
        Err(error) => return Err(CodeError::Commit(error)),
    };
    let row = store.one(rows::find(slot)).await?.ok_or(CodeError::Absent)?;
    let stored = StoredCode::read(&row).map_err(StoreError::from)?;
    let claimed = digest(key, slot, claimed);
    match decide(now, &stored, counted) {
        Some(refusal) => Err(refusal),
        None if constant_time_eq(&stored.digest, &claimed) => Ok(rows::consume(now, slot, &claimed)),
        None => Err(CodeError::Mismatch),
    }
}

/// Why no comparison is made at all.
fn decide(now: UnixMillis, stored: &StoredCode, counted: bool) -> Option<CodeError> {
    if counted {
        None
    } else if stored.expires_at <= now {
        Some(CodeError::Expired)
    } else if stored.attempts >= u64::from(MAX_ATTEMPTS) {
        Some(CodeError::Exhausted)
    } else {
        // Nothing could be counted, and now there is a code: it came in between, and this is not its answer.
        Some(CodeError::Absent)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use common::ids::PoolId;
    use common::secret::SecretString;

    use super::*;
    use crate::codes::{Code, MIGRATIONS, discard, issue, prune};
    use crate::engines::on_both_engines;
    use crate::envelope::RootKey;
    use crate::store::Migration;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    on_both_engines!(
        a_code_works_once,
        a_code_is_for_its_purpose_subject_and_target_only,
        guesses_are_counted_also_side_by_side,
        a_newer_code_replaces_the_older,
        codes_end,
        a_withdrawn_code_is_gone,
        odd_claims_match_nothing,
    );

    fn migrations() -> Vec<&'static Migration> {
        MIGRATIONS.iter().collect()
    }

    struct World {
        store: Store,
        key: Arc<PoolKey>,
        pool: PoolId,
    }

    impl World {
        fn new(store: Store) -> Self {
            let pool = PoolId::parse("eu_a").unwrap();
            let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
            let key = Arc::new(root.new_pool_key(&pool).unwrap().0);
            Self { store, key, pool }
        }

        fn slot(&self) -> CodeSlot<'_> {
            CodeSlot { pool: &self.pool, purpose: "confirm", subject: "jane", target: "jane@example.com" }
        }

        async fn issue(&self, slot: CodeSlot<'_>) -> String {
            let Code { text, statement } = issue(NOW, &self.key, slot, HOUR).unwrap();
            self.commit(statement).await.unwrap();
            text.expose().to_owned()
        }

        async fn commit(&self, statement: Statement) -> Result<(), CommitError> {
            let mut batch = Batch::new();
            batch.add(statement);
            self.store.commit(batch).await
        }

        async fn check(&self, slot: CodeSlot<'_>, code: &str) -> Result<Statement, CodeError> {
            check(NOW, &self.store, &self.key, slot, code).await
        }
    }

    fn other(code: &str) -> String {
        format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
    }

    async fn a_code_works_once(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        let (first, second) = (world.check(world.slot(), &code).await, world.check(world.slot(), &code).await);
        assert_eq!(world.commit(first.unwrap()).await, Ok(()));
        assert_eq!(world.commit(second.unwrap()).await, Err(CommitError::Missed { index: 0 }), "two calls, one use");
        assert_eq!(world.check(world.slot(), &code).await.err(), Some(CodeError::Absent));
    }

    async fn a_code_is_for_its_purpose_subject_and_target_only(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        let target = CodeSlot { target: "joan@example.com", ..world.slot() };
        assert_eq!(world.check(target, &code).await.err(), Some(CodeError::Mismatch));
        let purpose = CodeSlot { purpose: "reset", ..world.slot() };
        assert_eq!(world.check(purpose, &code).await.err(), Some(CodeError::Absent));
        let subject = CodeSlot { subject: "joan", ..world.slot() };
        assert_eq!(world.check(subject, &code).await.err(), Some(CodeError::Absent));

        // A row moved to another purpose does not match there either.
        let moved = Statement::new("UPDATE one_time_codes SET purpose = $1").bind("reset");
        world.commit(moved).await.unwrap();
        assert_eq!(world.check(purpose, &code).await.err(), Some(CodeError::Mismatch));
    }

    async fn guesses_are_counted_also_side_by_side(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        let wrong = other(&code);
        let guesses = (0..40).map(|_| world.check(world.slot(), &wrong));
        let results = futures_util::future::join_all(guesses).await;
        let mismatches = results.iter().filter(|r| r.as_ref().err() == Some(&CodeError::Mismatch)).count();
        let exhausted = results.iter().filter(|r| r.as_ref().err() == Some(&CodeError::Exhausted)).count();
        assert_eq!((mismatches, exhausted), (MAX_ATTEMPTS as usize, 40 - MAX_ATTEMPTS as usize));
        assert_eq!(world.check(world.slot(), &code).await.err(), Some(CodeError::Exhausted), "even the right one");
        let fresh = world.issue(world.slot()).await;
        assert!(world.check(world.slot(), &fresh).await.is_ok());
    }

    async fn a_newer_code_replaces_the_older(store: Store) {
        let world = World::new(store);
        let old = world.issue(world.slot()).await;
        let pending = world.check(world.slot(), &old).await.unwrap();
        let mut new = world.issue(world.slot()).await;
        while new == old {
            new = world.issue(world.slot()).await;
        }
        assert_eq!(world.commit(pending).await, Err(CommitError::Missed { index: 0 }));
        assert_eq!(world.check(world.slot(), &old).await.err(), Some(CodeError::Mismatch));
        assert!(world.check(world.slot(), &new).await.is_ok());
    }

    async fn codes_end(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        let at = |now| check(now, &world.store, &world.key, world.slot(), &code);
        assert!(at(NOW.plus(HOUR).minus(Duration::from_millis(1))).await.is_ok());
        assert_eq!(at(NOW.plus(HOUR)).await.err(), Some(CodeError::Expired));
        world.commit(prune(NOW.plus(HOUR))).await.unwrap();
        assert_eq!(at(NOW.plus(HOUR)).await.err(), Some(CodeError::Expired), "still there to be told apart");
        world.commit(prune(NOW.plus(HOUR * 2))).await.unwrap();
        assert_eq!(at(NOW.plus(HOUR)).await.err(), Some(CodeError::Absent));
    }

    async fn a_withdrawn_code_is_gone(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        world.commit(discard(world.slot())).await.unwrap();
        assert_eq!(world.check(world.slot(), &code).await.err(), Some(CodeError::Absent));
    }

    async fn odd_claims_match_nothing(store: Store) {
        let world = World::new(store);
        let code = world.issue(world.slot()).await;
        for claimed in ["", " ", &format!(" {code}"), &format!("0{code}")] {
            assert_eq!(world.check(world.slot(), claimed).await.err(), Some(CodeError::Mismatch), "{claimed:?}");
        }
    }
}
