//! What an attempt keeps of the first factor while the second one is asked for.

use std::time::Duration;

use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::error::SignInError;
use crate::pools::Pool;
use crate::services::Services;
use crate::users::{self, MfaPreferences, Status, User};

/// How long after its first factor a sign-in may go on, however often its challenge is made anew.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The first factor was proven: when, and for which state of the user. Another password, a change of factors, a sign-out everywhere,
/// disabling end it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proof {
    at: u64,
    valid_after: u64,
    password: String,
    #[serde(default)]
    mfa: String,
}

impl Proof {
    pub fn new(user: &User, at: UnixMillis) -> Self {
        Self { at: at.0, valid_after: user.valid_after.0, password: user.password_mark(), mfa: user.mfa.to_text() }
    }

    /// The same proof, after the sign-in itself has changed the user's factors.
    pub fn following(&self, mfa: &MfaPreferences) -> Self {
        Self { mfa: mfa.to_text(), ..self.clone() }
    }

    /// `auth_time`
    pub const fn at(&self) -> UnixMillis {
        UnixMillis(self.at)
    }

    /// The user as the row is now, if the proof still holds. `username`: whom the answer names, where it names somebody: an edge has judged it
    /// by that name.
    pub async fn user(
        &self,
        services: &Services,
        pool: &Pool,
        attempt: &Attempt,
        username: Option<&str>,
        now: UnixMillis,
    ) -> Result<User, SignInError> {
        let sub = attempt.sub.as_ref().ok_or(SignInError::Session)?;
        let user = users::by_sub(&services.store, pool, sub).await?.ok_or(SignInError::Session)?;
        if !user.enabled {
            return Err(SignInError::Disabled);
        }
        if !self.holds(&user, now) {
            return Err(SignInError::Session);
        }
        match username {
            Some(name) if name != user.username => {
                let named = users::by_name(&services.store, pool, name).await?;
                if named.is_none_or(|named| named.sub != user.sub) {
                    return Err(SignInError::Session);
                }
            }
            _ => {}
        }
        Ok(user)
    }

    fn holds(&self, user: &User, now: UnixMillis) -> bool {
        user.status == Status::Confirmed
            && user.valid_after.0 == self.valid_after
            && user.password_mark() == self.password
            && user.mfa.to_text() == self.mfa
            && now.since(self.at()) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pools::mfa::Factor;
    use crate::users::model::Credentials;

    #[test]
    fn what_ends_a_proof() {
        let credentials = |hash: &str| Some(Credentials { password_hash: hash.into(), sealed_srp_verifier: None });
        let user = User { credentials: credentials("one"), ..User::sample() };
        let now = UnixMillis(10_000);
        let proof = Proof::new(&user, now);
        assert!(proof.holds(&user, now) && proof.holds(&user, now.plus(LONGEST - Duration::from_millis(1))));
        assert!(!proof.holds(&user, now.plus(LONGEST)));
        for changed in [
            User { credentials: credentials("two"), ..user.clone() },
            User { credentials: None, ..user.clone() },
            User { valid_after: UnixMillis(1), ..user.clone() },
            User { status: Status::ResetRequired, ..user.clone() },
            User { mfa: user.mfa.clone().with(Factor::SoftwareToken), ..user.clone() },
            User { status: Status::ForceChangePassword, ..user },
        ] {
            assert!(!proof.holds(&changed, now));
        }
    }
}
