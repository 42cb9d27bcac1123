//! Which server is asked: a function of the servers, how they are, and what the request brings.

use std::sync::Arc;
use std::time::Instant;

use common::reject::Reject;

use crate::snapshot::upstream::server::Server;
use crate::snapshot::upstream::settings::WhenNoneHealthy;
use crate::snapshot::upstream::{Live, Upstream};

/// What decides among servers that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The number of the request, and of the try.
    Turn(usize),
    /// The less busy one of two that the number draws.
    Load(usize),
    /// The same key, the same server.
    Key(u64),
}

/// The server to ask. `avoid` has just failed this request: it is asked again only where there is no other.
pub fn choose<'l>(
    upstream: &Upstream,
    live: &'l Live,
    by: By,
    avoid: Option<&Server>,
    now: Instant,
) -> Result<&'l Arc<Server>, Reject> {
    let fits = |server: &Arc<Server>| server.condition.is_healthy(now) && has_room(upstream, server);
    let is_other = |server: &Arc<Server>| avoid.is_none_or(|avoid| !std::ptr::eq(avoid, &**server));
    let chosen = pick(live, by, &|server| fits(server) && is_other(server))
        .or_else(|| avoid.and_then(|_| pick(live, by, &fits)));
    if let Some(server) = chosen {
        return Ok(server);
    }
    let any_healthy = live.servers.iter().any(|server| server.condition.is_healthy(now));
    match upstream.settings.when_none_healthy {
        WhenNoneHealthy::Refuse if !any_healthy => return Err(Reject::NoHealthyUpstream),
        WhenNoneHealthy::TryAll if !any_healthy && !live.servers.is_empty() => {
            let try_all = |server: &Arc<Server>| has_room(upstream, server);
            pick(live, by, &|server| try_all(server) && is_other(server)).or_else(|| pick(live, by, &try_all))
        }
        _ => None,
    }
    .ok_or(if live.servers.is_empty() { Reject::NoHealthyUpstream } else { Reject::CircuitOpen })
}

fn has_room(upstream: &Upstream, server: &Server) -> bool {
    upstream.settings.limits.requests_per_server.is_none_or(|most| server.in_flight() < most)
}

fn pick<'l>(live: &'l Live, by: By, fits: &dyn Fn(&Arc<Server>) -> bool) -> Option<&'l Arc<Server>> {
    match by {
        By::Turn(number) => in_turn(live, number, fits),
        By::Load(number) => less_busy(live, number, fits),
        By::Key(key) => by_key(live, key, fits),
    }
}

fn in_turn<'l>(live: &'l Live, number: usize, fits: &dyn Fn(&Arc<Server>) -> bool) -> Option<&'l Arc<Server>> {
    let start = number.checked_rem(live.turns.len())?;
    let turns = live.turns.iter().cycle().skip(start).take(live.turns.len());
    turns.filter_map(|turn| live.servers.get(usize::from(*turn))).find(|server| fits(server))
}

fn less_busy<'l>(live: &'l Live, number: usize, fits: &dyn Fn(&Arc<Server>) -> bool) -> Option<&'l Arc<Server>> {
    let drawn = mixed(number as u64);
    let draw = |bits: u64| in_turn(live, usize::try_from(bits & 0xffff_ffff).unwrap_or(0), fits);
    let (one, other) = (draw(drawn)?, draw(drawn >> 32)?);
    // Compared by requests for each unit of weight, multiplied out.
    let busy = |server: &Server, weight: u16| (server.in_flight() + 1).saturating_mul(usize::from(weight));
    Some(if busy(other, one.weight) < busy(one, other.weight) { other } else { one })
}

/// Rendezvous hashing: each server scores each key, so a server that comes or goes moves only the keys that are its own.
fn by_key<'l>(live: &'l Live, key: u64, fits: &dyn Fn(&Arc<Server>) -> bool) -> Option<&'l Arc<Server>> {
    let scored = live.servers.iter().filter(|server| fits(server)).map(|server| (score(key, server), server));
    scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, server)| server)
}

fn score(key: u64, server: &Server) -> f64 {
    let hash = mixed(key ^ hash_of(server.address.to_string().as_bytes()));
    // Uniform in (0, 1); -weight/ln makes the chances proportional to the weights.
    let uniform = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(server.weight) / uniform.ln()
}

/// FNV-1a: the same in every process, so that all edges send a key to the same server.
pub fn hash_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The finalizer of SplitMix64: every bit of the input moves half of the output's.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;
    use crate::snapshot::upstream::server::Address;
    use crate::snapshot::upstream::settings::{HealthCheck, Limits, Settings};

    fn port(server: &Server) -> u16 {
        let Address::Inet(address) = &server.address else { panic!("{server:?}") };
        address.port()
    }

    fn checked() -> Settings {
        let second = Duration::from_secs(1);
        let check = HealthCheck {
            path: None,
            interval: second,
            timeout: second,
            healthy_after: 1,
            unhealthy_after: 1,
            expect_status: Vec::new(),
            required: false,
        };
        Settings { health: Some(check), ..Settings::default() }
    }

    fn take_down(upstream: &Upstream, down: &[u16]) {
        let rule = upstream.settings.health.clone().unwrap();
        for server in &upstream.live().servers {
            if down.contains(&port(server)) {
                server.condition.checked(false, &rule);
            }
        }
    }

    fn chosen(upstream: &Upstream, by: By) -> Result<u16, Reject> {
        choose(upstream, &upstream.live(), by, None, Instant::now()).map(|server| port(server))
    }

    #[test]
    fn servers_take_turns_and_those_that_are_down_lose_theirs() {
        let upstream = Upstream::fixture(&[1, 2, 3], checked());
        let turns = |upstream: &Upstream| (0..6).map(|n| chosen(upstream, By::Turn(n)).unwrap()).collect::<Vec<_>>();
        assert_eq!(turns(&upstream), [1, 2, 3, 1, 2, 3]);
        take_down(&upstream, &[2]);
        assert_eq!(turns(&upstream), [1, 3, 3, 1, 3, 3]);
        take_down(&upstream, &[1, 3]);
        assert_eq!(chosen(&upstream, By::Turn(0)), Err(Reject::NoHealthyUpstream));
    }

    #[test]
    fn all_are_tried_where_the_operator_trusts_checks_less() {
        let settings = Settings { when_none_healthy: WhenNoneHealthy::TryAll, ..checked() };
        let upstream = Upstream::fixture(&[1, 2], settings);
        take_down(&upstream, &[1, 2]);
        assert_eq!([0, 1].map(|n| chosen(&upstream, By::Turn(n)).unwrap()), [1, 2]);
        upstream.learn(&[vec![], vec![]]);
        assert_eq!(chosen(&upstream, By::Turn(0)), Err(Reject::NoHealthyUpstream));
    }

    #[test]
    fn a_further_try_goes_to_another_server_where_there_is_one() {
        let upstream = Upstream::fixture(&[1, 2], Settings::default());
        let live = upstream.live();
        let failed = &live.servers[0];
        let again = |by| port(choose(&upstream, &live, by, Some(failed), Instant::now()).unwrap());
        for number in 0..4 {
            assert_eq!([again(By::Turn(number)), again(By::Load(number)), again(By::Key(number as u64))], [2, 2, 2]);
        }
        let alone = Upstream::fixture(&[1], Settings::default());
        let live = alone.live();
        assert_eq!(
            port(choose(&alone, &live, By::Turn(0), live.servers.first().map(|s| &**s), Instant::now()).unwrap()),
            1
        );
    }

    #[test]
    fn the_less_busy_of_two_is_asked() {
        let upstream = Upstream::fixture(&[1, 2], Settings::default());
        let live = upstream.live();
        let _busy: Vec<_> = (0..10).map(|_| live.servers[0].enter()).collect();
        let asked: Vec<u16> = (0..100).map(|n| chosen(&upstream, By::Load(n)).unwrap()).collect();
        let to_the_busy_one = asked.iter().filter(|port| **port == 1).count();
        assert!((1..50).contains(&to_the_busy_one), "only when drawn twice: {to_the_busy_one}");
    }

    #[test]
    fn full_servers_are_passed_over_and_all_full_is_told_apart_from_all_down() {
        let limits = Limits { requests: None, requests_per_server: Some(1) };
        let upstream = Upstream::fixture(&[1, 2], Settings { limits, ..Settings::default() });
        let _first = upstream.live().servers[0].enter();
        assert_eq!([0, 1].map(|n| chosen(&upstream, By::Turn(n)).unwrap()), [2, 2]);
        let _second = upstream.live().servers[1].enter();
        assert_eq!(chosen(&upstream, By::Turn(0)), Err(Reject::CircuitOpen));
    }

    #[test]
    fn a_key_stays_with_its_server_when_another_goes() {
        let upstream = Upstream::fixture(&[1, 2, 3, 4], checked());
        let home = |upstream: &Upstream| -> HashMap<u64, u16> {
            (0..1_000_u64).map(|key| (key, chosen(upstream, By::Key(hash_of(&key.to_be_bytes()))).unwrap())).collect()
        };
        let before = home(&upstream);
        for port in 1..=4 {
            let share = before.values().filter(|home| **home == port).count();
            assert!((150..350).contains(&share), "{port}: {share}");
        }
        take_down(&upstream, &[3]);
        let after = home(&upstream);
        for (key, port) in &before {
            assert!(*port == 3 || after[key] == *port, "{key}");
            assert_ne!(after[key], 3);
        }
    }
}
