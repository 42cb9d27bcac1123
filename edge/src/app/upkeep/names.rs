//! Resolving the names of servers again. A name that cannot be resolved keeps the addresses that it had.

use std::net::ToSocketAddrs;
use std::sync::Arc;

use crate::forward::upstream::addresses_of;
use crate::snapshot::upstream::Upstream;
use crate::snapshot::upstream::server::{Address, Place};

pub fn has_names(upstream: &Upstream) -> bool {
    upstream.targets.iter().any(|target| matches!(target.place, Place::Name { .. }))
}

/// Whether every entry has an address.
pub fn is_whole(upstream: &Upstream) -> bool {
    upstream.targets.iter().all(|target| !upstream.known(target).is_empty())
}

/// The addresses of each target as of now, one name after the other: the resolver's calls block, and threads for them are few.
pub async fn resolve(upstream: &Upstream) -> Vec<Vec<Address>> {
    let mut all = Vec::with_capacity(upstream.targets.len());
    for target in &upstream.targets {
        let found = match &target.place {
            Place::Name { host, port } => lookup(Arc::clone(host), *port).await,
            Place::Address(_) | Place::Unix(_) => Vec::new(),
        };
        all.push(if found.is_empty() { upstream.known(target) } else { found });
    }
    all
}

async fn lookup(host: Arc<str>, port: u16) -> Vec<Address> {
    let name = Arc::clone(&host);
    let found = tokio::task::spawn_blocking(move || (&*name, port).to_socket_addrs().map(addresses_of)).await;
    match found {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => {
            tracing::warn!(server = &*host, %error, "cannot be resolved; the addresses that it had stay");
            Vec::new()
        }
        Err(_) => Vec::new(), // the runtime ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::upstream::UpstreamMeter;
    use crate::snapshot::upstream::server::Target;
    use crate::snapshot::upstream::settings::Settings;

    #[tokio::test]
    async fn a_name_that_is_lost_keeps_its_addresses() {
        let place = |host: &str| Place::Name { host: host.into(), port: 81 };
        let targets = vec![
            Target { place: place("localhost"), weight: 1 },
            Target { place: place("gone.invalid"), weight: 2 },
            Target { place: Place::Address("10.0.0.1:82".parse().unwrap()), weight: 1 },
            Target { place: Place::Unix("/run/a".into()), weight: 1 },
        ];
        let inet = |text: &str| vec![Address::Inet(text.parse().unwrap())];
        let before = [vec![], inet("10.0.0.9:81"), inet("10.0.0.1:82"), vec![Address::Unix("/run/a".into())]];
        let meter = UpstreamMeter::default();
        let upstream = Upstream::new("u".into(), targets, Settings::default(), meter, &before);
        assert!(has_names(&upstream) && !is_whole(&upstream));
        let found = resolve(&upstream).await;
        assert_eq!(found[1..], before[1..]);
        assert!(!found[0].is_empty());
        assert!(upstream.learn(&found) && is_whole(&upstream));
    }
}
