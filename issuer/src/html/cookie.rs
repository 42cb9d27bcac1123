//! Cookies of a pool's domain. All have the prefix `__Host-`: no sibling domain can set one (SECURITY.md T79).

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

const PREFIX: &str = "__Host-";

/// A cookie to set.
#[derive(Clone, Debug)]
pub struct Cookie {
    name: String,
    value: String,
    /// None: until the browser ends.
    life: Option<Duration>,
}

impl Cookie {
    /// `name` without the prefix. Name and value are of letters, digits, `-`, `_` and `.`.
    pub fn host(name: impl Into<String>, value: impl Into<String>, life: Option<Duration>) -> Self {
        Self { name: name.into(), value: value.into(), life }
    }

    /// Takes it out of the browser.
    pub fn gone(name: impl Into<String>) -> Self {
        Self::host(name, "", Some(Duration::ZERO))
    }

    /// The value of `Set-Cookie`. None: it has other characters.
    pub fn header(&self) -> Option<HeaderValue> {
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_plain(&self.name) || !is_plain(&self.value) {
            return None;
        }
        let life = self.life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
        let text = format!("{PREFIX}{}={}; Path=/; Secure; HttpOnly; SameSite=Lax{life}", self.name, self.value);
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The cookie's value in a request; `name` without the prefix. None: absent, or there twice, since one of the two is not ours.
pub fn of_request<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(key, _)| key.strip_prefix(PREFIX) == Some(name)).map(|(_, value)| value);
    let value = found.next()?;
    (found.next().is_none() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_of_one_host_and_not_for_scripts() {
        let set = Cookie::host("tg-form", "abc", Some(Duration::from_secs(60))).header().unwrap();
        assert_eq!(set, "__Host-tg-form=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
        assert!(Cookie::gone("tg-form").header().unwrap().to_str().unwrap().ends_with("; Max-Age=0"));
        assert!(Cookie::host("tg-form", "a; Domain=evil.test", None).header().is_none());
    }

    #[test]
    fn a_cookie_without_its_prefix_or_twice_is_none() {
        let ask = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            of_request(&headers, "tg-form").map(str::to_owned)
        };
        assert_eq!(ask("a=b; __Host-tg-form=x=1; c").as_deref(), Some("x=1"));
        for line in ["tg-form=x", "__Host-tg-form=", "__Host-tg-form=x; __Host-tg-form=y", "__host-tg-form=x"] {
            assert_eq!(ask(line), None, "{line}");
        }
    }
}
