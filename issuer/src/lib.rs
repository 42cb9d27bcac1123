//! The issuer: keeps the users, mints the tokens, speaks Cognito's wire protocol.

pub mod entropy;
pub mod envelope;
pub mod passwords;
