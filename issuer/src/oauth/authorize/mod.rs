//! `/oauth2/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2): checks the request, and answers it where the browser has signed in; else
//! the pages go on with the same query.
//!
//! Invariants: nothing is sent to a `redirect_uri` that is not registered (SECURITY.md I02); a pushed request is used by its answer alone.

mod answer;
pub mod consents;
mod decide;
mod error;
mod grant;
mod redirect_uri;
mod request;

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use cognito_model::{Exception, Fault};

pub use self::answer::{Return, redirect};
pub use self::decide::{Known, Next, next};
pub use self::error::{AuthCode, AuthError};
pub use self::grant::{SESSION_COOKIE, consent, grant, has_consented, known};
pub use self::request::{Request, scope_of};
use super::devices::{self, Waiting};
use super::form::Form;
use super::hint::{self, Hint};
use super::state::OAuth;
use super::{fault_page, par};
use crate::aws_json::{Call, Write};
use crate::clients::oauth::ResponseMode;
use crate::clients::{self, Client};
use crate::domains::Site;
use crate::pools::{self, Pool};
use crate::resource_servers;
use crate::store::Batch;

/// Bytes of a request that goes on as a query; a longer one can be pushed.
const LONGEST_QUERY: usize = 8_192;
/// The only provider that there is.
const OWN_PROVIDER: &str = "COGNITO";

/// A request that can be answered, with whom it is from and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    pub pool: Pool,
    pub client: Client,
    pub request: Request,
    pub to: Return,
    pub hint: Option<Hint>,
    /// As it came, written anew: pages carry it.
    pub query: String,
    /// The `request_uri` that its answer uses up.
    pub pushed: Option<String>,
    /// The device that waits for the answer (RFC 8628), in the place of a client's `redirect_uri`.
    pub device: Option<Waiting>,
}

/// Why a request is not answered as it wants.
#[derive(Debug)]
pub enum Refusal {
    /// By a page: who asks, or where an answer could go, is not known.
    Page(Cow<'static, str>),
    /// By an error to the client.
    Client(Box<Return>, AuthError),
    Fault(Box<Fault>),
}

impl<E: Into<Fault>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Fault(Box::new(error.into()))
    }
}

impl Refusal {
    /// The answer. `by_post`: the request was a POST.
    pub fn answer(&self, by_post: bool) -> Response {
        match self {
            Self::Page(text) => super::page(text, StatusCode::BAD_REQUEST),
            Self::Client(to, error) => to.error(error, by_post),
            Self::Fault(fault) if fault.exception == Exception::TooManyRequests => {
                super::page("There were too many requests. Try again in a moment.", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Fault(fault) if fault.status() < 500 => super::page(&fault.message, StatusCode::BAD_REQUEST),
            Self::Fault(fault) => fault_page(fault),
        }
    }

    /// For the audit record.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Page(text) => Fault::invalid_parameter(text.clone()),
            Self::Client(_, error) => error.fault(),
            Self::Fault(fault) => Fault::new(fault.exception, fault.message.clone()),
        }
    }
}

pub async fn get(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts) -> Response {
    let call = oauth.call("Authorize_GET", &head);
    let outcome = answered(&oauth, &site, &call, &head).await;
    let fault = outcome.as_ref().err().map(Refusal::fault);
    call.record(Some(site.pool.as_str()), fault.as_ref()).await;
    outcome.unwrap_or_else(|refusal| refusal.answer(false))
}

/// A request by POST (OpenID Connect Core §3.1.2.1) goes on as one by GET: a form of another site comes without the browser's cookies.
pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Authorize_POST", &head);
    let form = Form::read_request(&head.headers, body).await;
    call.count(form.as_ref().err().map(|error| &*error.fault));
    match form {
        // What comes twice does so again.
        Ok((form, twice)) => {
            let doubled = twice.iter().map(|name| format!("&{name}=")).collect::<String>();
            let query = form.to_query() + &doubled;
            if query.len() > LONGEST_QUERY {
                return Refusal::Page("The request is too long. Push it (RFC 9126).".into()).answer(true);
            }
            redirect(StatusCode::SEE_OTHER, &format!("{}/oauth2/authorize?{query}", site.base))
        }
        Err(_) => Refusal::Page("The request could not be read.".into()).answer(true),
    }
}

async fn answered(oauth: &OAuth, site: &Site, call: &Call, head: &Parts) -> Result<Response, Refusal> {
    let asked = read(oauth, site, call, head).await?;
    let (known, session) = known(oauth, site, call, &head.headers, &asked).await?;
    let facts = Known { session: session.as_ref(), ..known };
    match (decide::next(&asked.client, &asked.request, facts, call.now), &session) {
        (Next::Grant, Some(session)) => grant(call, &asked, session, head.method == Method::POST).await,
        (Next::Consent, Some(_)) => Ok(redirect(StatusCode::FOUND, &page(site, "consent", &asked.query))),
        (Next::Refuse(error), _) => Err(Refusal::Client(Box::new(asked.to), error)),
        (Next::SignIn | Next::Consent | Next::Grant, _) => {
            Ok(redirect(StatusCode::FOUND, &page(site, "login", &asked.query)))
        }
    }
}

/// A page of the domain that goes on with a request.
pub fn page(site: &Site, path: &str, query: &str) -> String {
    format!("{}/{path}?{query}", site.base)
}

/// Reads the authorization request in the query, here and at every page that carries it.
///
/// # Errors
/// [`Refusal`].
pub async fn read(oauth: &OAuth, site: &Site, call: &Call, head: &Parts) -> Result<Asked, Refusal> {
    oauth.door.take(call.operation, &site.pool)?;
    let text = head.uri.query().unwrap_or_default();
    if text.len() > LONGEST_QUERY {
        return Err(Refusal::Page("The request is too long. Push it (RFC 9126).".into()));
    }
    let unreadable = |_| Refusal::Page("The request could not be read.".into());
    let (form, twice) = Form::parse_request(text.as_bytes()).map_err(unreadable)?;
    let query = form.to_query() + &twice.iter().map(|name| format!("&{name}=")).collect::<String>();
    let client_id = form.one("client_id").ok_or(Refusal::Page("client_id is missing.".into()))?;
    let (pool, client) = client(oauth, site, call, client_id).await?;
    if let Some(code) = form.one("user_code") {
        return device(oauth, site, call, (pool, client), code).await.map(|asked| Asked { query, ..asked });
    }
    let Some(uri) = form.one("request_uri").filter(|uri| par::is_pushed(uri)) else {
        return check(oauth, &pool, &client, &form, &twice, false).await.map(|asked| Asked { query, ..asked });
    };
    let found = par::find(&oauth.services.store, &pool.id, uri, call.now).await?;
    let (_, pushed) = found
        .filter(|(of, _)| of == client.id.as_str())
        .ok_or(Refusal::Page("The request_uri is unknown, over or used.".into()))?;
    let (inner, inner_twice) = Form::parse_request(pushed.as_bytes()).map_err(unreadable)?;
    let asked = check(oauth, &pool, &client, &inner, &inner_twice, true).await?;
    Ok(Asked { query, pushed: Some(uri.to_owned()), ..asked })
}

/// A client of the site's pool, by its id or by the URL of its document.
///
/// # Errors
/// A page for one that is unknown; storage.
pub async fn client(oauth: &OAuth, site: &Site, call: &Call, client_id: &str) -> Result<(Pool, Client), Refusal> {
    let pool = pools::find(&oauth.services.store, &site.pool).await?;
    match clients::of_request(call, &pool, client_id).await {
        Ok(client) => Ok((pool, client)),
        Err(fault) if fault.exception == Exception::ResourceNotFound => {
            Err(Refusal::Page("The client is unknown here.".into()))
        }
        Err(fault) if fault.status() < 500 => Err(Refusal::Page(fault.message)),
        Err(fault) => Err(fault.into()),
    }
}

/// What a device asks for (RFC 8628 §3.3): its user has entered its code, and is always asked.
async fn device(
    oauth: &OAuth,
    site: &Site,
    call: &Call,
    (pool, client): (Pool, Client),
    user_code: &str,
) -> Result<Asked, Refusal> {
    let found = devices::waiting(&oauth.services.store, &pool.id, user_code, call.now).await?;
    let waiting = found
        .filter(|waiting| waiting.client == client.id.as_str())
        .ok_or(Refusal::Page("The code is unknown, over or used. Begin again on the device.".into()))?;
    let to = Return {
        redirect_uri: format!("{}/device", site.base),
        mode: ResponseMode::Query,
        state: None,
        iss: pool.iss.clone(),
    };
    let request = Request::of_device(&waiting.scope);
    Ok(Asked { pool, client, request, to, hint: None, query: String::new(), pushed: None, device: Some(waiting) })
}

/// Answers with an error: of a device, which waits for the answer, and of whoever else asks.
///
/// # Errors
/// Storage.
pub async fn refuse(call: &Call, asked: &Asked, error: &AuthError, by_post: bool) -> Result<Response, Fault> {
    if let Some(device) = asked.device.as_ref().filter(|_| error.code == AuthCode::AccessDenied) {
        let mut batch = Batch::new();
        batch.add(devices::deny(&asked.pool.id, device));
        call.commit(Write::new(&asked.pool.id, batch)).await?;
    }
    Ok(asked.to.error(error, by_post))
}

/// Checks a request of a client that is known.
///
/// # Errors
/// [`Refusal`].
pub async fn check(
    oauth: &OAuth,
    pool: &Pool,
    client: &Client,
    form: &Form,
    twice: &[String],
    is_pushed: bool,
) -> Result<Asked, Refusal> {
    if twice.iter().any(|name| name == "client_id" || name == "redirect_uri") {
        return Err(Refusal::Page("A parameter comes twice.".into()));
    }
    let redirect_uri = match form.one("redirect_uri") {
        Some(uri) if redirect_uri::is_registered(&client.settings, uri) => uri,
        Some(_) => return Err(Refusal::Page("The redirect_uri is not registered.".into())),
        None => redirect_uri::default_of(&client.settings).ok_or(Refusal::Page("redirect_uri is missing.".into()))?,
    };
    let mode = request::mode(client, form);
    let to = Return {
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.as_ref().map_or_else(|(mode, _)| *mode, |mode| *mode),
        state: form.one("state").map(str::to_owned),
        iss: pool.iss.clone(),
    };
    let refused = |error| Refusal::Client(Box::new(to.clone()), error);
    mode.map_err(|(_, error)| refused(error))?;
    let request = request::read(client, form, twice, is_pushed).map_err(refused)?;
    if form.one("identity_provider").is_some_and(|name| name != OWN_PROVIDER) || form.one("idp_identifier").is_some() {
        return Err(refused(AuthError::new(AuthCode::InvalidRequest, "The identity provider is unknown.")));
    }
    for identifier in &request.resources {
        match resource_servers::named(&oauth.services.store, &pool.id, identifier).await {
            Ok(_) => {}
            Err(fault) if fault.status() < 500 => {
                return Err(refused(AuthError::new(AuthCode::InvalidTarget, "No token can be for that resource.")));
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    let hint = match form.one("id_token_hint") {
        None => None,
        Some(token) => Some(
            hint::read(&oauth.services, pool, token)
                .await?
                .ok_or_else(|| refused(AuthError::new(AuthCode::InvalidRequest, "id_token_hint is no ID token.")))?,
        ),
    };
    let (pool, client) = (pool.clone(), client.clone());
    let redirect_given = form.one("redirect_uri").is_some();
    let request = Request { redirect_given, ..request };
    Ok(Asked { pool, client, request, to, hint, query: String::new(), pushed: None, device: None })
}
