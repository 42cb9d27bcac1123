//! The two named ways to read a token. There is no lenient third one.

use crate::claims::TokenUse;
use crate::jose::JwsHeader;
use crate::jose::json::Object;
use crate::reject::Reject;

/// Which claims a token must carry, and where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Cognito's own: `token_use` tells access from ID tokens; an access token names its client in `client_id` and has no
    /// `aud`, an ID token names it in `aud`. Not RFC 9068.
    Cognito,
    /// JWT access tokens (RFC 9068 §2): `typ: at+jwt`, `aud`, `client_id`, `jti`.
    Rfc9068,
}

/// What a profile finds in a token.
pub(super) struct Identity {
    pub token_use: TokenUse,
    pub client_id: Box<str>,
    pub audience: Box<[Box<str>]>,
}

impl Profile {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cognito => "cognito",
            Self::Rfc9068 => "rfc9068",
        }
    }

    /// The header's `typ` (RFC 8725 §3.11): what stops a JWT that was made for another purpose.
    pub(super) fn check_type(self, header: &JwsHeader) -> Result<(), Reject> {
        let right = match (self, header.typ.as_deref()) {
            (Self::Cognito, None) => true,
            (Self::Cognito, Some(typ)) => typ.eq_ignore_ascii_case("JWT"),
            (Self::Rfc9068, Some(typ)) => {
                typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
            }
            (Self::Rfc9068, None) => false,
        };
        if right { Ok(()) } else { Err(Reject::WrongType) }
    }

    pub(super) fn identity(self, claims: &Object) -> Result<Identity, Reject> {
        match self {
            Self::Cognito => cognito(claims),
            Self::Rfc9068 => rfc9068(claims),
        }
    }

    /// RFC 9068 §2.2.3.1 borrows the name `groups` from SCIM, where other shapes than a list of strings exist: those hold
    /// no group here.
    pub(super) fn groups(self, claims: &Object) -> Result<Box<[Box<str>]>, Reject> {
        match self {
            Self::Cognito => list(claims, "cognito:groups"),
            Self::Rfc9068 => Ok(list(claims, "groups").unwrap_or_default()),
        }
    }
}

fn cognito(claims: &Object) -> Result<Identity, Reject> {
    let token_use = match required(claims, "token_use")?.as_ref() {
        "access" => TokenUse::Access,
        "id" => TokenUse::Id,
        _ => return Err(Reject::WrongTokenUse),
    };
    let audience = audience(claims)?;
    let client_id = match (token_use, &*audience) {
        (TokenUse::Access, _) => required(claims, "client_id")?,
        (TokenUse::Id, [client]) => client.clone(),
        (TokenUse::Id, _) => return Err(Reject::InvalidClaims),
    };
    Ok(Identity { token_use, client_id, audience })
}

/// RFC 9068 §2.2; `iss`, `sub`, `exp` and `iat` are required of every token elsewhere.
fn rfc9068(claims: &Object) -> Result<Identity, Reject> {
    required(claims, "jti")?;
    let (client_id, audience) = (required(claims, "client_id")?, audience(claims)?);
    if audience.is_empty() {
        return Err(Reject::InvalidClaims);
    }
    Ok(Identity { token_use: TokenUse::Access, client_id, audience })
}

pub(super) fn required(claims: &Object, name: &str) -> Result<Box<str>, Reject> {
    optional(claims, name)?.filter(|text| !text.is_empty()).ok_or(Reject::InvalidClaims)
}

pub(super) fn optional(claims: &Object, name: &str) -> Result<Option<Box<str>>, Reject> {
    Ok(claims.text(name).map_err(|_| Reject::InvalidClaims)?.map(Into::into))
}

fn list(claims: &Object, name: &str) -> Result<Box<[Box<str>]>, Reject> {
    Ok(claims.value(name).map_err(|_| Reject::InvalidClaims)?.unwrap_or_default())
}

/// RFC 7519 §4.1.3: a string or an array of strings.
fn audience(claims: &Object) -> Result<Box<[Box<str>]>, Reject> {
    match claims.raw("aud") {
        Some(raw) if raw.starts_with('[') => list(claims, "aud"),
        Some(_) => Ok(Box::new([required(claims, "aud")?])),
        None => Ok(Box::default()),
    }
}
