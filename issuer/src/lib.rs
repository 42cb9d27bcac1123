//! The central service: user pools, sign-in, tokens, and the feed that tells edges what has died.

pub mod store;
