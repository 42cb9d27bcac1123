//! Which other sites' scripts may call a route and read its answers (Fetch standard, "CORS protocol"), as data.

use http::HeaderValue;

/// What a route says of other origins. The header values are made once, from settings alone.
#[derive(Clone, Debug, PartialEq)]
pub struct CorsRule {
    /// Never empty.
    pub origins: Vec<OriginPattern>,
    pub allow_methods: HeaderValue,
    pub allow_headers: HeaderValue,
    /// None: scripts see the headers that every script may see.
    pub expose: Option<HeaderValue>,
    /// Whether cookies and other credentials that browsers add by themselves may come along. Never together with [`OriginPattern::Any`].
    pub credentials: bool,
    /// Seconds for which a browser may keep the answer to a preflight.
    pub max_age: HeaderValue,
}

/// An origin as browsers serialise it: scheme, host, and port unless it is the scheme's own; lower case.
#[derive(Clone, Debug, PartialEq)]
pub enum OriginPattern {
    /// `*`: every origin but `null`.
    Any,
    /// `null`: documents without an origin of their own (sandboxed frames, files). Anyone can make one.
    Null,
    Exact(HeaderValue),
    /// `https://*.example.com:8443`: one label or more before the suffix.
    Below {
        /// `https://`.
        scheme: String,
        /// `.example.com:8443`.
        suffix: String,
    },
}
