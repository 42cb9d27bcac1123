//! The connection's second stream: reports go up, what others reported comes down.

use std::collections::VecDeque;
use std::time::Duration;

use common::feed::{Decoder, FrameError, MAX_REPORT, Report};
use quinn::{Connection, RecvStream, SendStream};
use tokio::task::JoinHandle;

use crate::uplink::{Downlink, Exchange};

const CHUNK: usize = 16 * 1024;

/// The task; dropping it ends it.
pub(super) struct Reporting(JoinHandle<()>);

impl Drop for Reporting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reports on this connection until it ends. An issuer from before there were reports never grants the stream, and nothing comes of it.
pub(super) fn start(connection: Connection, exchange: Exchange) -> Reporting {
    Reporting(tokio::spawn(async move {
        let Ok((send, recv)) = connection.open_bi().await else { return };
        let left = left_over(&exchange).await;
        let _open = Open::new(exchange.down.as_ref());
        let way = || connection.rtt() / 2;
        let ended = tokio::select! {
            ended = write(send, &exchange, left) => ended,
            ended = read(recv, &exchange, way) => ended,
        };
        if let Err(error) = ended {
            // The feed goes on: it is worth more than reports.
            tracing::error!(%error, "the issuer's side of the reports is malformed; none are sent on this connection any more");
        }
    }))
}

/// Tells of the beginning and, whatever ends it, of the end.
struct Open<'d>(&'d dyn Downlink);

impl<'d> Open<'d> {
    fn new(down: &'d dyn Downlink) -> Self {
        down.connected();
        Self(down)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}

/// What still lies in the queue from an earlier connection, but for what was said of sharing on that: it has no meaning on this one.
async fn left_over(exchange: &Exchange) -> VecDeque<Report> {
    let mut reports = exchange.reports.lock().await;
    let mut left = VecDeque::new();
    for _ in 0..reports.len() {
        match reports.try_recv() {
            Ok(Report::Share(_) | Report::Counts(_)) => {
                exchange.meter.dropped.inc();
            }
            Ok(report) => left.push_back(report),
            Err(_) => break,
        }
    }
    left
}

async fn write(mut send: SendStream, exchange: &Exchange, mut left: VecDeque<Report>) -> Result<(), FrameError> {
    let mut reports = exchange.reports.lock().await;
    loop {
        let next = match left.pop_front() {
            Some(report) => Some(report),
            None => reports.recv().await,
        };
        let Some(report) = next else { return Ok(()) };
        let Ok(frame) = report.encode() else {
            exchange.meter.dropped.inc();
            continue;
        };
        if send.write_all(&frame).await.is_err() {
            exchange.meter.dropped.inc();
            return Ok(());
        }
        exchange.meter.sent.inc();
    }
}

async fn read(mut recv: RecvStream, exchange: &Exchange, way: impl Fn() -> Duration) -> Result<(), FrameError> {
    let mut decoder = Decoder::bounded(MAX_REPORT);
    let mut chunk = vec![0; CHUNK];
    loop {
        while let Some(frame) = decoder.next_frame()? {
            match Report::decode(&frame)? {
                Report::Unknown(_) => {}
                report => {
                    exchange.meter.received.inc();
                    exchange.down.receive(report, way());
                }
            }
        }
        match recv.read(&mut chunk).await {
            Ok(Some(count)) => decoder.push(chunk.get(..count).unwrap_or_default()),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::{Arc, Mutex};

    use common::feed::{Counts, Heard, Merged, Report};
    use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
    use quinn::{ClientConfig, Endpoint, ServerConfig, TransportConfig, VarInt};
    use rustls_pki_types::PrivatePkcs8KeyDer;

    use super::*;
    use crate::uplink::{self, UplinkMeter};

    /// Both ends of a connection on which the edge may open so many streams.
    async fn connected(streams: u32) -> ((Endpoint, Connection), (Endpoint, Connection)) {
        let own = rcgen::generate_simple_self_signed(vec!["issuer".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = [&rustls::version::TLS13];
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
        let server = rustls::ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&versions);
        let server = server.unwrap().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        let mut server = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server).unwrap()));
        let mut transport = TransportConfig::default();
        transport.max_concurrent_bidi_streams(VarInt::from_u32(streams));
        server.transport_config(Arc::new(transport));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let client = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client).unwrap()));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let issuer = Endpoint::server(server, any).unwrap();
        let edge = Endpoint::client(any).unwrap();
        let connecting = edge.connect_with(client, issuer.local_addr().unwrap(), "issuer").unwrap();
        let (there, here) = tokio::join!(async { issuer.accept().await.unwrap().await.unwrap() }, connecting);
        ((issuer, there), (edge, here.unwrap()))
    }

    /// What the downlink was told.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Told {
        fn push(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }

        async fn until(&self, count: usize) -> Vec<String> {
            for _ in 0..500 {
                let told = self.0.lock().unwrap().clone();
                if told.len() >= count {
                    return told;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("only {:?}", self.0.lock().unwrap());
        }
    }

    impl Downlink for Told {
        fn connected(&self) {
            self.push("connected");
        }

        fn receive(&self, report: Report, _: Duration) {
            self.push(if matches!(report, Report::Merged(_)) { "merged" } else { "another" });
        }

        fn disconnected(&self) {
            self.push("disconnected");
        }
    }

    #[tokio::test]
    async fn reports_go_up_and_those_of_others_come_down() {
        let ((_issuer, there), (_edge, here)) = connected(2).await;
        let _feed = here.open_bi().await.unwrap();
        let (told, meter) = (Arc::new(Told::default()), UplinkMeter::default());
        let (uplink, exchange) = uplink::open(told.clone(), meter.clone());
        let reporting = start(here, exchange);
        told.until(1).await;
        uplink.send(Report::Counts(Counts::default()));
        let mut decoder = Decoder::default();
        let (mut send, mut recv) = there.accept_bi().await.unwrap();
        if recv.id().index() == 0 {
            (send, recv) = there.accept_bi().await.unwrap(); // the feed's was announced with it
        }
        let mut chunk = [0; 100];
        let frame = loop {
            if let Some(frame) = decoder.next_frame().unwrap() {
                break frame;
            }
            let count = recv.read(&mut chunk).await.unwrap().unwrap();
            decoder.push(&chunk[..count]);
        };
        assert_eq!(Report::decode(&frame), Ok(Report::Counts(Counts::default())));
        let merged = Merged { heard: Heard { ledger: 1, seq: 2 }, of_others: Counts::default() };
        for report in [Report::Unknown(127), Report::Merged(merged)] {
            send.write_all(&report.encode().unwrap()).await.unwrap();
        }
        assert_eq!(told.until(2).await, ["connected", "merged"]);
        assert_eq!((meter.sent.get(), meter.received.get(), meter.dropped.get()), (1, 1, 0));
        drop(reporting);
        assert_eq!(told.until(3).await.last().unwrap(), "disconnected");
    }

    #[tokio::test]
    async fn what_was_said_of_sharing_on_an_earlier_connection_is_not_said_on_the_next() {
        let meter = UplinkMeter::default();
        let (uplink, exchange) = uplink::open(Arc::new(()), meter.clone());
        let share =
            Report::Share(common::feed::Share { scope: common::feed::Scope::default(), origin: 1, heard: None });
        for report in [Report::Unknown(1), share, Report::Counts(Counts::default()), Report::Unknown(2)] {
            uplink.send(report);
        }
        assert_eq!(left_over(&exchange).await, [Report::Unknown(1), Report::Unknown(2)]);
        assert_eq!(meter.dropped.get(), 2);
    }

    #[tokio::test]
    async fn an_issuer_that_takes_no_reports_costs_nothing_but_the_reports() {
        let ((_issuer, there), (_edge, here)) = connected(1).await;
        let _feed = here.open_bi().await.unwrap();
        let (told, meter) = (Arc::new(Told::default()), UplinkMeter::default());
        let (uplink, exchange) = uplink::open(told.clone(), meter.clone());
        let queue = exchange.reports.clone();
        let reporting = start(here, exchange);
        for _ in 0..300 {
            uplink.send(Report::Counts(Counts::default()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(told.0.lock().unwrap().is_empty() && there.close_reason().is_none());
        assert_eq!((meter.sent.get(), meter.dropped.get()), (0, 300 - 256));
        drop(reporting);
        assert!(queue.try_lock().is_ok(), "the next connection has the queue");
    }

    #[tokio::test]
    async fn what_is_malformed_ends_the_reports_and_not_the_connection() {
        let ((_issuer, there), (_edge, here)) = connected(1).await;
        let told = Arc::new(Told::default());
        let (uplink, exchange) = uplink::open(told.clone(), UplinkMeter::default());
        let _reporting = start(here.clone(), exchange);
        uplink.send(Report::Unknown(127));
        let (mut send, _recv) = there.accept_bi().await.unwrap();
        send.write_all(&[0xff; 8]).await.unwrap();
        assert_eq!(told.until(2).await, ["connected", "disconnected"]);
        assert!(here.close_reason().is_none());
    }
}
