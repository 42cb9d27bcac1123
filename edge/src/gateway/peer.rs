//! A server as pingora wants it described.

use std::time::Duration;

use common::reject::Reject;
use pingora::prelude::HttpPeer;
use pingora::protocols::ALPN;

use crate::snapshot::upstream::Upstream;
use crate::snapshot::upstream::server::{Address, Server};
use crate::snapshot::upstream::settings::{Protocol, Settings};

/// What this try of this request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Between two pieces of the answer, and before the first.
    pub read_timeout: Option<Duration>,
    /// Only HTTP/1.1 can be upgraded: HTTP/2 is not offered.
    pub upgrade: bool,
}

/// The server to ask and how.
pub fn describe(upstream: &Upstream, server: &Server, wanted: Wanted) -> Result<Box<HttpPeer>, Reject> {
    let settings = &upstream.settings;
    // Never an empty name with TLS: pingora then verifies nothing.
    let name = match &settings.tls {
        None => String::new(),
        Some(tls) => tls.server_name.as_ref().unwrap_or(&server.host).to_string(),
    };
    let tls = settings.tls.is_some();
    let mut peer = match &server.address {
        Address::Inet(address) => HttpPeer::new(*address, tls, name),
        Address::Unix(path) => HttpPeer::new_uds(path, tls, name).map_err(|_| Reject::Internal)?,
    };
    let timeouts = &settings.timeouts;
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = wanted.read_timeout;
    peer.options.write_timeout = timeouts.write;
    peer.options.idle_timeout = Some(timeouts.idle);
    if settings.protocol != Protocol::Http1 {
        speak_http2(&mut peer, settings, wanted.upgrade);
    }
    if tls {
        secure(&mut peer, settings);
    }
    Ok(Box::new(peer))
}

fn speak_http2(peer: &mut HttpPeer, settings: &Settings, upgrade: bool) {
    peer.options.alpn = match settings.protocol {
        Protocol::Http2 => ALPN::H2,
        Protocol::Auto if !upgrade => ALPN::H2H1,
        Protocol::Auto | Protocol::Http1 => ALPN::H1,
    };
    peer.options.max_h2_streams = settings.h2.max_streams;
    peer.options.h2_stream_window_size = Some(settings.h2.stream_window);
    peer.options.h2_connection_window_size = Some(settings.h2.connection_window());
    peer.options.h2_ping_interval = settings.h2.ping;
}

fn secure(peer: &mut HttpPeer, settings: &Settings) {
    let Some(tls) = &settings.tls else { return };
    peer.options.total_connection_timeout = Some(settings.timeouts.connect);
    peer.options.ca.clone_from(&tls.ca);
    peer.options.verify_cert = tls.verify;
    peer.options.verify_hostname = tls.verify;
    peer.client_cert_key.clone_from(&tls.identity);
    peer.group_key = tls.fingerprint;
}

#[cfg(test)]
mod tests {
    use pingora::upstreams::peer::Peer;

    use super::*;
    use crate::snapshot::upstream::settings::Http2;
    use crate::snapshot::upstream::tls::Tls;

    fn peer(settings: Settings, upgrade: bool) -> Box<HttpPeer> {
        let upstream = Upstream::fixture(&[1], settings);
        let live = upstream.live();
        describe(&upstream, &live.servers[0], Wanted { read_timeout: None, upgrade }).unwrap()
    }

    fn tls(fingerprint: u64) -> Option<Tls> {
        Some(Tls { server_name: None, ca: None, identity: None, verify: true, fingerprint })
    }

    #[test]
    fn connections_of_upstreams_that_trust_differently_are_never_shared() {
        let one = peer(Settings { tls: tls(1), ..Settings::default() }, false);
        let other = peer(Settings { tls: tls(2), ..Settings::default() }, false);
        let same = peer(Settings { tls: tls(1), ..Settings::default() }, false);
        let plain = peer(Settings::default(), false);
        assert_ne!(one.reuse_hash(), other.reuse_hash());
        assert_ne!(one.reuse_hash(), plain.reuse_hash());
        let same = [&one, &same].map(|peer| (peer.sni().to_owned(), peer.group_key, peer.is_tls()));
        assert_eq!(same[0], same[1]);
        assert_eq!(one.sni(), "127.0.0.1", "a name is always there: without one pingora verifies nothing");
        assert!(one.verify_cert() && one.verify_hostname());
    }

    #[test]
    fn an_upgrade_is_asked_for_by_http1_only() {
        let settings = |protocol| Settings { protocol, tls: tls(1), ..Settings::default() };
        for (protocol, upgrade, alpn) in [
            (Protocol::Http1, false, ALPN::H1),
            (Protocol::Auto, false, ALPN::H2H1),
            (Protocol::Auto, true, ALPN::H1),
            (Protocol::Http2, false, ALPN::H2),
        ] {
            assert_eq!(peer(settings(protocol), upgrade).options.alpn, alpn, "{protocol:?}");
        }
        let h2 = Http2 { max_streams: 7, ..Http2::default() };
        let peer = peer(Settings { protocol: Protocol::Http2, h2, ..Settings::default() }, false);
        assert_eq!((peer.options.max_h2_streams, peer.options.h2_connection_window_size), (7, Some(7 * (256 << 10))));
    }
}
