//! The challenge machine: one file a challenge. Its only product is [`Authenticated`], which nothing else can make.
//!
//! A sign-in attempt is a row, single use, and what has been proven so far is stored there and nowhere else (DESIGN §3). It is
//! found by Session, else by SECRET_BLOCK, since some SDKs answer PASSWORD_VERIFIER without `Session`.

mod attempt;
mod device;
pub mod device_srp;
mod error;
mod guess;
mod methods;
pub mod new_password;
mod next;
pub mod password;
pub mod password_verifier;
mod proof;
pub mod rows;
pub mod second_factor;
pub mod select_factor;
pub mod set_up_factor;
mod step;

pub use self::attempt::Attempt;
pub use self::device::{Named, Seen};
pub use self::error::SignInError;
pub use self::methods::CONTEXTS;
pub use self::step::{Asked, Authenticated, Step};

#[cfg(test)]
mod device_suite;
#[cfg(test)]
mod tests;
