//! Compact JWS, JWK and JWK sets over a closed list of asymmetric algorithms.
//!
//! Three mistakes have broken most JWT libraries, and this module is shaped so that they cannot be written here:
//! - *the token chooses the algorithm* (RFC 8725 §3.1): every [`Key`] is pinned to one [`Alg`] when the set is built, and
//!   `HS*` and `none` are not values of [`Alg`];
//! - *two parsers read two tokens* (RFC 8725 §2.4 and its successor's "Check JWT Format Type"): there is one strict reader
//!   of JSON ([`json::Object`]) and one of the compact form ([`Jws`]), and both refuse whatever has two readings;
//! - *the token brings its key* (RFC 7515 §4.1.2–4.1.6): `jku`, `x5u` and `x5c` are never looked at, and `jwk` ([`EmbeddedKey`]) only by
//!   `dpop`, whose proofs say nothing but that the holder of that key has made them.
//!
//! `jsonwebtoken` supplies the algorithm and header types and the sign and verify traits; ring does the arithmetic behind
//! them ([`provider`]), and graviola verifies by RSA where it runs. Public keys are decoded once, when a set is built.

mod alg;
mod base64url;
mod compact;
mod embedded;
pub mod json;
mod jwk;
mod jwks;
mod keyset;
mod prepared;
pub mod provider;
mod public_key;
mod roca;
mod rsa_signer;
mod sign;
mod thumbprint;

pub use alg::{Alg, KeyType, UnsupportedAlg};
pub use base64url::{decode as base64url_decode, encode as base64url_encode};
pub use compact::{Jws, JwsError, JwsHeader, MAX_KID_BYTES, MAX_TOKEN_BYTES};
pub use embedded::EmbeddedKey;
pub use jsonwebtoken::Header;
pub use jwk::{Jwk, JwkError};
pub use jwks::{Jwks, JwksError, MAX_KEYS, MAX_SET_BYTES};
pub use keyset::{Key, KeySet, SignatureError};
pub use prepared::graviola_runs;
pub use public_key::{InvalidPublicKey, PublicKey};
pub use sign::{SignError, SigningKey};
pub use thumbprint::Thumbprint;
