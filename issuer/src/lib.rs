//! The central service: user pools, sign-in, tokens, and the feed that tells edges what has died.

pub mod codes;
pub mod entropy;
pub mod envelope;
pub mod keys;
pub mod passwords;
pub mod outbox;
pub mod store;
//! The central service: users, sign-in and tokens behind Amazon Cognito's wire protocol.

pub mod limits;
