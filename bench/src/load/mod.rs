//! What is sent: tokens, requests, and the small upstream that answers behind every measured proxy.

mod api;
mod closed_loop;
mod response;
mod tokens;
mod upstream;

pub use api::{Answer, Api, ApiError, Signer};
pub use closed_loop::{Failure, Load, Outcome};
pub use tokens::{Bad, FixtureError, Issuer};
pub use upstream::Upstream;
