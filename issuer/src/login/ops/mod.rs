//! One file an operation.

mod admin_initiate_auth;
mod admin_respond_to_auth_challenge;
mod associate_software_token;
mod get_tokens_from_refresh_token;
mod initiate_auth;
mod respond_to_auth_challenge;
mod verify_software_token;

use cognito_model::Fault;
use cognito_model::idp::op;
use common::cognito;
use common::secret::SecretString;

use crate::aws_json::{Call, Registered, operation};
use crate::pools::{self, Pool, PoolError};
use crate::signin::SignInError;

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminInitiateAuth, admin_initiate_auth::handle),
        operation(op::AdminRespondToAuthChallenge, admin_respond_to_auth_challenge::handle),
        operation(op::AssociateSoftwareToken, associate_software_token::handle),
        operation(op::GetTokensFromRefreshToken, get_tokens_from_refresh_token::handle),
        operation(op::InitiateAuth, initiate_auth::handle),
        operation(op::RespondToAuthChallenge, respond_to_auth_challenge::handle),
        operation(op::VerifySoftwareToken, verify_software_token::handle),
    ]
}

/// Who sets a software token up. The router has resolved the access token.
enum Authorization<'a> {
    Token,
    Session(&'a SecretString),
}

fn authorization<'a>(
    token: Option<&SecretString>,
    session: Option<&'a SecretString>,
) -> Result<Authorization<'a>, Fault> {
    match (token, session) {
        (Some(_), None) => Ok(Authorization::Token),
        (None, Some(session)) => Ok(Authorization::Session(session)),
        (Some(_), Some(_)) => {
            Err(Fault::invalid_parameter("The request takes an access token or a session string, but not both."))
        }
        (None, None) => Err(Fault::invalid_parameter("Missing required parameter AccessToken or Session")),
    }
}

/// The pool that a Session names. Whether there is such a Session is asked afterwards.
async fn pool_of_session(call: &Call, session: &SecretString) -> Result<Pool, Fault> {
    let over = || Fault::from(SignInError::Session);
    let id = cognito::pool_of_session(session.expose()).ok_or_else(over)?;
    match pools::find(&call.services.store, &id).await {
        Err(PoolError::Absent(_)) => Err(over()),
        found => Ok(found?),
    }
}
