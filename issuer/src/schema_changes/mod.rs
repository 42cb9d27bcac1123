//! Changes of a pool's schema and of how its users sign in, while the pool works (`tollgate admin schema`). Not Cognito's: it has no way to
//! do any of this.
//!
//! A change has a moment at which it is true for everybody: one batch that sets the pool's settings. What users' rows need for it is done
//! before that moment or after it, a few users at a time, and until it is done the settings say so ([`Changing`]), so that readers see
//! every user as if it were done, and writers keep to it:
//! - *rename, drop*: the moment comes first. A row that has the old name is read as if it had the new one.
//! - *retype*: values are looked at first, while writers keep to the old definition and to the new one. Then comes the moment.
//! - *sign-in* (aliases, user name attributes, case): names are claimed first, for the new way beside the old one, by writers too, and sign
//!   nobody in. Then comes the moment; then names that are no longer any go.
//! - *relax*: nothing but the moment.
//!
//! Invariants: the state is a row ([`rows`]), changed in the batch that it speaks of, so whoever goes on after any end goes on from there; one change
//! a pool at a time; what collides or does not fit is found before anything is changed, and if a writer is quicker than that, the change
//! ends as if it had not been begun; a change is done when a whole pass over the users, begun [`SETTLE`] after the last moment, found nothing to
//! do: whoever had read the settings before that moment has ended by then.

mod begin;
mod error;
mod model;
mod rows;
mod run;
mod scan;
mod step;
#[cfg(test)]
mod suite;

use std::time::Duration;

pub use self::begin::plan;
pub use self::model::{Change, Event};
pub use self::rows::MIGRATION;
pub use self::run::{Teller, dry_run, run, running};

/// Longer than a request takes from reading a pool to its commit.
pub const SETTLE: Duration = Duration::from_secs(3);
