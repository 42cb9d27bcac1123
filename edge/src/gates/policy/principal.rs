//! Whose token it is, as Cedar's principal.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use cedar_policy::{Entity, EntityId, EntityUid, RestrictedExpression};
use common::claims::TokenUse;
use common::verify::Verified;
use serde_json::Value;

use crate::gates::policy::value;
use crate::snapshot::authorization::{Authorization, Claims, Reads};

/// Between issuer and subject in a principal's name. No URI has it (RFC 3986 §2), so an `iss` that does is refused: two users could get one
/// name.
const BETWEEN: char = '|';

/// Attributes that a principal has, where the token says them, beside `claims`.
pub const ATTRIBUTES: [&str; 13] = [
    "iss",
    "sub",
    "client_id",
    "token_use",
    "audience",
    "scopes",
    "groups",
    "username",
    "acr",
    "amr",
    "auth_time",
    "issued_at",
    "claims",
];

/// `User::"<iss>|<sub>"` (SECURITY.md E08), in the groups that the token says and all that these are in. None where the token can't be told.
pub fn entity(authorization: &Authorization, reads: &Reads, token: &Verified) -> Option<Entity> {
    if token.iss.contains(BETWEEN) {
        return None;
    }
    let id = EntityId::new(format!("{}{BETWEEN}{}", token.iss, token.sub));
    let uid = EntityUid::from_type_name_and_id(authorization.user.clone(), id);
    Entity::new(uid, attributes(reads, token)?, groups(authorization, token)).ok()
}

fn groups(authorization: &Authorization, token: &Verified) -> HashSet<EntityUid> {
    let mut parents = HashSet::new();
    for group in &token.groups {
        let uid = EntityUid::from_type_name_and_id(authorization.group.clone(), EntityId::new(group));
        parents.extend(authorization.known.ancestors(&uid).into_iter().flatten().cloned());
        parents.insert(uid);
    }
    parents
}

fn attributes(reads: &Reads, token: &Verified) -> Option<HashMap<String, RestrictedExpression>> {
    let token_use = match token.token_use {
        TokenUse::Access => "access",
        TokenUse::Id => "id",
    };
    let claims = token.claims();
    let amr = claims.value::<Vec<Cow<'_, str>>>("amr").ok().flatten();
    let said = [
        ("iss", Some(value::text(&token.iss))),
        ("sub", Some(value::text(&token.sub))),
        ("client_id", Some(value::text(&token.client_id))),
        ("token_use", Some(value::text(token_use))),
        ("audience", Some(value::texts(token.audience.iter().map(|one| &**one)))),
        ("scopes", Some(value::texts(token.scopes()))),
        ("groups", Some(value::texts(token.groups.iter().map(|one| &**one)))),
        ("username", token.username.as_deref().map(value::text)),
        ("acr", claims.text("acr").ok().flatten().map(|acr| value::text(&acr))),
        ("amr", amr.map(|amr| value::texts(amr.iter().map(|one| &**one)))),
        ("auth_time", token.auth_time.and_then(value::time)),
        ("issued_at", value::time(token.iat)),
        ("claims", Some(told(&reads.claims, token)?)),
    ];
    Some(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// The claims that the policies read, as they stand in the token.
fn told(read: &Claims, token: &Verified) -> Option<RestrictedExpression> {
    let claims = token.claims();
    let is_read = |name: &&str| match read {
        Claims::All => true,
        Claims::Some(names) => names.contains(*name),
    };
    let fields = claims.names().filter(is_read).filter_map(|name| {
        let claim: Value = claims.value(name).ok()??;
        Some((name.to_owned(), value::of(&claim)?))
    });
    RestrictedExpression::new_record(fields.collect::<Vec<_>>()).ok()
}
