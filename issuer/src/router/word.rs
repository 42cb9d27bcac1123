//! What the issuer tells the edge that vouches for a sign-in, a sign-up or a recovery ([`common::attest::Word`]). The client never sees it: the edge takes it
//! off. Without an edge nothing is said.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use cognito_model::{Exception, Fault};
use common::attest::{SIGN_IN, Told, Word};
use common::cognito::{Account, Operation};

use crate::passwords::Compromised;
use crate::vouching::Vouched;

/// Operations at which something is proven or not.
const OPERATIONS: [&str; 5] =
    ["InitiateAuth", "RespondToAuthChallenge", "SignUp", "ForgotPassword", "ConfirmForgotPassword"];

/// The word on a request that came by an edge.
pub fn of(head: &Parts, operation: &str, body: &[u8], known: &Compromised, fault: Option<&Fault>) -> Option<Word> {
    head.extensions.get::<Vouched>()?;
    let operation = Operation::named(operation).filter(|operation| OPERATIONS.contains(&operation.name))?;
    let mut word = Word::new(told(fault));
    word.is_unknown = fault.is_some_and(|fault| fault.is_of_nobody || fault.exception == Exception::UserNotFound);
    // Looked up whoever it is for and whatever came of it, so no time tells anything.
    let password = Account::read(operation, body).ok().and_then(|account| account.password);
    word.is_compromised = password.is_some_and(|password| known.has(password.expose()));
    Some(word)
}

pub fn add(headers: &mut HeaderMap, word: Word) {
    if let Ok(text) = HeaderValue::from_str(&word.text()) {
        headers.insert(SIGN_IN, text);
    }
}

fn told(fault: Option<&Fault>) -> Told {
    let Some(fault) = fault else { return Told::Succeeded };
    match fault.exception {
        Exception::NotAuthorized
        | Exception::UserNotFound
        | Exception::UsernameExists
        | Exception::AliasExists
        | Exception::CodeMismatch
        | Exception::ExpiredCode => Told::Failed,
        _ => Told::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proven_and_what_is_not() {
        let of = |fault: Fault| told(Some(&fault));
        assert_eq!(told(None), Told::Succeeded);
        assert_eq!(of(Fault::not_authorized("x")), Told::Failed);
        assert_eq!(of(Fault::user_not_found("x")), Told::Failed);
        assert_eq!(of(Fault::limit_exceeded("x")), Told::Neither);
        assert_eq!(of(Fault::new(Exception::UserNotConfirmed, "x")), Told::Neither);
    }

    #[test]
    fn nothing_is_said_without_an_edge() {
        let (head, ()) = axum::http::Request::new(()).into_parts();
        assert_eq!(super::of(&head, "InitiateAuth", b"{}", &Compromised::default(), None), None);
    }
}
