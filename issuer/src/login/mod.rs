//! InitiateAuth and RespondToAuthChallenge, for users and for administrators: join the challenge machine, sessions and tokens.
//! AssociateSoftwareToken and VerifySoftwareToken are here because a sign-in may pass through them.
//!
//! Both kinds of call take the same steps, [`flows`] and [`challenges`], so the same limits and the same silence about who exists hold for
//! both: `PreventUserExistenceErrors` is the client's, whoever calls. The issuer's own pages take them by [`page`].

mod answer;
mod challenges;
mod flows;
pub mod ops;
pub mod page;
#[cfg(test)]
mod page_suite;
mod parameters;
mod place;
pub mod set_up;
mod steps;
#[cfg(test)]
mod tests;
mod witness;

pub use self::answer::Challenged;
pub use self::parameters::Parameters;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
