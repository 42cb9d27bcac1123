//! A named group of servers: how they are asked, which there are now, and how they are.
//!
//! What is known of a server outlives a reload and a resolution of its name ([`Upstream::adopt`], [`Upstream::learn`]): it is kept by
//! address. Requests read it through one `ArcSwap`, and everything that they change is an atomic.

pub mod condition;
mod meter;
mod schedule;
pub mod server;
pub mod settings;
pub mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};

use self::condition::Health;
pub use self::meter::{Outcome, UpstreamMeter};
use self::schedule::schedule;
use self::server::{Address, Counted, Server, Target};
use self::settings::{Balance, HostHeader, Retries, Settings};

/// A named group of servers.
#[derive(Debug)]
pub struct Upstream {
    pub name: Arc<str>,
    /// The list of servers, as it is written; never empty.
    pub targets: Vec<Target>,
    pub settings: Settings,
    pub meter: UpstreamMeter,
    live: ArcSwap<Live>,
    /// The number of the next request.
    turn: AtomicUsize,
    /// Whether requests are counted and their outcomes noted at the server.
    tracked: bool,
}

/// The servers that there are now.
#[derive(Debug, Default)]
pub struct Live {
    pub servers: Vec<Arc<Server>>,
    /// Positions in `servers`, in the order of their turns.
    pub turns: Vec<u16>,
    pub load: Arc<Load>,
}

/// What is under way to all of them.
#[derive(Debug, Default)]
pub struct Load {
    requests: Arc<AtomicUsize>,
    repeating: Arc<AtomicUsize>,
}

/// How an upstream is, for those who report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: Arc<str>,
    pub servers: Vec<ServerView>,
    /// Requests in flight; counted only where the settings need it.
    pub requests: usize,
    /// An upstream without a healthy server should make the edge unready.
    pub required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    pub address: Address,
    pub host: Arc<str>,
    pub health: Health,
    pub in_flight: usize,
}

impl View {
    pub fn has_healthy(&self) -> bool {
        self.servers.iter().any(|server| server.health == Health::Healthy)
    }
}

impl Upstream {
    /// An upstream with the addresses that its targets have now.
    pub fn new(
        name: Arc<str>,
        targets: Vec<Target>,
        settings: Settings,
        meter: UpstreamMeter,
        addresses: &[Vec<Address>],
    ) -> Self {
        let tracked = settings.balance != Balance::RoundRobin
            || settings.health.is_some()
            || settings.outlier.is_some()
            || settings.limits.any()
            || settings.retries.budget.is_some()
            || settings.host == HostHeader::Server
            || settings.retries != Retries::usual(settings.retries.attempts + 1);
        let upstream =
            Self { name, targets, settings, meter, live: ArcSwap::default(), turn: AtomicUsize::new(0), tracked };
        upstream.learn(addresses);
        upstream
    }

    pub fn live(&self) -> Guard<Arc<Live>> {
        self.live.load()
    }

    /// Requests take numbers: the base of every choice.
    pub fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    pub fn is_tracked(&self) -> bool {
        self.tracked
    }

    /// Takes the addresses that the targets have now, in the order of the targets. What is known of servers that stay stays known.
    /// Answers whether anything has changed.
    pub fn learn(&self, addresses: &[Vec<Address>]) -> bool {
        let old = self.live.load_full();
        let now = Instant::now();
        let usual_port = if self.settings.tls.is_some() { 443 } else { 80 };
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for (target, addresses) in self.targets.iter().zip(addresses) {
            for address in addresses {
                let server = Server::new(address.clone(), target, usual_port, now);
                if servers.iter().any(|other| other.is_same(&server)) {
                    continue; // two names of one server
                }
                let known = old.servers.iter().find(|known| known.is_same(&server)).map(Arc::clone);
                servers.push(known.unwrap_or_else(|| Arc::new(server)));
            }
        }
        let same = servers.len() == old.servers.len()
            && servers.iter().zip(&old.servers).all(|(new, old)| Arc::ptr_eq(new, old));
        if !same {
            self.live.store(Arc::new(Live::of(servers, Arc::clone(&old.load))));
        }
        !same
    }

    /// The addresses that a target has now.
    pub fn known(&self, target: &Target) -> Vec<Address> {
        let live = self.live();
        let of_target = live.servers.iter().filter(|server| target.may_be(&server.host, &server.address));
        of_target.map(|server| server.address.clone()).collect()
    }

    /// Takes over what is known of the upstream that this one replaces. A name that could not be resolved meanwhile keeps its addresses.
    pub fn adopt(&self, old: &Self) {
        let addresses: Vec<_> = self.targets.iter().map(|target| self.known(target)).collect();
        let kept = |(target, found): (&Target, Vec<Address>)| if found.is_empty() { old.known(target) } else { found };
        self.learn(&self.targets.iter().zip(addresses).map(kept).collect::<Vec<_>>());
        let (old, new) = (old.live.load_full(), self.live.load_full());
        let known = |server: &Arc<Server>| old.servers.iter().find(|known| known.is_same(server)).map(Arc::clone);
        let servers: Vec<_> =
            new.servers.iter().map(|server| known(server).unwrap_or_else(|| Arc::clone(server))).collect();
        if self.settings.health.is_none() {
            servers.iter().for_each(|server| server.condition.unchecked());
        }
        self.live.store(Arc::new(Live::of(servers, Arc::clone(&old.load))));
    }

    /// Whether one more server may be ejected: never more than the share that the rule allows, and never the last.
    pub fn may_eject(&self, now: Instant) -> bool {
        let Some(rule) = &self.settings.outlier else { return false };
        let live = self.live();
        let all = live.servers.len();
        let out = live.servers.iter().filter(|server| !server.condition.is_healthy(now)).count();
        (out + 1) * 100 <= all * usize::from(rule.max_ejected) && out + 1 < all
    }

    pub fn view(&self, now: Instant) -> View {
        let live = self.live();
        let server = |server: &Arc<Server>| ServerView {
            address: server.address.clone(),
            host: Arc::clone(&server.host),
            health: server.condition.health(now),
            in_flight: server.in_flight(),
        };
        View {
            name: Arc::clone(&self.name),
            servers: live.servers.iter().map(server).collect(),
            requests: live.load.requests.load(Ordering::Relaxed),
            required: self.settings.health.as_ref().is_some_and(|health| health.required),
        }
    }
}

impl Live {
    fn of(servers: Vec<Arc<Server>>, load: Arc<Load>) -> Self {
        let weights: Vec<u16> = servers.iter().map(|server| server.weight).collect();
        Self { turns: schedule(&weights), servers, load }
    }
}

impl Load {
    /// Counts a request; none when there are `most` already.
    pub fn enter(&self, most: Option<usize>) -> Option<Counted> {
        match most {
            Some(most) => Counted::enter_below(&self.requests, most),
            None => Some(Counted::enter(&self.requests)),
        }
    }

    /// A place among the further tries, as far as the budget goes.
    pub fn repeat(&self, budget: Option<u8>) -> Option<Counted> {
        let Some(percent) = budget else { return Some(Counted::enter(&self.repeating)) };
        let requests = self.requests.load(Ordering::Relaxed);
        let most = (requests.saturating_mul(usize::from(percent)) / 100).max(Retries::FREE);
        Counted::enter_below(&self.repeating, most)
    }
}

#[cfg(test)]
impl Upstream {
    /// Plain servers on loopback ports, for tests that change what they are about.
    pub fn fixture(ports: &[u16], settings: Settings) -> Self {
        use self::server::Place;
        let addresses: Vec<_> = ports.iter().map(|port| std::net::SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        let target = |address: &std::net::SocketAddr| Target { place: Place::Address(*address), weight: 1 };
        let targets = addresses.iter().map(target).collect();
        let found: Vec<_> = addresses.iter().map(|address| vec![Address::Inet(*address)]).collect();
        Self::new("u".into(), targets, settings, UpstreamMeter::default(), &found)
    }
}

#[cfg(test)]
mod tests;
