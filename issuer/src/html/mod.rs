//! Pages: what is safe to write into one is a type, every page has the same headers, and forms prove from where they come.
//!
//! Pages need no script. What comes from outside goes through [`Safe::text`]; there is no other way in for a text that is no constant.

#[cfg_attr(not(test), expect(dead_code, reason = "the sign-in pages come next"))]
mod cookie;
mod escape;
#[cfg_attr(not(test), expect(dead_code, reason = "the sign-in pages come next"))]
mod form_token;
mod page;

pub use self::escape::Safe;
pub use self::page::Page;
