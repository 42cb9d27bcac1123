//! Cookies of a pool's domain. All have the prefix `__Host-`: no sibling domain can set one (SECURITY.md T79).
//!
//! A domain at `http://`, which is for development, sets each once more without prefix and `Secure`, since not every client takes
//! `http://localhost` for as safe as browsers do; at `https://` such a cookie is nothing.

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

    /// The values of `Set-Cookie`; `is_plain`: of a domain at `http://`. None where it has other characters.
    pub fn headers(&self, is_plain: bool) -> Vec<HeaderValue> {
        let are_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !are_plain(&self.name) || !are_plain(&self.value) {
            return Vec::new();
        }
        let life = self.life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
        let tail = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{life}", self.name, self.value);
        let lines = [Some(format!("{PREFIX}{tail}; Secure")), is_plain.then_some(tail)];
        let sensitive = |line: String| {
            let mut value = HeaderValue::from_str(&line).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        lines.into_iter().flatten().filter_map(sensitive).collect()
    }
}

/// The cookies of a request.
#[derive(Clone, Copy, Debug)]
pub struct Jar<'h> {
    headers: &'h HeaderMap,
    is_plain: bool,
}

impl<'h> Jar<'h> {
    /// `is_plain`: of a domain at `http://`.
    pub fn of(headers: &'h HeaderMap, is_plain: bool) -> Self {
        Self { headers, is_plain }
    }

    /// A cookie's value; `name` without the prefix. None: absent, or there twice, since one of the two is not ours.
    pub fn get(self, name: &str) -> Option<&'h str> {
        match self.named(|key| key.strip_prefix(PREFIX) == Some(name)) {
            Found::None if self.is_plain => self.named(|key| key == name).value(),
            found => found.value(),
        }
    }

    fn named(self, is_it: impl Fn(&str) -> bool) -> Found<'h> {
        let lines = self.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(key, _)| is_it(key)).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (None, _) => Found::None,
            (Some(value), None) => Found::One(value),
            (Some(_), Some(_)) => Found::Several,
        }
    }
}

enum Found<'h> {
    None,
    One(&'h str),
    Several,
}

impl<'h> Found<'h> {
    fn value(self) -> Option<&'h str> {
        match self {
            Self::One(value) => Some(value).filter(|value| !value.is_empty()),
            Self::None | Self::Several => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_of_one_host_and_not_for_scripts() {
        let cookie = Cookie::host("tg-form", "abc", Some(Duration::from_secs(60)));
        let host = "__Host-tg-form=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure";
        assert_eq!(cookie.headers(false), [host]);
        assert_eq!(cookie.headers(true), [host, "tg-form=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"]);
        assert!(Cookie::gone("tg-form").headers(false)[0].to_str().unwrap().contains("; Max-Age=0;"));
        assert!(Cookie::host("tg-form", "a; Domain=evil.test", None).headers(true).is_empty());
    }

    #[test]
    fn a_cookie_without_its_prefix_or_twice_is_none() {
        let ask = |line: &'static str, is_plain: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            Jar::of(&headers, is_plain).get("tg-form").map(str::to_owned)
        };
        assert_eq!(ask("a=b; __Host-tg-form=x=1; c", false).as_deref(), Some("x=1"));
        for line in ["tg-form=x", "__Host-tg-form=", "__Host-tg-form=x; __Host-tg-form=y", "__host-tg-form=x"] {
            assert_eq!(ask(line, false), None, "{line}");
        }
        assert_eq!(ask("tg-form=x", true).as_deref(), Some("x"));
        assert_eq!(ask("tg-form=x; __Host-tg-form=y", true).as_deref(), Some("y"));
        for line in
            ["tg-form=x; tg-form=y", "tg-form=x; __Host-tg-form=y; __Host-tg-form=z", "tg-form=x; __Host-tg-form="]
        {
            assert_eq!(ask(line, true), None, "{line}");
        }
    }
}
