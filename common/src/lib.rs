//! What issuer, edge and bench share: identifiers, time, secrets, JOSE, token verification, proofs of possession, refusal reasons, the canonical
//! request, SigV4, the refreshing of what others publish, and the frames of the feed.
//!
//! There is no async runtime, no SQL and no HTTP framework in here, and nothing reads the wall clock but [`clock::SystemClock`].

pub mod attest;
pub mod canonical;
pub mod claims;
pub mod clock;
pub mod cognito;
pub mod dpop;
pub mod feed;
pub mod forwarded;
pub mod html;
pub mod ids;
pub mod jose;
pub mod networks;
pub mod refresh;
pub mod reject;
pub mod secret;
pub mod settings;
pub mod sigv4;
pub mod verify;
pub mod waf;
pub mod ways;
