//! Integration tests of the whole, in one binary: real processes, real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // as in every test

mod clients;
mod feed;
