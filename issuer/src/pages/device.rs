//! `/device`: where the user of a device enters its code (RFC 8628 §3.3). The rest is an authorization request like any other.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use cognito_model::Fault;
use url::form_urlencoded;

use super::parts::{Field, alert, paragraph};
use super::visit::{Stop, ended};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::{Page, Safe};
use crate::oauth::OAuth;
use crate::oauth::authorize::{Refusal, page, redirect};
use crate::oauth::devices;
use crate::oauth::form::Form;
use crate::oauth::forms::Forms;

const STEP: &str = "/device";

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
    let call = oauth.call("Device_GET", &head);
    let outcome = show(&oauth, &site, &call, &head).await;
    ended(&call, &site, false, outcome).await
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Device_POST", &head);
    let outcome = answer(&oauth, &site, &call, &head, body).await;
    ended(&call, &site, true, outcome).await
}

async fn show(oauth: &OAuth, site: &Site, call: &Call, head: &Parts) -> Result<Response, Stop> {
    oauth.door.take("Device_GET", &site.pool)?;
    let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
    let query = query.map_err(|_| Stop::Refused(Refusal::Page("The request could not be read.".into())))?;
    let said = |title, text: &str| Ok(Page::new(title, paragraph(text)).answer(StatusCode::OK));
    if query.one("done").is_some() {
        return said("Signed in", "The device is signed in. You can go back to it.");
    }
    if query.one("error").is_some() {
        return said("Not signed in", "The device is not signed in. You can close this page.");
    }
    let forms = Forms::of(&oauth.services, site, &head.headers).await?;
    let page = ask(&forms, call, query.one("user_code").unwrap_or_default(), None);
    Ok(forms.keep(page.answer(StatusCode::OK)))
}

async fn answer(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Response, Stop> {
    oauth.door.take("Device_POST", &site.pool)?;
    let form = Form::read(&head.headers, body).await;
    let form = form.map_err(|_| Stop::Refused(Refusal::Page("The form could not be read.".into())))?;
    let forms = Forms::of(&oauth.services, site, &head.headers).await?;
    let typed = form.one("user_code").unwrap_or_default();
    let again = |status, text: &'static str| {
        let page = ask(&forms, call, typed, Some(text));
        Stop::Shown(Box::new(forms.keep(page.answer(status))), Box::new(Fault::not_authorized(text)))
    };
    if !forms.is_good(&form, "", STEP, call.now) {
        let text = "The form was too old, or came from elsewhere. Try again; your browser must take cookies.";
        return Err(again(StatusCode::FORBIDDEN, text));
    }
    let waiting = devices::waiting(&oauth.services.store, &site.pool, typed, call.now).await?;
    let Some(waiting) = waiting else {
        return Err(again(StatusCode::OK, "The code is unknown, over or used. Look at the device again."));
    };
    let pairs = [("client_id", waiting.client.as_str()), ("user_code", &devices::normal(typed))];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Ok(redirect(StatusCode::SEE_OTHER, &page(site, "oauth2/authorize", &query)))
}

fn ask(forms: &Forms, call: &Call, typed: &str, wrong: Option<&str>) -> Page {
    let code = Field { label: "Code", name: "user_code", kind: "text", autocomplete: "off", value: typed };
    let content = paragraph("Enter the code that your device shows.")
        .and(alert(wrong))
        .and(Safe::constant("<form method=\"post\" action=\"/device\">"))
        .and(forms.field("", STEP, call.now))
        .and(code.markup(true))
        .and(Safe::constant("<button>Go on</button></form>"));
    Page::new("Sign in a device", content)
}
