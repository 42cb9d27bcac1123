//! `/mfa`, `/mfa-option` and `/mfa-setup`: second factors.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use cognito_model::idp::types::ChallengeNameType;
use cognito_model::{Exception, Fault};
use common::secret::SecretString;

use super::parts::{Field, alert, form, paragraph};
use super::signed_in::{self, start_again};
use super::step::{Challenge, Step};
use super::visit::{Stop, Visit, ended};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::{Page, Safe};
use crate::login::{Parameters, page, set_up};
use crate::oauth::OAuth;
use crate::oauth::form::Form;
use crate::pools::mfa::Factor;
use crate::signin::second_factor::code_of;

const CODE: &str = "/mfa";
const OPTION: &str = "/mfa-option";
const SET_UP: &str = "/mfa-setup";

/// A challenge that waits for its answer.
struct Waiting {
    username: String,
    session: SecretString,
    challenge: Challenge,
}

macro_rules! page {
    ($get:ident, $post:ident, $shown:literal, $answered:literal, $step:expr) => {
        pub async fn $get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
            let call = oauth.call($shown, &head);
            let outcome = show(oauth, site.clone(), call.clone(), &head, $step).await;
            ended(&call, &site, false, outcome).await
        }

        pub async fn $post(
            State(oauth): State<OAuth>,
            Extension(site): Extension<Site>,
            head: Parts,
            body: Body,
        ) -> Response {
            let call = oauth.call($answered, &head);
            let outcome = answer(oauth, site.clone(), call.clone(), (&head, body), $step).await;
            ended(&call, &site, true, outcome).await
        }
    };
}

page!(code_get, code_post, "Mfa_GET", "Mfa_POST", CODE);
page!(option_get, option_post, "MfaOption_GET", "MfaOption_POST", OPTION);
page!(set_up_get, set_up_post, "MfaSetup_GET", "MfaSetup_POST", SET_UP);

async fn show(oauth: OAuth, site: Site, call: Call, head: &Parts, step: &'static str) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    match waiting(&visit, step) {
        Some(waiting) => Ok(visit.page(&ask(&visit, &waiting.challenge, None), StatusCode::OK)),
        None => Ok(start_again(&visit)),
    }
}

async fn answer(
    oauth: OAuth,
    site: Site,
    call: Call,
    (head, body): (&Parts, Body),
    step: &'static str,
) -> Result<Response, Stop> {
    let visit = Visit::open(oauth, site, call, head).await?;
    let Some(waiting) = waiting(&visit, step) else { return Ok(start_again(&visit)) };
    let again = |text: &str| ask(&visit, &waiting.challenge, Some(text));
    let form = visit.form(body, step, again).await?;
    match answered(&visit, &waiting, &form).await {
        Ok(stage) => signed_in::go_on(&visit, &waiting.username, stage).await,
        Err(fault) => Err(visit.refused(worded(fault), again)),
    }
}

/// The challenge of the browser's cookie, if this is its page.
fn waiting(visit: &Visit, step: &'static str) -> Option<Waiting> {
    match visit.step()? {
        Step::Challenge { username, session, challenge } if step.strip_prefix('/') == Some(challenge.path()) => {
            Some(Waiting { username, session: SecretString::new(session), challenge })
        }
        _ => None,
    }
}

async fn answered(visit: &Visit, waiting: &Waiting, form: &Form) -> Result<page::Stage, Fault> {
    let typed = |name: &str| SecretString::new(form.one(name).unwrap_or_default().trim());
    let (call, pool, client) = (&visit.call, &visit.asked.pool, &visit.asked.client);
    let username = ("USERNAME", SecretString::new(&*waiting.username));
    let mut session = waiting.session.clone();
    let (name, answers) = match &waiting.challenge {
        Challenge::Code { factor, .. } => (factor.challenge(), vec![username, (code_of(*factor), typed("code"))]),
        Challenge::Option { .. } => (ChallengeNameType::SelectMfaType, vec![username, ("ANSWER", typed("answer"))]),
        Challenge::SetUp { .. } => {
            session = set_up::verify(call, pool, &session, (typed("code").expose(), None)).await?;
            (ChallengeNameType::MfaSetup, vec![username])
        }
        Challenge::NewPassword { .. } => return Err(Fault::invalid_parameter("The form is not for this page.")),
    };
    page::answer(call, pool, client, name, &session, &Parameters::of(answers)?).await
}

/// What SDKs are told, in words for people.
fn worded(fault: Fault) -> Fault {
    let text = match fault.exception {
        Exception::CodeMismatch | Exception::EnableSoftwareTokenMFA => "The code is not right.",
        Exception::ExpiredCode => "The code has been used or has ended. Use the next one.",
        Exception::NotAuthorized => "The sign-in took too long. Go back and begin again.",
        _ => return fault,
    };
    Fault::new(fault.exception, text)
}

fn ask(visit: &Visit, challenge: &Challenge, wrong: Option<&str>) -> Page {
    let code = Field { label: "Code", name: "code", kind: "text", autocomplete: "one-time-code", value: "" };
    let query = &visit.asked.query;
    match challenge {
        Challenge::Code { factor, to } => {
            let text = match (factor, to) {
                (Factor::SoftwareToken, _) => "Enter the code that your authenticator app shows.".to_owned(),
                (_, Some(to)) => format!("We have sent a code to {to}."),
                (_, None) => "We have sent you a code.".to_owned(),
            };
            let fields = visit.token(CODE).and(code.markup(true));
            let content = paragraph(&text).and(alert(wrong)).and(form("mfa", query, fields, "Go on"));
            Page::new("Second step", content)
        }
        Challenge::Option { factors } => {
            let choices = factors.iter().enumerate().fold(visit.token(OPTION), |all, (at, factor)| {
                all.and(Safe::constant("<label><input type=\"radio\" name=\"answer\" required value=\""))
                    .and(Safe::text(factor.as_str()))
                    .and(Safe::constant(if at == 0 { "\" checked> " } else { "\"> " }))
                    .and(Safe::constant(match factor {
                        Factor::Sms => "Text message",
                        Factor::Email => "E-mail",
                        Factor::SoftwareToken => "Authenticator app",
                    }))
                    .and(Safe::constant("</label>"))
            });
            let content = paragraph("How do you want to get your code?").and(alert(wrong));
            Page::new("Second step", content.and(form("mfa-option", query, choices, "Go on")))
        }
        Challenge::SetUp { secret } => {
            let fields = visit.token(SET_UP).and(code.markup(true));
            let content = paragraph("Your account needs a second step. Add this key to an authenticator app:")
                .and(Safe::constant("<p><code>"))
                .and(Safe::text(&in_fours(secret)))
                .and(Safe::constant("</code></p>"))
                .and(paragraph("Then enter the code that it shows."))
                .and(alert(wrong))
                .and(form("mfa-setup", query, fields, "Go on"));
            Page::new("Set up the second step", content)
        }
        // It has a page of its own.
        Challenge::NewPassword { .. } => Page::new("New password", Safe::default()),
    }
}

/// As people type it.
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
