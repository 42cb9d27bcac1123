//! Toy origins: one that speaks raw bytes, one that speaks HTTP/2, and the keys with which they are trusted.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};

/// Waits for what happens on other threads.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An origin that serves each connection by hand.
pub fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    raw_on(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
}

pub fn raw_on(listener: TcpListener, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// The next request head; none at the end. It reads byte by byte, so what follows stays in the stream.
pub fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// A whole answer with this status and body.
pub fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// An origin that counts the requests that it gets and answers each with the same; bodies must have no length.
pub fn counting(status: u16, body: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let address = raw(move |mut stream| {
        while let Some(_head) = read_head(&mut stream) {
            counted.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(&answer(status, body)).is_err() {
                return;
            }
        }
    });
    (address, count)
}

/// A CA and what it signs, as files of a folder: `ca.pem`, and for each name `NAME.pem` and `NAME.key`.
pub struct Pki {
    pub folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    ca: CertificateDer<'static>,
}

impl Pki {
    pub fn new(common_name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, ca: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub fn path(&self, file: &str) -> String {
        self.folder.path().join(file).to_string_lossy().into_owned()
    }

    /// Signs a certificate for `name`.
    pub fn sign(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }

    /// TLS of an origin that is called `name`. `clients`: whoever signed the certificates that it demands.
    pub fn server(&self, name: &str, protocols: &[&str], clients: Option<&Self>) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        let (certificate, key) = self.sign(name);
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.ca.clone()).unwrap();
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// An HTTP/1.1 origin behind TLS that echoes request heads.
pub fn tls_echo(config: Arc<ServerConfig>) -> SocketAddr {
    raw(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut stream);
        while let Some(head) = read_head(&mut stream) {
            if stream.write_all(&answer(200, &head)).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    })
}

/// What an HTTP/2 origin has seen.
#[derive(Clone, Default)]
pub struct Seen {
    pub connections: Arc<AtomicUsize>,
    pub streams: Arc<AtomicUsize>,
    pub bytes: Arc<AtomicUsize>,
    pub heads: Arc<Mutex<Vec<http::request::Parts>>>,
}

/// An HTTP/2 origin: with prior knowledge, or behind TLS. What it does is named by the path:
/// `/echo` sends back each piece as it comes, and trailers at the end; `/head` tells the head; `/refuse-once` refuses the first stream;
/// `/silent` answers nothing; `/sink` counts the body's bytes.
pub fn h2_origin(tls: Option<Arc<ServerConfig>>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let state = seen.clone();
    on_runtime(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (state, tls) = (state.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => h2_connection(stream, state).await,
                    Some(tls) => match tokio_rustls::TlsAcceptor::from(tls).accept(stream).await {
                        Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                            h2_connection(stream, state).await
                        }
                        Ok(_) | Err(_) => {}
                    },
                }
            });
        }
    });
    (address, seen)
}

/// Runs a future on a thread of its own.
pub fn on_runtime(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime.block_on(work));
}

async fn h2_connection(stream: impl AsyncRead + AsyncWrite + Unpin, seen: Seen) {
    seen.connections.fetch_add(1, Ordering::Relaxed);
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let number = seen.streams.fetch_add(1, Ordering::Relaxed);
        let seen = seen.clone();
        tokio::spawn(async move {
            let _ = h2_request(request, respond, number, seen).await; // the edge left
        });
    }
}

async fn h2_request(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    number: usize,
    seen: Seen,
) -> Result<(), h2::Error> {
    let (parts, mut body) = request.into_parts();
    let told = format!("{} {}\n{:?}", parts.method, parts.uri, parts.headers);
    let path = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    seen.heads.lock().unwrap().push(parts);
    match path.as_str() {
        "refuse-once" if number == 0 => respond.send_reset(Reason::REFUSED_STREAM),
        "silent" => std::future::pending().await,
        "Echo" | "echo" => {
            let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
            let mut answer = respond.send_response(head, false)?;
            while let Some(piece) = body.data().await {
                let piece = piece?;
                body.flow_control().release_capacity(piece.len())?;
                answer.send_data(piece, false)?;
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            trailers.insert("x-trailer", "kept".parse().unwrap());
            answer.send_trailers(trailers)?;
        }
        "sink" => {
            while let Some(piece) = body.data().await {
                let piece = piece?;
                seen.bytes.fetch_add(piece.len(), Ordering::Relaxed);
                body.flow_control().release_capacity(piece.len())?;
            }
            let mut answer = respond.send_response(Response::new(()), false)?;
            answer.send_data(Bytes::from_static(b"taken"), true)?;
        }
        _ => {
            // An origin that answers and drops the rest of a body resets the stream, which may overtake the answer.
            while let Some(piece) = body.data().await {
                body.flow_control().release_capacity(piece?.len())?;
            }
            let mut answer = respond.send_response(Response::new(()), false)?;
            answer.send_data(Bytes::from(told), true)?;
        }
    }
    Ok(())
}

/// A client's HTTP/2 connection to the edge, by TLS.
pub async fn h2_client(address: SocketAddr, certificate: &[u8]) -> h2::client::SendRequest<Bytes> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.to_vec())).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = "api.test".try_into().unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}
