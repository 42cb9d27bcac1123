//! Refreshing: new access and ID tokens of a session that lives, by REFRESH_TOKEN_AUTH or GetTokensFromRefreshToken.
//!
//! Where the client's refresh tokens are rotated, the answer has the successor of the one that was presented, and the successor ends
//! when the first one would have (I20). What a power cut leaves: before the commit, the presented token is good as before; after it, only the
//! successor is, which the presented token gets again while its grace lasts.

use cognito_model::idp::types::AuthenticationResultType;
use cognito_model::{Exception, Fault};
use common::secret::SecretString;

use super::claims::{Asked, Prepared, Subject};
use super::grant::{groups_of, mint_instant};
use super::mint::result;
use crate::aws_json::{Call, Write};
use crate::clients::{self, Client};
use crate::codes;
use crate::devices::{self, DeviceKey};
use crate::pools::Pool;
use crate::sessions::{self, Binding, RefreshToken, Session, Standing, rows as session_rows};
use crate::signin::SignInError;
use crate::store::{Batch, CommitError, Statement};
use crate::users::{self, User, rows as user_rows};

/// How often a refresh begins anew when sign-outs of the user, or others with the same token, keep running into it.
const TRIES: usize = 20;

/// A session whose refresh token was presented, with its user as read.
pub struct Presented {
    token: RefreshToken,
    session: Session,
    user: User,
    /// `None`: it came by Cognito's API.
    shown: Option<Shown>,
}

/// What came with a refresh token to the token endpoint.
struct Shown {
    binding: Binding,
    /// The client has proven itself by nothing.
    is_public: bool,
}

impl Presented {
    /// Finds the session of a refresh token, whichever of the session's it is. It must be of this client.
    pub async fn find(call: &Call, pool: &Pool, client: &Client, token: &SecretString) -> Result<Self, Fault> {
        let found = sessions::of_token(&call.services, &pool.id, token).await?;
        let (session, token) = found.filter(|(session, _)| session.client == client.id).ok_or_else(invalid)?;
        let user = users::by_sub(&call.services.store, pool, &session.sub).await?.ok_or_else(invalid)?;
        Ok(Self { token, session, user, shown: None })
    }

    /// At the token endpoint, with what its client has shown to hold; [`refresh`] binds the access token to it, and asks for it where the session's are bound.
    pub fn with(self, binding: &Binding, is_public: bool) -> Self {
        Self { shown: Some(Shown { binding: binding.clone(), is_public }), ..self }
    }

    /// The name whose SECRET_HASH a client with a secret must bring.
    pub fn username(&self) -> &str {
        &self.user.username
    }

    /// Space-separated scopes of the session's access tokens.
    pub fn scope(&self) -> &str {
        &self.session.scope
    }

    /// The resources that its access tokens are for.
    pub fn audience(&self) -> &[String] {
        &self.session.details.aud
    }

    /// A session of a device that was confirmed is refreshed by who knows the device (Cognito: "you must provide the confirmed device key").
    ///
    /// # Errors
    /// `NotAuthorizedException: Invalid Refresh Token.`, storage.
    pub async fn check_device(&self, call: &Call, pool: &Pool, named: Option<&str>) -> Result<(), Fault> {
        let Some(own) = self.session.device.as_deref().filter(|_| devices::are_tracked(pool)) else { return Ok(()) };
        if let Some(named) = named {
            return if named == own { Ok(()) } else { Err(invalid()) };
        }
        let confirmed = match DeviceKey::parse(own) {
            Some(key) => devices::find(&call.services.store, &self.user, &key).await?.is_some(),
            None => false,
        };
        if confirmed { Err(invalid()) } else { Ok(()) }
    }

    fn check(&mut self, call: &Call) -> Result<(), Fault> {
        if !self.user.enabled {
            return Err(SignInError::Disabled.into());
        }
        let (binding, is_public) = match &self.shown {
            Some(shown) => (&shown.binding, shown.is_public),
            None => (&Binding::NONE, true),
        };
        if !self.session.details.rebind(binding, is_public) {
            return Err(invalid());
        }
        self.session.check(self.user.valid_after, call.now).map_err(|dead| Fault::not_authorized(dead.to_string()))
    }
}

/// Mints again. The refresh token stays the same, or is replaced; its end doesn't move.
///
/// # Errors
/// `NotAuthorizedException` (revoked, expired, user disabled); `RefreshTokenReuseException` for a token that was replaced, with which
/// its session ends; storage.
pub async fn refresh(
    call: &Call,
    pool: &Pool,
    client: &Client,
    mut presented: Presented,
) -> Result<AuthenticationResultType, Fault> {
    if presented.shown.is_none() {
        clients::check_api(client)?;
    }
    let groups = groups_of(&call.services.store, &presented.user).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let Some(step) = step(call, client, &presented).await? else {
            return Err(reused(call, &presented.session).await?);
        };
        presented.check(call)?;
        let mint = mint_instant(&presented.user, call.now);
        let subject = Subject {
            pool,
            client,
            user: &presented.user,
            groups: &groups,
            session: &presented.session,
            asked: Asked::default(),
            event_id: &call.origin.request_id,
        };
        let prepared = Prepared::new(&subject, mint, call.now);
        let mut batch = Batch::new();
        batch.add(user_rows::note_mint(&presented.user, mint));
        let last = batch.add(step.guard);
        if pool.settings.tracks_sessions() {
            batch.add(session_rows::used(&presented.session, &call.user_at, call.now));
        }
        outcome = call.commit(Write::new(&pool.id, batch).about(presented.user.sub.as_str())).await;
        match &outcome {
            Ok(()) => return Ok(result(prepared.sign(&call.services.keys, pool).await?, step.refresh_token)),
            Err(CommitError::Missed { index }) if *index <= last => presented = again(call, pool, presented).await?,
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a refresh ended without an outcome"))
}

/// What a refresh does to its session, and the refresh token that is answered.
struct Step {
    guard: Statement,
    refresh_token: Option<SecretString>,
}

/// `None`: the token was used before.
async fn step(call: &Call, client: &Client, presented: &Presented) -> Result<Option<Step>, Fault> {
    let Presented { token, session, .. } = presented;
    let grace = client.settings.rotation_grace();
    // Later than the session was read. The instant of the call may be seconds older under load, and would look like a clock that was
    // set back to one that another call has rotated by.
    let now = call.services.now();
    let standing = Standing::of(session, token, now);
    if standing == Standing::Present && grace.is_none() {
        return Ok(Some(Step { guard: session_rows::unchanged(session), refresh_token: None }));
    }
    let key = call.services.pool_keys.key(&session.pool).await?;
    let successor = token.successor(&key, session).map_err(Fault::internal)?;
    let digest = codes::token_digest(successor.expose());
    let guard = match standing {
        Standing::Present => {
            let until = grace.filter(|grace| !grace.is_zero()).map(|grace| now.plus(grace));
            session_rows::rotate(session, &digest, now, until)
        }
        Standing::InGrace if digest == session.refresh_digest => session_rows::still_in_grace(session),
        Standing::InGrace | Standing::Reused => return Ok(None),
    };
    Ok(Some(Step { guard, refresh_token: Some(successor) }))
}

/// User and session as they are now: one of them has changed since they were read.
async fn again(call: &Call, pool: &Pool, presented: Presented) -> Result<Presented, Fault> {
    let Presented { token, session, user, shown } = presented;
    let store = &call.services.store;
    let row = store.one(session_rows::by_origin_jti(&pool.id, &session.origin_jti)).await?.ok_or_else(invalid)?;
    let user = users::by_sub(store, pool, &user.sub).await?.ok_or_else(invalid)?;
    Ok(Presented { token, session: session_rows::session(&row)?, user, shown })
}

/// Two hold tokens of one session, and one of them may have stolen it: it ends, for both (RFC 9700 §4.14.2). A session that has ended
/// already gets the same answer.
async fn reused(call: &Call, session: &Session) -> Result<Fault, Fault> {
    let exception = Exception::RefreshTokenReuse;
    if session.revoked.is_none() {
        sessions::end::session(call, session, Some(exception)).await?;
    }
    Ok(Fault::new(exception, "Refresh Token has been reused"))
}

fn invalid() -> Fault {
    Fault::not_authorized("Invalid Refresh Token.")
}
