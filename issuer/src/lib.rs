//! The central service: user pools, sign-in, tokens, and the feed that tells edges what has died.

pub mod codes;
#[cfg(test)]
mod engines;
pub mod entropy;
pub mod envelope;
pub mod keys;
pub mod passwords;
pub mod store;
