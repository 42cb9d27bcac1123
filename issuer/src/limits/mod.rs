//! How often something may be tried. Ladder and quotas are pure decisions: state and `now` go in, verdict and new state come out.
//!
//! * [`lockout`]: Cognito's ladder of growing waits after wrong passwords, counted per user in rows.
//! * [`gcra`]: quotas of requests per time, which say what is left and when.
//! * [`table`]: a bounded place in memory for quotas of this process.

pub mod gcra;
pub mod lockout;
pub mod table;

pub use crate::limits::gcra::{Decision, InvalidQuota, Quota, Verdict};
pub use crate::limits::lockout::{Lockout, LockoutError};
pub use crate::limits::table::Table;
