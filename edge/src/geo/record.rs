//! What is read of a record. Makers name the same things differently:
//!
//! | | country | region | system |
//! |---|---|---|---|
//! | MaxMind GeoLite2, GeoIP2 | `country.iso_code` | `subdivisions[0].iso_code` | `autonomous_system_number`, `traits.autonomous_system_number` |
//! | DB-IP Lite | `country.iso_code` | – | `autonomous_system_number` |
//! | IPinfo | `country_code`, or `country` as text | `region_code` | `asn` (`AS64496`) |
//! | files of `ip-location-db` | `country_code` | – | `autonomous_system_number` |

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::waf::{Place, Region};

/// The fields that say where an address is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Located {
    country: Lenient<Country>,
    country_code: Lenient<Country>,
    /// The largest comes first.
    subdivisions: Lenient<Subdivision>,
    region_code: Lenient<RegionCode>,
}

/// The fields that say which autonomous system it belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Announced {
    autonomous_system_number: Lenient<Number>,
    asn: Lenient<Number>,
    traits: Lenient<Traits>,
}

impl Located {
    /// Only where the address is counts: where it was registered (`registered_country`) says nothing of who uses it.
    pub fn place(&self) -> Place {
        let country = self.country_code.0.or(self.country.0).map(|country| country.0);
        let region = self.subdivisions.0.as_ref().and_then(|first| first.iso_code.0).or(self.region_code.0);
        Place { country, region: country.and(region).map(|region| region.0) }
    }
}

impl Announced {
    pub fn system(&self) -> Option<u32> {
        let traits = || self.traits.0.as_ref().and_then(|traits| traits.autonomous_system_number.0);
        self.autonomous_system_number.0.or(self.asn.0).or_else(traits).map(|number| number.0)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Subdivision {
    iso_code: Lenient<RegionCode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Traits {
    autonomous_system_number: Lenient<Number>,
}

/// A code by itself, or the `iso_code` of a map.
#[derive(Clone, Copy, Debug)]
struct Country([u8; 2]);

#[derive(Clone, Copy, Debug)]
struct RegionCode(Region);

/// As a number, or as `AS64496`.
#[derive(Clone, Copy, Debug)]
struct Number(u32);

/// What a field can be read as. None: it says something else, which is no reason to throw the record away.
trait Read: Sized {
    fn of_text(_text: &str) -> Option<Self> {
        None
    }

    fn of_number(_number: u64) -> Option<Self> {
        None
    }

    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        skip(map).map(|()| None)
    }
}

impl Read for Country {
    fn of_text(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|letter| letter.to_ascii_uppercase())))
    }

    fn of_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        let mut code = None;
        while let Some(key) = map.next_key::<&str>()? {
            if key == "iso_code" {
                code = map.next_value::<Lenient<Self>>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(code)
    }
}

impl Read for RegionCode {
    fn of_text(text: &str) -> Option<Self> {
        Region::parse(text).map(Self)
    }
}

impl Read for Number {
    fn of_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("AS").unwrap_or(text);
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten().map(Self)
    }

    fn of_number(number: u64) -> Option<Self> {
        u32::try_from(number).ok().map(Self)
    }
}

impl Read for Traits {
    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
    }
}

impl Read for Subdivision {
    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
    }
}

/// A field that may be absent, or be something else. Of a list the first counts.
#[derive(Clone, Copy, Debug)]
struct Lenient<T>(Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Read> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

struct Anything<T>(PhantomData<T>);

impl<'de, T: Read> Visitor<'de> for Anything<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::of_text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::of_number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).ok().and_then(T::of_number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::of_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let first = list.next_element::<Lenient<T>>()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first.and_then(|first| first.0))
    }
}

fn skip<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn place(record: &Value) -> (Option<String>, Option<String>) {
        let place = serde_json::from_str::<Located>(&record.to_string()).unwrap().place();
        let country = place.country.map(|code| String::from_utf8(code.to_vec()).unwrap());
        (country, place.region.map(|region| region.as_str().to_owned()))
    }

    fn system(record: &Value) -> Option<u32> {
        serde_json::from_str::<Announced>(&record.to_string()).unwrap().system()
    }

    #[test]
    fn records_of_several_makers() {
        let names = json!({"en": "Oregon"});
        for (record, country, region) in [
            // GeoIP2-City.
            (
                json!({"country": {"iso_code": "US", "names": {"en": "x"}}, "subdivisions": [{"iso_code": "OR", "names": names}]}),
                "US",
                "OR",
            ),
            // DB-IP City Lite.
            (
                json!({"country": {"iso_code": "us", "is_in_european_union": false}, "subdivisions": [{"names": names}]}),
                "US",
                "",
            ),
            // IPinfo: of old, and Lite.
            (json!({"country": "US", "country_name": "United States", "asn": "AS64496"}), "US", ""),
            (
                json!({"country": "United States", "country_code": "US", "region": "Oregon", "region_code": "OR"}),
                "US",
                "OR",
            ),
            (json!({"country_code": "US"}), "US", ""),
            (json!({"registered_country": {"iso_code": "US"}}), "", ""),
            (json!({"country": {"iso_code": 7}, "subdivisions": {"iso_code": "OR"}}), "", ""),
            (json!({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "TOOLONG"}]}), "DE", ""),
            (json!({"country": ["DE", "FR"], "subdivisions": []}), "DE", ""),
            (json!({"country": {"iso_code": "D1"}}), "", ""),
            (json!({}), "", ""),
        ] {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            assert_eq!(place(&record), (some(country), some(region)), "{record}");
        }
        for (record, expected) in [
            (json!({"autonomous_system_number": 64_496}), Some(64_496)),
            (json!({"asn": "AS64496", "as_name": "x"}), Some(64_496)),
            (json!({"asn": "64496"}), Some(64_496)),
            (json!({"asn": "", "traits": {"autonomous_system_number": 64_497}}), Some(64_497)),
            (json!({"asn": "ASx"}), None),
            (json!({"autonomous_system_number": 4_294_967_296_u64}), None),
            (json!({"autonomous_system_number": -1, "traits": 1}), None),
        ] {
            assert_eq!(system(&record), expected, "{record}");
        }
    }
}
