//! One attempt to sign in, between the edge's redirect and the browser's return: sealed in a cookie of its own, so that several tabs may be at
//! it, and bound to this browser, so that nobody's answer can be slipped into another one's (RFC 9700 §4.7).

use std::time::Duration;

use common::clock::UnixMillis;
use common::jose::base64url_encode;
use common::secret::{SecretString, constant_time_eq};
use http::{HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::cookies;
use super::desk::Desk;
use super::seal::Purpose;
use crate::files::keys;
use crate::forward::cookies::pairs;

/// How long people may take at the provider.
pub const LIFE: Duration = Duration::from_secs(600);
/// Attempts of one browser at a time; another one replaces the oldest.
const MOST: usize = 5;
/// Cookies of attempts that are looked at.
const MOST_LOOKED_AT: usize = 20;
/// Characters of `state` in the cookie's name.
const TAG: usize = 8;
/// The longest path to return to; bytes.
const LONGEST_RETURN: usize = 2_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transaction {
    pub state: String,
    pub nonce: String,
    /// PKCE's (RFC 7636 §4.1).
    pub verifier: SecretString,
    pub redirect_uri: String,
    /// A path of this host, with its query.
    pub return_to: String,
    /// Seconds since the epoch.
    pub begun: u64,
}

impl Transaction {
    /// None where the operating system gives no random bytes.
    pub fn begin(redirect_uri: String, return_to: &str, now: UnixMillis) -> Option<Self> {
        let text = || keys::random::<32>().ok().map(base64url_encode);
        Some(Self {
            state: text()?,
            nonce: text()?,
            verifier: text()?.into(),
            redirect_uri,
            return_to: if is_local(return_to) && return_to.len() <= LONGEST_RETURN { return_to } else { "/" }
                .to_owned(),
            begun: now.seconds(),
        })
    }

    /// PKCE's `S256` (RFC 7636 §4.2).
    pub fn challenge(&self) -> String {
        base64url_encode(digest(&SHA256, self.verifier.expose().as_bytes()))
    }

    /// Sets its cookie, and clears those of attempts that are over or too many.
    pub fn cookies(&self, desk: &Desk, host: &str, headers: &HeaderMap, now: UnixMillis) -> Option<Vec<HeaderValue>> {
        let name = desk.settings.cookie.transaction(tag(&self.state)?);
        let sealed = desk.seal(Purpose::Transaction, host, &name, &postcard::to_stdvec(self).ok()?)?;
        let mut lines = vec![cookies::set(&name, &sealed, LIFE.as_secs())?];
        let mut live = Vec::new();
        let others = pairs(headers).filter(|(cookie, _)| desk.settings.cookie.is_transaction(cookie));
        for cookie in others.take(MOST_LOOKED_AT).filter_map(|(cookie, _)| std::str::from_utf8(cookie).ok()) {
            match Self::read(desk, host, cookie, headers, now) {
                Some(other) => live.push((other.begun, cookie)),
                None => lines.extend(cookies::cleared(cookie)),
            }
        }
        live.sort_unstable();
        let too_many = (live.len() + 1).saturating_sub(MOST);
        lines.extend(live.iter().take(too_many).filter_map(|(_, cookie)| cookies::cleared(cookie)));
        Some(lines)
    }

    /// The attempt of this browser that `state` is of.
    pub fn of_state(desk: &Desk, host: &str, state: &str, headers: &HeaderMap, now: UnixMillis) -> Option<Self> {
        let name = desk.settings.cookie.transaction(tag(state)?);
        let found = Self::read(desk, host, &name, headers, now)?;
        constant_time_eq(found.state.as_bytes(), state.as_bytes()).then_some(found)
    }

    pub fn cleared(&self, desk: &Desk) -> Option<HeaderValue> {
        cookies::cleared(&desk.settings.cookie.transaction(tag(&self.state)?))
    }

    fn read(desk: &Desk, host: &str, name: &str, headers: &HeaderMap, now: UnixMillis) -> Option<Self> {
        let plain = desk.open(Purpose::Transaction, host, name, cookies::one(headers, name)?)?;
        let found: Self = postcard::from_bytes(plain.expose()).ok()?;
        // Another edge's clock may be ahead.
        (now.seconds().saturating_sub(found.begun) < LIFE.as_secs()).then_some(found)
    }
}

fn tag(state: &str) -> Option<&str> {
    state.get(..TAG).filter(|tag| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}

/// Whether a text leads to this very host: a path from its root that no browser reads as the name of another one (WHATWG URL: `//host`, and
/// backslashes as slashes; tabs and line breaks are left out).
pub fn is_local(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    target.starts_with('/')
        && !target.starts_with("//")
        && !path.contains('\\')
        && target.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_returned_to() {
        for good in ["/", "/a/b?c=/d", "/a?next=https://x", "/%2F%2Fevil"] {
            assert!(is_local(good), "{good}");
        }
        for bad in
            ["", "a", "//evil", "///evil", "/\\evil", "\\/evil", "/\t/evil", "/\n/evil", "https://evil", "/é", "/a b"]
        {
            assert!(!is_local(bad), "{bad}");
        }
        let begun = Transaction::begin("u".into(), "//evil", UnixMillis(0)).unwrap();
        assert_eq!(begun.return_to, "/");
        let long = format!("/{}", "x".repeat(LONGEST_RETURN));
        assert_eq!(Transaction::begin("u".into(), &long, UnixMillis(0)).unwrap().return_to, "/");
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned().into();
        let begun = Transaction::begin("u".into(), "/", UnixMillis(0)).unwrap();
        assert_eq!(Transaction { verifier, ..begun }.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
