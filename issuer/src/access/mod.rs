//! Admin keys: who may call the signed operations (SigV4) and the admin surface, and what each key may do there.
//!
//! A request is let in when its signature holds for its body and date, its key is alive, the key's policy allows the action on the resource,
//! and it did not come before. Secrets are enveloped under the deployment's key, since SigV4 needs their text.

mod error;
mod gate;
mod keys;
mod model;
mod policy;
mod replay;
mod rows;

pub use self::error::AccessError;
pub use self::gate::{ADMIN_SERVICE, Action, Asked, Gate, pool_arn};
pub use self::keys::{NewKey, Recovery, Wanted, create_first, make};
pub use self::model::{AdminKey, is_name};
pub use self::policy::{FULL_ACCESS, Policy};
pub use self::replay::Effect;
pub use self::rows::{all, by_id, delete, insert, key, prune, set_disabled, set_policy};

use crate::store::Migration;

pub const MIGRATIONS: &[Migration] = &[rows::MIGRATION, rows::POLICIES, rows::REQUESTS];
