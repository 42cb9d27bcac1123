//! The checks that depend on the token alone, in the order of their price after the signature.

use crate::claims::TokenUse;
use crate::clock::UnixMillis;
use crate::jose::json::Object;
use crate::jose::{JwsHeader, KeySet, SignatureError};
use crate::reject::Reject;
use crate::verify::confirmation::Confirmation;
use crate::verify::not_before;
use crate::verify::profile::{Profile, optional, required};
use crate::verify::times::{self, Leeway};
use crate::verify::unverified::Unverified;
use crate::verify::verified::Verified;

impl Unverified<'_> {
    /// Signature first: until it holds, no claim decides anything.
    pub fn authenticate(
        self,
        keys: &KeySet,
        profile: Profile,
        leeway: Leeway,
        now: UnixMillis,
    ) -> Result<Verified, Reject> {
        let Self { jws, claims } = self;
        let key = keys.verify(&jws)?;
        if *required(&claims, "iss")? != **keys.issuer() {
            return Err(Reject::WrongIssuer);
        }
        profile.check_type(&jws.header)?;
        let identity = profile.identity(&claims)?;
        if identity.token_use == TokenUse::Id && !is_plain(&jws.header) {
            return Err(Reject::WrongType);
        }
        let times = times::check(&claims, leeway, now)?;
        let confirmation = Confirmation::read(&claims)?.map(Box::new);
        let jti = optional(&claims, "jti")?;
        Ok(Verified {
            iss: keys.issuer().clone(),
            confirmation,
            sub: required(&claims, "sub")?,
            token_use: identity.token_use,
            client_id: identity.client_id,
            audience: identity.audience,
            scope: profile.scope(&claims)?,
            groups: profile.groups(&claims)?,
            username: username(&claims)?,
            mint: jti.as_deref().and_then(not_before::mint_time),
            jti,
            origin_jti: optional(&claims, "origin_jti")?,
            device_key: optional(&claims, "device_key")?,
            exp: times.exp,
            iat: times.iat,
            auth_time: times.auth_time,
            kid: key.kid().clone(),
            profile,
            leeway,
            claims,
        })
    }
}

/// Whether the header says nothing, or that it is a JWT like any other: that is all that it may say of an ID token.
fn is_plain(header: &JwsHeader) -> bool {
    header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
}

/// `username` in access tokens, `cognito:username` in ID tokens. A name for people: the user is `iss` and `sub`.
fn username(claims: &Object) -> Result<Option<Box<str>>, Reject> {
    match optional(claims, "username")? {
        Some(name) => Ok(Some(name)),
        None => optional(claims, "cognito:username"),
    }
}

impl From<SignatureError> for Reject {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::UnknownKey => Self::UnknownKey,
            SignatureError::Algorithm => Self::UnsupportedAlg,
            SignatureError::Signature => Self::BadSignature,
        }
    }
}
