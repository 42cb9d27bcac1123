//! The attack catalogue against a whole edge (SECURITY.md §2): row by row, in the short form or, with `TOLLGATE_LONG=1`, the long one.

mod credentials;
mod headers;
mod leaks;
mod noise;
mod origins;
mod paths;
mod payloads;
mod pushes;
mod slow;
mod smuggling;

/// How much of a test to run.
fn short_or_long(short: u32, long: u32) -> u32 {
    if std::env::var_os("TOLLGATE_LONG").is_some() { long } else { short }
}
