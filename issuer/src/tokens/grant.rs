//! The tokens of something that is used up for them: a finished sign-in, an authorization code, a device code.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::secret::SecretString;
use uuid::Uuid;

use super::claims::{Asked, Prepared, Subject};
use crate::aws_json::{Call, Write};
use crate::clients::Client;
use crate::codes;
use crate::devices;
use crate::pools::Pool;
use crate::sessions::{Details, Rotation, Session, limit, rows as session_rows};
use crate::signin::{Seen, SignInError};
use crate::store::{Batch, CommitError, Statement, Store};
use crate::users::groups::{self, Group};
use crate::users::{self, Status, User, rows as user_rows};

/// How often minting begins anew when sign-outs of the same user keep running into it.
const TRIES: usize = 20;

/// What is granted, and to whom.
pub struct Granted<'a> {
    /// As it was read with what is used up.
    pub user: User,
    pub proven: Proven,
    /// `auth_time`
    pub authenticated: UnixMillis,
    /// Space-separated.
    pub scope: &'a str,
    pub details: Details,
    pub asked: Asked<'a>,
    /// The browser session (`sid`).
    pub parent: Option<&'a str>,
    /// The claim `device_key`.
    pub device: Option<&'a str>,
    /// The device that it comes from, where it is a known one: its row takes note.
    pub seen: Option<&'a Seen>,
    /// Whether there is a refresh token. Without one the session ends with its access token.
    pub refresh: bool,
}

/// When that was proven which a grant stands on, and so what a sign-out everywhere means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// By this very call. It goes on over a sign-out that comes meanwhile, but not over the end of what it proved.
    Now,
    /// At that time (the mint instant of then): it ends with whatever signs the user out.
    Earlier(UnixMillis),
}

/// Signed tokens, and what a client is told with them.
pub struct Minted {
    pub access: SecretString,
    pub id: Option<SecretString>,
    pub refresh: Option<SecretString>,
    /// Seconds that the access token lives.
    pub expires_in: i32,
    pub scope: String,
}

/// Why nothing was minted.
#[derive(Debug)]
pub enum GrantError {
    /// This statement of those that use something up missed: it was used meanwhile. Nothing is stored.
    Uses(usize),
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for GrantError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Mints access, ID and refresh token (steps 1 to 4 of the module's text). `uses`, for the session's `origin_jti`: what is used up, first in
/// the batch.
///
/// # Errors
/// [`GrantError::Uses`]; `NotAuthorizedException` where the user was disabled or signed out; storage.
pub async fn grant(
    call: &Call,
    pool: &Pool,
    client: &Client,
    mut granted: Granted<'_>,
    uses: impl Fn(&str) -> Vec<Statement>,
) -> Result<Minted, GrantError> {
    let token = codes::opaque_token().map_err(Fault::internal)?;
    let groups = groups_of(&call.services.store, &granted.user).await?;
    granted.proven.still_holds(&granted.user)?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let room = limit::room(&call.services.store, pool, &granted.user, call.now).await?;
        let mint = mint_instant(&granted.user, call.now);
        let session = session(call, pool, client, &granted, &token, mint);
        let subject = Subject {
            pool,
            client,
            user: &granted.user,
            groups: &groups,
            session: &session,
            asked: granted.asked,
            event_id: &call.origin.request_id,
        };
        let prepared = Prepared::new(&subject, mint, call.now);
        let mut batch = Batch::new();
        let used = batch.extend(uses(&session.origin_jti));
        let guard = batch.add(user_rows::note_mint(&granted.user, mint));
        batch.extend(room.statements);
        let inserted = batch.add(session_rows::insert(&session));
        // After the session: who ends the device's sessions changes its row first, and one of the two misses.
        let forgotten = granted.seen.map(|seen| batch.add(note(seen, &granted.user, call)));
        let write = Write::new(&pool.id, batch).about(session.sub.as_str()).changes(room.changes);
        outcome = call.commit(write).await;
        match &outcome {
            Ok(()) => {
                let signed = prepared.sign(&call.services.keys, pool).await?;
                return Ok(Minted {
                    access: signed.access,
                    id: signed.id,
                    refresh: granted.refresh.then_some(token),
                    expires_in: signed.expires_in,
                    scope: session.scope,
                });
            }
            Err(CommitError::Missed { index }) if *index == guard => {
                granted.user = granted.proven.meanwhile(call, pool, granted.user).await?;
            }
            // Another of the user's sessions began or ended since they were counted.
            Err(CommitError::Missed { index }) if *index > guard && *index < inserted => {}
            Err(CommitError::Missed { index }) if *index >= used && *index < guard => {
                return Err(GrantError::Uses(*index - used));
            }
            Err(CommitError::Missed { index }) if Some(*index) == forgotten => return Err(devices::absent().into()),
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("minting ended without an outcome").into())
}

fn session(
    call: &Call,
    pool: &Pool,
    client: &Client,
    granted: &Granted<'_>,
    token: &SecretString,
    mint: UnixMillis,
) -> Session {
    let life = if granted.refresh { client.settings.refresh_token_life() } else { client.settings.access_token_life() };
    Session {
        pool: pool.id.clone(),
        origin_jti: Uuid::new_v4().to_string(),
        sub: granted.user.sub.clone(),
        client: client.id.clone(),
        refresh_digest: codes::token_digest(token.expose()),
        scope: granted.scope.to_owned(),
        minted: mint,
        authenticated: granted.authenticated,
        expires: call.now.plus(life),
        revoked: None,
        rotation: Rotation::default(),
        parent: granted.parent.map(str::to_owned),
        device: granted.device.map(str::to_owned),
        active: Some(mint),
        seen: pool.settings.tracks_sessions().then(|| call.user_at.clone()),
        details: granted.details.clone(),
    }
}

/// The sign-in in the device's row. Trust in one that was proven rests on the password of now: whatever was asked beside it, was proven too.
fn note(seen: &Seen, user: &User, call: &Call) -> Statement {
    let trust = seen.proven.then(|| devices::rules::ground(user));
    devices::rows::seen(&seen.device, &call.user_at.address.to_string(), trust, call.now)
}

/// max(now, `valid_after` + 1 ms): never at or before the last sign-out, also when the clock steps back.
pub fn mint_instant(user: &User, now: UnixMillis) -> UnixMillis {
    now.max(UnixMillis(user.valid_after.0.saturating_add(1)))
}

pub(super) async fn groups_of(store: &Store, user: &User) -> Result<Vec<Group>, Fault> {
    let rows = store.read(groups::of_user(&user.pool, &user.sub)).await?;
    Ok(rows.iter().map(groups::group).collect::<Result<_, _>>()?)
}

impl Proven {
    fn still_holds(self, user: &User) -> Result<(), SignInError> {
        match self {
            Self::Earlier(_) if !user.enabled => Err(SignInError::Disabled),
            Self::Earlier(at) if at <= user.valid_after => Err(SignInError::Session),
            _ => Ok(()),
        }
    }

    /// The user as the row is now, if the grant still stands: it was signed out, disabled or deleted since it was read.
    async fn meanwhile(self, call: &Call, pool: &Pool, read: User) -> Result<User, Fault> {
        let fresh = users::by_sub(&call.services.store, pool, &read.sub).await?;
        Ok(match self {
            Self::Now => still_proven(read, fresh)?,
            Self::Earlier(_) => {
                let fresh = fresh.ok_or(SignInError::Session)?;
                self.still_holds(&fresh)?;
                fresh
            }
        })
    }
}

/// The user of a proof that was made just now, as the row is: it has changed since it was read.
///
/// # Errors
/// `NotAuthorizedException` where the proof does not hold any more; storage.
pub async fn meanwhile(call: &Call, pool: &Pool, read: User) -> Result<User, Fault> {
    Proven::Now.meanwhile(call, pool, read).await
}

/// The user with the mark that a sign-out set since the proof was made. A sign-in goes on over a sign-out, but not over the end of what it
/// proved: another password, a disabled user, none.
fn still_proven(proven: User, fresh: Option<User>) -> Result<User, SignInError> {
    match fresh {
        Some(fresh) if !fresh.enabled => Err(SignInError::Disabled),
        // An administrator demanded another password meanwhile; the hash is still the old one.
        Some(fresh) if fresh.status == Status::ResetRequired => Err(SignInError::ResetRequired),
        Some(fresh) if fresh.has_same_password(&proven) => Ok(User { valid_after: fresh.valid_after, ..proven }),
        _ => Err(SignInError::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::model::Credentials;

    fn with_password(hash: &str) -> User {
        let credentials = Credentials { password_hash: hash.into(), sealed_srp_verifier: None };
        User { credentials: Some(credentials), ..User::sample() }
    }

    #[test]
    fn a_sign_in_goes_on_over_a_sign_out_only() {
        let signed_out = User { valid_after: UnixMillis(7), ..with_password("one") };
        let goes_on = still_proven(with_password("one"), Some(signed_out)).unwrap();
        assert_eq!(goes_on.valid_after, UnixMillis(7));
        let disabled = User { enabled: false, ..with_password("one") };
        assert!(matches!(still_proven(with_password("one"), Some(disabled)), Err(SignInError::Disabled)));
        let reset = User { status: Status::ResetRequired, ..with_password("one") };
        assert!(matches!(still_proven(with_password("one"), Some(reset)), Err(SignInError::ResetRequired)));
        for other in [Some(with_password("two")), Some(User::sample()), None] {
            assert!(matches!(still_proven(with_password("one"), other), Err(SignInError::Refused)));
        }
    }

    #[test]
    fn a_mint_is_after_the_last_sign_out() {
        let user = User { valid_after: UnixMillis(1_000), ..User::sample() };
        assert_eq!(mint_instant(&user, UnixMillis(1_000)), UnixMillis(1_001));
        assert_eq!(mint_instant(&user, UnixMillis(5)), UnixMillis(1_001));
        assert_eq!(mint_instant(&user, UnixMillis(5_000)), UnixMillis(5_000));
    }
    #[test]
    fn what_was_proven_earlier_ends_with_a_sign_out() {
        let user = User { valid_after: UnixMillis(10), ..User::sample() };
        assert!(Proven::Earlier(UnixMillis(11)).still_holds(&user).is_ok());
        assert!(matches!(Proven::Earlier(UnixMillis(10)).still_holds(&user), Err(SignInError::Session)));
        let disabled = User { enabled: false, ..user };
        assert!(matches!(Proven::Earlier(UnixMillis(11)).still_holds(&disabled), Err(SignInError::Disabled)));
        // Its own guard says so, with the words of a sign-in.
        assert!(Proven::Now.still_holds(&disabled).is_ok());
    }
}
