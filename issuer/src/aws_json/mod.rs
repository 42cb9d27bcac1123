//! The seam to Cognito's wire protocol: AWS JSON 1.1, one operation a request (COGNITO.md §1).
//!
//! A feature's operation is a function of a [`Call`] and its typed input; [`operation`] makes a table entry of it, and the
//! router does the rest: resolving the caller, validation, errors, audit.

mod call;
mod caller;
pub mod device;
mod faults;
mod operation;
mod origin;
mod page;

pub use self::call::{Call, Write};
pub use self::caller::{AdminCaller, AsRead, Caller, UserCaller};
pub use self::operation::{Registered, operation};
pub use self::origin::{Certificate, Client, Origin, Peer, Place};
pub use self::page::{InvalidToken, LARGEST_OF_WAF, Listing, Page};
