//! One file an operation.

mod get_tokens_from_refresh_token;
mod initiate_auth;
mod respond_to_auth_challenge;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::GetTokensFromRefreshToken, get_tokens_from_refresh_token::handle),
        operation(op::InitiateAuth, initiate_auth::handle),
        operation(op::RespondToAuthChallenge, respond_to_auth_challenge::handle),
    ]
}
