//! Pages: what is safe to write into one is a type, every page has the same headers, and forms prove from where they come.
//!
//! Pages need no script; the one that there is sends a form on its way ([`Page::sending_itself`]). What comes from outside goes through [`Safe::text`]; there is no other way in for a text that is no constant.

mod cookie;
mod escape;
mod form_token;
mod page;

pub use self::cookie::{Cookie, Jar};
pub use self::escape::Safe;
pub use self::form_token::FormToken;
pub use self::page::Page;
