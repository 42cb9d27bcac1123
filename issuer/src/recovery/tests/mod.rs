//! The operations over both engines.

mod change;
mod forgot;
mod hidden;
mod races;
mod reset;

use serde_json::{Value, json};

use crate::world::World;

const OLD: &str = "Old-password-1";
const NEW: &str = "New-password-2";
const NEWER: &str = "Newer-password-3";

const WRONG_CODE: &str = "CodeMismatchException: Invalid verification code provided, please try again.";
const NO_CODE: &str = "ExpiredCodeException: Invalid code provided, please request a code again.";
const WRONG_PASSWORD: &str = "NotAuthorizedException: Incorrect username or password.";
const LIMIT: &str = "LimitExceededException: Attempt limit exceeded, please try after some time.";
const RESET_REQUIRED: &str = "PasswordResetRequiredException: Password reset required for the user";

fn forgot(client: &str, name: &str) -> Value {
    json!({ "ClientId": client, "Username": name })
}

fn confirm(client: &str, name: &str, code: &str, password: &str) -> Value {
    json!({ "ClientId": client, "Username": name, "ConfirmationCode": code, "Password": password })
}

fn change(tokens: &Value, previous: &str, proposed: &str) -> Value {
    json!({ "AccessToken": tokens["AccessToken"], "PreviousPassword": previous, "ProposedPassword": proposed })
}

fn person(world: &World, name: &str) -> Value {
    json!({ "UserPoolId": world.pool, "Username": name })
}

fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}
