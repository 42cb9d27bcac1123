//! One request of a browser, as sign-in sees it.

use std::net::IpAddr;

use common::clock::UnixMillis;
use http::header::{ACCEPT, HeaderMap};

/// Who comes where.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'r> {
    /// The canonical host, with the port as it was written.
    pub authority: &'r str,
    /// The same without the port.
    pub host: &'r str,
    /// The request came by TLS.
    pub secure: bool,
    pub method: &'r str,
    /// Canonical.
    pub target: &'r str,
    pub headers: &'r HeaderMap,
    pub now: UnixMillis,
}

impl Visit<'_> {
    pub fn origin(&self) -> String {
        origin(self.authority, self.host, self.secure)
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// How browsers write this host. Cookies of `__Host-` come by https alone, but on the browser's own machine; so an edge that is reached
/// otherwise has somebody before it who speaks TLS.
pub fn origin(authority: &str, host: &str, secure: bool) -> String {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here =
        host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback());
    format!("{}://{authority}", if is_here && !secure { "http" } else { "https" })
}

/// Whether a person waits for a page: scripts must not be led to another site, which would answer them with its own (Fetch metadata; without it
/// whoever takes HTML by name).
pub fn is_navigation(method: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let wants_page = match text("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => takes_html(headers) && text("x-requested-with").is_none_or(|with| with != "XMLHttpRequest"),
    };
    wants_page && matches!(method, "GET" | "HEAD")
}

/// Whether another site made the browser send this.
pub fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepts.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or_default());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_page_is_told_apart_from_what_scripts_fetch() {
        const HTML: (&str, &str) = ("accept", "application/xhtml+xml, text/html;q=0.9");
        type Fields = &'static [(&'static str, &'static str)];
        let cases: [(&str, Fields, bool); 9] = [
            ("GET", &[HTML], true),
            ("HEAD", &[HTML], true),
            ("POST", &[HTML], false),
            ("GET", &[], false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[HTML, ("sec-fetch-mode", "cors")], false),
            ("GET", &[("sec-fetch-mode", "navigate")], true),
            ("POST", &[("sec-fetch-mode", "navigate")], false),
            ("GET", &[HTML, ("x-requested-with", "XMLHttpRequest")], false),
        ];
        for (method, fields, expected) in cases {
            let headers =
                fields.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
            assert_eq!(is_navigation(method, &headers), expected, "{method} {fields:?}");
        }
    }

    #[test]
    fn only_on_its_own_machine_a_browser_is_led_back_by_http() {
        for (authority, host, secure, expected) in [
            ("localhost:8800", "localhost", false, "http://localhost:8800"),
            ("localhost:8800", "localhost", true, "https://localhost:8800"),
            ("[::1]:80", "[::1]", false, "http://[::1]:80"),
            ("127.0.0.1", "127.0.0.1", false, "http://127.0.0.1"),
            ("a.example", "a.example", false, "https://a.example"),
            ("10.0.0.1", "10.0.0.1", false, "https://10.0.0.1"),
        ] {
            assert_eq!(origin(authority, host, secure), expected);
        }
    }
}
