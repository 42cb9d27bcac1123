//! The OAuth 2.0 and OpenID Connect server.

#[cfg_attr(not(test), expect(dead_code, reason = "authorize and token endpoint use it"))]
pub mod codes;
#[cfg(test)]
mod codes_suite;
