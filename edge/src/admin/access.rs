//! Who may ask the admin listener, where the operator has set a token; and that no web page commands it through an operator's browser.

use common::secret::{SecretString, constant_time_eq};

use super::http::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Allowed,
    /// There is a token, and the request has not shown it.
    NoToken,
    /// Another site's page sends it (CSRF), by the browser's own word.
    CrossSite,
}

/// The token comes as `Authorization: Bearer …`, or as the password of Basic, which browsers can ask for.
pub fn check(request: &Request, token: Option<&SecretString>) -> Access {
    if let Some(token) = token
        && !shown(request).is_some_and(|shown| constant_time_eq(shown.as_bytes(), token.expose().as_bytes()))
    {
        return Access::NoToken;
    }
    match request.header("sec-fetch-site") {
        None | Some("same-origin" | "none") => Access::Allowed,
        // Following a link to the page is harmless; a command is not.
        Some(_) if matches!(request.method(), "GET" | "HEAD") => Access::Allowed,
        Some(_) => Access::CrossSite,
    }
}

fn shown(request: &Request) -> Option<String> {
    let (scheme, rest) = request.header("authorization")?.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => {
            let decoded = decode_base64(rest.trim())?;
            decoded.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

/// RFC 4648 §4, with or without padding.
fn decode_base64(text: &str) -> Option<String> {
    let url: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| {
            if c == '+' {
                '-'
            } else if c == '/' {
                '_'
            } else {
                c
            }
        })
        .collect();
    String::from_utf8(common::jose::base64url_decode(&url).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, fields: &str) -> Request {
        Request::new(format!("{method} /reload HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes())
    }

    #[test]
    fn the_token_opens_by_either_scheme() {
        let token = SecretString::new("s3cret>?");
        for (fields, access) in [
            ("Host: x", Access::NoToken),
            ("Authorization: Bearer s3cret>?", Access::Allowed),
            ("authorization: bearer s3cret>?", Access::Allowed),
            ("Authorization: Basic YWRtaW46czNjcmV0Pj8=", Access::Allowed), // admin:s3cret>?
            ("Authorization: Basic czNjcmV0Pj8=", Access::NoToken),         // no user
            ("Authorization: Bearer s3cret>", Access::NoToken),
            ("Authorization: Bearer", Access::NoToken),
            ("Authorization: Basic !", Access::NoToken),
        ] {
            assert_eq!(check(&asked("GET", fields), Some(&token)), access, "{fields}");
        }
        assert_eq!(check(&asked("GET", "Host: x"), None), Access::Allowed);
    }

    #[test]
    fn pages_of_other_sites_command_nothing() {
        for (method, site, access) in [
            ("POST", "cross-site", Access::CrossSite),
            ("POST", "same-site", Access::CrossSite),
            ("POST", "same-origin", Access::Allowed),
            ("POST", "none", Access::Allowed),
            ("GET", "cross-site", Access::Allowed),
        ] {
            assert_eq!(check(&asked(method, &format!("Sec-Fetch-Site: {site}")), None), access, "{method} {site}");
        }
    }
}
