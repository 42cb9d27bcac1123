//! `/newpassword`: an invited user sets an own password, and what the pool requires beside it (NEW_PASSWORD_REQUIRED).

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use cognito_model::idp::types::ChallengeNameType;
use common::secret::SecretString;

use super::parts::{Field, alert, form, paragraph};
use super::signed_in::{self, start_again};
use super::step::{Challenge, Step};
use super::visit::{Stop, Visit, ended};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::{Page, Safe};
use crate::login::{Parameters, page};
use crate::oauth::OAuth;

const STEP: &str = "/newpassword";
/// Before the attributes in fields of Cognito's pages and in ours.
const ATTRIBUTES: &str = "userAttributes.";

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
    let call = oauth.call("NewPassword_GET", &head);
    let outcome = show(oauth, site.clone(), call.clone(), &head).await;
    ended(&call, &site, false, outcome).await
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("NewPassword_POST", &head);
    let outcome = answer(oauth, site.clone(), call.clone(), &head, body).await;
    ended(&call, &site, true, outcome).await
}

async fn show(oauth: OAuth, site: Site, call: Call, head: &Parts) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    match visit.step() {
        Some(Step::Challenge { challenge: Challenge::NewPassword { missing }, .. }) => {
            let none: Vec<(String, String)> = missing.into_iter().map(|name| (name, String::new())).collect();
            Ok(visit.page(&ask(&visit, &none, None), StatusCode::OK))
        }
        _ => Ok(start_again(&visit)),
    }
}

async fn answer(oauth: OAuth, site: Site, call: Call, head: &Parts, body: Body) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    let Some(Step::Challenge { username, session, challenge: Challenge::NewPassword { missing } }) = visit.step()
    else {
        return Ok(start_again(&visit));
    };
    let empty: Vec<(String, String)> = missing.iter().map(|name| (name.clone(), String::new())).collect();
    let form = visit.form(body, STEP, |text| ask(&visit, &empty, Some(text))).await?;
    let typed = |name: &String| form.one(&format!("{ATTRIBUTES}{name}")).unwrap_or_default().to_owned();
    let given: Vec<(String, String)> = missing.iter().map(|name| (name.clone(), typed(name))).collect();
    let password = form.secret("password").cloned().unwrap_or_else(|| SecretString::new(""));
    if form.secret("confirm").is_none_or(|again| *again != password) {
        let fault = cognito_model::Fault::invalid_parameter("The two passwords are not the same.");
        return Err(visit.refused(fault, |text| ask(&visit, &given, Some(text))));
    }
    let known = [("USERNAME".to_owned(), SecretString::new(&*username)), ("NEW_PASSWORD".to_owned(), password)];
    let more = given.iter().map(|(name, value)| (format!("{ATTRIBUTES}{name}"), SecretString::new(&**value)));
    let answers = Parameters::of(known.into_iter().chain(more))?;
    let (pool, client) = (&visit.asked.pool, &visit.asked.client);
    let challenge = ChallengeNameType::NewPasswordRequired;
    let stage = page::answer(&visit.call, pool, client, challenge, &SecretString::new(session), &answers).await;
    match stage {
        Ok(stage) => signed_in::go_on(&visit, &username, stage).await,
        Err(fault) => Err(visit.refused(fault, |text| ask(&visit, &given, Some(text)))),
    }
}

fn ask(visit: &Visit, attributes: &[(String, String)], wrong: Option<&str>) -> Page {
    let password = |label, name| Field { label, name, kind: "password", autocomplete: "new-password", value: "" };
    let mut fields = visit
        .token(STEP)
        .and(password("New password", "password").markup(true))
        .and(password("The same again", "confirm").markup(false));
    for (name, value) in attributes {
        let field_name = format!("{ATTRIBUTES}{name}");
        let (label, autocomplete) = words(name);
        let field = Field { label, name: &field_name, kind: "text", autocomplete, value };
        // An attribute of the pool's own has its name for a label.
        let named = if label.is_empty() { paragraph(name) } else { Safe::default() };
        fields = fields.and(named).and(field.markup(false));
    }
    let content = paragraph("Your password was given to you by somebody else. Choose your own.")
        .and(alert(wrong))
        .and(form("newpassword", &visit.asked.query, fields, "Go on"));
    Page::new("New password", content)
}

/// Label and autofill name of an attribute.
fn words(attribute: &str) -> (&'static str, &'static str) {
    match attribute {
        "email" => ("E-mail address", "email"),
        "phone_number" => ("Phone number, such as +49301234567", "tel"),
        "name" => ("Name", "name"),
        "given_name" => ("First name", "given-name"),
        "family_name" => ("Last name", "family-name"),
        "middle_name" => ("Middle name", "additional-name"),
        "nickname" => ("Nickname", "nickname"),
        "preferred_username" => ("Preferred user name", "username"),
        "birthdate" => ("Date of birth, such as 1990-12-31", "bday"),
        "address" => ("Address", "street-address"),
        "website" => ("Website", "url"),
        "picture" => ("Address of a picture", "photo"),
        "profile" => ("Address of a profile page", "url"),
        "gender" => ("Gender", "sex"),
        "locale" => ("Language, such as en-GB", "language"),
        "zoneinfo" => ("Time zone, such as Europe/Paris", "off"),
        "updated_at" => ("Last change, in seconds since 1970", "off"),
        _ => ("", "off"),
    }
}
