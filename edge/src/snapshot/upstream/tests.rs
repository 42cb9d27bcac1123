use std::net::SocketAddr;
use std::time::Duration;

use super::server::Place;
use super::settings::Outlier;
use super::*;

/// Servers of one name differ by their address; the last byte stands for it.
fn inet(last: u8) -> Address {
    Address::Inet(SocketAddr::from(([127, 0, 0, last], 1)))
}

fn named(settings: Settings, addresses: &[u8]) -> Upstream {
    let targets = vec![Target { place: Place::Name { host: "a.test".into(), port: 1 }, weight: 1 }];
    let found = vec![addresses.iter().copied().map(inet).collect()];
    Upstream::new("u".into(), targets, settings, UpstreamMeter::default(), &found)
}

#[test]
fn a_resolution_keeps_what_is_known_of_servers_that_stay() {
    let upstream = named(Settings::default(), &[1, 2]);
    let before = upstream.live.load_full();
    assert!(!upstream.learn(&[vec![inet(1), inet(2)]]), "nothing new");
    assert!(upstream.learn(&[vec![inet(2), inet(3), inet(3)]]));
    let after = upstream.live.load_full();
    assert_eq!(after.servers.len(), 2, "an address counts once");
    assert!(Arc::ptr_eq(&before.servers[1], &after.servers[0]));
    assert!(Arc::ptr_eq(&before.load, &after.load));
    assert!(upstream.learn(&[vec![]]));
    assert!(upstream.live().turns.is_empty());
}

#[test]
fn a_reload_keeps_counts_and_conditions_by_address() {
    let old = named(Settings::default(), &[1, 2]);
    let in_flight = old.live().servers[0].enter();
    let request = old.live().load.enter(None);
    let new = named(Settings::default(), &[1, 3]);
    new.adopt(&old);
    assert_eq!(new.live().servers[0].in_flight(), 1);
    assert_eq!(new.view(Instant::now()).requests, 1);
    drop((in_flight, request));
    assert_eq!((new.live().servers[0].in_flight(), new.view(Instant::now()).requests), (0, 0));
}

#[test]
fn a_reload_while_names_cannot_be_resolved_loses_no_server() {
    let old = named(Settings::default(), &[1]);
    let new = named(Settings::default(), &[]);
    new.adopt(&old);
    assert!(Arc::ptr_eq(&new.live().servers[0], &old.live().servers[0]));
    assert_eq!(new.live().turns, [0]);
}

#[test]
fn so_many_requests_and_no_more() {
    let load = Load::default();
    let first = load.enter(Some(2)).unwrap();
    let _second = load.enter(Some(2)).unwrap();
    assert!(load.enter(Some(2)).is_none());
    assert!(load.enter(Some(2)).is_none(), "a refusal takes no place");
    drop(first);
    assert!(load.enter(Some(2)).is_some());
}

#[test]
fn a_budget_leaves_a_few_tries_and_then_a_share() {
    let load = Load::default();
    let few: Vec<_> = (0..5).filter_map(|_| load.repeat(Some(20))).collect();
    assert_eq!(few.len(), Retries::FREE);
    let _requests: Vec<_> = (0..50).map(|_| load.enter(None)).collect();
    let more: Vec<_> = (0..50).filter_map(|_| load.repeat(Some(20))).collect();
    assert_eq!(few.len() + more.len(), 10, "a fifth of 50");
    assert!(load.repeat(None).is_some());
}

#[test]
fn half_of_the_servers_may_be_out_and_never_the_last() {
    let second = Duration::from_secs(1);
    let rule = |max_ejected| Outlier { consecutive: 1, base: second, most: second, max_ejected };
    let now = Instant::now();
    let eject = |upstream: &Upstream| {
        let live = upstream.live.load_full();
        let ejects = |server: &Arc<Server>| {
            let rule = upstream.settings.outlier.unwrap();
            server.condition.failed(now, &rule, || upstream.may_eject(now)).is_some()
        };
        live.servers.iter().filter(|server| ejects(server)).count()
    };
    for (servers, percent, out) in [(1_u8, 100, 0), (2, 50, 1), (3, 50, 1), (4, 50, 2), (4, 100, 3), (10, 10, 1)] {
        let addresses: Vec<u8> = (1..=servers).collect();
        let upstream = named(Settings { outlier: Some(rule(percent)), ..Settings::default() }, &addresses);
        assert_eq!(eject(&upstream), out, "{servers} servers, {percent} %");
        let healthy = upstream.view(now).servers.iter().filter(|server| server.health == Health::Healthy).count();
        assert_eq!(healthy, usize::from(servers) - out);
    }
}
