//! Rate-based statements.

use crate::waf::Transform;
use crate::waf::model::{Fallback, ForwardedIp, Statement};

/// Matches the requests of whoever sends too many (AWS WAFv2 `RateBasedStatement`).
#[derive(Clone, Debug, PartialEq)]
pub struct RateBased {
    /// Requests in a window, 10 to 2,000,000,000: the one above it matches.
    pub limit: u32,
    /// Seconds: 60, 120, 300 or 600.
    pub window: u16,
    pub aggregation: Aggregation,
    /// Only requests that match this are counted, and only they match.
    pub scope_down: Option<Box<Statement>>,
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregation {
    Ip,
    ForwardedIp(ForwardedIp),
    /// One to five parts. A request that lacks one is not counted.
    Keys(Vec<KeyPart>),
    /// All that the scope-down statement lets through.
    Constant,
}

/// A part of a key (`RateBasedStatementCustomKey`), and [`KeyPart::Claim`], which AWS does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    Ip,
    ForwardedIp(ForwardedIp),
    Asn,
    Header(String, Vec<Transform>),
    /// By its name as it is written.
    Cookie(String, Vec<Transform>),
    QueryArgument(String, Vec<Transform>),
    QueryString(Vec<Transform>),
    UriPath(Vec<Transform>),
    Method,
    /// The labels of the request in this namespace, which ends in a colon.
    LabelNamespace(String),
    Ja3(Fallback),
    Ja4(Fallback),
    /// A claim of the verified token: its name, or a JSON pointer into the claims.
    Claim(String),
}
