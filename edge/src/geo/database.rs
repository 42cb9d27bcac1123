//! One file in MaxMind's format.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use common::clock::UnixMillis;
use maxminddb::{LookupResult, MaxMindDbError, Reader};

use super::record::{Announced, Located};
use crate::waf::Place;

/// The largest file that is read; bytes. MaxMind's and DB-IP's largest have about half of it.
const MAX_BYTES: u64 = 1 << 30;
/// Records that are looked at for one that says what the file is named for.
const SAMPLE: usize = 100_000;

/// A database that has been checked whole.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

/// Why a file is none, or not the one that it is named as.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("is larger than {MAX_BYTES} bytes")]
    Large,
    #[error("is no database in MaxMind's format (.mmdb): {0}")]
    Format(String),
    #[error("is a {kind}, in which no record has a {what}")]
    Lacks { kind: String, what: &'static str },
}

/// What a database is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knows {
    Countries,
    Regions,
    Systems,
}

impl Database {
    /// Reads a file, checks all of it, and that it knows what it is named for.
    pub fn read(path: &Path, knows: Knows) -> Result<Self, Unusable> {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > MAX_BYTES {
            return Err(Unusable::Large);
        }
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Self::from_bytes(bytes, knows)
    }

    pub fn from_bytes(bytes: Vec<u8>, knows: Knows) -> Result<Self, Unusable> {
        let malformed = |error: MaxMindDbError| Unusable::Format(error.to_string());
        let reader = Reader::from_source(bytes).map_err(malformed)?;
        reader.verify().map_err(malformed)?;
        let database = Self { reader };
        database.check(knows)?;
        Ok(database)
    }

    /// That it knows what it is named for, too.
    pub fn check(&self, knows: Knows) -> Result<(), Unusable> {
        let mut records = self.reader.networks(Default::default()).into_iter().flatten().flatten().take(SAMPLE);
        let (found, what) = match knows {
            Knows::Countries => (records.any(|found| place(&found).country.is_some()), "country"),
            Knows::Regions => (records.any(|found| place(&found).region.is_some()), "code of a region"),
            Knows::Systems => (records.any(|found| system(&found).is_some()), "number of an autonomous system"),
        };
        if found { Ok(()) } else { Err(Unusable::Lacks { kind: self.kind().to_owned(), what }) }
    }

    pub fn place(&self, address: IpAddr) -> Place {
        self.found(address).map(|found| place(&found)).unwrap_or_default()
    }

    pub fn system(&self, address: IpAddr) -> Option<u32> {
        system(&self.found(address)?)
    }

    /// What it calls itself.
    pub fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// When its maker built it.
    pub fn built(&self) -> UnixMillis {
        UnixMillis::from_seconds(self.reader.metadata().build_epoch)
    }

    /// Nothing for an IPv6 address where it has IPv4 alone.
    fn found(&self, address: IpAddr) -> Option<Found<'_>> {
        self.reader.lookup(address).ok()
    }
}

/// A record, or that there is none.
type Found<'d> = LookupResult<'d, Vec<u8>>;

fn place(found: &Found<'_>) -> Place {
    found.decode::<Located>().ok().flatten().map(|record| record.place()).unwrap_or_default()
}

fn system(found: &Found<'_>) -> Option<u32> {
    found.decode::<Announced>().ok().flatten()?.system()
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.kind()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::geo::fixture::{Width, Writer};
    use crate::waf::Region;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn cities(width: Width) -> Vec<u8> {
        let oregon = json!({"city": {"names": {"en": "Portland"}}, "continent": {"code": "NA"},
            "country": {"geoname_id": 1, "iso_code": "US", "names": {"de": "USA", "en": "United States"}},
            "subdivisions": [{"iso_code": "OR", "names": {"en": "Oregon"}}, {"iso_code": "051"}]});
        let berlin = json!({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE"}]});
        // A satellite: somebody has registered it, and nobody knows where it is.
        let nowhere = json!({"registered_country": {"iso_code": "AU"}, "traits": {"is_anycast": true}});
        let mut writer = Writer::new("GeoLite2-City", width);
        writer.add("192.0.2.0/24", &oregon).add("198.51.100.0/25", &berlin).add("203.0.113.7/32", &nowhere);
        writer.add("2001:db8::/32", &berlin).add("2001:db8:1::/48", &json!({"country": {"iso_code": "FR"}}));
        writer.bytes()
    }

    fn place(country: &str, region: &str) -> Place {
        Place { country: country.as_bytes().try_into().ok(), region: Region::parse(region) }
    }

    #[test]
    fn places_in_files_of_each_width() {
        for width in [Width::Bits24, Width::Bits28, Width::Bits32] {
            let database = Database::from_bytes(cities(width), Knows::Regions).unwrap();
            for (from, expected) in [
                ("192.0.2.255", place("US", "OR")),
                ("198.51.100.127", place("DE", "BE")),
                ("198.51.100.128", Place::default()),
                ("203.0.113.7", Place::default()),
                ("2001:db8::1", place("DE", "BE")),
                ("2001:db8:1::1", place("FR", "")),
                ("2001:db9::1", Place::default()),
                ("0.0.0.0", Place::default()),
                ("255.255.255.255", Place::default()),
                ("::", Place::default()),
            ] {
                assert_eq!(database.place(address(from)), expected, "{from} {width:?}");
                assert_eq!(database.system(address(from)), None);
            }
            assert_eq!((database.kind(), database.built().seconds()), ("GeoLite2-City", 1_790_000_000));
        }
    }

    #[test]
    fn a_file_is_what_it_is_named_as() {
        let mut writer = Writer::new("GeoLite2-ASN", Width::Bits24);
        let system = json!({"autonomous_system_number": 64_496, "autonomous_system_organization": "Example"});
        let systems = writer.add("192.0.2.0/24", &system).bytes();
        let database = Database::from_bytes(systems.clone(), Knows::Systems).unwrap();
        assert_eq!(database.system(address("192.0.2.1")), Some(64_496));
        let problem = |bytes, knows| Database::from_bytes(bytes, knows).unwrap_err().to_string();
        assert_eq!(problem(systems, Knows::Countries), "is a GeoLite2-ASN, in which no record has a country");
        let mut writer = Writer::new("DBIP-City-Lite", Width::Bits24);
        let countries = writer.add("192.0.2.0/24", &json!({"country": {"iso_code": "DE"}})).bytes();
        assert!(Database::from_bytes(countries.clone(), Knows::Countries).is_ok());
        assert_eq!(
            problem(countries, Knows::Regions),
            "is a DBIP-City-Lite, in which no record has a code of a region"
        );
    }

    #[test]
    fn an_ipv6_address_is_nowhere_in_a_file_of_ipv4() {
        let mut writer = Writer::of_ipv4("DBIP-Country-Lite");
        let bytes = writer.add("192.0.2.0/24", &json!({"country": {"iso_code": "DE"}})).bytes();
        let database = Database::from_bytes(bytes, Knows::Countries).unwrap();
        assert_eq!(database.place(address("192.0.2.1")).country, Some(*b"DE"));
        assert_eq!(database.place(address("2001:db8::1")), Place::default());
    }

    #[test]
    fn what_is_no_whole_database_is_refused() {
        let good = cities(Width::Bits28);
        for length in (0..good.len()).step_by(7) {
            assert!(Database::from_bytes(good[..length].to_vec(), Knows::Countries).is_err(), "{length}");
        }
        let folder = tempfile::tempdir().unwrap();
        let missing = Database::read(&folder.path().join("none"), Knows::Countries).unwrap_err();
        assert!(missing.to_string().contains("No such file"), "{missing}");
        assert!(Database::read(folder.path(), Knows::Countries).is_err(), "a folder");
    }

    proptest! {
        /// What gets through the check of the whole file makes no lookup panic.
        #[test]
        fn damage_makes_no_panic(at in 0_usize..4_096, bits in 1_u8.., v4 in any::<u32>(), v6 in any::<u128>()) {
            let mut bytes = cities(Width::Bits24);
            let at = at % bytes.len();
            bytes[at] ^= bits;
            if let Ok(database) = Database::from_bytes(bytes, Knows::Countries) {
                for address in [IpAddr::from(v4.to_be_bytes()), IpAddr::from(v6.to_be_bytes()), address("192.0.2.1")] {
                    let _ = (database.place(address), database.system(address));
                }
            }
        }
    }
}
