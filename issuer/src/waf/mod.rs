//! Web ACLs, rule groups, IP sets and regex pattern sets, and which web ACL stands before which user pool: AWS WAFv2's operations.
//!
//! What is stored is AWS's own JSON, read and priced by `common::waf` before. Edges are told of it by the feeds of the pools: for each pool the web
//! ACL, and each set and group that it uses, as a record of its own, in the batch that makes the change true.
//!
//! Invariants: a reference is to something that exists; nothing that is referred to can be deleted; a pool has one web ACL at most; what a pool's edges
//! were told is what is stored. All of them rest on one row, `waf_head`: every change names the version that it was decided on and makes the next one
//! ([`book`]), so decisions are made one after the other, whatever the number of issuers. Administrators change web ACLs some times an hour.

mod book;
mod entities;
mod error;
mod graph;
mod model;
mod ops;
mod reported;
mod resource;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

pub use self::reported::take as take_report;
pub use self::resource::{Named, named};

use crate::aws_json::Registered;

/// The operations of this feature: all 59 of the service.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
