//! One request to a page.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cognito_model::{Exception, Fault};

use super::step::Step;
use crate::aws_json::Call;
use crate::domains::Site;
use crate::html::{Cookie, Page, Safe};
use crate::oauth::authorize::{self, Asked, Refusal};
use crate::oauth::form::Form;
use crate::oauth::forms::{self, Forms};
use crate::oauth::{OAuth, fault_page};

/// A page's request, with the authorization request that it stands on.
pub struct Visit {
    pub oauth: OAuth,
    pub site: Site,
    pub call: Call,
    pub asked: Asked,
    pub forms: Forms,
    pub headers: HeaderMap,
}

/// Why the page is not what was asked for.
pub enum Stop {
    Refused(Refusal),
    /// The page says why, and the audit record too.
    Shown(Box<Response>, Box<Fault>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl Visit {
    pub async fn open(oauth: OAuth, site: Site, call: Call, head: &Parts) -> Result<Self, Stop> {
        let asked = authorize::read(&oauth, &site, &call, head).await?;
        let forms = Forms::of(&oauth.services, &site, &head.headers).await?;
        Ok(Self { oauth, site, call, asked, forms, headers: head.headers.clone() })
    }

    /// The form that was sent, if it is this browser's, for this request and this step. `again`: the page with what went wrong.
    pub async fn form(
        &self,
        body: Body,
        step: &'static str,
        again: impl FnOnce(&'static str) -> Page,
    ) -> Result<Form, Stop> {
        let form = Form::read(&self.headers, body).await;
        let form = form.map_err(|_| Stop::Refused(Refusal::Page("The form could not be read.".into())))?;
        if self.forms.is_good(&form, &self.asked.query, step, self.call.now) {
            return Ok(form);
        }
        let page = again("The form was too old, or came from elsewhere. Try again; your browser must take cookies.");
        Err(self.shown(&page, StatusCode::FORBIDDEN, Fault::not_authorized("The form is not of this browser.")))
    }

    /// The hidden field of a form.
    pub fn token(&self, step: &'static str) -> Safe {
        self.forms.field(&self.asked.query, step, self.call.now)
    }

    /// A page. Its form may lead to the client's `redirect_uri`.
    pub fn page(&self, page: &Page, status: StatusCode) -> Response {
        let page = page.clone().leading_to(&self.asked.to.source());
        self.forms.keep(page.answer(status))
    }

    pub fn shown(&self, page: &Page, status: StatusCode, fault: Fault) -> Stop {
        Stop::Shown(Box::new(self.page(page, status)), Box::new(fault))
    }

    /// A refusal of the answer on a page: the same page with what went wrong (200), or one of its own for what is no answer's fault.
    pub fn refused(&self, fault: Fault, again: impl FnOnce(&str) -> Page) -> Stop {
        match fault.exception {
            Exception::TooManyRequests | Exception::LimitExceeded | Exception::TooManyFailedAttempts => {
                let page = again("There were too many tries. Wait a while, then try again.");
                self.shown(&page, StatusCode::TOO_MANY_REQUESTS, fault)
            }
            _ if fault.status() >= 500 => fault.into(),
            _ => {
                let page = again(&fault.message);
                self.shown(&page, StatusCode::OK, fault)
            }
        }
    }

    /// To another page of this request.
    pub fn go_to(&self, path: &str) -> Response {
        authorize::redirect(StatusCode::SEE_OTHER, &authorize::page(&self.site, path, &self.asked.query))
    }

    /// Where the sign-in of this request stands, by the browser's cookie.
    pub fn step(&self) -> Option<Step> {
        Step::of_request(&self.headers, self.site.is_plain(), self.forms.key(), &self.asked.query)
    }

    /// Keeps where it stands.
    pub fn at(&self, response: Response, step: &Step) -> Result<Response, Fault> {
        let cookie = step.cookie(self.forms.key(), &self.asked.query)?;
        Ok(forms::set(response, &cookie, self.site.is_plain()))
    }

    /// The sign-in is over, and the browser needs nothing of it.
    pub fn without_step(&self, response: Response) -> Response {
        forms::set(response, &Cookie::gone(Step::cookie_name(&self.asked.query)), self.site.is_plain())
    }
}

/// Records how a request ended, and answers it.
pub async fn ended(call: &Call, site: &Site, by_post: bool, outcome: Result<Response, Stop>) -> Response {
    let (response, fault) = match outcome {
        Ok(response) => (response, None),
        Err(Stop::Shown(response, fault)) => (*response, Some(*fault)),
        Err(Stop::Refused(Refusal::Fault(fault))) if fault.status() >= 500 => (fault_page(&fault), Some(*fault)),
        Err(Stop::Refused(refusal)) => (refusal.answer(by_post), Some(refusal.fault())),
    };
    call.record(Some(site.pool.as_str()), fault.as_ref()).await;
    response
}
