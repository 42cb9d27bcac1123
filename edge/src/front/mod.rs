//! What stands before pingora's proxy: how many connections there may be, whom they come from, TLS, which protocol is spoken, and how long one
//! may take to say what it wants.
//!
//! pingora 0.9.1 has a timeout for each read of a head but none for the whole head, and no bound on connections, so that a few thousand dripping
//! clients fill the memory (SECURITY.md §0.2). It makes its TLS settings once, and knows no PROXY protocol. [`Front`] is the `ServerApp` around
//! the proxy that does all this; pingora's listeners only accept.

mod hello;
mod http1;
mod http2;
mod places;
mod proxy_protocol;
mod watched;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use common::networks::Networks;
use pingora::apps::{HttpServerApp, ServerApp};
use pingora::listeners::tls::Acceptor;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::{ALPN, GetSocketDigest, Ssl, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use ring::digest;
use tokio::time::timeout;

use self::places::{Place, Places};
use self::proxy_protocol::Source;
use self::watched::Watched;
use crate::facts::{self, ClientCertificate, Fingerprints, Scheme, TlsFacts};
use crate::gateway::connection::{Connection, Phase};
use crate::gateway::{Gateway, InFlight, watch};
use crate::observe::Metrics;

/// What one edge and one client may hold open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub connections: usize,
    pub connections_per_client: usize,
    /// From the connection, or from the end of the idle time after a response, to the end of the next head. The PROXY header and the TLS handshake
    /// are in it.
    pub head: Duration,
    pub keepalive: Duration,
}

/// How connections are received; a reload may change all of it.
pub struct Reception {
    pub bounds: Bounds,
    /// None: no listener speaks TLS.
    pub tls: Option<Acceptor>,
    /// HTTP/2 with prior knowledge on the plain listener (RFC 9113 §3.3).
    pub h2c: bool,
    /// Load balancers that begin each connection with a PROXY header.
    pub balancers: Networks,
    /// Proxies whose `X-Forwarded-For` counts.
    pub proxies: Arc<Networks>,
    /// Something asks what hellos look like.
    pub fingerprints: bool,
}

/// The application of the listeners.
pub struct Front {
    proxy: Arc<HttpProxy<Gateway>>,
    reception: Arc<ArcSwap<Reception>>,
    /// The address of the listener that speaks TLS.
    https: Option<SocketAddr>,
    places: Arc<Places>,
    in_flight: InFlight,
    metrics: Arc<Metrics>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    TooMany,
    ProxyHeader,
    Handshake,
}

impl Front {
    pub fn new(
        proxy: HttpProxy<Gateway>,
        reception: Arc<ArcSwap<Reception>>,
        https: Option<SocketAddr>,
        in_flight: InFlight,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { proxy: Arc::new(proxy), reception, https, places: Arc::default(), in_flight, metrics }
    }
}

#[async_trait]
impl ServerApp for Front {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let opened = Instant::now();
        let reception = self.reception.load_full();
        let Ok(tcp) = stream.into_any().downcast::<TcpStream>() else { return None };
        // A drain waits for handshakes that have begun: their clients are about to ask.
        let entered = self.in_flight.enter();
        let received = timeout(reception.bounds.head, self.receive(*tcp, &reception)).await;
        drop(entered);
        let Received { stream, spoken, facts, place: _place } = match received {
            Ok(Ok(received)) => received,
            Ok(Err(refused)) => {
                self.count(refused);
                return None;
            }
            Err(_) => {
                self.metrics.heads_overdue.inc();
                return None;
            }
        };
        let _counted = Counted::new(&self.metrics, facts.tls.as_deref());
        let trusted = facts.client.is_some_and(|client| reception.proxies.contains(client));
        let proxies = trusted.then(|| Arc::clone(&reception.proxies));
        let phase = Phase::new(opened, reception.bounds.head, reception.bounds.keepalive);
        let connection = Arc::new(Connection::new(facts, proxies, phase));
        match spoken {
            Spoken::Http1 => self.serve_http1(stream, &connection, shutdown).await,
            Spoken::Http2 => self.serve_http2(stream, &connection, reception.bounds, shutdown).await,
        }
        None
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

impl Front {
    /// From a TCP connection to a stream of HTTP, with what is known of who is at its other end.
    async fn receive(&self, mut tcp: TcpStream, reception: &Reception) -> Result<Received, Refused> {
        let mut place = Places::enter(&self.places, reception.bounds.connections).ok_or(Refused::TooMany)?;
        let (peer, own) = addresses(&tcp);
        let (mut client, mut scheme) = (peer, Scheme::Http);
        if peer.is_some_and(|peer| reception.balancers.contains(peer)) {
            match proxy_protocol::read(&mut tcp).await.map_err(|_| Refused::ProxyHeader)? {
                Source::Client { address, tls } => {
                    client = Some(address.to_canonical());
                    scheme = if tls { Scheme::Https } else { Scheme::Http };
                }
                Source::Balancer => {}
            }
        }
        if client.is_some_and(|client| !place.belongs_to(client, reception.bounds.connections_per_client)) {
            return Err(Refused::TooMany);
        }
        if !self.is_https(own) {
            let http2 = reception.h2c && http2::is_spoken(&mut tcp).await;
            let spoken = if http2 { Spoken::Http2 } else { Spoken::Http1 };
            let facts = facts::Connection { client, scheme, tls: None };
            return Ok(Received { stream: Box::new(tcp), spoken, facts, place });
        }
        let acceptor = reception.tls.as_ref().ok_or(Refused::Handshake)?;
        // A proxy's own hello says nothing of those whom it speaks for.
        let is_proxy = client.is_some_and(|client| reception.proxies.contains(client));
        let fingerprints = if reception.fingerprints && !is_proxy { hello::fingerprints(&mut tcp).await } else { None };
        let stream = acceptor.tls_handshake(tcp).await.map_err(|_| Refused::Handshake)?;
        let spoken = if stream.selected_alpn_proto() == Some(ALPN::H2) { Spoken::Http2 } else { Spoken::Http1 };
        let facts =
            facts::Connection { client, scheme: Scheme::Https, tls: Some(Arc::new(tls_facts(&stream, fingerprints))) };
        Ok(Received { stream: Box::new(stream), spoken, facts, place })
    }

    async fn serve_http1(&self, stream: Stream, connection: &Arc<Connection>, shutdown: &ShutdownWatch) {
        let stream = Box::new(Watched::new(stream, Arc::clone(connection.wire())));
        let serving = connection.serve(watch::guarded(http1::serve(stream, &self.proxy, shutdown)));
        tokio::select! {
            biased;
            _ = serving => {}
            () = connection.overdue() => {
                self.metrics.heads_overdue.inc();
            }
        }
    }

    async fn serve_http2(
        &self,
        stream: Stream,
        connection: &Arc<Connection>,
        bounds: Bounds,
        shutdown: &ShutdownWatch,
    ) {
        match timeout(bounds.head, http2::begin(stream)).await {
            Ok(Some(spoken)) => http2::serve(spoken, &self.proxy, connection, bounds.keepalive, shutdown).await,
            Ok(None) => {}
            Err(_) => {
                self.metrics.heads_overdue.inc();
            }
        }
    }

    /// The plain and the TLS listener share this application; the address that was connected to tells them apart.
    fn is_https(&self, own: Option<SocketAddr>) -> bool {
        let (Some(https), Some(own)) = (self.https, own) else { return false };
        own.port() == https.port()
            && (https.ip().is_unspecified() || own.ip().to_canonical() == https.ip().to_canonical())
    }

    fn count(&self, refused: Refused) {
        match refused {
            Refused::TooMany => self.metrics.connections_refused.inc(),
            Refused::ProxyHeader => self.metrics.proxy_headers_refused.inc(),
            Refused::Handshake => self.metrics.handshakes_failed.inc(),
        };
    }
}

/// Counts a connection for as long as it is open, also one whose request panics.
struct Counted<'m>(&'m Metrics);

impl<'m> Counted<'m> {
    fn new(metrics: &'m Metrics, tls: Option<&TlsFacts>) -> Self {
        metrics.connections.inc();
        metrics.connections_accepted.inc();
        if let Some(tls) = tls {
            metrics.tls.count(tls.version);
        }
        Self(metrics)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

/// A connection that may be served.
struct Received {
    stream: Stream,
    spoken: Spoken,
    facts: facts::Connection,
    place: Place,
}

/// What a connection turned out to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
}

/// The other end, and ours.
fn addresses(tcp: &TcpStream) -> (Option<IpAddr>, Option<SocketAddr>) {
    let digest = tcp.get_socket_digest();
    let inet = |address: Option<&pingora::protocols::l4::socket::SocketAddr>| address?.as_inet().copied();
    let peer = digest.as_ref().and_then(|digest| inet(digest.peer_addr()));
    let own = digest.as_ref().and_then(|digest| inet(digest.local_addr()));
    (peer.map(|peer| peer.ip().to_canonical()), own)
}

fn tls_facts(stream: &pingora::protocols::tls::TlsStream<TcpStream>, fingerprints: Option<Fingerprints>) -> TlsFacts {
    let tls = stream.get_ssl();
    let certificate = tls.and_then(|tls| tls.peer_certificate_der()).map(|der| {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
        ClientCertificate { sha256, der: der.into() }
    });
    TlsFacts {
        version: tls.and_then(|tls| tls.version()).unwrap_or_default(),
        cipher: tls.and_then(|tls| tls.current_cipher_name()).unwrap_or_default(),
        server_name: tls.and_then(|tls| tls.server_name()).map(Into::into),
        certificate,
        fingerprints,
    }
}
