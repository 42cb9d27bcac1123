//! A server as people name it: by URL.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use http::Uri;

use super::target::{Protocol, Target, Tls, TlsError, Trust};

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("{0} is not http[s]://HOST[:PORT][/PATH]")]
    Form(String),
    #[error("{0}: {1}")]
    Resolve(String, io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Target {
    /// The server of `url`, and the path with its query. The first address of a name is taken; `trust` matters to https only.
    ///
    /// # Errors
    /// When it is no such URL, its name has no address, or TLS can't be set up.
    pub fn of_url(url: &str, protocol: Protocol, trust: &Trust) -> Result<(Self, String), UrlError> {
        let wrong = || UrlError::Form(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        let (secure, usual_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(wrong()),
        };
        // `http` lets a port out of range pass as none.
        let port = match (authority.port_u16(), authority.as_str() == authority.host()) {
            (Some(port), _) => port,
            (None, true) => usual_port,
            (None, false) => return Err(wrong()),
        };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let tls = if secure { Some(Tls::new(name, trust, protocol)?) } else { None };
        let address = resolve(name, port).map_err(|error| UrlError::Resolve(name.to_owned(), error))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok((Self { address, host: authority.as_str().to_owned(), protocol, tls }, path))
    }
}

fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    (name, port).to_socket_addrs()?.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let parse = |url| {
            let (target, path) = Target::of_url(url, Protocol::Http1, &Trust::Anyone)?;
            Ok::<_, UrlError>((target.address.to_string(), target.host, target.tls.is_some(), path))
        };
        let some =
            |address: &str, host: &str, tls, path: &str| (address.to_owned(), host.to_owned(), tls, path.to_owned());
        assert_eq!(parse("http://127.0.0.1:81/a?b=c").unwrap(), some("127.0.0.1:81", "127.0.0.1:81", false, "/a?b=c"));
        assert_eq!(parse("http://127.0.0.1").unwrap(), some("127.0.0.1:80", "127.0.0.1", false, "/"));
        assert_eq!(parse("https://[::1]/").unwrap(), some("[::1]:443", "[::1]", true, "/"));
        for url in ["", "/a", "127.0.0.1:80", "ftp://127.0.0.1/", "http://", "http://a:70000/", "http://u:p@127.0.0.1/"]
        {
            assert!(matches!(parse(url), Err(UrlError::Form(_))), "{url:?}: {:?}", parse(url));
        }
        assert!(matches!(parse("http://no-such-name.invalid/"), Err(UrlError::Resolve(..))));
    }
}
