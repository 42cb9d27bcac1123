//! The one binary: subcommands only assemble what the libraries provide.

#[cfg(feature = "issuer")]
mod admin;
#[cfg(feature = "bench")]
mod attacks;
#[cfg(feature = "bench")]
mod bench;
mod commands;
#[cfg(feature = "issuer")]
mod environment;
mod log;
mod notify;
mod roles;
#[cfg(all(feature = "issuer", feature = "edge"))]
mod sample_api;
mod stdin_guard;
#[cfg(all(feature = "issuer", feature = "edge"))]
mod up;
#[cfg(feature = "issuer")]
mod wire;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run()
}
