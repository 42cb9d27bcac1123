//! Where the sign-in of one authorization request stands, for the browser to bring back: a cookie that the pool's key seals, a request's own, so that
//! tabs do not disturb each other.

use std::time::Duration;

use axum::http::HeaderMap;
use cognito_model::Fault;
use common::jose::{base64url_decode, base64url_encode};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::envelope::{Context, PoolKey};
use crate::html::{Cookie, Jar};
use crate::pools::mfa::Factor;

/// Longer than any attempt lives by default; the attempt itself says when it is over.
const LIFE: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A challenge waits for its answer. `session`: that of the sign-in's attempt.
    Challenge { username: String, session: String, challenge: Challenge },
    /// The user has signed in for this request: in the browser session of this `sid`.
    SignedIn { sid: String },
}

/// What is asked, as far as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Challenge {
    /// A code of this factor. `to`: where it was sent, masked.
    Code {
        factor: Factor,
        to: Option<String>,
    },
    Option {
        factors: Vec<Factor>,
    },
    /// A software token with this secret (base32).
    SetUp {
        secret: String,
    },
    /// A new password, and the attributes that the pool requires and the user lacks.
    NewPassword {
        missing: Vec<String>,
    },
}

impl Challenge {
    /// Its page.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Code { .. } => "mfa",
            Self::Option { .. } => "mfa-option",
            Self::SetUp { .. } => "mfa-setup",
            Self::NewPassword { .. } => "newpassword",
        }
    }
}

impl Step {
    pub fn cookie_name(query: &str) -> String {
        let short: String = row(query).chars().take(16).collect();
        format!("tg-step-{short}")
    }

    /// # Errors
    /// `InternalErrorException` without entropy.
    pub fn cookie(&self, key: &PoolKey, query: &str) -> Result<Cookie, Fault> {
        let text = serde_json::to_vec(self).map_err(Fault::internal)?;
        let sealed = key.seal(cell(&[&row(query)]), &text).map_err(Fault::internal)?;
        Ok(Cookie::host(Self::cookie_name(query), base64url_encode(&sealed), Some(LIFE)))
    }

    /// `None`: there is none, or it is another request's.
    pub fn of_request(headers: &HeaderMap, is_plain: bool, key: &PoolKey, query: &str) -> Option<Self> {
        let value = Jar::of(headers, is_plain).get(&Self::cookie_name(query))?;
        let opened = key.open(cell(&[&row(query)]), &base64url_decode(value).ok()?).ok()?;
        serde_json::from_slice(opened.expose()).ok()
    }
}

fn row(query: &str) -> String {
    digest(&SHA256, query.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "pages", row, column: "step" }
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;

    use super::*;
    use crate::envelope::RootKey;

    #[test]
    fn a_step_is_of_one_request_and_one_pool() {
        let root = RootKey::from_text(&"07".repeat(32).into()).unwrap();
        let key = root.deployment_key().unwrap();
        let step = Step::SignedIn { sid: "s".into() };
        let cookie = step.cookie(&key, "a=b").unwrap().headers(false).remove(0);
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let read = |pair: &str, query: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, pair.parse().unwrap());
            Step::of_request(&headers, false, &key, query)
        };
        assert_eq!(read(&pair, "a=b"), Some(step));
        assert_eq!(read(&pair, "a=c"), None);
        let moved = pair.replace(&Step::cookie_name("a=b"), &Step::cookie_name("a=c"));
        assert_eq!(read(&moved, "a=c"), None, "sealed for another request");
        assert_eq!(read(&pair[..pair.len() - 2], "a=b"), None);
    }
}
