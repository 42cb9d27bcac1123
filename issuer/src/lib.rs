//! The central service: users, sign-in and tokens behind Amazon Cognito's wire protocol.

pub mod limits;
