//! Web ACLs as AWS WAFv2 has them: compiled from `common::waf`, evaluated over a borrowed view of a request. Pure but for the counters of rate-based
//! rules, which come from outside.
//!
//! What a request costs is kept down in four ways: every part of it is taken apart once, every chain of transformations is applied once and costs
//! nothing where it changes nothing, every question is asked once, and patterns are tried only where a text without which they can't match was found,
//! for all patterns on one form by a single pass.
//! Everything is linear in the length of what is inspected (SECURITY.md T37).

mod attempt;
mod compile;
mod condition;
mod filter;
mod injection;
mod inputs;
mod inspection;
mod json;
mod labels;
mod library;
mod literals;
#[cfg(test)]
mod managed;
mod multipart;
mod noted;
mod origin;
mod origins;
mod part;
mod program;
mod query;
mod rate;
mod request;
mod response;
mod story;
mod test;
mod tokens;
mod xml;

pub use self::attempt::{Answer, Awaited, How, Reader, by_body, by_head, may_read_body};
pub use self::compile::{CompileError, compile, compile_as};
pub use self::condition::Wants;
pub use self::library::Library;
pub use self::noted::{Found, Note, Noted, Seen};
#[cfg(test)]
pub use self::origin::Nowhere;
pub use self::origin::{Locate, Place, Region};
pub use self::program::{Acl, Act, DryRun, Ending, Match, Progress, Rule, Said, Test, Verdict};
pub use self::rate::{Counting, KeyValue};
pub use self::request::{Body, Clearance, Request, Solved, Standing};
pub use self::response::Response;
pub use self::story::explain;

#[cfg(test)]
mod tests;
