//! What is fuzzed: one module a target, each with `one(data)`, which panics when something does not hold that must.

pub mod canonical;
pub mod challenge;
pub mod chunked;
pub mod config;
pub mod dpop;
pub mod feed;
pub mod sigv4;
pub mod token;
pub mod waf;

/// A target's function.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("canonical", canonical::one),
    ("challenge", challenge::one),
    ("chunked", chunked::one),
    ("config", config::one),
    ("dpop", dpop::one),
    ("feed", feed::one),
    ("sigv4", sigv4::one),
    ("token", token::one),
    ("waf", waf::one),
];
