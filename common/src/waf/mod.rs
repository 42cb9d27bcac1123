//! The language of AWS WAFv2's web ACLs: what they may say, read from AWS's own JSON, and what they cost.
//!
//! The issuer validates what administrators store by [`read`], the edge evaluates the same values; both get the [`model`], whose values can't
//! be wrong. References by ARN are left as they are: whoever has the sets and groups resolves them. Pure.
//!
//! Sources: the API model of WAFv2 (2019-07-29) and the AWS WAF Developer Guide, as far as docs/WAF.md says.

mod bundle;
pub mod capacity;
pub mod managed;
pub mod model;
pub mod pattern;
pub mod read;
pub mod references;
mod transform;

pub use self::bundle::{BadBundle, Bundle, Opened};
pub use self::read::{Invalid, SearchStrings};
pub use self::transform::Transform;
