//! Tokens from the outside: real signatures, other people's vectors, and the attacks of the catalogue.
// Clippy's allowance for tests does not reach the helper functions of a test crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod demands;
mod introspection;
mod keysets;
mod policies;
mod properties;
mod providers;
mod roundtrip;
mod support;
mod wycheproof;
