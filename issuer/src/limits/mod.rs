//! How often something may be tried. Ladder and quotas are pure decisions: state and `now` go in, verdict and new state come out; where
//! the state lives (a row, [`Table`], a shared counter) is the caller's business. Budgets and lockouts are rows.
//!
//! * [`budget`]: tries an hour at codes and passwords, and messages an hour, per user.
//! * [`lockout`]: Cognito's ladder of growing waits after wrong passwords, counted per user.
//! * [`gcra`]: quotas of requests per time, which say what is left and when.
//! * [`quotas`]: Cognito's request categories, a bucket for each pool and category.
//! * [`table`]: a bounded place in memory for quotas of this process.

pub mod budget;
pub mod gcra;
pub mod lockout;
pub mod quotas;
pub mod table;

pub use crate::limits::budget::{Budget, SpendError, Spender};
pub use crate::limits::gcra::{Decision, InvalidQuota, Quota, Verdict};
pub use crate::limits::lockout::{Lockout, LockoutError};
pub use crate::limits::table::Table;
