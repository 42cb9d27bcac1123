//! The named ways to read a token. Each is strict about its own; there is no lenient one for all.

use crate::claims::TokenUse;
use crate::jose::JwsHeader;
use crate::jose::json::Object;
use crate::reject::Reject;
use crate::verify::providers;

/// Which claims a token must carry, and where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Cognito's own: `token_use` tells access from ID tokens; an access token names its client in `client_id` and has no
    /// `aud`, an ID token names it in `aud`. Not RFC 9068.
    Cognito,
    /// JWT access tokens (RFC 9068 §2): `typ: at+jwt`, `aud`, `client_id`, `jti`.
    Rfc9068,
    /// Keycloak's access tokens: the claim `typ` tells them from its other tokens, `azp` names the client, roles are in `realm_access`.
    Keycloak,
    /// Auth0's access tokens of either dialect: `azp` or `client_id` names the client, which is not in `aud`.
    Auth0,
    /// Access tokens of Microsoft Entra ID, v1.0 and v2.0: `azp` or `appid` names the client, `scp` or `roles` says what it may.
    Entra,
    /// Access tokens of Okta's custom authorization servers: `cid` names the client, `scp` is a list.
    Okta,
    /// ID tokens of any OpenID provider (OpenID Connect Core §2): who the user is, told to one client. Nothing but ID tokens is read by it.
    OpenId,
    /// What an introspection endpoint said of a token (RFC 7662 §2.2); no JWT is read by it.
    Introspected,
}

/// What a profile finds in a token.
pub(super) struct Identity {
    pub token_use: TokenUse,
    pub client_id: Box<str>,
    pub audience: Box<[Box<str>]>,
}

impl Identity {
    pub(super) fn id(client_id: Box<str>, audience: Box<[Box<str>]>) -> Self {
        Self { token_use: TokenUse::Id, client_id, audience }
    }

    pub(super) fn access(client_id: Box<str>, audience: Box<[Box<str>]>) -> Self {
        Self { token_use: TokenUse::Access, client_id, audience }
    }
}

impl Profile {
    /// Those that read JWTs, under the names that settings have for them.
    pub const OF_TOKENS: [Self; 7] =
        [Self::Cognito, Self::Rfc9068, Self::Keycloak, Self::Auth0, Self::Entra, Self::Okta, Self::OpenId];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cognito => "cognito",
            Self::Rfc9068 => "rfc9068",
            Self::Keycloak => "keycloak",
            Self::Auth0 => "auth0",
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::OpenId => "openid",
            Self::Introspected => "introspection",
        }
    }

    pub const fn reads_id_tokens(self) -> bool {
        matches!(self, Self::Cognito | Self::OpenId)
    }

    pub const fn reads_access_tokens(self) -> bool {
        !matches!(self, Self::OpenId)
    }

    /// Whether a token must name one of the audiences that are asked for, even where none is: where tokens of one issuer for different APIs
    /// can be told apart by `aud` alone.
    pub(super) const fn demands_audience(self) -> bool {
        match self {
            Self::Cognito | Self::Keycloak | Self::Introspected => false,
            Self::Rfc9068 | Self::Auth0 | Self::Entra | Self::Okta | Self::OpenId => true,
        }
    }

    /// The header's `typ` (RFC 8725 §3.11): what stops a JWT that was made for another purpose.
    pub(super) fn check_type(self, header: &JwsHeader) -> Result<(), Reject> {
        let typ = header.typ.as_deref();
        let plain = typ.is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
        let access =
            typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt"));
        let right = match self {
            // A client of the pool may have access tokens as RFC 9068 writes them.
            Self::Cognito => plain || typ.is_none() || access,
            Self::OpenId => plain || typ.is_none(),
            Self::Rfc9068 => access,
            // Both can be set to say `at+jwt` instead of `JWT`.
            Self::Keycloak | Self::Auth0 => plain || access,
            Self::Entra => plain,
            Self::Okta => plain || access || typ.is_none(),
            Self::Introspected => false,
        };
        if right { Ok(()) } else { Err(Reject::WrongType) }
    }

    pub(super) fn identity(self, claims: &Object) -> Result<Identity, Reject> {
        match self {
            Self::Cognito => cognito(claims),
            Self::Rfc9068 => rfc9068(claims),
            Self::Keycloak => providers::keycloak(claims),
            Self::Auth0 => providers::auth0(claims),
            Self::Entra => providers::entra(claims),
            Self::Okta => providers::okta(claims),
            Self::OpenId => providers::openid(claims),
            Self::Introspected => providers::introspected(claims),
        }
    }

    /// RFC 9068 §2.2.3.1 borrows the name `groups` from SCIM, where other shapes than a list of strings exist: those hold
    /// no group here.
    pub(super) fn groups(self, claims: &Object) -> Result<Box<[Box<str>]>, Reject> {
        match self {
            Self::Cognito => list(claims, "cognito:groups"),
            Self::Rfc9068 | Self::Okta | Self::OpenId | Self::Introspected => {
                Ok(list(claims, "groups").unwrap_or_default())
            }
            Self::Keycloak => Ok(providers::lists_at(claims, ["realm_access.roles", "groups"])),
            Self::Auth0 => Ok(list(claims, "permissions").unwrap_or_default()),
            Self::Entra => Ok(list(claims, "roles").unwrap_or_default()),
        }
    }

    /// Space-separated (RFC 6749 §3.3), wherever the profile has it.
    pub(super) fn scope(self, claims: &Object) -> Result<Box<str>, Reject> {
        match self {
            Self::Entra => Ok(optional(claims, "scp")?.unwrap_or_default()),
            Self::Okta => providers::listed_scope(claims),
            Self::OpenId => Ok(Box::default()),
            Self::Cognito | Self::Rfc9068 | Self::Keycloak | Self::Auth0 | Self::Introspected => {
                Ok(optional(claims, "scope")?.unwrap_or_default())
            }
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
    Ok(Identity::access(client_id, audience))
}

pub(super) fn required(claims: &Object, name: &str) -> Result<Box<str>, Reject> {
    optional(claims, name)?.filter(|text| !text.is_empty()).ok_or(Reject::InvalidClaims)
}

pub(super) fn optional(claims: &Object, name: &str) -> Result<Option<Box<str>>, Reject> {
    Ok(claims.text(name).map_err(|_| Reject::InvalidClaims)?.map(Into::into))
}

pub(super) fn list(claims: &Object, name: &str) -> Result<Box<[Box<str>]>, Reject> {
    Ok(claims.value(name).map_err(|_| Reject::InvalidClaims)?.unwrap_or_default())
}

/// RFC 7519 §4.1.3: a string or an array of strings.
pub(super) fn audience(claims: &Object) -> Result<Box<[Box<str>]>, Reject> {
    match claims.raw("aud") {
        Some(raw) if raw.starts_with('[') => list(claims, "aud"),
        Some(_) => Ok(Box::new([required(claims, "aud")?])),
        None => Ok(Box::default()),
    }
}
