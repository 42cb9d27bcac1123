//! How many requests are under way at once: in all, and to one host, so that one which is slow leaves room for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::OutboundError;

const IN_ALL: usize = 64;
const TO_ONE_HOST: usize = 8;

#[derive(Default)]
pub struct Lanes(Arc<Mutex<HashMap<String, usize>>>);

/// A request's place, until it is dropped.
pub struct Lane {
    lanes: Arc<Mutex<HashMap<String, usize>>>,
    host: String,
}

impl Lanes {
    /// # Errors
    /// Busy. Nobody waits: a queue would only make all of them late.
    pub fn enter(&self, host: String) -> Result<Lane, OutboundError> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, here) = (taken.values().sum::<usize>(), taken.get(&host).copied().unwrap_or(0));
        if all >= IN_ALL || here >= TO_ONE_HOST {
            return Err(OutboundError::Busy);
        }
        taken.insert(host.clone(), here + 1);
        Ok(Lane { lanes: self.0.clone(), host })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut taken = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.host) {
            Some(here) if *here > 1 => *here -= 1,
            _ => drop(taken.remove(&self.host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_leaves_room_for_others_and_all_leave_when_they_end() {
        let lanes = Lanes::default();
        let one: Vec<_> = (0..TO_ONE_HOST).map(|_| lanes.enter("a".into()).unwrap()).collect();
        assert_eq!(lanes.enter("a".into()).err(), Some(OutboundError::Busy));
        let others: Vec<_> = (TO_ONE_HOST..IN_ALL).map(|n| lanes.enter(n.to_string()).unwrap()).collect();
        assert_eq!(lanes.enter("last".into()).err(), Some(OutboundError::Busy));
        drop((one, others));
        assert!(lanes.0.lock().unwrap().is_empty());
        assert!(lanes.enter("a".into()).is_ok());
    }
}
