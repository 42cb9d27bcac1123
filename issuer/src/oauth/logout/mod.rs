//! `/logout`: Cognito's form of it (`client_id` with `logout_uri`, or with `redirect_uri`) and OpenID Connect RP-Initiated Logout 1.0.
//!
//! The browser session ends, and with it every session that apps got by it, here and at the edges. Invariants: nobody is sent to a URI that the
//! client has not registered (SECURITY.md I02); who brings no ID token of the session is asked, but for Cognito's form (I11).

mod asked;
mod front_channel;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use cognito_model::Fault;
use common::ids::ClientId;

use self::asked::{Asked, Goal};
use super::authorize::{Refusal, SESSION_COOKIE, redirect};
use super::back_channel;
use super::form::Form;
use super::forms::{self, Forms};
use super::state::OAuth;
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::domains::Site;
use crate::html::{Cookie, Jar, Page, Safe};
use crate::pools::{self, Pool};
use crate::sessions::{BrowserSession, browser, end};

const STEP: &str = "/logout";

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Logout_GET", &head);
    recorded(&oauth, &site, &call, &head, body).await
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Logout_POST", &head);
    recorded(&oauth, &site, &call, &head, body).await
}

async fn recorded(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Response {
    let outcome = answered(oauth, site, call, head, body).await;
    let fault = outcome.as_ref().err().map(Refusal::fault);
    call.record(Some(site.pool.as_str()), fault.as_ref()).await;
    outcome.unwrap_or_else(|refusal| refusal.answer(head.method == Method::POST))
}

async fn answered(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Response, Refusal> {
    // Ending a session is never held up by many who sign in.
    oauth.door.take("Logout_GET", &site.pool)?;
    let unreadable = |_| Refusal::Page("The request could not be read.".into());
    let in_query = Form::parse(head.uri.query().unwrap_or_default().as_bytes()).map_err(unreadable)?;
    let in_body = match head.method {
        Method::POST => Some(Form::read(&head.headers, body).await.map_err(unreadable)?),
        _ => None,
    };
    let pool = pools::find(&oauth.services.store, &site.pool).await.map_err(Fault::from)?;
    let forms = Forms::of(&oauth.services, site, &head.headers).await?;
    // The form of our own page has the request in its query; an app's POST has it in the body.
    let query = in_query.to_query();
    let is_confirmed = in_body.as_ref().is_some_and(|body| forms.is_good(body, &query, STEP, call.now));
    let form = match &in_body {
        Some(body) if query.is_empty() => body,
        _ => &in_query,
    };
    let asked = Asked::read(oauth, site, call, &pool, form).await?;
    let session = session(oauth, site, head, &asked).await?;
    if let Some(session) = session {
        if !is_confirmed && !asked.may_end(&session) {
            return Ok(forms.keep(confirm(&forms, call, &form.to_query())));
        }
        let apps = apps(oauth, &pool, &session).await?;
        let tell = |client: &ClientId| {
            let app = apps.iter().find(|app| app.id == *client);
            app.and_then(|app| back_channel::notice(app, &session, call.now)).into_iter().collect()
        };
        end::browser(call, &session, &tell).await?;
        let frames = front_channel::urls(&pool, &session, &apps);
        return Ok(gone(site, left(&asked, &frames, head)));
    }
    Ok(gone(site, left(&asked, &[], head)))
}

/// The browser's session, else the one that the hint names: an app's POST comes without the cookie.
async fn session(oauth: &OAuth, site: &Site, head: &Parts, asked: &Asked) -> Result<Option<BrowserSession>, Refusal> {
    let store = &oauth.services.store;
    let of_cookie = match Jar::of(&head.headers, site.is_plain()).get(SESSION_COOKIE) {
        Some(cookie) => browser::of_cookie(store, &site.pool, cookie).await?,
        None => None,
    };
    if of_cookie.is_some() {
        return Ok(of_cookie);
    }
    match asked.hint.as_ref().and_then(|hint| hint.sid.as_deref()) {
        Some(sid) => Ok(browser::of_sid(store, &site.pool, sid).await?),
        None => Ok(None),
    }
}

/// The clients of the session's apps.
async fn apps(oauth: &OAuth, pool: &Pool, session: &BrowserSession) -> Result<Vec<Client>, Fault> {
    let found = end::apps(&oauth.services.store, session, end::MOST_AT_ONCE).await?;
    let ids: BTreeSet<ClientId> = found.into_iter().map(|(_, client)| client).collect();
    let mut apps = Vec::new();
    for id in ids {
        if let Some(row) = oauth.services.store.one(clients::rows::by_id(&pool.id, &id)).await? {
            apps.push(clients::rows::client(&row)?);
        }
    }
    Ok(apps)
}

/// Where the browser goes, after the pages of apps that want to hear of it.
fn left(asked: &Asked, frames: &[String], head: &Parts) -> Response {
    let status = if head.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let target = match &asked.goal {
        Goal::Nothing => None,
        Goal::Uri(uri) => Some(uri.clone()),
    };
    match target {
        Some(target) if frames.is_empty() => redirect(status, &target),
        target => {
            let said = Safe::constant("<p>You are signed out.</p>");
            let content = frames.iter().fold(said, |all, url| {
                all.and(Safe::constant("<iframe hidden src=\""))
                    .and(Safe::text(url))
                    .and(Safe::constant("\"></iframe>"))
            });
            let onward = target.as_ref().map_or_else(Safe::default, |target| {
                Safe::constant("<p><a href=\"").and(Safe::text(target)).and(Safe::constant("\">Go on</a></p>"))
            });
            Page::new("Signed out", content.and(onward))
                .framing(frames.iter().filter_map(|url| front_channel::origin(url)), target)
                .answer(StatusCode::OK)
        }
    }
}

fn confirm(forms: &Forms, call: &Call, query: &str) -> Response {
    let content = Safe::constant("<p>Do you want to sign out?</p><form method=\"post\" action=\"/logout?")
        .and(Safe::text(query))
        .and(Safe::constant("\">"))
        .and(forms.field(query, STEP, call.now))
        .and(Safe::constant("<button>Sign out</button></form>"));
    Page::new("Sign out", content).answer(StatusCode::OK)
}

fn gone(site: &Site, response: Response) -> Response {
    forms::set(response, &Cookie::gone(SESSION_COOKIE), site.is_plain())
}
