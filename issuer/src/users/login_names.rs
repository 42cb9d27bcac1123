//! Login names: which texts sign a user in, and in which form they are compared.

use caseless::default_case_fold_str;
use cognito_model::idp::types::{AliasAttributeType, UsernameAttributeType};
use common::ids::Sub;
use unicode_normalization::UnicodeNormalization;

use super::address::Address;
use super::error::UserError;
use super::model::User;
use super::rows;
use crate::pools::Pool;
use crate::pools::schema::{Attributes, is_email, is_phone_number};
use crate::store::Batch;

/// The kind of the name that a user was made with.
pub const USERNAME: &str = "username";
/// The kind of the `sub` as a name.
pub const SUB: &str = "sub";

/// The form in which a pool compares names: NFC, case-folded unless the pool is case sensitive (I37: one form for every count and
/// comparison).
pub fn key(pool: &Pool, name: &str) -> String {
    if pool.settings.case_sensitive() && !pool.settings.signs_in_by(&UsernameAttributeType::Email) {
        name.nfc().collect()
    } else {
        default_case_fold_str(&name.nfc().collect::<String>()).nfc().collect()
    }
}

/// What a sign-up's `Username` becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The immutable user name: what was given, or the `sub` where people sign in by e-mail address or phone number.
    pub username: String,
    /// The attribute that the given name is, if it is one.
    pub attribute: Option<(&'static str, String)>,
}

/// Checks a `Username` against the pool's sign-in settings (Cognito's texts).
pub fn choose(pool: &Pool, given: &str, sub: &Sub) -> Result<Chosen, UserError> {
    let settings = &pool.settings;
    let by_email = settings.signs_in_by(&UsernameAttributeType::Email);
    let by_phone = settings.signs_in_by(&UsernameAttributeType::PhoneNumber);
    let wrong = |text: &str| Err(UserError::Attributes(text.to_owned()));
    if by_email && is_email(given) {
        return Ok(Chosen { username: sub.to_string(), attribute: Some(("email", given.to_owned())) });
    }
    if by_phone && is_phone_number(given) {
        return Ok(Chosen { username: sub.to_string(), attribute: Some(("phone_number", given.to_owned())) });
    }
    match (by_email, by_phone) {
        (true, true) => return wrong("Username should be either an email or a phone number."),
        (true, false) => return wrong("Username should be an email."),
        (false, true) => return wrong("Username should be a phone number."),
        (false, false) => {}
    }
    if settings.has_alias(&AliasAttributeType::Email) && is_email(given) {
        return wrong("Username cannot be of email format, since user pool is configured for email alias.");
    }
    if settings.has_alias(&AliasAttributeType::PhoneNumber) && is_phone_number(given) {
        return wrong(
            "Username cannot be of phone number format, since user pool is configured for phone number alias.",
        );
    }
    Ok(Chosen { username: given.to_owned(), attribute: None })
}

/// The names that a new user claims as such.
pub struct Claimed {
    /// The indexes of the statements that miss when the name is taken.
    pub names: Vec<usize>,
    keys: Vec<String>,
}

impl Claimed {
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|claimed| claimed == key)
    }
}

/// Adds the statements that claim a new user's names. While the pool's way to sign in is being changed, they are those of both ways.
pub fn claim_at_creation(batch: &mut Batch, pool: &Pool, user: &User, given: &str) -> Claimed {
    let mut keys = vec![key(pool, given)];
    let becoming = pool.becoming().map(|pool| key(&pool, given));
    keys.extend(becoming.filter(|other| !keys.contains(other)));
    let claim = |key: &String| batch.add(rows::claim_name(&pool.id, key, USERNAME, &user.sub));
    let names = keys.iter().map(claim).collect();
    // The `sub` names the user as well, as Cognito has it; it is new, so it is never taken. Claimed, it can be nobody's user name: who
    // is asked about by `sub` is never someone who chose it as a name.
    batch.add(rows::claim_name(&pool.id, user.sub.as_str(), SUB, &user.sub));
    Claimed { names, keys }
}

/// Whether a name signs its user in. One that was claimed for a way to sign in that is still to come, or is left of one that was, does not.
pub fn is_in_force(pool: &Pool, kind: &str, name: &str, user: &User) -> bool {
    let alias = match kind {
        "email" => AliasAttributeType::Email,
        "phone_number" => AliasAttributeType::PhoneNumber,
        "preferred_username" => AliasAttributeType::PreferredUsername,
        // A user name that is an address is compared in one form, whatever the way.
        USERNAME if pool.becoming().is_some() && user.username != user.sub.as_str() => {
            return name == key(pool, &user.username);
        }
        _ => return true,
    };
    let is_alias =
        pool.settings.has_alias(&alias) || Address::named(kind).is_some_and(|address| address.is_username(pool));
    let now = || user.attributes.get(kind).is_some_and(|value| name == key(pool, value));
    is_alias && (pool.becoming().is_none() || now())
}

/// The aliases that a user's attributes give it: `preferred_username` at once, addresses once they are verified.
pub fn aliases(pool: &Pool, attributes: &Attributes) -> Vec<(&'static str, String)> {
    let known = [
        (AliasAttributeType::Email, "email", true),
        (AliasAttributeType::PhoneNumber, "phone_number", true),
        (AliasAttributeType::PreferredUsername, "preferred_username", false),
    ];
    let verified = |name: &str| attributes.get(&format!("{name}_verified")).is_some_and(|v| v == "true");
    known
        .into_iter()
        .filter(|(alias, name, needs_proof)| pool.settings.has_alias(alias) && (!needs_proof || verified(name)))
        .filter_map(|(_, name, _)| Some((name, key(pool, attributes.get(name)?))))
        .collect()
}

/// Whether a name can only be an alias: no user name of the pool has this form (see [`choose`]).
pub fn is_address_alias(pool: &Pool, name: &str) -> bool {
    let settings = &pool.settings;
    settings.has_alias(&AliasAttributeType::Email) && is_email(name)
        || settings.has_alias(&AliasAttributeType::PhoneNumber) && is_phone_number(name)
}

/// A `preferred_username` must not be what only an address can be: it would stand in the way of whoever has the address.
pub fn check_preferred(pool: &Pool, attributes: &Attributes) -> Result<(), UserError> {
    let settings = &pool.settings;
    let Some(name) = attributes.get("preferred_username") else { return Ok(()) };
    let text = if !settings.has_alias(&AliasAttributeType::PreferredUsername) {
        return Ok(());
    } else if settings.has_alias(&AliasAttributeType::Email) && is_email(name) {
        "Preferred username cannot be of email format, since user pool is configured for email alias."
    } else if settings.has_alias(&AliasAttributeType::PhoneNumber) && is_phone_number(name) {
        "Preferred username cannot be of phone number format, since user pool is configured for phone number alias."
    } else {
        return Ok(());
    };
    Err(UserError::Attributes(text.to_owned()))
}

/// Cognito's text for a taken alias.
pub fn taken(kind: &str) -> UserError {
    UserError::AliasTaken(match kind {
        "email" => "An account with the given email already exists.",
        "phone_number" => "An account with the given phone_number already exists.",
        _ => "Already found an entry for the provided username.",
    })
}
