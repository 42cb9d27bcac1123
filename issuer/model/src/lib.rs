//! Cognito's two services, and AWS WAF's, as types: requests, answers, limits, exceptions and operations.
//!
//! What depends on the service models is generated into `src/generated` by `cargo run -p cognito-codegen`; the rest of the
//! crate is the vocabulary of the generated code, and the checks that a request passes before it becomes a typed value.

pub mod blob;
pub mod decode;
pub mod fault;
mod generated;
mod json;
#[cfg(test)]
mod limits;
pub mod operation;
pub mod pattern;
#[cfg(test)]
mod samples;
pub mod shape;
#[cfg(any(test, feature = "test-support"))]
pub mod specimens;
#[cfg(any(test, feature = "test-support"))]
pub mod spoil;
mod text_enum;
pub mod timestamp;
mod typing;
mod validate;
mod violation;

pub use blob::Blob;
pub use decode::{decode, encode};
pub use exception::Exception;
pub use fault::Fault;
pub use generated::{exception, identity, idp, waf};
pub use operation::{Auth, NoOutput, OperationInfo, OperationModel, Reply, Service};
pub use timestamp::Timestamp;
