//! The challenge NEW_PASSWORD_REQUIRED: an invited user sets an own password, and attributes that the pool requires.

use std::collections::BTreeMap;

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge};
use super::error::SignInError;
use super::step::Authenticated;
use crate::clients::Client;
use crate::pools::Pool;
use crate::pools::schema::Writer;
use crate::services::Services;
use crate::store::Statement;
use crate::users::{self, Status, User, UserError, credentials, login_names, rows};

/// What the answer brings.
pub struct Answer<'a> {
    pub password: &'a SecretString,
    /// By attribute name, without the prefix `userAttributes.`.
    pub attributes: BTreeMap<String, String>,
}

/// Checks the answer. A password or attribute that is refused leaves the challenge open: the same Session may try again.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    answer: Answer<'_>,
    now: UnixMillis,
) -> Result<Authenticated, SignInError> {
    let (Challenge::NewPassword { authenticated_at, valid_after }, Some(sub)) = (&attempt.challenge, &attempt.sub)
    else {
        return Err(SignInError::Session);
    };
    let mut user = users::by_sub(&services.store, pool, sub).await?.ok_or(SignInError::Session)?;
    if !user.enabled {
        return Err(SignInError::Disabled);
    }
    if user.status != Status::ForceChangePassword || user.valid_after.0 != *valid_after {
        return Err(SignInError::Session);
    }
    if let Some(name) = answer.attributes.keys().find(|name| !client.settings.may_write(name)) {
        let text = format!("A client attempted to write unauthorized attribute {name}");
        return Err(UserError::Attributes(text).into());
    }
    let attributes = merged(pool, &user, answer.attributes)?;
    let fresh = credentials::derive(services, pool, &user, answer.password).await?;
    let mut statements = vec![
        attempt.consume(client),
        rows::update_profile(&user, Status::Confirmed, &attributes, now),
        rows::update_credentials(&user, &fresh, Status::Confirmed, None, now),
    ];
    statements.extend(moved_aliases(services, pool, &user, &attributes).await?);
    user.status = Status::Confirmed;
    user.attributes = attributes;
    Ok(Authenticated::new(user, UnixMillis(*authenticated_at), statements))
}

/// Aliases follow the attributes: an address that is no longer the user's, or no longer verified, signs nobody in.
async fn moved_aliases(
    services: &Services,
    pool: &Pool,
    user: &User,
    attributes: &BTreeMap<String, String>,
) -> Result<Vec<Statement>, SignInError> {
    let (before, after) = (login_names::aliases(pool, &user.attributes), login_names::aliases(pool, attributes));
    let gone = before.iter().filter(|alias| !after.contains(alias));
    let mut statements: Vec<_> = gone.map(|(_, key)| rows::release_alias(user, key)).collect();
    for (kind, key) in after.iter().filter(|alias| !before.contains(alias)) {
        // Looked at first so that the refusal can name the alias; the batch is what decides.
        if users::by_name(&services.store, pool, key).await?.is_some() {
            return Err(login_names::taken(kind).into());
        }
        statements.push(rows::claim_name(&pool.id, key, kind, &user.sub));
    }
    Ok(statements)
}

fn merged(pool: &Pool, user: &User, given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, SignInError> {
    let schema = pool.schema();
    schema.check(&given, Writer::User).map_err(UserError::Attributes)?;
    let fixed = given
        .iter()
        .find(|(name, value)| !schema.is_mutable(name) && user.attributes.get(*name).is_some_and(|old| old != *value));
    if let Some((name, _)) = fixed {
        return Err(UserError::Attributes(format!("{name}: Attribute cannot be updated.")).into());
    }
    let mut attributes = user.attributes.clone();
    for (name, value) in given {
        if attributes.get(&name) != Some(&value) {
            attributes.remove(&format!("{name}_verified"));
        }
        attributes.insert(name, value);
    }
    schema.check_complete(&attributes).map_err(UserError::Attributes)?;
    login_names::check_preferred(pool, &attributes)?;
    Ok(attributes)
}
