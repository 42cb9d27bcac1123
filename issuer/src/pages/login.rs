//! `/login`: user name and password.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use common::secret::SecretString;

use super::parts::{Field, about, alert, form, paragraph};
use super::signed_in;
use super::visit::{Stop, Visit, ended};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::Page;
use crate::login::page;
use crate::oauth::OAuth;
use crate::oauth::authorize::{AuthCode, AuthError, Refusal};

const STEP: &str = "/login";

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
    let call = oauth.call("Login_GET", &head);
    let outcome = show(oauth, site.clone(), call.clone(), &head).await;
    ended(&call, &site, false, outcome).await
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Login_POST", &head);
    let outcome = answer(oauth, site.clone(), call.clone(), &head, body).await;
    ended(&call, &site, true, outcome).await
}

async fn show(oauth: OAuth, site: Site, call: Call, head: &Parts) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    silent(&visit)?;
    let hint = visit.asked.request.login_hint.clone().unwrap_or_default();
    Ok(visit.page(&login(&visit, &hint, None), StatusCode::OK))
}

async fn answer(oauth: OAuth, site: Site, call: Call, head: &Parts, body: Body) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    silent(&visit)?;
    let form = visit.form(body, STEP, |text| login(&visit, "", Some(text))).await?;
    let username = form.one("username").unwrap_or_default();
    let password = form.secret("password").cloned().unwrap_or_else(|| SecretString::new(""));
    let stage = page::begin(&visit.call, &visit.asked.pool, &visit.asked.client, username, &password).await;
    match stage {
        Ok(stage) => signed_in::go_on(&visit, username, stage).await,
        Err(fault) => Err(visit.refused(fault, |text| login(&visit, username, Some(text)))),
    }
}

/// `prompt=none` shows no page (SECURITY.md I13).
fn silent(visit: &Visit) -> Result<(), Stop> {
    if !visit.asked.request.prompt.none {
        return Ok(());
    }
    let error = AuthError::new(AuthCode::LoginRequired, "The user is not signed in.");
    Err(Refusal::Client(Box::new(visit.asked.to.clone()), error).into())
}

fn login(visit: &Visit, username: &str, wrong: Option<&str>) -> Page {
    let name = Field { label: "User name", name: "username", kind: "text", autocomplete: "username", value: username };
    let password =
        Field { label: "Password", name: "password", kind: "password", autocomplete: "current-password", value: "" };
    let fields = visit.token(STEP).and(name.markup(username.is_empty())).and(password.markup(!username.is_empty()));
    let content = paragraph(&format!("to go on to {}", visit.asked.client.name))
        .and(alert(wrong))
        .and(form("login", &visit.asked.query, fields, "Sign in"))
        .and(about(&visit.asked.client));
    Page::new("Sign in", content)
}
