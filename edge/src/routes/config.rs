//! The `match` of a `[[route]]`.

use common::canonical::{CanonicalPath, Host};
use http::Method;

use crate::challenge;
use crate::snapshot::route::{HostPattern, PathPattern};
use common::settings::{Section, SettingError};

/// What a route matches.
#[derive(Debug)]
pub struct Match {
    pub host: HostPattern,
    pub path: PathPattern,
    pub methods: Vec<Method>,
}

/// Reads the `match` of a route. An absent `host` is any host, an absent `path` any path.
pub fn matcher(mut section: Section) -> Result<Match, SettingError> {
    let host = match section.text("host")? {
        None => HostPattern::Any,
        Some(text) => host_pattern(&text).map_err(|problem| section.error("host", problem))?,
    };
    let path = match section.text("path")? {
        None => PathPattern::Prefix("/".to_owned()),
        Some(text) => path_pattern(&text).map_err(|problem| section.error("path", problem))?,
    };
    let mut methods = Vec::new();
    for text in section.texts("methods")? {
        methods.push(method(&text).map_err(|problem| section.error("methods", problem))?);
    }
    section.finish()?;
    Ok(Match { host, path, methods })
}

fn host_pattern(text: &str) -> Result<HostPattern, String> {
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    let (wildcard, name) = match text.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let host = Host::parse(name.as_bytes()).map_err(|reason| reason.to_string())?;
    if host.port().is_some() {
        return Err("must not have a port".to_owned());
    }
    let name = host.name().to_owned();
    Ok(if wildcard { HostPattern::Suffix(format!(".{name}")) } else { HostPattern::Exact(name) })
}

fn path_pattern(text: &str) -> Result<PathPattern, String> {
    let (prefix, path) = match text.strip_suffix('*') {
        Some(path) if path.ends_with('/') => (true, path),
        Some(_) => return Err("a `*` may only stand after a slash, at the end".to_owned()),
        None => (false, text),
    };
    if path.contains('*') {
        return Err("a `*` may only stand after a slash, at the end".to_owned());
    }
    let path = CanonicalPath::parse(path.as_bytes()).map_err(|reason| reason.to_string())?.decoded().into_owned();
    if challenge::is_reserved(&path) {
        return Err(format!("paths in {} are the edge's own", challenge::RESERVED));
    }
    Ok(if prefix { PathPattern::Prefix(path) } else { PathPattern::Exact(path) })
}

fn method(text: &str) -> Result<Method, String> {
    if matches!(text, "CONNECT" | "TRACE") || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(format!("\"{text}\" is never forwarded"));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| format!("\"{text}\" is no method"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert_eq!(host_pattern("API.example.com").unwrap(), HostPattern::Exact("api.example.com".into()));
        assert_eq!(host_pattern("*.example.com").unwrap(), HostPattern::Suffix(".example.com".into()));
        assert_eq!(path_pattern("/orders/*").unwrap(), PathPattern::Prefix("/orders/".into()));
        assert_eq!(path_pattern("/a%62c").unwrap(), PathPattern::Exact("/abc".into()));
        assert_eq!(path_pattern("/*").unwrap(), PathPattern::Prefix("/".into()));
        for bad in
            ["/a*", "/*/b", "orders", "/a/../b", "//a", "/.tollgate", "/.tollgate/*", "/%2Etollgate/challenge/verify"]
        {
            assert!(path_pattern(bad).is_err(), "{bad}");
        }
        for bad in ["a b", "example.com:80", "*x", ""] {
            assert!(host_pattern(bad).is_err(), "{bad}");
        }
        for bad in ["CONNECT", "TRACE", "get", "", "G ET"] {
            assert!(method(bad).is_err(), "{bad}");
        }
    }
}
