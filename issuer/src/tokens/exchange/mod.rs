//! Exchanging a user's token for one that is meant for another service (GetDerivedToken; RFC 8693).
//!
//! Invariants: what is issued lives no longer than what was presented, has none of the scopes that that had not, and dies with it. It has the
//! mint instant, the session and the device of the subject token: whatever ends that one (sign-out, the session's or the device's end)
//! ends it too, here and at every edge, with nothing stored for it. Who acted for the user stays in `act` over further exchanges.

mod asked;
mod issue;
mod presented;

pub use self::asked::Asked;
pub use self::issue::issue;
pub use self::presented::{Actor, Presented};
