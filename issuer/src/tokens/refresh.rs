//! REFRESH_TOKEN_AUTH: new access and ID tokens of a session that lives.

use cognito_model::Fault;
use cognito_model::idp::types::AuthenticationResultType;
use common::secret::SecretString;

use super::claims::{Prepared, Subject};
use super::mint::{groups_of, mint_instant, result};
use crate::aws_json::{Call, Write};
use crate::clients::Client;
use crate::codes;
use crate::pools::Pool;
use crate::sessions::{Session, rows as session_rows};
use crate::signin::SignInError;
use crate::store::{Batch, CommitError};
use crate::users::{self, User, rows as user_rows};

const TRIES: usize = 20;

/// A session whose refresh token was presented, with its user as read.
pub struct Presented {
    session: Session,
    user: User,
}

impl Presented {
    /// Finds the session of a refresh token. It must be of this client and alive.
    pub async fn find(call: &Call, pool: &Pool, client: &Client, token: &SecretString) -> Result<Self, Fault> {
        let digest = codes::token_digest(token.expose());
        let row = call.services.store.one(session_rows::by_refresh_digest(&pool.id, &digest)).await?;
        let session = row.map(|row| session_rows::session(&row)).transpose()?;
        let session = session.filter(|session| session.client == client.id);
        let session = session.ok_or_else(|| Fault::not_authorized("Invalid Refresh Token"))?;
        let user = users::by_sub(&call.services.store, pool, &session.sub).await?;
        let user = user.ok_or_else(|| Fault::not_authorized("Invalid Refresh Token"))?;
        Ok(Self { session, user })
    }

    /// The name whose SECRET_HASH a client with a secret must bring.
    pub fn username(&self) -> &str {
        &self.user.username
    }
}

/// Mints again. The refresh token stays the same and its end doesn't move (I20).
pub async fn refresh(
    call: &Call,
    pool: &Pool,
    client: &Client,
    presented: Presented,
) -> Result<AuthenticationResultType, Fault> {
    let Presented { session, mut user } = presented;
    let groups = groups_of(&call.services.store, &user).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        session.check(user.valid_after, call.now).map_err(|dead| Fault::not_authorized(dead.to_string()))?;
        if !user.enabled {
            return Err(SignInError::Disabled.into());
        }
        let mint = mint_instant(&user, call.now);
        let subject = Subject {
            pool,
            client,
            user: &user,
            groups: &groups,
            session: &session,
            event_id: &call.origin.request_id,
        };
        let prepared = Prepared::new(&subject, mint, call.now);
        let mut batch = Batch::new();
        let guard = batch.add(user_rows::note_mint(&user, mint));
        let alive = batch.add(session_rows::still_alive(&session));
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        match &outcome {
            Ok(()) => return Ok(result(prepared.sign(&call.services.keys, pool).await?, None)),
            Err(CommitError::Missed { index }) if *index == alive => {
                return Err(Fault::not_authorized("Refresh Token has been revoked"));
            }
            Err(CommitError::Missed { index }) if *index == guard => {
                let fresh = users::by_sub(&call.services.store, pool, &user.sub).await?;
                user = fresh.ok_or_else(|| Fault::not_authorized("Invalid Refresh Token"))?;
            }
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a refresh ended without an outcome"))
}
