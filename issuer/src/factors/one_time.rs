//! Codes of second factors by e-mail and text message: made for one sign-in, sent to the user's own address.

use common::clock::UnixMillis;

use crate::codes::{self, Code, CodeError, CodeSlot};
use crate::entropy::NoEntropy;
use crate::envelope::PoolKey;
use crate::messages::Message;
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::store::{Statement, Store};
use crate::users::User;
use crate::users::address::Address;
use crate::users::deliveries::{self, Destination};

const PURPOSE: &str = "second factor";

/// Which sign-in a code is for, and which address it went to. Another one of either ends it.
pub struct Binding(String);

impl Binding {
    /// `sign_in`: a random text of the attempt.
    pub fn new(sign_in: &str, to: &Destination) -> Self {
        Self(format!("{sign_in} {}", to.to))
    }

    fn slot<'a>(&'a self, user: &'a User) -> CodeSlot<'a> {
        CodeSlot { pool: &user.pool, purpose: PURPOSE, subject: user.sub.as_str(), target: &self.0 }
    }
}

/// Where the codes of a factor go; `None` where the user has no such address, and for factors without messages.
pub fn destination(user: &User, factor: Factor) -> Option<Destination> {
    let address = match factor {
        Factor::Sms => Address::PhoneNumber,
        Factor::Email => Address::Email,
        Factor::SoftwareToken => return None,
    };
    user.attributes.get(address.attribute()).map(|to| address.destination(to))
}

/// A fresh code, good until `until`: what stores it, and the message that brings it.
pub fn issue(
    key: &PoolKey,
    pool: &Pool,
    user: &User,
    (to, binding): (&Destination, &Binding),
    (now, until): (UnixMillis, UnixMillis),
) -> Result<(Statement, Message), NoEntropy> {
    let Code { text, statement } = codes::issue(now, key, binding.slot(user), until.since(now))?;
    Ok((statement, deliveries::authentication(pool, user, to, text.expose(), (now, until))))
}

/// Checks a code; the statement uses it up.
pub async fn check(
    store: &Store,
    key: &PoolKey,
    user: &User,
    binding: &Binding,
    code: &str,
    now: UnixMillis,
) -> Result<Statement, CodeError> {
    codes::check(now, store, key, binding.slot(user), code).await
}
