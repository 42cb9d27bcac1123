//! The join token: what an operator carries from the issuer to a new edge.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::ids::EdgeId;
use crate::secret::SecretString;

const PREFIX: &str = "tgj1.";
const MAX_TEXT: usize = 1024;

/// Single use, good for 15 minutes. As text: `tgj1.` and base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    pub name: EdgeId,
    /// The issuer keeps only its SHA-256.
    pub secret: SecretString,
    /// `host:port` of the issuer's feed (UDP).
    pub issuer: String,
    /// SHA-256 of the CA certificate's SubjectPublicKeyInfo: the edge trusts no other.
    pub ca: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a join token")]
pub struct InvalidJoinToken;

impl JoinToken {
    /// The text to hand over. It contains the secret.
    pub fn to_text(&self) -> SecretString {
        let bytes = postcard::to_stdvec(self).unwrap_or_default();
        SecretString::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// White space around it is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidJoinToken> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_TEXT).ok_or(InvalidJoinToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| InvalidJoinToken)?;
        match postcard::take_from_bytes(&bytes) {
            Ok((token, [])) => Ok(token),
            _ => Err(InvalidJoinToken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_way_and_nothing_else_is_one() {
        let token = JoinToken {
            name: EdgeId::parse("fra-1").unwrap(),
            secret: SecretString::new("s3cret"),
            issuer: "127.0.0.1:8701".into(),
            ca: [9; 32],
        };
        let text = token.to_text();
        assert_eq!(JoinToken::parse(&format!(" {}\n", text.expose())).unwrap(), token);
        for bad in ["", "tgj1.", "tgj2.AAAA", &text.expose()[1..], &format!("{}A", text.expose()), "tgj1.!!!"] {
            assert_eq!(JoinToken::parse(bad), Err(InvalidJoinToken), "{bad}");
        }
        assert!(!format!("{token:?}").contains("s3cret"));
    }
}
