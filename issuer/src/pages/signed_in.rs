//! From an answered page to the next, and to the end of the sign-in: the browser session, and the answer to the authorization request.

use axum::response::Response;
use cognito_model::Fault;
use cognito_model::idp::types::ChallengeNameType;

use super::step::{Challenge, Step};
use super::visit::{Stop, Visit};
use crate::aws_json::Write;
use crate::html::{Cookie, Jar};
use crate::login::Challenged;
use crate::login::page::Stage;
use crate::login::set_up;
use crate::oauth::authorize::{self, Known, Next, Refusal, SESSION_COOKIE};
use crate::oauth::forms;
use crate::pools::mfa::Factor;
use crate::sessions::browser::{self, Begun, Proven};
use crate::signin::{Authenticated, SignInError};
use crate::store::{Batch, CommitError};
use crate::tokens::grant::{meanwhile, mint_instant};
use crate::users::rows as user_rows;

/// A consent page needs it, whatever the client says of later sign-ins.
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(600);
/// How often it is begun anew when sign-outs of the same user keep running into it.
const TRIES: usize = 20;

/// Goes where a stage of the sign-in leads.
pub async fn go_on(visit: &Visit, username: &str, stage: Stage) -> Result<Response, Stop> {
    match stage {
        Stage::Ask(asked) => ask(visit, username, asked).await,
        Stage::Done(proof) => signed_in(visit, *proof).await,
    }
}

async fn ask(visit: &Visit, username: &str, asked: Challenged) -> Result<Response, Stop> {
    let Challenged { name, parameters, mut session } = asked;
    let list = |parameter: &str| -> Vec<String> {
        parameters.get(parameter).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let factors = |names: Vec<String>| -> Vec<Factor> {
        Factor::ALL.into_iter().filter(|factor| names.iter().any(|name| name == factor.as_str())).collect()
    };
    let impossible = || {
        let text = "Your account needs something that can't be done here. Ask whoever runs the app.";
        Stop::Refused(Refusal::Page(text.into()))
    };
    let challenge = match (Factor::of(name), name) {
        (Some(factor), _) => Challenge::Code { factor, to: parameters.get("CODE_DELIVERY_DESTINATION").cloned() },
        (None, ChallengeNameType::SelectMfaType) => Challenge::Option { factors: factors(list("MFAS_CAN_CHOOSE")) },
        (None, ChallengeNameType::MfaSetup) if factors(list("MFAS_CAN_SETUP")).contains(&Factor::SoftwareToken) => {
            let (seed, next) = set_up::associate(&visit.call, &visit.asked.pool, &session).await?;
            session = next;
            Challenge::SetUp { secret: seed.to_text().expose().to_owned() }
        }
        (None, ChallengeNameType::NewPasswordRequired) => {
            let names = list("requiredAttributes");
            let names = names.iter().filter_map(|name| name.strip_prefix("userAttributes.").map(str::to_owned));
            Challenge::NewPassword { missing: names.collect() }
        }
        _ => return Err(impossible()),
    };
    let response = visit.go_to(challenge.path());
    let step = Step::Challenge { username: username.to_owned(), session: session.expose().to_owned(), challenge };
    Ok(visit.at(response, &step)?)
}

/// Begins the browser session, and answers the authorization request or asks for consent.
async fn signed_in(visit: &Visit, proof: Authenticated) -> Result<Response, Stop> {
    let Begun { session, cookie, .. } = begin(visit, proof).await?;
    let asked = &visit.asked;
    let consented = authorize::has_consented(&visit.oauth, asked, &session).await?;
    let hint = asked.hint.as_ref().map(|hint| &hint.sub);
    let known = Known { session: Some(&session), signed_in: true, consented, allowed: false, hint };
    let response = match authorize::next(&asked.client, &asked.request, known, visit.call.now) {
        Next::Grant => {
            // Whatever comes of it, the user has signed in.
            let granted = authorize::grant(&visit.call, asked, &session, true).await;
            visit.without_step(granted.unwrap_or_else(|refusal| refusal.answer(true)))
        }
        Next::Refuse(error) => visit.without_step(asked.to.error(&error, true)),
        Next::Consent | Next::SignIn => {
            visit.at(visit.go_to("consent"), &Step::SignedIn { sid: session.sid.clone() })?
        }
    };
    let life = session.expires.since(visit.call.now);
    let cookie = Cookie::host(SESSION_COOKIE, cookie.expose(), Some(life));
    Ok(forms::set(response, &cookie, visit.site.is_plain()))
}

/// The proof is used up by the batch that stores the session.
async fn begin(visit: &Visit, proof: Authenticated) -> Result<Begun, Fault> {
    let Visit { call, asked, .. } = visit;
    let (pool, client) = (&asked.pool, &asked.client);
    let mut before = match Jar::of(&visit.headers, visit.site.is_plain()).get(SESSION_COOKIE) {
        Some(cookie) => browser::of_cookie(&call.services.store, &pool.id, cookie).await?,
        None => None,
    };
    let (methods, authenticated) = (proof.methods(), proof.at());
    let mut user = proof.user().clone();
    let statements = proof.into_statements();
    let life = client.settings.sso_life().max(SHORTEST);
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let minted = mint_instant(&user, call.now);
        let (acr, amr) = (methods.acr().to_owned(), methods.amr());
        let proven = Proven { sub: user.sub.clone(), authenticated, minted, acr, amr };
        let begun = browser::begin(call, (&pool.id, &client.id), proven, before.as_ref(), life)?;
        let mut batch = Batch::new();
        batch.extend(statements.clone());
        let guard = batch.add(user_rows::note_mint(&user, minted));
        let other = before.as_ref().filter(|before| before.sid != begun.session.sid);
        batch.extend(other.map(|other| browser::leave(other, call.now)));
        let stored = batch.add(begun.statement.clone());
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        match &outcome {
            Ok(()) => return Ok(begun),
            Err(CommitError::Missed { index }) if *index == guard => user = meanwhile(call, pool, user).await?,
            // It ended since it was read: another one begins.
            Err(CommitError::Missed { index }) if *index == stored => before = None,
            Err(CommitError::Missed { index }) if *index < guard => return Err(SignInError::Session.into()),
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a browser session ended without an outcome"))
}

/// A step that is lost or over: the sign-in begins anew.
pub fn start_again(visit: &Visit) -> Response {
    visit.without_step(visit.go_to("login"))
}
