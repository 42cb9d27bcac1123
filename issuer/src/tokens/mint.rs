//! The tokens of a finished sign-in.

use cognito_model::Fault;
use cognito_model::idp::types::AuthenticationResultType;
use common::clock::UnixMillis;
use common::secret::SecretString;
use uuid::Uuid;

use super::claims::{Prepared, Signed, Subject};
use crate::aws_json::{Call, Write};
use crate::clients::Client;
use crate::codes;
use crate::devices;
use crate::pools::Pool;
use crate::sessions::{Rotation, Session, limit, rows as session_rows};
use crate::signin::{Authenticated, Seen, SignInError};
use crate::store::{Batch, CommitError, Statement, Store};
use crate::users::groups::{self, Group};
use crate::users::{self, Status, User, rows as user_rows};

/// The scope of sign-ins through the API (Cognito).
pub(super) const API_SCOPE: &str = "aws.cognito.signin.user.admin";
/// How often minting begins anew when sign-outs of the same user keep running into it.
const TRIES: usize = 20;

/// Mints access, ID and refresh token (steps 1 to 4 of the module's text).
pub async fn mint(
    call: &Call,
    pool: &Pool,
    client: &Client,
    proof: Authenticated,
) -> Result<AuthenticationResultType, Fault> {
    let (mut user, at, seen) = (proof.user().clone(), proof.at(), proof.device().cloned());
    let offer = match &seen {
        None if devices::are_tracked(pool) => {
            Some(devices::offer(&pool.id, &*call.services.pool_keys.key(&pool.id).await?))
        }
        _ => None,
    };
    let device = seen.as_ref().map(|seen| &seen.device.key).or(offer.as_ref().map(|offer| &offer.key));
    let statements = proof.into_statements();
    let refresh_token = codes::opaque_token().map_err(Fault::internal)?;
    let groups = groups_of(&call.services.store, &user).await?;
    let tracked = pool.settings.tracks_sessions();
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let room = limit::room(&call.services.store, pool, &user, call.now).await?;
        let mint = mint_instant(&user, call.now);
        let session = Session {
            pool: pool.id.clone(),
            origin_jti: Uuid::new_v4().to_string(),
            sub: user.sub.clone(),
            client: client.id.clone(),
            refresh_digest: codes::token_digest(refresh_token.expose()),
            scope: API_SCOPE.to_owned(),
            minted: mint,
            authenticated: at,
            expires: call.now.plus(client.settings.refresh_token_life()),
            revoked: None,
            rotation: Rotation::default(),
            parent: None,
            device: device.map(|key| key.as_str().to_owned()),
            active: Some(mint),
            seen: tracked.then(|| call.user_at.clone()),
        };
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
        let used = batch.extend(statements.iter().cloned());
        let guard = batch.add(user_rows::note_mint(&user, mint));
        batch.extend(room.statements);
        let inserted = batch.add(session_rows::insert(&session));
        // After the session: who ends the device's sessions changes its row first, and one of the two misses.
        let forgotten = seen.as_ref().map(|seen| batch.add(note(seen, &user, call)));
        let write = Write::new(&pool.id, batch).about(user.sub.as_str()).changes(room.changes);
        outcome = call.commit(write).await;
        match &outcome {
            Ok(()) => {
                let signed = prepared.sign(&call.services.keys, pool).await?;
                let new_device_metadata = offer.map(|offer| offer.describe());
                return Ok(AuthenticationResultType { new_device_metadata, ..result(signed, Some(refresh_token)) });
            }
            Err(CommitError::Missed { index }) if *index == guard => {
                user = signed_out_meanwhile(call, pool, user).await?
            }
            // Another of the user's sessions began or ended since they were counted.
            Err(CommitError::Missed { index }) if *index > guard && *index < inserted => {}
            // The attempt was used by another answer, or the user changed under it.
            Err(CommitError::Missed { index }) if *index >= used && *index < guard => {
                return Err(SignInError::Session.into());
            }
            Err(CommitError::Missed { index }) if Some(*index) == forgotten => return Err(devices::absent()),
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("minting ended without an outcome"))
}

/// The sign-in in the device's row. Trust in one that was proven rests on the password of now: whatever was asked beside it, was proven too.
fn note(seen: &Seen, user: &User, call: &Call) -> Statement {
    let trust = seen.proven.then(|| devices::rules::ground(user));
    devices::rows::seen(&seen.device, &call.user_at.address.to_string(), trust, call.now)
}

/// max(now, `valid_after` + 1 ms): never at or before the last sign-out, also when the clock steps back.
pub(super) fn mint_instant(user: &User, now: UnixMillis) -> UnixMillis {
    now.max(UnixMillis(user.valid_after.0.saturating_add(1)))
}

pub(super) async fn groups_of(store: &Store, user: &User) -> Result<Vec<Group>, Fault> {
    let rows = store.read(groups::of_user(&user.pool, &user.sub)).await?;
    Ok(rows.iter().map(groups::group).collect::<Result<_, _>>()?)
}

pub(super) fn result(signed: Signed, refresh_token: Option<SecretString>) -> AuthenticationResultType {
    AuthenticationResultType {
        access_token: Some(signed.access),
        expires_in: Some(signed.expires_in),
        id_token: Some(signed.id),
        refresh_token,
        token_type: Some("Bearer".to_owned()),
        ..AuthenticationResultType::default()
    }
}

/// The user with the mark that a sign-out set since the proof was made.
async fn signed_out_meanwhile(call: &Call, pool: &Pool, proven: User) -> Result<User, Fault> {
    let fresh = users::by_sub(&call.services.store, pool, &proven.sub).await?;
    Ok(still_proven(proven, fresh)?)
}

/// A sign-in goes on over a sign-out, but not over the end of what it proved: another password, a disabled user, none.
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
}
