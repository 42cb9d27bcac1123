//! What a change of attributes comes to (pure).

use super::edits::{Edit, Edits};
use crate::clients::model::Settings as ClientSettings;
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::pools::schema::{Attributes, Writer};
use crate::users::address::Address;
use crate::users::{Status, User, UserError, login_names};

/// Who asks for the change.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// A user, through an app client.
    User(&'a ClientSettings),
    /// A user who completes the profile at the first sign-in (NEW_PASSWORD_REQUIRED).
    Newcomer(&'a ClientSettings),
    Admin,
}

/// A change that the rules allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// All attributes, after the change.
    pub attributes: Attributes,
    pub(super) addresses: Vec<(Address, Turn)>,
}

/// What becomes of an address that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is what it was: another value that waited is given up.
    Kept,
    /// It is another one, or none, and no code is to be sent: those on their way are void.
    Settled,
    /// It is another one, not verified; a code goes there.
    Prove(String),
    /// It will be another one once the code that goes there has come back.
    Wait(String),
}

/// Applies the edits, or says in Cognito's words why not.
pub fn plan(pool: &Pool, user: &User, edits: &Edits, author: Author<'_>) -> Result<Plan, UserError> {
    let schema = pool.schema();
    let mut attributes = user.attributes.clone();
    for (name, _) in edits.iter() {
        check_author(name, author)?;
    }
    let unknown = edits.iter().filter(|(name, _)| !schema.has(name));
    let unknown: String =
        unknown.map(|(name, _)| format!("user.{name}: Attribute does not exist in the schema.\n")).collect();
    if !unknown.is_empty() {
        return Err(UserError::Attributes(format!("Invalid user attributes: {unknown}")));
    }
    for (name, edit) in edits.iter() {
        apply(pool, &mut attributes, name, edit, author)?;
    }
    let turns = Address::ALL.map(|address| (address, turn(pool, user, edits, author, address, &mut attributes)));
    if matches!(author, Author::Newcomer(_)) {
        schema.check_complete(&attributes).map_err(UserError::Attributes)?;
    }
    login_names::check_preferred(pool, &attributes)?;
    let addresses = turns.into_iter().filter_map(|(address, turn)| Some((address, turn?))).collect();
    Ok(Plan { attributes, addresses })
}

/// Whether users of a client may write an attribute at all. Never what vouches for something, whatever WriteAttributes says (SECURITY
/// T55).
pub fn may_write(client: &ClientSettings, name: &str) -> bool {
    let vouches = name.ends_with("_verified") || name.starts_with("dev:") || name == "identities";
    !vouches && client.may_write(name)
}

fn check_author(name: &str, author: Author<'_>) -> Result<(), UserError> {
    match author {
        Author::User(client) | Author::Newcomer(client) if !may_write(client, name) => Err(UserError::NotWritable),
        _ if matches!(name, "sub" | "identities") || name.starts_with("cognito:") => Err(fixed(name)),
        _ => Ok(()),
    }
}

fn apply(
    pool: &Pool,
    attributes: &mut Attributes,
    name: &str,
    edit: &Edit,
    author: Author<'_>,
) -> Result<(), UserError> {
    let schema = pool.schema();
    let old = attributes.get(name);
    let is_newcomer = matches!(author, Author::Newcomer(_));
    // Who has no more than a temporary password would send the second factor's codes elsewhere, or be rid of it (SECURITY.md T58).
    let is_factor = is_newcomer && old.is_some() && is_factor(pool, name);
    let is_fixed = is_factor || (!schema.is_mutable(name) && (old.is_some() || !is_newcomer));
    match edit {
        Edit::Set(value) if old == Some(value) => {}
        Edit::Remove if schema.required().any(|required| required == name) => return Err(cannot_be_deleted(name)),
        Edit::Remove if old.is_none() => {}
        _ if is_fixed => return Err(fixed(name)),
        Edit::Remove => {
            attributes.remove(name);
        }
        Edit::Set(value) => {
            let writer = if matches!(author, Author::Admin) { Writer::Admin } else { Writer::User };
            let one = Attributes::from([(name.to_owned(), value.clone())]);
            pool.check_values(&one, writer).map_err(UserError::Attributes)?;
            attributes.extend(one);
        }
    }
    Ok(())
}

/// Whether codes of a second factor go there in this pool.
fn is_factor(pool: &Pool, name: &str) -> bool {
    let factors = [(Address::Email, Factor::Email), (Address::PhoneNumber, Factor::Sms)];
    factors.into_iter().any(|(address, factor)| address.attribute() == name && pool.settings.offers(factor))
}

/// What becomes of one address; sets its flag, and puts the old value back where the new one must be proven first.
fn turn(
    pool: &Pool,
    user: &User,
    edits: &Edits,
    author: Author<'_>,
    address: Address,
    attributes: &mut Attributes,
) -> Option<Turn> {
    let old = user.attributes.get(address.attribute());
    let value = match edits.get(address.attribute())? {
        Edit::Remove => {
            attributes.remove(address.flag());
            return Some(Turn::Settled);
        }
        Edit::Set(value) if old == Some(value) => return Some(Turn::Kept),
        Edit::Set(value) => value.clone(),
    };
    // Only administrators get as far as this with the flag.
    if edits.sets(address.flag(), "true") {
        return Some(Turn::Settled);
    }
    // Who is not confirmed can't bring a code for an attribute: the code of the sign-up proves the address then.
    let can_prove = user.status != Status::Unconfirmed;
    let has_none_yet = old.is_none() && matches!(author, Author::Newcomer(_));
    if address.is_proven_first(pool) && can_prove && !has_none_yet {
        for name in [address.attribute(), address.flag()] {
            match user.attributes.get(name) {
                Some(before) => attributes.insert(name.to_owned(), before.clone()),
                None => attributes.remove(name),
            };
        }
        return Some(Turn::Wait(value));
    }
    attributes.insert(address.flag().to_owned(), "false".to_owned());
    Some(if address.sends_code(pool) && can_prove { Turn::Prove(value) } else { Turn::Settled })
}

fn fixed(name: &str) -> UserError {
    UserError::Attributes(format!("user.{name}: Attribute cannot be updated.\n"))
}

pub(super) fn cannot_be_deleted(name: &str) -> UserError {
    UserError::Attributes(format!("user.{name}: Required attribute cannot be deleted.\n"))
}
