//! The pages of a pool's domain on which users sign in: plain, complete, and without scripts. They stand on an authorization request, which is the
//! query of each, and end in its answer.
//!
//! Invariants: a form is answered by the browser that it was given to; what a sign-in has proven so far lies in its attempt, and the browser
//! holds no more than the way to it ([`step`]); a right answer leads elsewhere (303), a wrong one shows the page again (200).

#[cfg(test)]
mod back_channel_suite;
mod challenge;
#[cfg(test)]
mod conformance;
mod consent;
mod device;
#[cfg(test)]
mod device_suite;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod flow_suite;
mod login;
mod new_password;
mod parts;
#[cfg(test)]
mod refusal_suite;
mod signed_in;
mod step;
#[cfg(test)]
mod suite;
mod visit;

use axum::Router;
use axum::routing::get;

use crate::oauth::OAuth;

/// What answers on a domain beside the endpoints of [`crate::oauth`].
pub fn routes() -> Router<OAuth> {
    Router::new()
        .route("/login", get(login::get).post(login::post))
        .route("/newpassword", get(new_password::get).post(new_password::post))
        .route("/mfa", get(challenge::code_get).post(challenge::code_post))
        .route("/mfa-option", get(challenge::option_get).post(challenge::option_post))
        .route("/mfa-setup", get(challenge::set_up_get).post(challenge::set_up_post))
        .route("/device", get(device::get).post(device::post))
        .route("/consent", get(consent::get).post(consent::post))
}
