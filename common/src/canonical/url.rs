//! Absolute URLs in normal form (RFC 3986 §6.2.2 and §6.2.3), for what settings and proofs name.

use crate::canonical::host::Host;
use crate::canonical::path::CanonicalPath;

/// An absolute `http` or `https` URL. Equal URLs name one resource, whatever the case of scheme and host, the escapes, and whether a default
/// port is written. What a request may not have (dot segments, `//`, user information, …) has no normal form here either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    pub scheme: UrlScheme,
    host: Host<'a>,
    pub path: CanonicalPath<'a>,
    /// Query and fragment as written, with `?` or `#`; empty when there is neither.
    pub rest: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlScheme {
    Http,
    Https,
}

impl UrlScheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl<'a> Url<'a> {
    /// `None` for what is no absolute URL of these schemes or has no normal form. An empty path is `/`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme =
            [UrlScheme::Https, UrlScheme::Http].into_iter().find(|s| scheme.eq_ignore_ascii_case(s.as_str()))?;
        let (authority, rest) = cut(rest, &['/', '?', '#'])?;
        let (path, rest) = cut(rest, &['?', '#'])?;
        let path = if path.is_empty() { "/" } else { path };
        let host = Host::parse(authority.as_bytes()).ok()?;
        Some(Self { scheme, host, path: CanonicalPath::parse(path.as_bytes()).ok()?, rest })
    }

    /// The canonical name or address, without port.
    pub fn host(&self) -> &str {
        self.host.name()
    }

    pub fn port(&self) -> u16 {
        self.host.port().unwrap_or(self.scheme.default_port())
    }

    /// Detaches the URL from its text. The rest is left behind.
    pub fn into_owned(self) -> Url<'static> {
        Url { scheme: self.scheme, host: self.host.into_owned(), path: self.path.into_owned(), rest: "" }
    }

    /// `https://api.example.com`, without a default port.
    pub fn origin(&self) -> String {
        let (scheme, host) = (self.scheme.as_str(), self.host());
        match self.port() {
            port if port == self.scheme.default_port() => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// Before and from the first of these characters on.
fn cut<'t>(text: &'t str, at: &[char]) -> Option<(&'t str, &'t str)> {
    text.split_at_checked(text.find(at).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_urls_have_one_form() {
        for (written, origin, path, rest) in [
            ("https://api.example.com", "https://api.example.com", "/", ""),
            ("HTTPS://API.Example.com:443/a%7Eb", "https://api.example.com", "/a~b", ""),
            ("http://a:80/x?y=/..#z", "http://a", "/x", "?y=/..#z"),
            ("http://a:443/x#z?y", "http://a:443", "/x", "#z?y"),
            ("https://[::1]:8443?q", "https://[::1]:8443", "/", "?q"),
            ("https://a./b", "https://a", "/b", ""),
        ] {
            let url = Url::parse(written).unwrap();
            assert_eq!((url.origin().as_str(), url.path.as_str(), url.rest), (origin, path, rest), "{written}");
        }
    }

    #[test]
    fn what_has_no_normal_form_is_no_url() {
        for bad in [
            "",
            "/a",
            "a",
            "ftp://a/",
            "https:/a",
            "https://",
            "https:///a",
            "https://u@a/",
            "https://a/..",
            "https://a//b",
            "https://a/%2F",
            "https://a/;x",
            "https://a b/",
            "https://a/\n",
            "https://a:0/",
            "https://ä/",
            " https://a/",
        ] {
            assert_eq!(Url::parse(bad), None, "{bad:?}");
        }
    }
}
