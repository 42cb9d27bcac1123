//! The forms of a domain's pages: each is answered by the browser that it was given to ([`FormToken`]; SECURITY.md T79).

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use cognito_model::Fault;
use common::clock::UnixMillis;

use super::form::Form;
use crate::codes::opaque_token;
use crate::domains::Site;
use crate::envelope::PoolKey;
use crate::html::{Cookie, FormToken, Jar, Safe};
use crate::services::Services;

/// The name of Cognito's pages for the same.
const FIELD: &str = "_csrf";
const COOKIE: &str = "tg-form";
/// As long as a form token is good.
const LIFE: Duration = Duration::from_secs(2 * 3_600);

/// The forms of one request.
pub struct Forms {
    key: Arc<PoolKey>,
    cookie: String,
    is_new: bool,
    is_plain: bool,
}

impl Forms {
    /// # Errors
    /// Storage; without entropy.
    pub async fn of(services: &Services, site: &Site, headers: &HeaderMap) -> Result<Self, Fault> {
        let key = services.pool_keys.key(&site.pool).await?;
        let is_plain = site.is_plain();
        let known = Jar::of(headers, is_plain).get(COOKIE).map(str::to_owned);
        let is_new = known.is_none();
        let cookie = match known {
            Some(known) => known,
            None => opaque_token().map_err(Fault::internal)?.expose().to_owned(),
        };
        Ok(Self { key, cookie, is_new, is_plain })
    }

    /// The hidden field of a form: it is for this step of this request.
    pub fn field(&self, query: &str, step: &'static str, now: UnixMillis) -> Safe {
        Safe::hidden(FIELD, &FormToken { cookie: &self.cookie, query, step }.make(&self.key, now))
    }

    /// Whether a form came back from the browser that it was given to.
    pub fn is_good(&self, form: &Form, query: &str, step: &'static str, now: UnixMillis) -> bool {
        let token = FormToken { cookie: &self.cookie, query, step };
        !self.is_new && form.one(FIELD).is_some_and(|value| token.is_good(&self.key, value, now))
    }

    /// Gives the browser its cookie, where it has none.
    pub fn keep(&self, response: Response) -> Response {
        if !self.is_new {
            return response;
        }
        set(response, &Cookie::host(COOKIE, &*self.cookie, Some(LIFE)), self.is_plain)
    }

    pub fn key(&self) -> &PoolKey {
        &self.key
    }
}

/// Sets a cookie; `is_plain`: on a domain at `http://`.
pub fn set(mut response: Response, cookie: &Cookie, is_plain: bool) -> Response {
    for value in cookie.headers(is_plain) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}
