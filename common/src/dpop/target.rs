//! The URI of a request, as its sender wrote it.

use crate::canonical::{CanonicalRequest, Url, UrlScheme};

/// What `htu` must name: the request's URI without query and fragment, in normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'r> {
    scheme: UrlScheme,
    host: &'r str,
    port: u16,
    /// What stands before the path outside, without a slash at its end: often nothing.
    prefix: &'r str,
    path: &'r str,
}

impl<'r> Target<'r> {
    /// As the request came, over a connection of this scheme.
    pub fn received(scheme: UrlScheme, request: &'r CanonicalRequest<'_>) -> Self {
        Self {
            scheme,
            host: request.host.name(),
            port: request.host.port().unwrap_or(scheme.default_port()),
            prefix: "",
            path: request.path.as_str(),
        }
    }

    /// As it looks from outside, where something before the gateway ends TLS, replaces the host, or takes a prefix off the path.
    pub fn public(base: &'r Url<'_>, request: &'r CanonicalRequest<'_>) -> Self {
        let prefix = base.path.as_str();
        Self {
            scheme: base.scheme,
            host: base.host(),
            port: base.port(),
            prefix: prefix.strip_suffix('/').unwrap_or(prefix),
            path: request.path.as_str(),
        }
    }

    /// As settings have it.
    pub fn at(url: &'r Url<'_>) -> Self {
        Self { scheme: url.scheme, host: url.host(), port: url.port(), prefix: "", path: url.path.as_str() }
    }

    /// Whether a URL is this one, leaving out its query and fragment.
    pub fn is(&self, url: &Url<'_>) -> bool {
        self.scheme == url.scheme
            && self.host == url.host()
            && self.port == url.port()
            && url.path.as_str().strip_prefix(self.prefix) == Some(self.path)
    }
}
