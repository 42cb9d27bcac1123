//! Whether a `redirect_uri` is one of a client's (pure; SECURITY.md I01, T65).

use url::Url;

use crate::clients::model::Settings;

/// Compared as text, whole. Of a native client's loopback URIs the port may be any (RFC 8252 §7.3).
pub fn is_registered(settings: &Settings, asked: &str) -> bool {
    let registered = settings.callback_urls.as_deref().unwrap_or_default();
    registered.iter().any(|known| known == asked || (settings.oauth.native && is_same_loopback(known, asked)))
}

/// The one that a request means which names none (RFC 6749 §3.1.2.3): the default, or the only one.
pub fn default_of(settings: &Settings) -> Option<&str> {
    let registered = settings.callback_urls.as_deref().unwrap_or_default();
    let only = || match registered {
        [only] => Some(only.as_str()),
        _ => None,
    };
    settings.default_redirect_uri.as_deref().filter(|uri| registered.iter().any(|known| known == uri)).or_else(only)
}

/// Only the digits of the port differ: the texts around them are compared as they are.
fn is_same_loopback(known: &str, asked: &str) -> bool {
    match (split(known), split(asked)) {
        (Some(known), Some(asked)) => known == asked,
        _ => false,
    }
}

/// What stands before the port and after it; `None` for what is no loopback URI.
fn split(uri: &str) -> Option<(&str, &str)> {
    let hosts = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    let host = hosts.into_iter().find(|host| uri.starts_with(host))?;
    let rest = uri.get(host.len()..)?;
    let path = match rest.strip_prefix(':') {
        Some(with_port) => {
            let digits = with_port.bytes().take_while(u8::is_ascii_digit).count();
            let (port, path) = with_port.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            path
        }
        None => rest,
    };
    // The host ends here, and nothing that a browser reads otherwise follows.
    let is_whole = path.starts_with('/') && Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
    (is_whole && !path.contains('\\')).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(native: bool, uris: &[&str]) -> Settings {
        let mut settings =
            Settings { callback_urls: Some(uris.iter().map(|uri| (*uri).to_owned()).collect()), ..Settings::default() };
        settings.oauth.native = native;
        settings
    }

    /// T65: what browsers, servers and libraries have taken for one another.
    #[test]
    fn tricks_are_not_the_registered_uri() {
        let good = "https://app.example.com/cb?x=1";
        let settings = settings(true, &[good, "http://127.0.0.1/cb", "com.example.app:/cb"]);
        assert!(is_registered(&settings, good));
        let hosts = [
            "app.example.com.evil.test",
            "evil.test",
            "app.example.com@evil.test",
            "app.example.com:443",
            "APP.example.com",
            "app.example.com.",
            "app%2eexample.com",
            "app.example.com%00.evil.test",
            "app.example.com\\.evil.test",
            "evil.test#app.example.com",
            "evil.test?app.example.com",
            "appXexample.com",
            "sub.app.example.com",
            "app.example.com\t",
            "аpp.example.com",
            "app.example.com/..",
            "user:pass@app.example.com",
            "[::1]",
            "app.example.com:80",
            "app.example.com:",
        ];
        let paths = [
            "/cb?x=1",
            "/cb",
            "/cb?x=1&y=2",
            "/cb?x=1#",
            "/cb?x=1#f",
            "/cb/?x=1",
            "/cb/../cb?x=1",
            "//cb?x=1",
            "/CB?x=1",
            "/cb%20?x=1",
            "/%63b?x=1",
            "/cb?X=1",
            "/cb?x=1 ",
            "/cb?x=1%00",
            "/cb;a?x=1",
            "/cb?x=1\\",
        ];
        let schemes = [
            "https://",
            "http://",
            "HTTPS://",
            "https:/",
            "https:",
            "javascript://",
            "//",
            "https:\\\\",
            " https://",
            "data:",
        ];
        let mut tried = 0;
        for scheme in schemes {
            for host in ["app.example.com"].into_iter().chain(hosts) {
                for path in paths {
                    let uri = format!("{scheme}{host}{path}");
                    if uri != good {
                        tried += 1;
                        assert!(!is_registered(&settings, &uri), "{uri}");
                    }
                }
            }
        }
        assert!(tried > 300);
        for uri in ["", "com.example.app:/cb2", "com.example.app://cb", "COM.example.app:/cb", "com.example.app:/cb?x"]
        {
            assert!(!is_registered(&settings, uri), "{uri}");
        }
    }

    #[test]
    fn the_port_of_a_native_clients_loopback_is_free() {
        let native = settings(true, &["http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://localhost:1/a?b"]);
        for good in ["http://127.0.0.1:51004/cb", "http://[::1]/cb", "http://[::1]:9/cb", "http://localhost:65535/a?b"]
        {
            assert!(is_registered(&native, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:1@evil.test/cb",
            "http://127.0.0.1:1.evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1:80/cb/",
            "https://127.0.0.1:80/cb",
            "http://127.0.0.2:80/cb",
            "http://localhost:80/cb",
            "http://localhost.evil.test/a?b",
        ] {
            assert!(!is_registered(&native, bad), "{bad}");
        }
        let web = settings(false, &["http://127.0.0.1/cb"]);
        assert!(!is_registered(&web, "http://127.0.0.1:51004/cb"));
    }

    #[test]
    fn a_request_without_one_means_the_only_one_or_the_default() {
        assert_eq!(default_of(&settings(false, &["https://a/"])), Some("https://a/"));
        let mut two = settings(false, &["https://a/", "https://b/"]);
        assert_eq!(default_of(&two), None);
        two.default_redirect_uri = Some("https://b/".into());
        assert_eq!(default_of(&two), Some("https://b/"));
        two.default_redirect_uri = Some("https://c/".into());
        assert_eq!(default_of(&two), None);
    }
}
