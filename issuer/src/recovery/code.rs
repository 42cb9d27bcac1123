//! The code by which a password is recovered.

use cognito_model::Fault;

use crate::aws_json::Call;
use crate::codes::{self, Code, CodeSlot};
use crate::envelope::PoolKey;
use crate::messages::{Kind, Message};
use crate::pools::Pool;
use crate::store::Statement;
use crate::users::User;
use crate::users::deliveries::{self, Destination, RESET_CODE_LIFE};

const PURPOSE: &str = "recover password";

/// What a code is bound to beside its user: the address that it was sent to, and the password that it replaces. Whatever changes either of
/// them ends the code, without knowing of it.
pub struct Binding(String);

impl Binding {
    pub fn of(user: &User, to: &Destination) -> Self {
        let password = user.credentials.as_ref().map_or("", |credentials| credentials.password_hash.as_str());
        Self(format!("{} {password}", to.to))
    }

    pub fn slot<'a>(&'a self, user: &'a User) -> CodeSlot<'a> {
        CodeSlot { pool: &user.pool, purpose: PURPOSE, subject: user.sub.as_str(), target: &self.0 }
    }
}

/// A fresh code: the statement that stores it, and the message that brings it.
pub fn issue(
    call: &Call,
    key: &PoolKey,
    pool: &Pool,
    user: &User,
    to: &Destination,
) -> Result<(Statement, Message), Fault> {
    let binding = Binding::of(user, to);
    let Code { text, statement } =
        codes::issue(call.now, key, binding.slot(user), RESET_CODE_LIFE).map_err(Fault::internal)?;
    let message = deliveries::verification(pool, user, to, Kind::ForgotPassword, text.expose(), call.now);
    Ok((statement, message))
}

/// Withdraws a user's code, if there is one. It would be void by its binding; so it is gone as well.
pub fn discard(user: &User) -> Statement {
    codes::discard(CodeSlot { pool: &user.pool, purpose: PURPOSE, subject: user.sub.as_str(), target: "" })
}
