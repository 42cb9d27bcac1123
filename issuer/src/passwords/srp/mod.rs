//! SRP-6a as Cognito speaks it (`USER_SRP_AUTH` with `PASSWORD_VERIFIER`, and the device challenges).
//!
//! It is not RFC 5054: the group is the 3072-bit one of RFC 3526 with g = 2, hashes are SHA-256 over Java's `BigInteger` bytes (no
//! leading zeros, but one zero byte in front of a set top bit), and what is proven is an HMAC under a key that HKDF makes of S.
//!
//! ```text
//! H = SHA-256, pad = shortest big-endian bytes with a clear sign bit
//! k = H(pad(N) ‖ pad(g))              x = H(pad(salt) ‖ H(pool ‖ user ‖ ":" ‖ password))     v = g^x
//! client  A = g^a                     server  B = k·v ± g^b                                  u = H(pad(A) ‖ pad(B))
//! client  S = (B − k·g^x)^(a + u·x)   server  S = (A · v^u)^b, up to its sign
//! key = HKDF-SHA256(ikm = pad(S), salt = pad(u), info = "Caldera Derived Key"), 16 bytes
//! signature = HMAC-SHA256(key, pool ‖ user ‖ SECRET_BLOCK ‖ TIMESTAMP)
//! ```
//!
//! **The sign.** 2 is a square modulo this N, so every g^x and g^b is one. With `B = k·v + g^b` an eavesdropper (or anyone who
//! starts sign-ins for a user and throws them away) could test a guessed password by asking whether `B − k·g^x'` is a square: each
//! B halves the wrong guesses, and a few dozen of them make an offline dictionary attack that SRP promises to prevent. So the
//! server takes +g^b or −g^b by a coin flip (−1 is no square, N being 3 modulo 4): the difference is then uniform for every guess.
//! A client computes as ever and gets S or −S, by the parity of its own exponent; the server accepts both.
//!
//! All secret exponentiations are constant-time (crypto-bigint). They take about 1 ms each: use them through
//! [`super::Passwords`], which runs them on its pool.

mod challenge;
mod decoy;
mod group;
mod identity;
mod session_key;
mod timestamp;
mod verifier;

pub use challenge::{Challenge, Claim, PendingChallenge, SrpError};
pub use decoy::{Decoy, Decoys};
pub use group::{InvalidPublicValue, PublicValue};
pub use identity::Identity;
pub use timestamp::{InvalidTimestamp, TIMESTAMP_TOLERANCE, Timestamp};
pub use verifier::{InvalidVerifier, Verifier};

#[cfg(test)]
pub(crate) mod test_client;
#[cfg(test)]
mod vectors;
