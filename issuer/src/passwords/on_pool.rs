//! What sign-up and sign-in ask for, each as one piece of work on the pool.

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::SecretString;

use super::argon;
use super::hasher::{PasswordError, Passwords, bounded};
use super::srp::{Challenge, Claim, Identity, PendingChallenge, PublicValue, SrpError, Verifier};

/// What is stored of a password: one for sign-in by password, one for SRP. Both are made together, from the same bytes.
pub struct Credentials {
    /// Argon2id, a PHC string.
    pub hash: String,
    /// Store it enveloped.
    pub verifier: Verifier,
}

impl Passwords {
    /// Everything that a new password leaves in the user's row. `user_id` is what `USER_ID_FOR_SRP` will be: the immutable name.
    pub async fn credentials(
        &self,
        pool: &PoolId,
        user_id: &str,
        password: &SecretString,
    ) -> Result<Credentials, PasswordError> {
        let (password, pool, user_id) = (bounded(password)?, pool.clone(), user_id.to_owned());
        let scratch = self.scratch();
        self.run(move || {
            let bytes = password.expose().as_bytes();
            let hash = argon::hash(&scratch, bytes)?;
            let verifier = Verifier::create(Identity::of_user(&pool, &user_id), bytes)?;
            Ok(Credentials { hash, verifier })
        })
        .await?
    }

    /// The server's first SRP step. The verifier is the user's, or a [`super::srp::Decoy`]'s.
    pub async fn srp_challenge(
        &self,
        client: PublicValue,
        verifier: &Verifier,
    ) -> Result<(PendingChallenge, Challenge), PasswordError> {
        let verifier = verifier.clone();
        Ok(self.run(move || PendingChallenge::begin(client, &verifier)).await??)
    }

    /// The server's second SRP step, for a user of a pool. The outer error is the server's, the inner one the client's.
    pub async fn srp_verify(
        &self,
        now: UnixMillis,
        pending: PendingChallenge,
        (pool, user_id): (&PoolId, &str),
        verifier: &Verifier,
        claim: Claim<'_>,
    ) -> Result<Result<(), SrpError>, PasswordError> {
        let (pool, user_id, verifier) = (pool.clone(), user_id.to_owned(), verifier.clone());
        let [block, signature, timestamp] = [claim.secret_block, claim.signature, claim.timestamp].map(str::to_owned);
        self.run(move || {
            let claim = Claim { secret_block: &block, signature: &signature, timestamp: &timestamp };
            pending.verify(now, Identity::of_user(&pool, &user_id), &verifier, claim)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwords::srp::test_client::Client;
    use crate::passwords::{PoolSettings, Verdict};

    #[tokio::test]
    async fn one_password_signs_in_both_ways() {
        let passwords = Passwords::start(PoolSettings { threads: 1, queue: 4 }).unwrap();
        let pool = PoolId::parse("eu_AbCdEf123").unwrap();
        let secret = SecretString::new("Grüße 1!");
        let made = passwords.credentials(&pool, "jane", &secret).await.unwrap();
        assert_eq!(passwords.verify(&secret, &made.hash).await, Ok(Verdict::Match));

        let client = Client::new([9; 32]);
        for (password, expected) in [("Grüße 1!", Ok(())), ("Gruesse 1!", Err(SrpError::Signature))] {
            let (pending, challenge) = passwords.srp_challenge(client.value(), &made.verifier).await.unwrap();
            let timestamp = "Tue Nov 3 09:05:07 UTC 2026";
            let signature = client.sign(Identity::of_user(&pool, "jane"), password.as_bytes(), &challenge, timestamp);
            let claim = Claim { secret_block: &challenge.secret_block, signature: &signature, timestamp };
            let now = UnixMillis::from_seconds(1_793_696_707);
            let result = passwords.srp_verify(now, pending, (&pool, "jane"), &made.verifier, claim).await;
            assert_eq!(result, Ok(expected));
        }
    }
}
