//! The answer to an authorization request that nothing stands in the way of.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use axum::response::Response;
use cognito_model::Fault;

use super::consents;
use super::decide::Known;
use super::error::{AuthCode, AuthError};
use super::{Asked, Refusal};
use crate::aws_json::{Call, Write};
use crate::clients::oauth::Profile;
use crate::domains::Site;
use crate::html::Jar;
use crate::oauth::state::OAuth;
use crate::oauth::{codes, devices, par};
use crate::sessions::{BrowserSession, Details, browser};
use crate::store::{Batch, CommitError, Statement};
use crate::tokens;
use crate::tokens::grant::{GrantError, Granted, Minted, Proven, grant as mint};
use crate::users;

/// The cookie of browser sessions.
pub const SESSION_COOKIE: &str = "tg-session";

/// The session of the browser that asks, if it lives, and what is known of its user and the client.
///
/// # Errors
/// Storage.
pub async fn known<'a>(
    oauth: &OAuth,
    site: &Site,
    call: &Call,
    headers: &HeaderMap,
    asked: &'a Asked,
) -> Result<(Known<'a>, Option<BrowserSession>), Refusal> {
    let store = &oauth.services.store;
    let hint = asked.hint.as_ref().map(|hint| &hint.sub);
    let nothing = Known { hint, ..Known::default() };
    let Some(cookie) = Jar::of(headers, site.is_plain()).get(SESSION_COOKIE) else { return Ok((nothing, None)) };
    let Some(session) = browser::of_cookie(store, &asked.pool.id, cookie).await? else { return Ok((nothing, None)) };
    let user = users::by_sub(store, &asked.pool, &session.sub).await.map_err(Fault::from)?;
    let lives = user.is_some_and(|user| user.enabled && session.is_alive(user.valid_after, call.now));
    if !lives {
        return Ok((nothing, None));
    }
    let consented = !asked.client.settings.oauth.third_party || has_consented(oauth, asked, &session).await?;
    Ok((Known { consented, ..nothing }, Some(session)))
}

/// Whether the user has allowed the client all that it asks for.
///
/// # Errors
/// Storage.
pub async fn has_consented(oauth: &OAuth, asked: &Asked, session: &BrowserSession) -> Result<bool, Fault> {
    let store = &oauth.services.store;
    let given = consents::given(store, &asked.pool.id, &session.sub, &asked.client.id).await?;
    Ok(asked.request.scope.iter().all(|scope| given.contains(scope)))
}

/// Keeps that the user allows the client what it asks for.
///
/// # Errors
/// Storage.
pub async fn consent(call: &Call, asked: &Asked, session: &BrowserSession) -> Result<(), Fault> {
    let (pool, client) = (&asked.pool.id, &asked.client.id);
    let mut given: BTreeSet<String> = consents::given(&call.services.store, pool, &session.sub, client).await?;
    given.extend(asked.request.scope.iter().cloned());
    let mut batch = Batch::new();
    batch.add(consents::give(pool, &session.sub, client, &given, call.now));
    Ok(call.commit(Write::new(pool, batch).about(session.sub.as_str())).await?)
}

/// Gives what is asked for, and uses a pushed request up in the same batch.
///
/// # Errors
/// [`Refusal`]: the session or the request ended meanwhile; storage.
pub async fn grant(call: &Call, asked: &Asked, session: &BrowserSession, by_post: bool) -> Result<Response, Refusal> {
    let Asked { pool, client, request, to, .. } = asked;
    let details = details(asked, session);
    let mut uses = vec![browser::goes_on(&pool.id, &session.sid)];
    uses.extend(asked.pushed.iter().map(|uri| par::used(&pool.id, uri)));
    let mut parameters: Vec<(&'static str, String)> = Vec::new();
    let mut code = None;
    if request.wanted.code {
        let grant = codes::Grant {
            sub: session.sub.clone(),
            sid: Some(session.sid.clone()),
            redirect_uri: to.redirect_uri.clone(),
            redirect_given: request.redirect_given,
            scope: request.scope.join(" "),
            nonce: request.nonce.clone(),
            challenge: request.challenge,
            authenticated: session.authenticated,
            minted: session.minted,
            details: details.clone(),
        };
        let (text, statement) = codes::issue(client, &grant, call.now)?;
        uses.push(statement);
        parameters.push(("code", text.expose().to_owned()));
        code = Some(text);
    }
    if let Some(device) = &asked.device {
        uses.push(devices::allow(&pool.id, device, session, &details, call.now));
        parameters.push(("done", "1".to_owned()));
    }
    if !request.wanted.is_by_fragment() {
        commit(call, asked, session, uses).await?;
        return Ok(to.send(parameters, by_post));
    }
    let user = users::by_sub(&call.services.store, pool, &session.sub).await.map_err(Fault::from)?;
    let user = user.ok_or_else(|| over(asked))?;
    let granted = Granted {
        user,
        proven: Proven::Earlier(session.minted),
        authenticated: session.authenticated,
        scope: &request.scope.join(" "),
        details,
        asked: tokens::Asked {
            nonce: request.nonce.as_deref(),
            code: code.as_ref().map(|code| code.expose()),
            alone: !request.wanted.token && !request.wanted.code,
        },
        parent: Some(&session.sid),
        device: None,
        seen: None,
        refresh: false,
    };
    let minted = mint(call, pool, client, granted, |_| uses.clone()).await;
    let Minted { access, id, expires_in, .. } = minted.map_err(|error| match error {
        GrantError::Uses(_) => over(asked),
        GrantError::Fault(fault) if fault.status() < 500 => over(asked),
        GrantError::Fault(fault) => Refusal::from(fault),
    })?;
    if request.wanted.token {
        parameters.push(("access_token", access.expose().to_owned()));
        parameters.push(("token_type", "Bearer".to_owned()));
        parameters.push(("expires_in", expires_in.to_string()));
    }
    // Cognito gives an ID token beside `token`, too.
    let is_cognito = client.settings.oauth.profile == Profile::Cognito;
    let id = id.filter(|_| request.wanted.id_token || (request.wanted.token && is_cognito));
    parameters.extend(id.map(|id| ("id_token", id.expose().to_owned())));
    Ok(to.send(parameters, by_post))
}

async fn commit(
    call: &Call,
    asked: &Asked,
    session: &BrowserSession,
    statements: Vec<Statement>,
) -> Result<(), Refusal> {
    let mut batch = Batch::new();
    batch.extend(statements);
    match call.commit(Write::new(&asked.pool.id, batch).about(session.sub.as_str())).await {
        Err(CommitError::Missed { .. }) => Err(over(asked)),
        outcome => outcome.map_err(|error| Fault::from(error).into()),
    }
}

/// The session, or the pushed request, has ended since it was read.
fn over(asked: &Asked) -> Refusal {
    let text = "The session or the request has ended.";
    match (&asked.pushed, &asked.device) {
        (Some(_), _) | (_, Some(_)) => Refusal::Page(text.into()),
        (None, None) => Refusal::Client(Box::new(asked.to.clone()), AuthError::new(AuthCode::LoginRequired, text)),
    }
}

fn details(asked: &Asked, session: &BrowserSession) -> Details {
    let Asked { client, request, .. } = asked;
    let settings = &client.settings.oauth;
    let is_openid = settings.profile == Profile::Openid;
    let says_how = is_openid || !request.acr_values.is_empty();
    Details {
        version: Some(2),
        aud: match (request.resources.is_empty(), is_openid) {
            // RFC 9068 §3: a default, where no resource was asked for.
            (true, true) => vec![asked.pool.iss.clone()],
            _ => request.resources.clone(),
        },
        sid: is_openid || settings.back_channel.is_some() || settings.front_channel.is_some(),
        acr: says_how.then(|| session.acr.clone()),
        amr: if says_how { session.amr.clone() } else { Vec::new() },
        jkt: request.dpop_jkt.clone(),
        x5t: None,
        profile: settings.profile,
    }
}
