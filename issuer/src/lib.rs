//! The central service: users, sign-in and tokens behind Amazon Cognito's wire protocol.

pub mod limits;
//! The central service: user pools, sign-in, tokens, and the feed that tells edges what has died.

pub mod outbox;
pub mod publish;
pub mod store;
