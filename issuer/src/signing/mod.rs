//! Runs the rotation of signing keys: by schedule, at an operator's word, and the revocation of a key that leaked.
//!
//! A rotation publishes new keys first and lets them sign later (`[keys] publish_ahead`); the old ones stay published until the last token
//! that they signed has ended. So no valid token is refused on the way, by edges, by the issuer or by verifiers of the JWK set. Each step is one
//! batch with its audit row and its records of the feed: a crash leaves the pool between two steps, from where the schedule goes on.
//!
//! Several issuers do this side by side. A step is guarded by the state that it was decided on, and by one pending and one active key a purpose:
//! whoever comes second changes nothing. What one changed the others see within half a second ([`watch`]).

mod schedule;
mod steps;
mod watch;

pub use self::schedule::run;
pub use self::steps::{KeyView, Who, begin, list, promote, revoke};
pub use self::watch::watch;
