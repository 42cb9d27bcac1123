//! How many connections there may be, over all and from one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use common::networks;

/// The connections that are open.
#[derive(Debug, Default)]
pub struct Places {
    all: AtomicUsize,
    by_client: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among them; given back on drop.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    client: Option<IpAddr>,
}

impl Places {
    /// A place, while there are fewer than `most`.
    pub fn enter(places: &Arc<Self>, most: usize) -> Option<Place> {
        let place = Place { places: Arc::clone(places), client: None };
        (places.all.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Place {
    /// Counts the place as this client's, unless it has `most` already.
    #[must_use]
    pub fn belongs_to(&mut self, client: IpAddr, most: usize) -> bool {
        let client = networks::holder(client);
        let mut by_client = self.places.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_client.entry(client).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        drop(by_client);
        self.client = Some(client);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.all.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut by_client = self.places.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let places = Arc::new(Places::default());
        let admit = |client: &str| {
            let mut place = Places::enter(&places, 3)?;
            place.belongs_to(client.parse().unwrap(), 2).then_some(place)
        };
        let first = admit("10.0.0.1").unwrap();
        let _second = admit("10.0.0.1").unwrap();
        assert!(admit("10.0.0.1").is_none(), "one client");
        let _third = admit("10.0.0.2").unwrap();
        assert!(admit("10.0.0.3").is_none(), "all");
        drop(first);
        assert!(admit("::ffff:10.0.0.1").is_some());
        assert_eq!(places.by_client.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_client() {
        let places = Arc::new(Places::default());
        let mut held = Vec::new();
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"] {
            let mut place = Places::enter(&places, 9).unwrap();
            held.push(place.belongs_to(host.parse().unwrap(), 1).then_some(place).is_some());
        }
        assert_eq!(held, [true, true, true], "each was given back before the next");
        let mut kept = Places::enter(&places, 9).unwrap();
        assert!(kept.belongs_to("2001:db8::1".parse().unwrap(), 1));
        let mut other = Places::enter(&places, 9).unwrap();
        assert!(!other.belongs_to("2001:db8::2".parse().unwrap(), 1));
        assert!(other.belongs_to("2001:db8:0:1::1".parse().unwrap(), 1));
    }
}
