//! The token of a request: from `Authorization` only (SECURITY.md E10), and only from one.

use common::reject::Reject;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::facts::TokenScheme;

/// A token and the scheme that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'h> {
    pub scheme: TokenScheme,
    pub token: &'h str,
}

/// The token in `Authorization: Bearer …` (RFC 6750 §2.1) or `DPoP …` (RFC 9449 §7.1). The scheme's case is free (RFC 9110 §11.1).
pub fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, Reject> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else { return Err(Reject::MissingToken) };
    if fields.next().is_some() {
        return Err(Reject::SeveralTokens);
    }
    // Not `to_str`, which looks at one byte after the other; a token outside ASCII is refused when it is read.
    let text = std::str::from_utf8(field.as_bytes()).map_err(|_| Reject::Malformed)?;
    let Some((scheme, token)) = text.split_once(' ') else { return Err(Reject::Malformed) };
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        TokenScheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        TokenScheme::Dpop
    } else {
        return Err(Reject::MissingToken);
    };
    let token = token.trim_start_matches(' ');
    if token.contains(',') { Err(Reject::SeveralTokens) } else { Ok(Credentials { scheme, token }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        map
    }

    #[test]
    fn one_token_or_a_reason() {
        type Case<'c> = (&'c [&'c [u8]], Result<Credentials<'c>, Reject>);
        let bearer = Ok(Credentials { scheme: TokenScheme::Bearer, token: "a.b.c" });
        let dpop = Ok(Credentials { scheme: TokenScheme::Dpop, token: "a.b.c" });
        let cases: [Case<'_>; 16] = [
            (&[b"Bearer a.b.c"], bearer),
            (&[b"bearer a.b.c"], bearer),
            (&[b"BEARER  a.b.c"], bearer),
            (&[b"DPoP a.b.c"], dpop),
            (&[b"dpop a.b.c"], dpop),
            (&[b"DPoP"], Err(Reject::Malformed)),
            (&[b"DPoP a.b.c", b"Bearer a.b.c"], Err(Reject::SeveralTokens)),
            (&[b"DPoP a.b.c, Bearer a.b.c"], Err(Reject::SeveralTokens)),
            (&[], Err(Reject::MissingToken)),
            (&[b"Basic dTpw"], Err(Reject::MissingToken)),
            (&[b"Bearer"], Err(Reject::Malformed)),
            (&[b""], Err(Reject::Malformed)),
            (&[b"Bearer a.b.c", b"Bearer a.b.c"], Err(Reject::SeveralTokens)),
            (&[b"Basic dTpw", b"Bearer a.b.c"], Err(Reject::SeveralTokens)),
            (&[b"Bearer a.b.c, Bearer d.e.f"], Err(Reject::SeveralTokens)),
            (&[b"Bearer \xff"], Err(Reject::Malformed)),
        ];
        for (values, expected) in cases {
            assert_eq!(credentials(&headers(values)), expected, "{values:?}");
        }
    }
}
