//! Stored budgets: so many tries an hour at one thing by one user, over every session, channel and issuer (Cognito: "tries an hour").
//!
//! **Spend first.** A try is taken by one guarded statement and committed before anything is looked at, so that tries side by side cannot
//! share one (SECURITY.md I37, I39). A window begins with its first try and lasts an hour. What is refused costs nothing and moves
//! nothing.
//!
//! **Who is unknown has a budget too**, under a keyed digest of the folded name: it ends after the same number of tries as that of a
//! user who exists, or the end would tell them apart (I41).

mod rows;

use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use ring::hmac;

use crate::envelope::PoolKey;
use crate::store::{Batch, CommitError, Store};

pub use self::rows::{MIGRATION, forget, give_back, prune, spend as spending};

/// From the first try to the end of the count.
pub const WINDOW: Duration = Duration::from_secs(3_600);

/// What is counted; each of them apart. Those who check a code or a password count guesses, the others count messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    ChangePassword,
    ConfirmForgotPassword,
    ConfirmSignUp,
    ForgotPassword,
    GetUserAttributeVerificationCode,
    ResendConfirmationCode,
    /// Codes of second factors that are entered at sign-ins, of all kinds.
    SecondFactor,
    /// Codes of second factors that are sent.
    SecondFactorMessages,
    /// Changes that send a code, by the user.
    UpdateUserAttributes,
    /// First codes of software tokens.
    VerifySoftwareToken,
    VerifyUserAttribute,
}

impl Budget {
    pub const ALL: [Self; 11] = [
        Self::ChangePassword,
        Self::ConfirmForgotPassword,
        Self::ConfirmSignUp,
        Self::ForgotPassword,
        Self::GetUserAttributeVerificationCode,
        Self::ResendConfirmationCode,
        Self::SecondFactor,
        Self::SecondFactorMessages,
        Self::UpdateUserAttributes,
        Self::VerifySoftwareToken,
        Self::VerifyUserAttribute,
    ];

    /// Tries in a [`WINDOW`]: Cognito's. Where it says "5 to 20, by risk" (asking for and entering the code of a forgotten password), asking has
    /// the least, since it sends messages to someone, and entering has 10.
    pub const fn tries(self) -> u32 {
        match self {
            Self::ChangePassword
            | Self::ForgotPassword
            | Self::GetUserAttributeVerificationCode
            | Self::ResendConfirmationCode => 5,
            // A code of a software token is one of three in a million: whoever has the password guesses one in some four years.
            Self::ConfirmForgotPassword | Self::SecondFactor | Self::SecondFactorMessages => 10,
            Self::ConfirmSignUp | Self::VerifySoftwareToken | Self::VerifyUserAttribute => 15,
            // Cognito's own bound on these is not known.
            Self::UpdateUserAttributes => 20,
        }
    }

    /// As it is stored: never changed.
    const fn name(self) -> &'static str {
        match self {
            Self::ChangePassword => "ChangePassword",
            Self::ConfirmForgotPassword => "ConfirmForgotPassword",
            Self::ConfirmSignUp => "ConfirmSignUp",
            Self::ForgotPassword => "ForgotPassword",
            Self::GetUserAttributeVerificationCode => "GetUserAttributeVerificationCode",
            Self::ResendConfirmationCode => "ResendConfirmationCode",
            Self::SecondFactor => "SecondFactor",
            Self::SecondFactorMessages => "SecondFactorMessages",
            Self::UpdateUserAttributes => "UpdateUserAttributes",
            Self::VerifySoftwareToken => "VerifySoftwareToken",
            Self::VerifyUserAttribute => "VerifyUserAttribute",
        }
    }
}

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spender(String);

impl Spender {
    /// A user, by whatever name it was asked for.
    pub fn user(sub: &Sub) -> Self {
        Self(sub.to_string())
    }

    /// A name that is nobody's, in the form in which the pool compares names. Only its keyed digest is kept: of fixed size, and no list of
    /// what people have typed.
    pub fn stranger(key: &PoolKey, folded_name: &str) -> Self {
        let digest = hmac::sign(&key.hmac_key("budgets of unknown names"), folded_name.as_bytes());
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("name:{hex}"))
    }
}

/// Why a try may not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpendError {
    /// `LimitExceededException: Attempt limit exceeded, please try after some time.`
    #[error("no tries are left in this hour")]
    Exhausted,
    #[error(transparent)]
    Commit(CommitError),
}

/// Takes one try, durably.
///
/// # Errors
/// [`SpendError::Exhausted`], storage.
pub async fn spend(
    now: UnixMillis,
    store: &Store,
    pool: &PoolId,
    budget: Budget,
    who: &Spender,
) -> Result<(), SpendError> {
    let mut batch = Batch::new();
    batch.add(rows::spend(now, pool, budget, who));
    store.commit(batch).await.map_err(|error| match error {
        CommitError::Missed { .. } => SpendError::Exhausted,
        other => SpendError::Commit(other),
    })
}

#[cfg(test)]
mod tests {
    use common::secret::SecretString;
    use futures_util::future::join_all;

    use super::*;
    use crate::engines::on_both_engines;
    use crate::envelope::RootKey;
    use crate::store::{Migration, Query};

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const MOMENT: Duration = Duration::from_millis(1);

    on_both_engines!(
        a_budget_ends_and_begins_anew_after_the_hour,
        tries_side_by_side_are_all_counted,
        budgets_are_apart,
        what_is_given_back_is_whole,
        a_clock_that_was_set_back_neither_frees_nor_locks_for_long,
        what_is_over_is_pruned,
    );

    fn migrations() -> Vec<&'static Migration> {
        vec![&MIGRATION]
    }

    fn pool(id: &str) -> PoolId {
        PoolId::parse(id).unwrap()
    }

    fn jane() -> Spender {
        Spender::user(&Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap())
    }

    async fn try_at(store: &Store, now: UnixMillis) -> bool {
        spend(now, store, &pool("eu_a"), Budget::ChangePassword, &jane()).await.is_ok()
    }

    /// How many of some more tries than there are pass at an instant.
    async fn passing(store: &Store, now: UnixMillis) -> u32 {
        let mut passed = 0;
        for _ in 0..Budget::ChangePassword.tries() + 3 {
            passed += u32::from(try_at(store, now).await);
        }
        passed
    }

    async fn a_budget_ends_and_begins_anew_after_the_hour(store: Store) {
        assert_eq!(passing(&store, NOW).await, 5);
        let refused = spend(NOW, &store, &pool("eu_a"), Budget::ChangePassword, &jane()).await;
        assert_eq!(refused, Err(SpendError::Exhausted));
        let end = NOW.plus(WINDOW);
        assert!(!try_at(&store, end.minus(MOMENT)).await, "what was refused did not move the window");
        assert_eq!(passing(&store, end).await, 5);
        assert!(!try_at(&store, end.plus(WINDOW).minus(MOMENT)).await);
    }

    async fn tries_side_by_side_are_all_counted(store: Store) {
        for who in [jane(), Spender("name:0".into())] {
            for budget in Budget::ALL {
                let pool = pool("eu_a");
                let tries = join_all((0..100).map(|_| spend(NOW, &store, &pool, budget, &who))).await;
                let passed = tries.iter().filter(|outcome| outcome.is_ok()).count();
                assert_eq!(passed, budget.tries() as usize, "{budget:?}");
                assert!(tries.iter().all(|o| matches!(o, Ok(()) | Err(SpendError::Exhausted))), "{tries:?}");
            }
        }
    }

    async fn budgets_are_apart(store: Store) {
        assert_eq!(passing(&store, NOW).await, 5);
        let (here, there) = (pool("eu_a"), pool("eu_b"));
        let other = Spender("name:0".into());
        assert_eq!(spend(NOW, &store, &here, Budget::ForgotPassword, &jane()).await, Ok(()));
        assert_eq!(spend(NOW, &store, &there, Budget::ChangePassword, &jane()).await, Ok(()));
        assert_eq!(spend(NOW, &store, &here, Budget::ChangePassword, &other).await, Ok(()));
    }

    async fn what_is_given_back_is_whole(store: Store) {
        assert_eq!(passing(&store, NOW).await, 5);
        let mut batch = Batch::new();
        batch.add(give_back(&pool("eu_a"), Budget::ChangePassword, &jane()));
        store.commit(batch.clone()).await.unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(passing(&store, NOW).await, 5);
    }

    async fn a_clock_that_was_set_back_neither_frees_nor_locks_for_long(store: Store) {
        assert_eq!(passing(&store, NOW).await, 5);
        assert!(!try_at(&store, NOW.minus(MOMENT)).await, "another issuer's clock is a moment behind");
        assert!(!try_at(&store, NOW.minus(WINDOW)).await);
        assert!(try_at(&store, NOW.minus(WINDOW).minus(MOMENT)).await, "set back by more than a window");
    }

    async fn what_is_over_is_pruned(store: Store) {
        assert!(try_at(&store, NOW).await);
        let left = async |now| {
            let mut batch = Batch::new();
            batch.add(prune(now));
            store.commit(batch).await.unwrap();
            store.read(Query::new("SELECT kind FROM budgets")).await.unwrap().len()
        };
        assert_eq!(left(NOW.plus(WINDOW).minus(MOMENT)).await, 1);
        assert_eq!(left(NOW.plus(WINDOW)).await, 0);
    }

    #[test]
    fn unknown_names_are_digests_of_the_pool() {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let [here, there] = ["eu_a", "eu_b"].map(|id| root.new_pool_key(&pool(id)).unwrap().0);
        assert_eq!(Spender::stranger(&here, "jane"), Spender::stranger(&here, "jane"));
        assert_ne!(Spender::stranger(&here, "jane"), Spender::stranger(&here, "joan"));
        assert_ne!(Spender::stranger(&here, "jane"), Spender::stranger(&there, "jane"));
        assert_eq!(Spender::stranger(&here, &"x".repeat(2_000)).0.len(), "name:".len() + 64);
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> = Budget::ALL.iter().map(|budget| budget.name()).collect();
        assert_eq!(names.len(), Budget::ALL.len());
    }
}
