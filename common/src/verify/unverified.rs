//! A token that was read and not verified. Its claims serve to choose a key set, and nothing else.

use crate::jose::json::Object;
use crate::jose::{Jws, JwsError};
use crate::reject::Reject;

/// A well-formed JWT. Nothing about it is verified.
#[derive(Debug)]
pub struct Unverified<'a> {
    pub(super) jws: Jws<'a>,
    pub(super) claims: Object,
}

/// An `iss` that anyone could have written: good for looking up which keys to try, bad for anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedIssuer(Box<str>);

/// The issuer that a token claims. Whoever goes on to verify the token reads it once with [`Unverified::parse`] instead.
pub fn peek_issuer(token: &str) -> Result<UnverifiedIssuer, Reject> {
    Unverified::parse(token)?.issuer()
}

impl<'a> Unverified<'a> {
    pub fn parse(token: &'a str) -> Result<Self, Reject> {
        let mut jws = Jws::parse(token)?;
        let text = String::from_utf8(std::mem::take(&mut jws.payload)).map_err(|_| Reject::Malformed)?;
        Ok(Self { jws, claims: Object::parse(text).map_err(|_| Reject::Malformed)? })
    }

    pub fn issuer(&self) -> Result<UnverifiedIssuer, Reject> {
        let iss = self.claims.text("iss").ok().flatten().ok_or(Reject::InvalidClaims)?;
        Ok(UnverifiedIssuer(iss.into()))
    }

    /// The name of the key that is said to have signed it.
    pub fn kid(&self) -> Option<&str> {
        self.jws.header.kid.as_deref()
    }
}

impl UnverifiedIssuer {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<JwsError> for Reject {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Algorithm => Self::UnsupportedAlg,
            JwsError::Unsigned => Self::BadSignature,
            JwsError::TooLong | JwsError::Parts | JwsError::Base64 | JwsError::Header | JwsError::Extension => {
                Self::Malformed
            }
        }
    }
}
