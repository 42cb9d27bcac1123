//! One page and its headers.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::Safe;

const STYLE: &str = include_str!("page.css");
/// Sends the page's form, as its button does.
const SENDING: &str = "document.forms[0].submit()";
static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));
static SENDING_HASH: LazyLock<String> = LazyLock::new(|| hash(SENDING));

/// A page in the one layout.
#[derive(Clone, Debug)]
pub struct Page {
    title: &'static str,
    content: Safe,
    /// Where the answer to its form may lead, beside this site: browsers hold `form-action` against redirects, too.
    leads_to: Option<String>,
    sends_itself: bool,
    /// Sources of frames that it holds, and where it goes on by itself after them.
    frames: Vec<String>,
    goes_to: Option<String>,
}

impl Page {
    pub fn new(title: &'static str, content: Safe) -> Self {
        Self { title, content, leads_to: None, sends_itself: false, frames: Vec::new(), goes_to: None }
    }

    /// Lets the answer to its form redirect there. `source` is a source of a content security policy, an origin or a scheme with its colon; another
    /// text is left out, so that the browser stops the redirect.
    #[must_use]
    pub fn leading_to(self, source: &str) -> Self {
        Self { leads_to: is_source(source).then(|| source.to_owned()), ..self }
    }

    /// Its form is sent at once where scripts run (OAuth 2.0 Form Post Response Mode); elsewhere by its button.
    #[must_use]
    pub fn sending_itself(self) -> Self {
        Self { sends_itself: true, ..self }
    }

    /// Loads pages of these origins in frames that are not seen (OpenID Connect Front-Channel Logout 1.0 §3), and goes on after two seconds.
    #[must_use]
    pub fn framing(self, sources: impl IntoIterator<Item = String>, then: Option<String>) -> Self {
        Self { frames: sources.into_iter().filter(|source| is_source(source)).collect(), goes_to: then, ..self }
    }

    pub fn answer(&self, status: StatusCode) -> Response {
        let mut response = (status, Body::from(self.markup())).into_response();
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html;charset=UTF-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        // Of a hash and of plain characters alone.
        let policy = HeaderValue::from_str(&self.policy());
        headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
        response
    }

    fn policy(&self) -> String {
        let leads_to = self.leads_to.as_ref().map(|source| format!(" {source}")).unwrap_or_default();
        let script = if self.sends_itself { format!("; script-src 'sha256-{}'", *SENDING_HASH) } else { String::new() };
        let frames = match self.frames.as_slice() {
            [] => String::new(),
            frames => format!("; frame-src {}", frames.join(" ")),
        };
        format!(
            "default-src 'none'; style-src 'sha256-{}'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self'{leads_to}{script}{frames}",
            *STYLE_HASH
        )
    }

    fn markup(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\">{onward}<title>{title}</title><style>{STYLE}</style></head><body><main>\
             <h1>{title}</h1>{content}</main>{script}</body></html>\n",
            onward = self.goes_to.as_ref().map(|to| refresh(to)).unwrap_or_default().as_str(),
            title = Safe::constant(self.title).as_str(),
            content = self.content.as_str(),
            script = if self.sends_itself { format!("<script>{SENDING}</script>") } else { String::new() },
        )
    }
}

fn refresh(to: &str) -> Safe {
    Safe::constant("<meta http-equiv=\"refresh\" content=\"2;url=").and(Safe::text(to)).and(Safe::constant("\">"))
}

fn is_source(source: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"+-.:/[]".contains(&b);
    !source.is_empty() && source.bytes().all(is_plain)
}

fn hash(text: &str) -> String {
    STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_the_fixed_headers() {
        let page = Page::new("Sign in", Safe::text("<b>"));
        let response = page.answer(StatusCode::OK);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'; form-action 'self'"), "{policy}");
        assert!(page.markup().contains("<h1>Sign in</h1>&lt;b&gt;</main>"));
    }

    #[test]
    fn no_source_adds_to_a_policy() {
        let policy = |source: &str| Page::new("t", Safe::default()).leading_to(source).policy();
        for good in ["https://app.example.com:8443", "com.example.app:", "http://[::1]:9"] {
            assert!(policy(good).ends_with(&format!("form-action 'self' {good}")), "{good}");
        }
        for bad in ["", "https://a; script-src *", "a b", "*", "'unsafe-inline'", "https://a,b", "x\r\ny"] {
            assert!(policy(bad).ends_with("form-action 'self'"), "{bad}");
        }
    }
}
