//! `/consent`: whether an app of others may learn and do what it asks for (SECURITY.md I11).

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::parts::{about, alert, form, paragraph};
use super::signed_in::start_again;
use super::step::Step;
use super::visit::{Stop, Visit, ended};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::{Page, Safe};
use crate::oauth::OAuth;
use crate::oauth::authorize::{self, AuthCode, AuthError, Known, Next};
use crate::sessions::BrowserSession;

const STEP: &str = "/consent";

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
    let call = oauth.call("Consent_GET", &head);
    let outcome = show(oauth, site.clone(), call.clone(), &head).await;
    ended(&call, &site, false, outcome).await
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Consent_POST", &head);
    let outcome = answer(oauth, site.clone(), call.clone(), &head, body).await;
    ended(&call, &site, true, outcome).await
}

async fn show(oauth: OAuth, site: Site, call: Call, head: &Parts) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    match stands(&visit).await? {
        (Next::Consent, Some(_)) => Ok(visit.page(&ask(&visit, None), StatusCode::OK)),
        (Next::Grant, Some(session)) => {
            let granted = authorize::grant(&visit.call, &visit.asked, &session, false).await?;
            Ok(visit.without_step(granted))
        }
        (Next::Refuse(error), _) => Ok(visit.without_step(visit.asked.to.error(&error, false))),
        _ => Ok(start_again(&visit)),
    }
}

async fn answer(oauth: OAuth, site: Site, call: Call, head: &Parts, body: Body) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    let form = visit.form(body, STEP, |text| ask(&visit, Some(text))).await?;
    let (next, session) = stands(&visit).await?;
    let (Next::Consent | Next::Grant, Some(session)) = (next, session) else { return Ok(start_again(&visit)) };
    if form.one("decision") != Some("allow") {
        let error = AuthError::new(AuthCode::AccessDenied, "The user has refused.");
        let response = visit.without_step(authorize::refuse(&visit.call, &visit.asked, &error, true).await?);
        return Err(Stop::Shown(Box::new(response), Box::new(error.fault())));
    }
    authorize::consent(&visit.call, &visit.asked, &session).await?;
    let granted = authorize::grant(&visit.call, &visit.asked, &session, true).await?;
    Ok(visit.without_step(granted))
}

/// What the request still needs, with the browser's session.
async fn stands(visit: &Visit) -> Result<(Next, Option<BrowserSession>), Stop> {
    let Visit { oauth, site, call, asked, headers, .. } = visit;
    let (known, session) = authorize::known(oauth, site, call, headers, asked).await?;
    let signed_in = match (visit.step(), &session) {
        (Some(Step::SignedIn { sid }), Some(session)) => sid == session.sid,
        _ => false,
    };
    let known = Known { session: session.as_ref(), signed_in, ..known };
    Ok((authorize::next(&asked.client, &asked.request, known, call.now), session))
}

fn ask(visit: &Visit, wrong: Option<&str>) -> Page {
    let client = &visit.asked.client;
    let scopes = visit.asked.request.scope.iter().fold(Safe::constant("<ul>"), |all, scope| {
        all.and(Safe::constant("<li>")).and(Safe::text(&words(scope))).and(Safe::constant("</li>"))
    });
    let to = match &visit.asked.device {
        // RFC 8628 §5.4: who was sent a code by somebody else allows somebody else's device.
        Some(_) => paragraph("Allow it only if you began this yourself, on a device that you have before you."),
        None => paragraph(&format!("It gets them at {}.", visit.asked.to.redirect_uri)),
    };
    let buttons = visit.token(STEP).and(Safe::constant("<button name=\"decision\" value=\"allow\">Allow</button>"));
    let content = paragraph(&format!("{} wants to:", client.name))
        .and(scopes.and(Safe::constant("</ul>")))
        .and(to)
        .and(about(client))
        .and(alert(wrong))
        // Its last button says nothing, which refuses.
        .and(form("consent", &visit.asked.query, buttons, "Refuse"));
    Page::new("Allow access?", content)
}

fn words(scope: &str) -> String {
    match scope {
        "openid" => "know who you are".to_owned(),
        "email" => "read your e-mail address".to_owned(),
        "phone" => "read your phone number".to_owned(),
        "profile" => "read your profile".to_owned(),
        "address" => "read your address".to_owned(),
        "aws.cognito.signin.user.admin" => "read and change your account".to_owned(),
        other => format!("use {other}"),
    }
}
