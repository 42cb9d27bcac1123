//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6).
//!
//! A code that is shown with anything wrong is used up and gives nothing (SECURITY.md I07); one that is shown again ends the session that it gave
//! (I06), the first access token with it.

use cognito_model::Fault;
use common::secret::{SecretString, constant_time_eq};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::{answer, check_resources};
use crate::aws_json::Call;
use crate::clients::Client;
use crate::oauth::client::Proven;
use crate::oauth::codes::{self, Found, Stored};
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::form::Form;
use crate::pools::Pool;
use crate::sessions::{Binding, browser, end, rows as session_rows};
use crate::store::Batch;
use crate::tokens::Asked;
use crate::tokens::grant::{GrantError, Granted, Proven as Earlier, grant as mint};
use crate::users;

pub async fn grant(call: &Call, proven: &Proven, form: &Form, binding: &Binding) -> Result<Value, OAuthError> {
    let Proven { pool, client, .. } = proven;
    let code = form.demand("code")?;
    let found = codes::find(&call.services.store, &pool.id, code.expose(), call.now).await.map_err(failed)?;
    let stored = match found {
        Found::Absent => return Err(refused()),
        Found::Used { origin_jti } => return Err(again(call, pool, origin_jti.as_deref()).await),
        Found::Live(stored) => stored,
    };
    if let Err(error) = check(&stored, client, form, binding) {
        burn(call, pool, &stored).await?;
        return Err(error);
    }
    let grant = stored.grant();
    let user = users::by_sub(&call.services.store, pool, &grant.sub).await.map_err(|error| failed(error.into()))?;
    let granted = Granted {
        user: user.ok_or_else(refused)?,
        proven: Earlier::Earlier(grant.minted),
        authenticated: grant.authenticated,
        scope: &grant.scope,
        details: grant.details.clone().bound(binding),
        asked: Asked { nonce: grant.nonce.as_deref(), ..Asked::default() },
        parent: grant.sid.as_deref(),
        device: None,
        seen: None,
        refresh: client.settings.gives_refresh_tokens(),
    };
    let uses = |origin_jti: &str| {
        let session = grant.sid.as_ref().map(|sid| browser::goes_on(&pool.id, sid));
        [stored.redeem(origin_jti, call.now)].into_iter().chain(session).collect()
    };
    match mint(call, pool, client, granted, uses).await {
        Ok(minted) => Ok(answer::tokens(client, minted, binding)),
        // Somebody else was first with it.
        Err(GrantError::Uses(0)) => {
            let found = codes::find(&call.services.store, &pool.id, code.expose(), call.now).await.map_err(failed)?;
            match found {
                Found::Used { origin_jti } => Err(again(call, pool, origin_jti.as_deref()).await),
                Found::Absent | Found::Live(_) => Err(refused()),
            }
        }
        // The browser session has ended.
        Err(GrantError::Uses(_)) => Err(refused()),
        Err(GrantError::Fault(fault)) => Err(OAuthError::of(Code::InvalidGrant, fault)),
    }
}

/// Whether it is shown as it was given out.
fn check(stored: &Stored, client: &Client, form: &Form, binding: &Binding) -> Result<(), OAuthError> {
    let grant = stored.grant();
    let same_uri = match form.one("redirect_uri") {
        Some(uri) => uri == grant.redirect_uri,
        None => !grant.redirect_given,
    };
    // RFC 9449 §10: the request said whose the code would be.
    let same_key = grant.details.jkt.is_none() || grant.details.jkt == binding.jkt;
    if *stored.client() != client.id || !same_uri || !same_key {
        return Err(refused());
    }
    check_resources(form, &grant.details.aud)?;
    match (&grant.challenge, form.secret("code_verifier")) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            let shown = digest(&SHA256, verifier.expose().as_bytes());
            if constant_time_eq(shown.as_ref(), challenge) { Ok(()) } else { Err(refused()) }
        }
        // Also a verifier where the request had no challenge (RFC 9700 §2.1.1: a downgrade).
        _ => Err(refused()),
    }
}

/// RFC 7636 §4.1.
fn is_verifier(verifier: &SecretString) -> bool {
    let text = verifier.expose();
    let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

async fn burn(call: &Call, pool: &Pool, stored: &Stored) -> Result<(), OAuthError> {
    let mut batch = Batch::new();
    batch.add(stored.burn(call.now));
    match call.services.store.commit(batch).await {
        Ok(()) | Err(crate::store::CommitError::Missed { .. }) => Ok(()),
        Err(error) => Err(failed(error.into())),
    }
    .inspect_err(|_| tracing::warn!(pool = pool.id.as_str(), "a code that was shown wrongly could not be used up"))
}

/// It was used before: who uses it now, or did then, has stolen it.
async fn again(call: &Call, pool: &Pool, origin_jti: Option<&str>) -> OAuthError {
    let ended = async {
        let Some(origin_jti) = origin_jti else { return Ok(()) };
        let row = call.services.store.one(session_rows::by_origin_jti(&pool.id, origin_jti)).await?;
        let Some(row) = row else { return Ok(()) };
        let session = session_rows::session(&row)?;
        let refusal = Some(cognito_model::Exception::NotAuthorized);
        Ok::<_, Fault>(end::session(call, &session, refusal).await?)
    };
    match ended.await {
        Ok(()) => refused(),
        Err(fault) => failed(fault),
    }
}

fn refused() -> OAuthError {
    OAuthError::new(Code::InvalidGrant, "The code is unknown, over, used, or not for this request.")
}

fn failed(fault: Fault) -> OAuthError {
    OAuthError::of(Code::InvalidGrant, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_have_the_length_and_letters_of_the_rfc() {
        let good = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        for verifier in [good, &"~".repeat(128)] {
            assert!(is_verifier(&SecretString::new(verifier)));
        }
        for verifier in
            ["", &good[1..], &"a".repeat(129), &format!("{good}="), &format!("{good} "), &good.replace('m', "ü")]
        {
            assert!(!is_verifier(&SecretString::new(verifier)), "{verifier}");
        }
    }
}
