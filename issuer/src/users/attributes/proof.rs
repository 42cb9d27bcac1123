//! The codes that prove an address: 24 hours, one use, and for the value that they were sent to, so that a later value cannot be
//! verified by the code of an earlier one (Cognito: VerifyUserAttribute).

use std::time::Duration;

use cognito_model::Fault;
use cognito_model::idp::types::CodeDeliveryDetailsType;
use common::clock::UnixMillis;

use super::names::{self, Taking};
use super::waiting;
use crate::aws_json::{Call, Write};
use crate::codes::{self, CodeError, CodeSlot};
use crate::envelope::PoolKey;
use crate::limits::{Budget, Spender, budget};
use crate::messages::{Kind, Message};
use crate::pools::Pool;
use crate::store::{Batch, CommitError, Statement, StoreError};
use crate::users::address::Address;
use crate::users::{TRIES, User, UserError, deliveries, rows};

/// Cognito: 24 hours.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// Which value a code proves. Each has a slot of its own: a code for the present address leaves that for the coming one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The attribute as it is.
    Present,
    /// The value that waits to become the attribute.
    Waiting,
}

/// A code on its way: what stores it, what sends it, and what the answer says of it.
pub(super) struct Sent {
    pub statement: Statement,
    pub message: Message,
    pub delivery: CodeDeliveryDetailsType,
}

/// The address that a request names.
///
/// # Errors
/// `InvalidParameterException` for an attribute that is none.
pub fn address(attribute: &str) -> Result<Address, UserError> {
    let text = || UserError::Attributes(format!("{attribute}: only email and phone_number can be verified."));
    Address::named(attribute).ok_or_else(text)
}

pub(super) fn slot<'a>(user: &'a User, address: Address, standing: Standing, to: &'a str) -> CodeSlot<'a> {
    let purpose = match (address, standing) {
        (Address::Email, Standing::Present) => "verify email",
        (Address::Email, Standing::Waiting) => "change email",
        (Address::PhoneNumber, Standing::Present) => "verify phone_number",
        (Address::PhoneNumber, Standing::Waiting) => "change phone_number",
    };
    CodeSlot { pool: &user.pool, purpose, subject: user.sub.as_str(), target: to }
}

/// Draws a code for a value of an address. It replaces the one before it.
pub(super) fn send(
    key: &PoolKey,
    pool: &Pool,
    user: &User,
    (address, standing, to): (Address, Standing, &str),
    kind: Kind,
    now: UnixMillis,
) -> Result<Sent, UserError> {
    let code = codes::issue(now, key, slot(user, address, standing, to), LIFE)
        .map_err(|error| UserError::Sealing(error.to_string()))?;
    let destination = address.destination(to);
    let message = deliveries::verification(pool, user, &destination, kind, code.text.expose(), now);
    Ok(Sent { statement: code.statement, message, delivery: destination.describe() })
}

/// Sends a code to the address that the user has now (Cognito: GetUserAttributeVerificationCode). A value that waits gets another code when
/// it is asked for again.
pub async fn send_to_present(
    call: &Call,
    pool: &Pool,
    mut user: User,
    address: Address,
) -> Result<CodeDeliveryDetailsType, Fault> {
    let key = call.services.pool_keys.key(&pool.id).await?;
    present(&user, address)?;
    let who = Spender::user(&user.sub);
    budget::spend(call.now, &call.services.store, &pool.id, Budget::GetUserAttributeVerificationCode, &who).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let to = present(&user, address)?;
        let sent = send(&key, pool, &user, (address, Standing::Present, to), Kind::VerifyUserAttribute, call.now)?;
        let mut batch = Batch::new();
        batch.add(rows::has_attributes(&user));
        batch.add(sent.statement);
        let write = Write::new(&pool.id, batch).about(user.sub.as_str()).messages(vec![sent.message]);
        outcome = call.commit(write).await;
        match &outcome {
            Ok(()) => return Ok(sent.delivery),
            Err(CommitError::Missed { .. }) => user = user.again(&call.services.store, pool).await?,
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a code was sent without an outcome"))
}

fn present(user: &User, address: Address) -> Result<&str, UserError> {
    let value = user.attributes.get(address.attribute()).map(String::as_str);
    value.ok_or_else(|| UserError::Attributes(format!("User has no attribute {}.", address.attribute())))
}

/// Takes a code: the address is verified, becomes the attribute if it waited, and signs in.
///
/// # Errors
/// `CodeMismatchException`, `ExpiredCodeException`, `LimitExceededException`, `AliasExistsException`, storage.
pub async fn verify(call: &Call, pool: &Pool, mut user: User, address: Address, code: &str) -> Result<(), Fault> {
    let who = Spender::user(&user.sub);
    budget::spend(call.now, &call.services.store, &pool.id, Budget::VerifyUserAttribute, &who).await?;
    let (standing, value, consume) = check(call, &user, address, code).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        if standing == Standing::Present && user.attributes.get(address.attribute()) != Some(&value) {
            return Err(CodeError::Absent.into());
        }
        let mut attributes = user.attributes.clone();
        attributes.insert(address.attribute().to_owned(), value.clone());
        attributes.insert(address.flag().to_owned(), "true".to_owned());
        let moves = names::follow(&call.services.store, pool, &user, &attributes, Taking::Never, call.now).await?;
        let mut batch = Batch::new();
        let used = batch.add(consume.clone());
        batch.add(rows::update_profile(&user, user.status, &attributes, call.now));
        let moved = batch.extend(moves.statements.iter().cloned());
        if standing == Standing::Waiting {
            batch.add(waiting::take(&pool.id, &user.sub, address, &value));
            batch.add(codes::discard(slot(&user, address, Standing::Present, &value)));
        }
        batch.add(budget::give_back(&pool.id, Budget::VerifyUserAttribute, &who));
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        match &outcome {
            Ok(()) => return Ok(()),
            Err(CommitError::Missed { index }) if *index == used => return Err(CodeError::Absent.into()),
            Err(CommitError::Missed { index }) => match index.checked_sub(moved).and_then(|at| moves.refusal(at)) {
                Some(refusal) => return Err(refusal.into()),
                None => user = user.again(&call.services.store, pool).await?,
            },
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a verification ended without an outcome"))
}

/// Which value of the address the code is for. A guess counts against every code that it could have been.
async fn check(call: &Call, user: &User, address: Address, code: &str) -> Result<(Standing, String, Statement), Fault> {
    let store = &call.services.store;
    let key = call.services.pool_keys.key(&user.pool).await?;
    let row = store.one(waiting::find(&user.pool, &user.sub, address)).await?;
    let waiting = row.map(|row| row.text(0).map(str::to_owned)).transpose().map_err(StoreError::from)?;
    let present = user.attributes.get(address.attribute()).cloned();
    let values = [(Standing::Waiting, waiting), (Standing::Present, present)];
    let mut refusal = CodeError::Absent;
    for (standing, value) in values.into_iter().filter_map(|(standing, value)| Some((standing, value?))) {
        match codes::check(call.now, store, &key, slot(user, address, standing, &value), code).await {
            Ok(consume) => return Ok((standing, value, consume)),
            Err(error @ (CodeError::Storage(_) | CodeError::Commit(_))) => return Err(error.into()),
            Err(error) if refusal == CodeError::Absent => refusal = error,
            Err(_) => {}
        }
    }
    Err(refusal.into())
}
