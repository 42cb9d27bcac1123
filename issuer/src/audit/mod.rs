//! The append-only record of who did what, from where, with which result (DESIGN §3 "Audit").
//!
//! A change is recorded in its own transaction: [`Entry::statement`] goes into the batch. Reads and refusals, which change
//! nothing, are recorded a few at a time by a [`Recorder`]. Nothing here holds a token, code, password or body.

mod recorder;
pub mod rows;

use common::clock::UnixMillis;

pub use self::recorder::Recorder;

/// The pool under which operations are recorded that name none.
pub const NO_POOL: &str = "-";

/// One line of the record.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: UnixMillis,
    /// A UUIDv7: also the request id that the caller saw.
    pub request_id: String,
    pub pool: String,
    pub operation: &'static str,
    /// Who asked: an access key id, a `sub`, or `anonymous`.
    pub actor: String,
    /// Whom or what it was about, as far as it was known.
    pub subject: Option<String>,
    /// The caller's address.
    pub source: String,
    pub user_agent: Option<String>,
    /// `ok`, or the name of the exception.
    pub result: &'static str,
}
