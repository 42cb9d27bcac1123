//! One file an operation.

mod admin_initiate_auth;
mod admin_respond_to_auth_challenge;
mod get_tokens_from_refresh_token;
mod initiate_auth;
mod respond_to_auth_challenge;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminInitiateAuth, admin_initiate_auth::handle),
        operation(op::AdminRespondToAuthChallenge, admin_respond_to_auth_challenge::handle),
        operation(op::GetTokensFromRefreshToken, get_tokens_from_refresh_token::handle),
        operation(op::InitiateAuth, initiate_auth::handle),
        operation(op::RespondToAuthChallenge, respond_to_auth_challenge::handle),
    ]
}
