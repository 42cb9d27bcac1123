//! Databases of addresses, in MaxMind's file format: where an address is, and which autonomous system it belongs to.
//!
//! MaxMind's own (GeoLite2 and GeoIP2: Country, City, ASN, ISP, Enterprise), DB-IP's and IPinfo's are read; [`record`] has the fields. A file is read into
//! memory whole: to map it would let whoever replaces it in place change, or end, a running edge.

pub mod config;
mod database;
#[cfg(test)]
pub mod fixture;
mod record;

use std::net::IpAddr;
use std::sync::Arc;

use common::clock::UnixMillis;
use serde::Serialize;

use self::database::Database;
use crate::waf::{Locate, Place};

/// The databases of a configuration; by default none, and nothing is known of anyone.
#[derive(Debug, Default)]
pub struct Databases {
    places: Option<Arc<Database>>,
    /// `places` may be one of cities.
    has_regions: bool,
    systems: Option<Arc<Database>>,
}

/// What people should know of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The setting that names it: `country`, `city` or `asn`.
    pub name: &'static str,
    /// What it calls itself: `GeoLite2-Country`.
    pub kind: String,
    /// When its maker built it.
    pub built: UnixMillis,
}

impl Databases {
    pub fn knows_countries(&self) -> bool {
        self.places.is_some()
    }

    pub fn knows_regions(&self) -> bool {
        self.has_regions
    }

    pub fn knows_systems(&self) -> bool {
        self.systems.is_some()
    }

    pub fn summaries(&self) -> Vec<Summary> {
        let place = if self.has_regions { "city" } else { "country" };
        let named = [(place, &self.places), ("asn", &self.systems)];
        let summary = |(name, database): (&'static str, &Option<Arc<Database>>)| {
            database.as_ref().map(|database| Summary {
                name,
                kind: database.kind().to_owned(),
                built: database.built(),
            })
        };
        named.into_iter().filter_map(summary).collect()
    }
}

impl Locate for Databases {
    fn place(&self, address: IpAddr) -> Place {
        self.places.as_ref().map(|database| database.place(address)).unwrap_or_default()
    }

    fn system(&self, address: IpAddr) -> Option<u32> {
        self.systems.as_ref()?.system(address)
    }
}
