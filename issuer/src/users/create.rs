//! The making of a user: by sign-up and by administrators.

use cognito_model::Fault;
use cognito_model::idp::types::AttributeType;
use common::clock::UnixMillis;
use common::ids::Sub;
use common::secret::SecretString;

use super::attributes::names::{self, Moves, Taking};
use super::error::UserError;
use super::mfa::MfaPreferences;
use super::model::{Status, User};
use super::{credentials, login_names, rows};
use crate::aws_json::{Call, Write};
use crate::messages::Message;
use crate::pools::Pool;
use crate::pools::schema::{self, Attributes, Writer};
use crate::store::{Batch, CommitError, Statement};

/// What a new user is made of.
pub struct NewUser<'a> {
    pub username: &'a str,
    pub attributes: &'a [AttributeType],
    pub writer: Writer,
    pub password: Option<&'a SecretString>,
    pub status: Status,
    pub temporary_until: Option<UnixMillis>,
    pub taking: Taking,
}

/// Checks, hashes, and commits user, login names, and what `also` adds (statements and messages), in one batch.
///
/// # Errors
/// `UsernameExistsException`, `AliasExistsException`, `InvalidParameterException`, `InvalidPasswordException`, storage.
pub async fn create(
    call: &Call,
    pool: &Pool,
    new: NewUser<'_>,
    also: impl FnOnce(&User) -> (Vec<Statement>, Vec<Message>),
) -> Result<User, Fault> {
    let mut user = draft(call, pool, &new)?;
    // Looked at first so that a taken name costs no hash; the batch below is what decides.
    if super::by_name(&call.services.store, pool, new.username).await?.is_some() {
        return Err(UserError::NameTaken.into());
    }
    if let Some(password) = new.password {
        user.credentials = Some(credentials::derive(&call.services, pool, &user, password).await?);
    }

    let mut batch = Batch::new();
    batch.add(rows::insert(&user));
    let claimed = login_names::claim_at_creation(&mut batch, pool, &user, new.username);
    let own = names::own(pool, &user, login_names::key(pool, new.username));
    let mut aliases = Moves::default();
    for wanted in names::wanted(pool, &own, &user.attributes)?.iter().filter(|wanted| !claimed.has(&wanted.key)) {
        aliases.claim(&call.services.store, &user, wanted, new.taking, call.now).await?;
    }
    let aliases_from = batch.extend(aliases.statements.iter().cloned());
    let (statements, messages) = also(&user);
    batch.extend(statements);
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(messages)).await {
        Ok(()) => Ok(user),
        Err(CommitError::Missed { index }) if claimed.names.contains(&index) => Err(UserError::NameTaken.into()),
        Err(CommitError::Missed { index }) => {
            match index.checked_sub(aliases_from).and_then(|at| aliases.refusal(at)) {
                Some(refusal) => Err(refusal.into()),
                None => Err(CommitError::Missed { index }.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn draft(call: &Call, pool: &Pool, new: &NewUser<'_>) -> Result<User, UserError> {
    let sub = uuid::Uuid::new_v4().to_string();
    let sub = Sub::parse(sub).map_err(|e| UserError::Sealing(e.to_string()))?;
    let chosen = login_names::choose(pool, new.username, &sub)?;
    let mut attributes = collect(new.attributes)?;
    if let Some((name, value)) = chosen.attribute {
        // Another address in the attribute would be the one that gets the code, and the name would be taken without a proof.
        let given = attributes.entry(name.to_owned()).or_insert_with(|| value.clone());
        if login_names::key(pool, given) != login_names::key(pool, &value) {
            return Err(UserError::Attributes(format!("Username and {name} must be the same.")));
        }
    }
    let schema = pool.schema();
    pool.check_values(&attributes, new.writer).map_err(UserError::Attributes)?;
    if new.writer == Writer::User {
        // Whom an administrator makes, gives the rest at the first sign-in.
        schema.check_complete(&attributes).map_err(UserError::Attributes)?;
    }
    login_names::check_preferred(pool, &attributes)?;
    Ok(User {
        pool: pool.id.clone(),
        sub,
        username: chosen.username,
        status: new.status,
        enabled: true,
        attributes,
        stored: None,
        credentials: None,
        valid_after: UnixMillis(0),
        newest_mint: UnixMillis(0),
        temporary_until: new.temporary_until,
        created: call.now,
        modified: call.now,
        mfa: MfaPreferences::default(),
    })
}

/// The list of a request as a map. A name that comes twice is refused; an empty value means none.
pub fn collect(list: &[AttributeType]) -> Result<Attributes, UserError> {
    let mut attributes = Attributes::new();
    for attribute in list {
        let value = schema::spelled(&attribute.name, attribute.value.as_deref().unwrap_or_default());
        if value.is_empty() {
            continue;
        }
        if attributes.insert(attribute.name.clone(), value).is_some() {
            return Err(UserError::Attributes(format!("Attribute {} is given twice.", attribute.name)));
        }
    }
    Ok(attributes)
}
