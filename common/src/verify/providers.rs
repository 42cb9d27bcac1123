//! Access tokens as well-known providers make them. All of these came before RFC 9068, or stay aside from it: the header says `JWT` or nothing,
//! as it does for their ID tokens. So each profile asks for what only an access token of that provider has, and refuses what only an ID token has
//! (RFC 8725 §3.11, §3.12; SECURITY.md E07, T43).

use serde_json::{Map, Value};

use crate::jose::json::Object;
use crate::reject::Reject;
use crate::verify::profile::{Identity, audience, list, optional, required};

/// Claims of ID tokens alone (OpenID Connect Core §2, §3.3.2.11): they tie the token to the answer that a client got. Keycloak had `nonce` in
/// access tokens for long, so its profile goes by the claim `typ`.
const OF_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// Keycloak 17 and later. Its other tokens say `ID`, `Refresh`, `Offline`, `Logout` in the claim `typ`. `aud` is there when a mapper was set up,
/// and is `account` for most users: it is asked for where the route names audiences.
pub(super) fn keycloak(claims: &Object) -> Result<Identity, Reject> {
    match required(claims, "typ")?.as_ref() {
        "Bearer" => {}
        "DPoP" if claims.contains("cnf") => {}
        _ => return Err(Reject::WrongTokenUse),
    }
    Ok(Identity::access(required(claims, "azp")?, audience(claims)?))
}

/// Auth0: `azp` in the dialect `access_token`, `client_id` in `rfc9068_profile`. An ID token's `aud` is the client; an access token's is the API,
/// and `…/userinfo` beside it.
pub(super) fn auth0(claims: &Object) -> Result<Identity, Reject> {
    no_id_token(claims)?;
    let client_id = match optional(claims, "azp")? {
        Some(azp) => azp,
        None => required(claims, "client_id")?,
    };
    for_an_api(client_id, audience(claims)?)
}

/// Microsoft Entra ID: `appid` in v1.0, `azp` in v2.0. `scp` or `roles` must be there: a token for the API with neither was given to an
/// application to which nobody granted anything. ID tokens of an application that is its own API have the same `aud`, and none of these.
pub(super) fn entra(claims: &Object) -> Result<Identity, Reject> {
    no_id_token(claims)?;
    let client_id = match optional(claims, "azp")? {
        Some(azp) => azp,
        None => required(claims, "appid")?,
    };
    let audience = audience(claims)?;
    let granted = optional(claims, "scp")?.is_some_and(|scope| !scope.is_empty()) || !list(claims, "roles")?.is_empty();
    if client_id.is_empty() || audience.is_empty() || !granted {
        return Err(Reject::InvalidClaims);
    }
    Ok(Identity::access(client_id, audience))
}

/// Okta, custom authorization servers. (Tokens of the org server are for Okta alone; their `aud` is the org.)
pub(super) fn okta(claims: &Object) -> Result<Identity, Reject> {
    no_id_token(claims)?;
    for_an_api(required(claims, "cid")?, audience(claims)?)
}

/// Claims that say what a token may do, or that it is of another kind: none of them is an ID token's.
const OF_ACCESS_TOKENS: [&str; 4] = ["scope", "scp", "cid", "cnf"];

/// OpenID Connect Core §2: `aud` names the client that asked; where it names several, `azp` says which. What providers say of the kind of token
/// besides must be an ID token's: `typ` (Keycloak), `token_use` (Cognito).
pub(super) fn openid(claims: &Object) -> Result<Identity, Reject> {
    let says_other = |name: &str, word: &str| -> Result<bool, Reject> {
        Ok(optional(claims, name)?.is_some_and(|kind| *kind != *word))
    };
    if OF_ACCESS_TOKENS.iter().any(|name| claims.contains(name))
        || says_other("typ", "ID")?
        || says_other("token_use", "id")?
    {
        return Err(Reject::WrongTokenUse);
    }
    let audience = audience(claims)?;
    let client_id = match (optional(claims, "azp")?, &*audience) {
        (Some(azp), [_, ..]) => azp,
        (None, [client]) => client.clone(),
        _ => return Err(Reject::InvalidClaims),
    };
    if client_id.is_empty() { Err(Reject::InvalidClaims) } else { Ok(Identity::id(client_id, audience)) }
}

/// RFC 7662 §2.2 makes all but `active` optional. Refresh tokens are active too (§4): what an endpoint says of the kind of token must be an access
/// token's, in its own words: `token_type` (RFC 6749 §7.1), `token_use` (Ory Hydra), `typ` (Keycloak).
pub(super) fn introspected(claims: &Object) -> Result<Identity, Reject> {
    let kinds: [(&str, &[&str]); 3] = [
        ("token_type", &["bearer", "dpop", "access_token"]),
        ("token_use", &["access_token", "access"]),
        ("typ", &["bearer", "dpop", "at+jwt", "jwt"]),
    ];
    for (name, allowed) in kinds {
        if optional(claims, name)?.is_some_and(|kind| !allowed.contains(&kind.to_ascii_lowercase().as_str())) {
            return Err(Reject::WrongTokenUse);
        }
    }
    Ok(Identity::access(optional(claims, "client_id")?.unwrap_or_default(), audience(claims)?))
}

/// `scp` as a list: each item one scope.
pub(super) fn listed_scope(claims: &Object) -> Result<Box<str>, Reject> {
    let scopes = list(claims, "scp")?;
    if scopes.iter().any(|scope| scope.is_empty() || scope.contains(' ')) {
        return Err(Reject::InvalidClaims);
    }
    Ok(scopes.join(" ").into())
}

/// The strings of all lists under these claims. A path names a claim, or one inside of others with dots between: `realm_access.roles`. A claim
/// whose own name has dots (`https://example.com/roles`) is found by it. What is no list of strings holds nothing.
pub(super) fn lists_at<'p>(claims: &Object, paths: impl IntoIterator<Item = &'p str>) -> Box<[Box<str>]> {
    let mut found: Vec<Box<str>> = Vec::new();
    for path in paths {
        let listed = match claims.raw(path) {
            Some(raw) => serde_json::from_str(raw).ok(),
            None => nested(claims, path).and_then(|value| serde_json::from_value(value).ok()),
        };
        let listed: Vec<Box<str>> = listed.unwrap_or_default();
        for item in listed {
            if !found.contains(&item) {
                found.push(item);
            }
        }
    }
    found.into()
}

fn nested(claims: &Object, path: &str) -> Option<Value> {
    path.match_indices('.').find_map(|(at, _)| {
        let (outer, inner) = (path.get(..at)?, path.get(at + 1..)?);
        find(&claims.value::<Map<String, Value>>(outer).ok()??, inner)
    })
}

fn find(object: &Map<String, Value>, path: &str) -> Option<Value> {
    object.get(path).cloned().or_else(|| {
        path.match_indices('.').find_map(|(at, _)| {
            let inner = object.get(path.get(..at)?)?.as_object()?;
            find(inner, path.get(at + 1..)?)
        })
    })
}

fn no_id_token(claims: &Object) -> Result<(), Reject> {
    if OF_ID_TOKENS.iter().any(|name| claims.contains(name)) { Err(Reject::WrongTokenUse) } else { Ok(()) }
}

/// A token whose audience is its own client is an ID token (OpenID Connect Core §2).
fn for_an_api(client_id: Box<str>, audience: Box<[Box<str>]>) -> Result<Identity, Reject> {
    if client_id.is_empty() || audience.is_empty() {
        Err(Reject::InvalidClaims)
    } else if audience.contains(&client_id) {
        Err(Reject::WrongTokenUse)
    } else {
        Ok(Identity::access(client_id, audience))
    }
}
