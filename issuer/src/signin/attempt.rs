//! A sign-in that waits for an answer.

use std::time::Duration;

use common::clock::UnixMillis;
use common::cognito;
use common::ids::Sub;
use common::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::error::SignInError;
use super::rows;
use crate::clients::Client;
use crate::codes;
use crate::envelope::PoolKey;
use crate::services::Services;
use crate::store::Statement;

/// What was asked of the user, with what the check of the answer needs.
#[derive(Clone, Serialize, Deserialize)]
pub enum Challenge {
    /// PASSWORD_VERIFIER. `pending` is the server's side of the SRP exchange; `name` the form of the user name that a decoy is
    /// made of; `user_id` is USER_ID_FOR_SRP as it was sent.
    Srp { pending: Vec<u8>, name: String, user_id: String },
    /// NEW_PASSWORD_REQUIRED: the temporary password was proven. `valid_after` is the user's at that time: the challenge ends with
    /// whatever moves it (another password, disabling, sign-out).
    NewPassword {
        authenticated_at: u64,
        #[serde(default)]
        valid_after: u64,
    },
}

/// One attempt, found again.
pub struct Attempt {
    pub digest: [u8; 32],
    /// `None` for a user that does not exist, where the client hides that.
    pub sub: Option<Sub>,
    pub challenge: Challenge,
}

/// A new attempt: the Session for the answer, and the statement that stores it.
pub struct Opened {
    pub session: SecretString,
    pub statement: Statement,
}

impl Attempt {
    /// Prepares an attempt. `secret_block` finds it again without a Session.
    pub fn open(
        key: &PoolKey,
        client: &Client,
        sub: Option<&Sub>,
        challenge: &Challenge,
        secret_block: Option<&str>,
        now: UnixMillis,
    ) -> Result<Opened, SignInError> {
        let internal = |error: &dyn std::fmt::Display| SignInError::Internal(error.to_string());
        let random = codes::opaque_token().map_err(|e| internal(&e))?;
        let session = cognito::session_of(&random, &client.pool);
        let digest = codes::token_digest(session.expose());
        let row = hex(&digest);
        let text = serde_json::to_vec(challenge).map_err(|e| internal(&e))?;
        let sealed = key.seal(rows::cell(&[&row]), &text).map_err(|e| internal(&e))?;
        let statement = rows::insert(&rows::NewAttempt {
            pool: &client.pool,
            digest,
            client: &client.id,
            sub,
            block_digest: secret_block.map(codes::token_digest),
            sealed,
            expires: now.plus(client.settings.challenge_life().max(Duration::from_secs(60))),
        });
        Ok(Opened { session, statement })
    }

    /// The attempt that an answer belongs to: by Session, else by the secret block. It must be of the same client and not over.
    pub async fn find(
        services: &Services,
        client: &Client,
        session: Option<&SecretString>,
        secret_block: Option<&str>,
        now: UnixMillis,
    ) -> Result<Self, SignInError> {
        let query = match (session, secret_block) {
            (Some(session), _) => rows::by_digest(&client.pool, &codes::token_digest(session.expose())),
            (None, Some(block)) => rows::by_block(&client.pool, &codes::token_digest(block)),
            (None, None) => return Err(SignInError::Parameter("Missing required parameter Session".into())),
        };
        let row = services.store.one(query).await?.ok_or(SignInError::Session)?;
        let stored = rows::stored(&row)?;
        if stored.client != client.id || stored.expires <= now {
            return Err(SignInError::Session);
        }
        let key = services.pool_keys.key(&client.pool).await?;
        let name = hex(&stored.digest);
        let opened =
            key.open(rows::cell(&[&name]), &stored.sealed).map_err(|e| SignInError::Internal(e.to_string()))?;
        let challenge = serde_json::from_slice(opened.expose()).map_err(|e| SignInError::Internal(e.to_string()))?;
        Ok(Self { digest: stored.digest, sub: stored.sub, challenge })
    }

    /// The statement that uses the attempt up. It misses when another answer was first.
    pub fn consume(&self, client: &Client) -> Statement {
        rows::delete(&client.pool, &self.digest)
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
