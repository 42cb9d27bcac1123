//! Tests of the whole: the real binary, real sockets, clients that others wrote. Each test owns its world.
//!
//! `TOLLGATE_LONG=1` runs the long forms (scripts/test --long NAME).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod bad_input;
mod bench;
mod clients;
mod config;
mod coverage;
mod daytwo;
mod deploy;
mod devmode;
mod fault;
mod feed;
mod floors;
mod http;
mod main_job;
mod memory;
mod messages;
mod moving;
mod pool_acl;
mod refresh;
mod roles;
mod sharing;
mod signout;
mod storage;
mod system;
mod takeover;
mod upgrade;
mod vouching;
mod world;

/// How much of a test to run: the short form, or the long one where the environment asks for it.
fn short_or_long(short: u32, long: u32) -> u32 {
    if std::env::var_os("TOLLGATE_LONG").is_some() { long } else { short }
}
