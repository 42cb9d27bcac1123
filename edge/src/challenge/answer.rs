//! What the edge says about challenges, independent of who writes it.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::failure::Failure;
use super::page::{self, POLICY};
use super::puzzle::Action;
use super::token::COOKIE;
use super::{Client, PUZZLE};

/// AWS's name for what a client is asked to do.
const WAF_ACTION: HeaderName = HeaderName::from_static("x-amzn-waf-action");
/// Where a program gets the puzzle that would do.
const PUZZLE_AT: HeaderName = HeaderName::from_static("x-tollgate-puzzle");
/// How long clients keep the cookie, as AWS's; seconds. Rules say for how long it counts.
const COOKIE_LIFE: u64 = 4 * 24 * 3600;
/// The longest target that a plain answer repeats; bytes.
const LONGEST_LINK: usize = 1024;

/// A response; whoever writes it adds the request's id.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    /// What happened, for the log.
    pub code: &'static str,
}

impl Answer {
    fn new(status: StatusCode, content_type: Option<&'static str>, body: String, code: &'static str) -> Self {
        let mut headers = vec![(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        headers.push((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
        headers.extend(content_type.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
        headers.push((CONTENT_LENGTH, HeaderValue::from(body.len())));
        Self { status, headers, body: Bytes::from(body), code }
    }

    /// For clients that take no page: as AWS WAF, without a body; a header says where the puzzle is that would do.
    pub(super) fn plain(action: Action, difficulty: u8, target: &str) -> Self {
        let mut answer = Self::new(status(action), None, String::new(), action.name());
        answer.headers.push((WAF_ACTION, HeaderValue::from_static(action.name())));
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let path: String = byte_serialize(path.get(..LONGEST_LINK).map_or(path, |_| "/").as_bytes()).collect();
        let place = format!("{PUZZLE}?action={}&difficulty={difficulty}&for={path}", action.name());
        answer.headers.extend(HeaderValue::try_from(place).ok().map(|place| (PUZZLE_AT, place)));
        answer
    }

    pub(super) fn page(action: Action, page: String) -> Self {
        let mut answer = Self::html(status(action), page, action.name());
        answer.headers.push((WAF_ACTION, HeaderValue::from_static(action.name())));
        answer
    }

    fn html(status: StatusCode, page: String, code: &'static str) -> Self {
        let mut answer = Self::new(status, Some("text/html; charset=utf-8"), page, code);
        answer.headers.push((CONTENT_SECURITY_POLICY, POLICY.clone()));
        answer.headers.push((REFERRER_POLICY, HeaderValue::from_static("same-origin")));
        answer
    }

    pub(super) fn json(body: &Value, code: &'static str) -> Self {
        Self::new(StatusCode::OK, Some("application/json"), body.to_string(), code)
    }

    /// For programs.
    pub(super) fn failed(failure: Failure) -> Self {
        let body = json!({"error": failure.code(), "error_description": failure.says()});
        let answer = Self { status: of(failure.status()), ..Self::json(&body, failure.code()) };
        answer.retried(failure)
    }

    /// For people.
    pub(super) fn refused(failure: Failure, puzzle: &str, target: &str) -> Self {
        Self::html(of(failure.status()), page::refused(failure, puzzle, target), failure.code()).retried(failure)
    }

    /// No such path, or no such method.
    pub(super) fn nothing(allow: Option<&'static str>) -> Self {
        let (status, code) = match allow {
            None => (StatusCode::NOT_FOUND, "not_found"),
            Some(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        };
        let mut answer = Self { status, ..Self::json(&json!({"error": code}), code) };
        answer.headers.extend(allow.map(|methods| (ALLOW, HeaderValue::from_static(methods))));
        answer
    }

    /// Leads back to where a person wanted to go.
    pub(super) fn back(target: &str) -> Self {
        let mut answer = Self::new(StatusCode::SEE_OTHER, None, String::new(), "solved");
        let target = if page::is_target(target) { target } else { "/" };
        let location = HeaderValue::try_from(target).unwrap_or(HeaderValue::from_static("/"));
        answer.headers.push((LOCATION, location));
        answer
    }

    /// With the token as a cookie. Scripts may read it, as AWS's SDKs do.
    pub(super) fn with_cookie(mut self, token: &str, domain: Option<&str>, client: Client<'_>) -> Self {
        let mut cookie = format!("{COOKIE}={token}; Path=/; Max-Age={COOKIE_LIFE}; SameSite=Lax");
        if let Some(domain) = domain {
            cookie.push_str("; Domain=");
            cookie.push_str(domain);
        }
        if client.secure {
            cookie.push_str("; Secure");
        }
        self.headers.extend(HeaderValue::try_from(cookie).ok().map(|cookie| (SET_COOKIE, cookie)));
        self
    }

    fn retried(mut self, failure: Failure) -> Self {
        let seconds = failure.retry_after().map(HeaderValue::from);
        self.headers.extend(seconds.map(|seconds| (RETRY_AFTER, seconds)));
        self
    }
}

/// Whether a page can be shown: the client says that it takes HTML by name.
pub fn takes_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepts.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or_default());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

fn status(action: Action) -> StatusCode {
    match action {
        Action::Challenge => StatusCode::ACCEPTED,
        Action::Captcha => StatusCode::METHOD_NOT_ALLOWED,
    }
}

fn of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
