//! Tokens: claims, minting, refreshing, those of clients, exchanges, and the check of access tokens that users present.
//!
//! The issuing steps and what a power cut leaves after each ([`grant`] and refreshing are alike):
//! 1. the user's row is read; the mint instant is max(now, `valid_after` + 1 ms);
//! 2. claims are prepared ([`claims::Prepared`]); nothing is stored yet;
//! 3. one batch commits: the guard on the user's row (it misses if the user was signed out or disabled since step 1, and the steps
//!    begin anew), the use of the attempt, the session with the digest of its refresh token. A cut before it leaves the attempt
//!    open; after it, a session whose tokens nobody has, which ends by itself;
//! 4. the tokens are signed (`Prepared::sign` consumes the claims: it cannot run twice) and sent.

mod authenticate;
mod claims;
pub mod client_token;
pub mod exchange;
pub mod grant;
mod live;
mod mint;
pub mod ops;
mod personal;
mod refresh;
#[cfg(test)]
mod service_suite;
#[cfg(test)]
mod suite;
pub mod user_info;

pub use self::authenticate::authenticate;
pub use self::claims::Asked;
pub use self::live::live;
pub use self::mint::mint;
pub use self::refresh::{Presented, refresh};
pub use self::user_info::user_info;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
