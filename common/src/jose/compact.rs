//! The border of the compact JWS serialisation (RFC 7515 §7.1): one text, one reading.

use std::fmt;

use crate::jose::alg::{Alg, UnsupportedAlg};
use crate::jose::base64url;
use crate::jose::json::{JsonError, Object};

/// Longer texts are refused before they are looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Longer `kid`s name no key.
pub const MAX_KID_BYTES: usize = 256;

/// A well-formed compact JWS. Nothing about it is verified.
#[derive(Clone)]
pub struct Jws<'a> {
    pub header: JwsHeader,
    /// What the signature covers: the first two parts and the dot between them, as received.
    pub signing_input: &'a str,
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
}

/// The header parameters that are used. `jku`, `jwk`, `x5u`, `x5c` and all unknown ones are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwsHeader {
    pub alg: Alg,
    pub kid: Option<String>,
    pub typ: Option<String>,
}

/// Why a text is not a compact JWS that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    #[error("longer than 8 KiB")]
    TooLong,
    #[error("not three parts")]
    Parts,
    #[error("a part is not canonical base64url")]
    Base64,
    #[error("the header is not a JSON object of the right shape")]
    Header,
    /// `crit` (RFC 7515 §4.1.11) or `b64` (RFC 7797): extensions that no token for us may need.
    #[error("the header demands an extension")]
    Extension,
    #[error("unsupported signature algorithm")]
    Algorithm,
    #[error("no signature")]
    Unsigned,
}

impl<'a> Jws<'a> {
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        Self::parse_with_header(token).map(|(jws, _)| jws)
    }

    /// The same, with the whole header, for the one profile that looks at `jwk` (RFC 9449 §4.2).
    pub fn parse_with_header(token: &'a str) -> Result<(Self, Object), JwsError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Parts)?;
        if payload.contains('.') {
            return Err(JwsError::Parts);
        }
        let object = header_object(header)?;
        let header = JwsHeader::read(&object)?;
        if signature.is_empty() {
            return Err(JwsError::Unsigned);
        }
        let decode = |part| base64url::decode(part).map_err(|_| JwsError::Base64);
        let jws = Self { header, signing_input, payload: decode(payload)?, signature: decode(signature)? };
        Ok((jws, object))
    }
}

impl fmt::Debug for Jws<'_> {
    /// The header only: the rest is a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("header", &self.header).finish_non_exhaustive()
    }
}

impl JwsHeader {
    fn read(object: &Object) -> Result<Self, JwsError> {
        if object.contains("crit") || object.contains("b64") {
            return Err(JwsError::Extension);
        }
        let alg = object.text("alg")?.ok_or(JwsError::Header)?.parse()?;
        let kid = object.text("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(JwsError::Header);
        }
        Ok(Self { alg, kid: kid.map(Into::into), typ: object.text("typ")?.map(Into::into) })
    }
}

fn header_object(part: &str) -> Result<Object, JwsError> {
    let bytes = base64url::decode(part).map_err(|_| JwsError::Base64)?;
    let text = String::from_utf8(bytes).map_err(|_| JwsError::Header)?;
    Ok(Object::parse(text)?)
}

impl From<JsonError> for JwsError {
    fn from(_: JsonError) -> Self {
        Self::Header
    }
}

impl From<UnsupportedAlg> for JwsError {
    fn from(_: UnsupportedAlg) -> Self {
        Self::Algorithm
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str) -> String {
        format!("{}.{}.c2ln", base64url::encode(header), base64url::encode("{}"))
    }

    #[test]
    fn reads_what_it_needs() {
        let text = token(r#"{"kid":"k","alg":"RS256","typ":"JWT","jku":"http://x","x5c":["y"],"jwk":{"kty":"oct"}}"#);
        let jws = Jws::parse(&text).unwrap();
        assert_eq!(jws.header, JwsHeader { alg: Alg::RS256, kid: Some("k".into()), typ: Some("JWT".into()) });
        assert_eq!(jws.payload, b"{}");
        assert_eq!(jws.signature, b"sig");
        assert_eq!(jws.signing_input.len() + ".c2ln".len(), text.len());
    }

    #[test]
    fn headers_that_are_refused() {
        let long_kid = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(MAX_KID_BYTES + 1));
        for (header, error) in [
            (r#"{"alg":"none"}"#, JwsError::Algorithm),
            (r#"{"alg":"HS256"}"#, JwsError::Algorithm),
            (r#"{"alg":null}"#, JwsError::Header),
            (r#"{}"#, JwsError::Header),
            (r#"[]"#, JwsError::Header),
            (r#"{"alg":"RS256","alg":"RS256"}"#, JwsError::Header),
            (r#"{"alg":"RS256","\u0061lg":"RS256"}"#, JwsError::Header),
            (r#"{"alg":"RS256","x":{"y":1,"y":1}}"#, JwsError::Header),
            (r#"{"alg":"RS256","kid":7}"#, JwsError::Header),
            (&long_kid, JwsError::Header),
            (r#"{"alg":"RS256","crit":["exp"]}"#, JwsError::Extension),
            (r#"{"alg":"RS256","crit":[]}"#, JwsError::Extension),
            (r#"{"alg":"RS256","b64":true}"#, JwsError::Extension),
        ] {
            assert_eq!(Jws::parse(&token(header)).map(|_| ()), Err(error), "{header}");
        }
    }

    #[test]
    fn shapes_that_are_refused() {
        let good = token(r#"{"alg":"RS256"}"#);
        assert!(Jws::parse(&good).is_ok());
        for (text, error) in [
            (String::new(), JwsError::Parts),
            ("a.b".into(), JwsError::Parts),
            (format!("{good}.c2ln"), JwsError::Parts),
            (format!("{good}.c2ln.c2ln"), JwsError::Parts),
            (".".repeat(1_000_000), JwsError::TooLong),
            (".".repeat(8_000), JwsError::Parts),
            (format!("{good}="), JwsError::Base64),
            (format!(" {good}"), JwsError::Base64),
            (format!("{good}\n"), JwsError::Base64),
            (good.replace("c2ln", ""), JwsError::Unsigned),
            (good.replace("c2ln", "c2lnZh"), JwsError::Base64),
        ] {
            assert_eq!(Jws::parse(&text).map(|_| ()), Err(error), "{}", text.get(..60).unwrap_or(&text));
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\PC.]{0,80}", header in "\\PC{0,40}") {
            let _ = Jws::parse(&text);
            let _ = Jws::parse(&token(&header));
        }
    }
}
