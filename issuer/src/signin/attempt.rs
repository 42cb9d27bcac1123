//! A sign-in that waits for an answer.

use std::time::Duration;

use common::clock::UnixMillis;
use common::cognito;
use common::ids::{ClientId, PoolId, Sub};
use common::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::device::{Named, Owed};
use super::error::SignInError;
use super::proof::Proof;
use super::rows;
use crate::clients::Client;
use crate::codes;
use crate::envelope::PoolKey;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::store::{Query, Row, Statement};

/// How many attempts from one device are looked at.
const MOST_OF_DEVICE: u64 = 10;

/// What was asked of the user, with what the check of the answer needs.
#[derive(Clone, Serialize, Deserialize)]
pub enum Challenge {
    /// PASSWORD_VERIFIER. `pending` is the server's side of the SRP exchange; `name` the form of the user name that a decoy is
    /// made of; `user_id` is USER_ID_FOR_SRP as it was sent.
    Srp { pending: Vec<u8>, name: String, user_id: String },
    /// DEVICE_SRP_AUTH: the device is to prove itself after all else was proven.
    Device(Owed),
    /// DEVICE_PASSWORD_VERIFIER. `pending` is the server's side of the SRP exchange.
    DeviceSrp { pending: Vec<u8>, owed: Owed },
    /// NEW_PASSWORD_REQUIRED: the temporary password was proven. `valid_after` is the user's at that time: the challenge ends with
    /// whatever moves it (another password, disabling, sign-out).
    NewPassword {
        authenticated_at: u64,
        #[serde(default)]
        valid_after: u64,
    },
    /// SMS_MFA, EMAIL_OTP, SOFTWARE_TOKEN_MFA. `binding` ties the code of a message to this sign-in.
    SecondFactor { factor: Factor, binding: String, proof: Proof },
    /// SELECT_MFA_TYPE
    SelectFactor { factors: Vec<Factor>, proof: Proof },
    /// MFA_SETUP
    SetUpFactor { factors: Vec<Factor>, setup: SetUp, proof: Proof },
}

/// How far the setting up of a software token has come.
#[derive(Clone, Serialize, Deserialize)]
pub enum SetUp {
    Asked,
    /// This seed was given out, and waits for its first code.
    Associated {
        seed: Vec<u8>,
    },
    /// It was verified, and is the user's.
    Verified,
}

/// One attempt, found again.
pub struct Attempt {
    pub digest: [u8; 32],
    pub client: ClientId,
    /// `None` for a user that does not exist, where the client hides that.
    pub sub: Option<Sub>,
    pub challenge: Challenge,
    /// The device that the sign-in says it comes from.
    pub device: Named,
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
        let expires = now.plus(life(client));
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
            expires,
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
        Self::opened(services, client, &Self::row(services, query).await?, now).await
    }

    /// The newest attempt of a user in which a device is to begin to prove itself: for answers to DEVICE_SRP_AUTH without a Session, or with
    /// that of a challenge before. Who has the password was proven in it; who has the device is what the answer goes on to prove.
    pub async fn find_device(
        services: &Services,
        client: &Client,
        sub: &Sub,
        device: &str,
        now: UnixMillis,
    ) -> Result<Self, SignInError> {
        for row in services.store.read(rows::by_device(&client.pool, sub, device, MOST_OF_DEVICE)).await? {
            match Self::opened(services, client, &row, now).await {
                Ok(attempt) if matches!(attempt.challenge, Challenge::Device(_)) => return Ok(attempt),
                Ok(_) | Err(SignInError::Session) => {}
                Err(error) => return Err(error),
            }
        }
        Err(SignInError::Session)
    }

    /// The attempt of a Session alone, for operations that name no client.
    pub async fn of_session(
        services: &Services,
        pool: &PoolId,
        session: &SecretString,
        now: UnixMillis,
    ) -> Result<Self, SignInError> {
        let query = rows::by_digest(pool, &codes::token_digest(session.expose()));
        Self::read(services, pool, &Self::row(services, query).await?, now).await
    }

    async fn row(services: &Services, query: Query) -> Result<Row, SignInError> {
        services.store.one(query).await?.ok_or(SignInError::Session)
    }

    async fn opened(services: &Services, client: &Client, row: &Row, now: UnixMillis) -> Result<Self, SignInError> {
        let found = Self::read(services, &client.pool, row, now).await?;
        if found.client == client.id { Ok(found) } else { Err(SignInError::Session) }
    }

    async fn read(services: &Services, pool: &PoolId, row: &Row, now: UnixMillis) -> Result<Self, SignInError> {
        let stored = rows::stored(row)?;
        if stored.expires <= now {
            return Err(SignInError::Session);
        }
        let key = services.pool_keys.key(pool).await?;
        let name = hex(&stored.digest);
        let opened =
            key.open(rows::cell(&[&name]), &stored.sealed).map_err(|e| SignInError::Internal(e.to_string()))?;
        let challenge = serde_json::from_slice(opened.expose()).map_err(|e| SignInError::Internal(e.to_string()))?;
        let device = Named::before(stored.device.as_deref());
        Ok(Self { digest: stored.digest, client: stored.client, sub: stored.sub, challenge, device })
    }

    /// What the answer says of the device counts for more than what was said before.
    #[must_use]
    pub fn from(self, device: Named) -> Self {
        Self { device: device.or(self.device), ..self }
    }

    /// The statement that uses the attempt up. It misses when another answer was first.
    pub fn consume(&self, client: &Client) -> Statement {
        rows::delete(&client.pool, &self.digest)
    }
}

/// How long an answer may take (Cognito: AuthSessionValidity).
pub fn life(client: &Client) -> Duration {
    client.settings.challenge_life().max(Duration::from_secs(60))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
