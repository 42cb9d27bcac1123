//! The few pages that people see: nothing from elsewhere, and nothing of the request but a path of this host.

use bytes::Bytes;
use common::html::escaped;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use crate::reply::Reply;

/// Why somebody is not signed in, for people, logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No attempt of this browser that the answer could be for.
    NotBegun,
    /// The answer has more than one reading, or is another provider's.
    Mismatch,
    /// It came before.
    Spent,
    /// The user or the provider said no (RFC 6749 §4.1.2.1).
    Denied,
    /// The provider has an error of its own.
    Provider,
    /// The code is not good, or no more.
    Grant,
    /// What the provider gave can't be believed.
    Unusable,
    TooLong,
    Unavailable,
    /// Another site sends browsers to sign out.
    CrossSite,
    /// The methods that would do.
    Method(&'static str),
}

impl Failure {
    pub fn code(self) -> &'static str {
        match self {
            Self::NotBegun => "not_begun",
            Self::Mismatch => "mismatch",
            Self::Spent => "spent",
            Self::Denied => "denied",
            Self::Provider => "provider_error",
            Self::Grant => "grant_refused",
            Self::Unusable => "unusable",
            Self::TooLong => "too_long",
            Self::Unavailable => "unavailable",
            Self::CrossSite => "cross_site",
            Self::Method(_) => "method_not_allowed",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NotBegun | Self::Mismatch | Self::Spent | Self::Grant => StatusCode::BAD_REQUEST,
            Self::Denied | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Provider | Self::Unusable | Self::TooLong => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::NotBegun => "This sign-in was begun in another browser, or too long ago.",
            Self::Mismatch => "The answer does not belong to this sign-in.",
            Self::Spent => "This sign-in has been completed already.",
            Self::Denied => "You were not signed in: access was denied.",
            Self::Provider => "The sign-in service reports an error.",
            Self::Grant => "The sign-in service does not confirm this sign-in any more.",
            Self::Unusable => "The sign-in service gave an answer that can't be used.",
            Self::TooLong => "Your session is too long to be kept in this browser.",
            Self::Unavailable => "The sign-in service can't be reached now.",
            Self::CrossSite => "Another site asked to sign you out. You are still signed in.",
            Self::Method(_) => "This page takes no such request.",
        }
    }
}

/// The page of a failure, with a link to `again`.
pub fn failed(failure: Failure, again: &str) -> Reply {
    let mut reply = page(failure.status(), "You are not signed in", failure.says(), ("Try again", again));
    match failure {
        Failure::Unavailable => reply.headers.push((http::header::RETRY_AFTER, HeaderValue::from_static("5"))),
        Failure::Method(allow) => reply.headers.push((http::header::ALLOW, HeaderValue::from_static(allow))),
        _ => {}
    }
    reply
}

pub fn signed_out(again: &str) -> Reply {
    page(StatusCode::OK, "You are signed out", "You can close this page.", ("Sign in", again))
}

/// Leads the browser on, with these cookies.
pub fn redirect(status: StatusCode, to: &str, cookies: Vec<HeaderValue>) -> Option<Reply> {
    let mut headers = vec![
        (LOCATION, HeaderValue::try_from(to).ok()?),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CONTENT_LENGTH, HeaderValue::from_static("0")),
    ];
    headers.extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
    Some(Reply { status, headers, body: Bytes::new() })
}

fn page(status: StatusCode, title: &str, says: &str, (link, to): (&str, &str)) -> Reply {
    let (title, says, link, to) = (escaped(title), escaped(says), escaped(link), escaped(to));
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\
         <body><h1>{title}</h1><p>{says}</p><p><a href=\"{to}\">{link}</a></p></body></html>\n"
    );
    let headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        ),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CONTENT_LENGTH, HeaderValue::from(body.len())),
    ];
    Reply { status, headers, body: Bytes::from(body) }
}
