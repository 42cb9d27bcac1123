//! Cognito's public calls as both ends of a route to the issuer read them: which operation it is, whose pool, and for whom.
//!
//! An edge asks the web ACL of a pool before the issuer has said which pool a call is for, so both must find the same one: by this module, and
//! nothing else. Nothing that it finds is proven.
//!
//! *Public* are the operations that anyone may call, and those that an access token authorises: before them AWS puts the web ACL of a pool
//! (Cognito's guide, "Associate an AWS WAF web ACL with a user pool"). Whether a call has a signature (SigV4) makes no difference for them: it is not
//! looked at. All other operations are signed by administrators.

mod account;
mod members;
mod operations;

pub use self::account::Account;
pub use self::members::{Member, Members, Names, NotRead, pool_of_session, pool_of_token, session_of};
pub use self::operations::Operation;
use crate::ids::PoolId;

/// The field that names the operation. Where it comes several times, the first one counts.
pub const TARGET: &str = "x-amz-target";

/// Documents whose path has the well-known part before the pool (RFC 8414 §3.1).
const WELL_KNOWN: [&str; 2] = ["openid-configuration", "oauth-authorization-server"];

/// The pool that a path is about: its first segment, where it has more than one, or what follows the well-known part. No character of a pool's id is ever
/// escaped in a canonical path.
pub fn pool_of_path(path: &str) -> Option<PoolId> {
    let (first, rest) = path.strip_prefix('/')?.split_once('/')?;
    let named = match rest.split_once('/') {
        Some((document, pool)) if first == ".well-known" && WELL_KNOWN.contains(&document) => pool,
        _ => first,
    };
    PoolId::parse(named).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_with_their_pool() {
        let of = |path| pool_of_path(path).map(String::from);
        assert_eq!(of("/eu-1_A/.well-known/jwks.json").as_deref(), Some("eu-1_A"));
        assert_eq!(of("/.well-known/oauth-authorization-server/eu-1_A").as_deref(), Some("eu-1_A"));
        assert_eq!(of("/.well-known/openid-configuration/eu-1_A").as_deref(), Some("eu-1_A"));
        for path in
            ["/.well-known/openid-configuration", "/.well-known/openid-configuration/eu-1_A/", "/.well-known/x/eu-1_A"]
        {
            assert_eq!(of(path), None, "{path}");
        }
        for path in ["/", "", "/eu-1_A", "//eu-1_A/", "/eu-1%5FA/x", "/login/x", "eu-1_A/x"] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
