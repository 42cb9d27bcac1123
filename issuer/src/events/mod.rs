//! What users did to prove who they are, where a pool records it (Cognito: AdminListUserAuthEvents; `UserPoolAddOns.AdvancedSecurityMode` AUDIT or
//! ENFORCED): sign-ups, sign-ins, forgotten and changed passwords, codes sent again; with what administrators and users say of it.
//!
//! Invariants: a pool that records nothing has no row, and no statement or read more; an event of a success goes into the batch that
//! makes it true; a user has so many events at most, none of them older than two years. Nothing is judged yet: an event's risk says that
//! no action was taken.

pub mod feedback;
mod model;
pub mod ops;
mod record;
pub mod rows;
#[cfg(test)]
mod suite;

pub use self::model::Happened;
pub use self::record::{failure, statements};

use cognito_model::{Exception, Fault};

use crate::aws_json::Registered;
use crate::pools::Pool;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// Refuses what a pool that records nothing has no answer to.
///
/// # Errors
/// `UserPoolAddOnNotEnabledException`
fn demand(pool: &Pool) -> Result<(), Fault> {
    if pool.settings.records_auth_events() {
        return Ok(());
    }
    let text = format!("Threat protection is not enabled for user pool {}.", pool.id);
    Err(Fault::new(Exception::UserPoolAddOnNotEnabled, text))
}

fn absent(id: &str) -> Fault {
    Fault::resource_not_found(format!("Event {id} does not exist."))
}
