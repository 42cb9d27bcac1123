//! A URL that somebody else gave and that may be asked, as far as its text tells.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::error::OutboundError;
use super::place::{Place, place};

/// Characters. Longer ones are somebody's try.
const LONGEST: usize = 2_048;

/// An https URL (an http one where the settings allow what is private) without user, password and fragment. Where its host is an address, it is one that
/// may be asked; what a name leads to is known when it is resolved.
#[derive(Clone, Debug)]
pub struct Address {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Address {
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, OutboundError> {
        if text.len() > LONGEST {
            return Err(OutboundError::Address("is longer than 2,048 characters"));
        }
        let url = Url::parse(text).map_err(|_| OutboundError::Address("is no URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if allow_private => {}
            _ => return Err(OutboundError::Address("must be https")),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(OutboundError::Address("must have neither user, password nor fragment"));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(OutboundError::Address("has no host"));
        };
        let host = host.to_owned();
        let ip = match &host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        };
        if ip.is_some_and(|ip| !is_allowed(ip, allow_private)) {
            return Err(OutboundError::NotPublic);
        }
        Ok(Self { url, host, port })
    }

    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The request's target (RFC 9112 §3.2.1).
    pub fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The value of `Host`.
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }
}

impl fmt::Display for Address {
    /// Without the query, which may hold what is not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.url.as_str();
        f.write_str(text.split_once('?').map_or(text, |(before, _)| before))
    }
}

/// Whether an address may be connected to.
pub fn is_allowed(ip: IpAddr, allow_private: bool) -> bool {
    match place(ip) {
        Place::Public => true,
        Place::Private => allow_private,
        Place::Nowhere => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked() {
        for good in
            ["https://app.example/keys?x=1", "https://app.example:8443/", "https://1.1.1.1/", "https://[2606:4700::1]/"]
        {
            assert!(Address::parse(good, false).is_ok(), "{good}");
        }
        let long = format!("https://app.example/{}", "a".repeat(2_048));
        for (bad, refusal) in [
            ("", OutboundError::Address("is no URL")),
            ("app.example/keys", OutboundError::Address("is no URL")),
            ("http://app.example/", OutboundError::Address("must be https")),
            ("ftp://app.example/", OutboundError::Address("must be https")),
            ("file:///etc/passwd", OutboundError::Address("must be https")),
            ("data:application/json,{}", OutboundError::Address("must be https")),
            ("https://u@app.example/", OutboundError::Address("must have neither user, password nor fragment")),
            ("https://app.example/#x", OutboundError::Address("must have neither user, password nor fragment")),
            (long.as_str(), OutboundError::Address("is longer than 2,048 characters")),
            // The forms of 127.0.0.1 and of a cloud's metadata that filters of texts miss.
            ("https://127.1/", OutboundError::NotPublic),
            ("https://2130706433/", OutboundError::NotPublic),
            ("https://0x7f.0.0.1/", OutboundError::NotPublic),
            ("https://0177.0.0.1/", OutboundError::NotPublic),
            ("https://１２７.0.0.1/", OutboundError::NotPublic),
            ("https://[::1]/", OutboundError::NotPublic),
            ("https://[::ffff:a9fe:a9fe]/", OutboundError::NotPublic),
            ("https://169.254.169.254/latest/meta-data", OutboundError::NotPublic),
            ("https://0/", OutboundError::NotPublic),
        ] {
            assert_eq!(Address::parse(bad, false).err(), Some(refusal), "{bad}");
        }
    }

    #[test]
    fn what_is_private_is_the_operators_to_allow_and_the_rest_nobodys() {
        for good in ["http://127.0.0.1:1/", "http://10.0.0.1/", "http://localhost/", "http://[fd00::1]/"] {
            assert!(Address::parse(good, true).is_ok(), "{good}");
        }
        for bad in ["http://169.254.169.254/", "http://0.0.0.0/", "http://224.0.0.1/", "http://[fe80::1]/"] {
            assert_eq!(Address::parse(bad, true).err(), Some(OutboundError::NotPublic), "{bad}");
        }
    }

    #[test]
    fn a_request_names_its_target_and_its_host() {
        let address = Address::parse("https://App.example:8443/a b?c=d", false).unwrap();
        assert_eq!((address.target().as_str(), address.authority().as_str()), ("/a%20b?c=d", "app.example:8443"));
        assert_eq!(address.to_string(), "https://app.example:8443/a%20b");
        let address = Address::parse("https://[2606:4700::1]", false).unwrap();
        assert_eq!(
            (address.target().as_str(), address.authority().as_str(), address.port()),
            ("/", "[2606:4700::1]", 443)
        );
    }
}
