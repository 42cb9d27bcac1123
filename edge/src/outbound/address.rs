//! An address that the edge may ask: checked once, so that what holds one need not ask again.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// An `https` URL, or an `http` one to this machine or where the operator has allowed it. It has neither user nor fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: Url,
    allow_http: bool,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is no URL such as \"https://login.example.com/keys\"")]
    NoUrl,
    #[error("must be https: plain http goes to this machine only, unless `allow_http` says otherwise")]
    Plain,
    #[error("must have neither user, password nor fragment")]
    Adornment,
}

impl Address {
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, AddressError> {
        Self::checked(Url::parse(text).map_err(|_| AddressError::NoUrl)?, allow_http)
    }

    /// The metadata of OpenID Connect Discovery 1.0 §4: appended to the issuer.
    pub fn of_openid_configuration(iss: &str, allow_http: bool) -> Result<Self, AddressError> {
        Self::parse(&format!("{}/.well-known/openid-configuration", iss.trim_end_matches('/')), allow_http)
    }

    /// The metadata of RFC 8414 §3.1: put between the issuer's host and path.
    pub fn of_authorization_server(iss: &str, allow_http: bool) -> Result<Self, AddressError> {
        let mut url = Self::parse(iss, allow_http)?.url;
        let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Self::checked(url, allow_http)
    }

    /// Where a redirect goes: to the same scheme, host and port, or nowhere (SECURITY.md I57).
    pub fn redirected(&self, location: &str) -> Option<Self> {
        let url = self.url.join(location).ok()?;
        let next = Self::checked(url, self.allow_http).ok()?;
        (next.url.origin() == self.url.origin()).then_some(next)
    }

    /// An address that this one's answer names: on any host, but https where this one is. What an issuer says must not make the edge ask
    /// something on its own machine in the clear.
    pub fn named(&self, text: &str) -> Result<Self, AddressError> {
        let named = Self::parse(text, self.allow_http)?;
        if self.url.scheme() == "https" && named.url.scheme() != "https" {
            return Err(AddressError::Plain);
        }
        Ok(named)
    }

    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    fn checked(url: Url, allow_http: bool) -> Result<Self, AddressError> {
        let host = url.host().ok_or(AddressError::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_http || is_this_machine(&host) => {}
            "http" => return Err(AddressError::Plain),
            _ => return Err(AddressError::NoUrl),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(AddressError::Adornment);
        }
        Ok(Self { url, allow_http })
    }
}

impl fmt::Display for Address {
    /// Without the query, which may hold what is not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.url.as_str();
        f.write_str(text.split_once('?').map_or(text, |(before, _)| before))
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => IpAddr::V4(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(*ip).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked() {
        for good in ["https://a.example/keys", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost:1/"] {
            assert!(Address::parse(good, false).is_ok(), "{good}");
        }
        for (text, error) in [
            ("", AddressError::NoUrl),
            ("a.example/keys", AddressError::NoUrl),
            ("ftp://a.example/", AddressError::NoUrl),
            ("file:///etc/passwd", AddressError::NoUrl),
            ("http://a.example/keys", AddressError::Plain),
            ("http://127.0.0.1.a.example/", AddressError::Plain),
            ("http://localhost.a.example/", AddressError::Plain),
            ("http://10.0.0.1/", AddressError::Plain),
            ("https://u:p@a.example/", AddressError::Adornment),
            ("https://a.example/#x", AddressError::Adornment),
        ] {
            assert_eq!(Address::parse(text, false).map(|_| ()), Err(error), "{text}");
        }
        assert!(Address::parse("http://10.0.0.1/", true).is_ok());
    }

    #[test]
    fn redirects_stay_where_they_began() {
        let from = Address::parse("https://a.example/keys", false).unwrap();
        for (location, to) in [
            ("/other", Some("https://a.example/other")),
            ("https://a.example:443/x", Some("https://a.example/x")),
            ("http://a.example/x", None),
            ("https://b.example/x", None),
            ("https://a.example:8443/x", None),
            ("//b.example/x", None),
            ("https://u@a.example/x", None),
            ("http://127.0.0.1/x", None),
        ] {
            assert_eq!(from.redirected(location).as_ref().map(Address::as_str), to, "{location}");
        }
    }

    #[test]
    fn an_answer_names_nothing_less_safe_than_itself() {
        let named = |from: &str, to: &str| Address::parse(from, true).unwrap().named(to).is_ok();
        assert!(named("https://a.example/", "https://b.example/"));
        assert!(!named("https://a.example/", "http://b.example/"));
        assert!(!named("https://a.example/", "http://127.0.0.1:8802/metrics"));
        assert!(named("http://127.0.0.1:1/", "http://127.0.0.1:2/"));
        assert!(!named("http://127.0.0.1:1/", "file:///etc/keys"));
    }

    #[test]
    fn metadata_of_an_issuer() {
        for (iss, openid, oauth) in [
            ("https://a.example", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            ("https://a.example/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            (
                "https://a.example/realms/corp",
                "/realms/corp/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/realms/corp",
            ),
        ] {
            let path = |address: Address| address.url.path().to_owned();
            assert_eq!(path(Address::of_openid_configuration(iss, false).unwrap()), openid);
            assert_eq!(path(Address::of_authorization_server(iss, false).unwrap()), oauth);
        }
        assert!(Address::of_openid_configuration("corp", false).is_err());
    }

    #[test]
    fn a_query_is_not_shown() {
        assert_eq!(Address::parse("https://a.example/k?key=x", false).unwrap().to_string(), "https://a.example/k");
    }
}
