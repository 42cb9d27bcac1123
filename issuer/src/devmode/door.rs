//! Who may use `/dev`: a program on this machine that was given the token.
//!
//! A page in a browser on this machine reaches loopback, too. What it sends has an `Origin` (cross-site request forgery), or, where its own name was made to
//! resolve to 127.0.0.1 (DNS rebinding), the `Host` of that name. Neither passes, token or not, and no answer has CORS headers.

use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use common::secret::{SecretString, constant_time_eq};

/// The token where a client sets `Authorization` for something else.
const TOKEN: HeaderName = HeaderName::from_static("x-dev-token");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Origin,
    Forwarded,
    Token,
}

impl Refusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Origin | Self::Forwarded => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Host => "/dev answers to 127.0.0.1, [::1] and localhost only.",
            Self::Origin => "/dev is for programs, not for web pages: it takes no request with an Origin.",
            Self::Forwarded => "/dev takes no request that came through a proxy.",
            Self::Token => "/dev needs the dev_token of up.json: Authorization: Bearer TOKEN.",
        }
    }
}

/// The token is looked at last, so that no page can try tokens.
pub(super) fn check(head: &Parts, token: &SecretString) -> Result<(), Refusal> {
    if !hosts(head).is_some_and(|hosts| hosts.iter().all(|host| is_loopback(host))) {
        return Err(Refusal::Host);
    }
    let has = |name: &HeaderName| head.headers.contains_key(name);
    if has(&ORIGIN) {
        return Err(Refusal::Origin);
    }
    if has(&FORWARDED) || has(&FORWARDED_FOR) || head.headers.contains_key(common::attest::HEADER) {
        return Err(Refusal::Forwarded);
    }
    let is_right = given(&head.headers).is_some_and(|given| constant_time_eq(given, token.expose().as_bytes()));
    if is_right { Ok(()) } else { Err(Refusal::Token) }
}

/// Whether a page of this origin is one of this machine's own. `null` is nobody's.
pub(super) fn is_loopback_origin(origin: &[u8]) -> bool {
    let origin = std::str::from_utf8(origin).unwrap_or_default();
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(is_loopback)
}

/// What the request calls this server: its `Host`, and the authority of its target. None where it says nothing, or several things.
fn hosts(head: &Parts) -> Option<Vec<&str>> {
    let mut named: Vec<&str> = head.uri.authority().map(|authority| authority.as_str()).into_iter().collect();
    for host in head.headers.get_all(HOST) {
        named.push(host.to_str().ok()?);
    }
    (1..=2).contains(&named.len()).then_some(named)
}

/// `host` or `host:port`.
fn is_loopback(authority: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{authority}/")) else { return false };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    is_plain
        && url.query().is_none()
        && url.fragment().is_none()
        && match url.host() {
            Some(url::Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// The one token that came.
fn given(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    let own = headers.get_all(TOKEN).iter().map(|value| Some(value.as_bytes()));
    let mut all = bearer.chain(own);
    all.next()?.filter(|_| all.next().is_none())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const TOKEN_TEXT: &str = "0123456789abcdef0123456789abcdef";

    fn asked(uri: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, &SecretString::new(TOKEN_TEXT))
    }

    fn from(host: &str, more: &[(&str, &str)]) -> Result<(), Refusal> {
        let bearer = format!("Bearer {TOKEN_TEXT}");
        let mut headers = vec![("host", host), ("authorization", bearer.as_str())];
        headers.extend_from_slice(more);
        asked("/dev/outbox", &headers)
    }

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for host in
            ["127.0.0.1:8700", "127.0.0.1", "127.8.8.8:1", "[::1]:8700", "localhost:8700", "LOCALHOST", "localhost."]
        {
            assert_eq!(from(host, &[]), Ok(()), "{host}");
        }
        for host in [
            "evil.example:8700",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil-localhost",
            "localhost@evil.example",
            "evil.example#@localhost",
            "evil.example/localhost",
            "evil.example?localhost",
            "localhost/x",
            "localhost?",
            "user@localhost",
            "0.0.0.0:8700",
            "[::]:8700",
            "192.168.0.1",
            "10.0.0.1:8700",
            "[::ffff:127.0.0.1]",
            "",
            ":8700",
            "localhost:99999",
            "local host",
        ] {
            assert_eq!(from(host, &[]), Err(Refusal::Host), "{host}");
        }
        let bearer = format!("Bearer {TOKEN_TEXT}");
        let token = ("authorization", bearer.as_str());
        assert_eq!(asked("/dev/outbox", &[token]), Err(Refusal::Host), "no name at all");
        assert_eq!(asked("http://localhost:1/dev", &[token]), Ok(()), "HTTP/2 says it in the target");
        assert_eq!(asked("http://evil.example/dev", &[("host", "localhost"), token]), Err(Refusal::Host));
        assert_eq!(asked("http://localhost/dev", &[("host", "evil.example"), token]), Err(Refusal::Host));
        assert_eq!(from("localhost", &[("host", "evil.example")]), Err(Refusal::Host), "two names");
    }

    #[test]
    fn no_page_is_let_in_not_even_one_of_this_machine() {
        for origin in ["https://evil.example", "http://localhost:3000", "http://127.0.0.1:8700", "null", ""] {
            assert_eq!(from("localhost", &[("origin", origin)]), Err(Refusal::Origin), "{origin}");
        }
        for proxy in ["x-forwarded-for", "forwarded", common::attest::HEADER] {
            assert_eq!(from("localhost", &[(proxy, "for=127.0.0.1")]), Err(Refusal::Forwarded), "{proxy}");
        }
    }

    #[test]
    fn the_token_comes_whole_and_once() {
        let with = |headers: &[(&str, &str)]| {
            let mut all = vec![("host", "localhost")];
            all.extend_from_slice(headers);
            asked("/dev/outbox", &all)
        };
        let bearer = format!("Bearer {TOKEN_TEXT}");
        assert_eq!(with(&[("authorization", &format!("bearer {TOKEN_TEXT}"))]), Ok(()));
        assert_eq!(with(&[("x-dev-token", TOKEN_TEXT)]), Ok(()));
        let wrong = [
            "",
            "Bearer",
            "Bearer ",
            "Basic 0123",
            TOKEN_TEXT,
            "Bearer 0123456789abcdef0123456789abcdeF",
            "Bearer 0123456789abcdef",
            &format!("{bearer}0"),
            &format!("Bearer  {TOKEN_TEXT}"),
        ];
        for wrong in wrong {
            assert_eq!(with(&[("authorization", wrong)]), Err(Refusal::Token), "{wrong}");
        }
        assert_eq!(with(&[]), Err(Refusal::Token));
        assert_eq!(with(&[("authorization", &bearer), ("x-dev-token", TOKEN_TEXT)]), Err(Refusal::Token));
        assert_eq!(with(&[("authorization", &bearer), ("authorization", &bearer)]), Err(Refusal::Token));
    }

    #[test]
    fn origins_of_this_machine() {
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5173"] {
            assert!(is_loopback_origin(origin.as_bytes()), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "http://localhost.evil.example",
            "null",
            "",
            "file://",
            "http://",
            "ftp://localhost",
        ] {
            assert!(!is_loopback_origin(origin.as_bytes()), "{origin}");
        }
    }
}
