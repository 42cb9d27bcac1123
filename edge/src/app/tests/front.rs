//! Whom a connection comes from, by which certificate it is served, and which protocol it speaks.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use common::jose::Thumbprint;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::harness::{Answer, Connection, Edge, claims, free_addresses, read_answer, request, signed, signing_key};

type Tls = StreamOwned<ClientConnection, TcpStream>;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An authority, and certificates that it has signed, in files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes `NAME.pem` and `NAME.key`.
    fn sign(&self, folder: &Path, file: &str, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

/// A TLS client that believes in these authorities and may have a certificate (`FILE.pem`, `FILE.key`).
fn client_config(roots: &[&str], own: Option<(&Path, &str)>) -> ClientConfig {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(store);
    let Some((folder, file)) = own else { return builder.with_no_client_auth() };
    let chain = vec![CertificateDer::from_pem_file(folder.join(format!("{file}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{file}.key"))).unwrap();
    builder.with_client_auth_cert(chain, key).unwrap()
}

fn connect(address: SocketAddr, config: ClientConfig, name: &'static str) -> Tls {
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
    StreamOwned::new(client, TcpStream::connect(address).unwrap())
}

fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> Option<Answer> {
    stream.write_all(request).ok()?;
    read_answer(stream)
}

fn leaf(stream: &Tls) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn the_address_in_a_proxy_header_is_the_client() {
    let edge = Edge::start_listening("proxy_protocol = { from = [\"127.0.0.0/8\"] }", "", "");
    let forwarded = |header: &[u8]| {
        let mut connection = edge.connect();
        connection.write(header);
        let answer = connection.send(&request("/public/x", &[("x-forwarded-for", "198.51.100.66")]));
        let again = connection.send(&request("/public/x", &[]));
        assert_eq!(answer.echoed("x-forwarded-for"), again.echoed("x-forwarded-for"), "it is the connection's");
        (answer.echoed("x-forwarded-for").join(), answer.echoed("x-forwarded-proto").join())
    };
    let v2 = |command: u8, tlvs: &[u8]| {
        let addresses = [192, 0, 2, 9, 10, 0, 0, 1, 16, 0, 1, 187];
        let length = u16::try_from(addresses.len() + tlvs.len()).unwrap().to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n" as &[u8], &[command, 0x11], &length, &addresses, tlvs].concat()
    };
    let is = |address: &str, scheme: &str| (address.to_owned(), scheme.to_owned());
    assert_eq!(forwarded(b"PROXY TCP4 192.0.2.1 10.0.0.1 4096 443\r\n"), is("192.0.2.1", "http"));
    assert_eq!(forwarded(b"PROXY TCP6 2001:db8::1 2001:db8::2 4096 443\r\n"), is("2001:db8::1", "http"));
    assert_eq!(forwarded(b"PROXY UNKNOWN\r\n"), is("127.0.0.1", "http"));
    assert_eq!(forwarded(&v2(0x21, &[])), is("192.0.2.9", "http"));
    assert_eq!(forwarded(&v2(0x21, &[0x20, 0, 5, 1, 0, 0, 0, 0])), is("192.0.2.9", "https"));
    assert_eq!(forwarded(&v2(0x20, &[])), is("127.0.0.1", "http"));
}

#[test]
fn a_balancer_without_a_proxy_header_is_not_served_and_others_headers_are_no_requests() {
    let edge = Edge::start_listening("proxy_protocol = { from = [\"127.0.0.1\"] }", "", "");
    for start in [
        b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n".as_slice(),
        b"PROXY TCP4 1.2.3.4\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0",
    ] {
        let mut connection = edge.connect();
        assert!(connection.try_send(start).is_none(), "{}", start.escape_ascii());
    }
    let other = Edge::start_listening("proxy_protocol = { from = [\"10.0.0.0/8\"] }", "", "");
    let mut connection = other.connect();
    let answer = connection.try_send(b"PROXY TCP4 192.0.2.1 10.0.0.1 1 1\r\nGET /public/x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.is_none_or(|answer| answer.status == 400), "nobody else's word is taken");
    assert_eq!(other.send(&request("/public/x", &[])).echoed("x-forwarded-for"), ["127.0.0.1"]);
}

#[test]
fn one_client_behind_a_balancer_holds_its_own_connections_only() {
    let edge =
        Edge::start_listening("proxy_protocol = { from = [\"127.0.0.1\"] }\nmax_connections_per_client = 1", "", "");
    let serve = |client: &str| -> Option<Connection> {
        let mut connection = edge.connect();
        connection.write(format!("PROXY TCP4 {client} 10.0.0.1 1 1\r\n").as_bytes());
        connection.try_send(&request("/public/x", &[])).map(|_| connection)
    };
    let _first = serve("192.0.2.1").unwrap();
    assert!(serve("192.0.2.1").is_none());
    assert!(serve("192.0.2.2").is_some());
}

#[test]
fn what_a_trusted_proxy_says_of_its_client_counts_and_only_then() {
    let trusting = Edge::start_listening("trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]", "", "");
    let said = [("X-Forwarded-For", "198.51.100.66, 192.0.2.1, 10.0.0.9"), ("X-Forwarded-Proto", "https")];
    let answer = trusting.send(&request("/public/x", &said));
    assert_eq!(
        (answer.echoed("x-forwarded-for"), answer.echoed("x-forwarded-proto")),
        (vec!["192.0.2.1".into()], vec!["https".into()])
    );
    let wary = Edge::start_listening("trusted_proxies = [\"10.0.0.0/8\"]", "", "");
    let answer = wary.send(&request("/public/x", &said));
    assert_eq!(
        (answer.echoed("x-forwarded-for"), answer.echoed("x-forwarded-proto")),
        (vec!["127.0.0.1".into()], vec!["http".into()])
    );
}

#[test]
fn the_name_that_a_client_asks_for_picks_the_certificate_and_a_reload_takes_new_ones() {
    let [address, _] = free_addresses();
    let authority = Authority::new("servers");
    let listen = format!(
        "https = \"{address}\"\ntls = {{ certificates = [{{ cert = \"a.pem\", key = \"a.key\" }}, {{ cert = \"b.pem\", key = \"b.key\" }}] }}"
    );
    let mut folder = None;
    let prepare = |path: &Path| {
        authority.sign(path, "a", "a.test");
        authority.sign(path, "b", "*.b.test");
        folder = Some(path.to_owned());
    };
    let edge = Edge::start_prepared(prepare, &listen, "", "");
    let folder = folder.unwrap();
    let served = |name: &'static str, file: &str| {
        let mut stream = connect(address, client_config(&[&authority.pem], None), name);
        assert_eq!(ask(&mut stream, &request("/public/x", &[])).unwrap().status, 200, "{name}");
        assert_eq!(leaf(&stream), CertificateDer::from_pem_file(folder.join(file)).unwrap(), "{name}");
        stream
    };
    let mut old = served("a.test", "a.pem");
    served("x.b.test", "b.pem");
    authority.sign(&folder, "a", "a.test");
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    served("a.test", "a.pem");
    assert_eq!(ask(&mut old, &request("/public/x", &[])).unwrap().status, 200, "open connections go on");
    fs::write(folder.join("b.key"), "no key").unwrap();
    let refused = edge.admin("POST", "/reload");
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("b.key"), "{}", refused.body);
    served("a.test", "a.pem");
}

#[test]
fn a_client_certificate_is_asked_for_by_route_and_told_upstream() {
    let [address, _] = free_addresses();
    let (servers, clients, strangers) =
        (Authority::new("servers"), Authority::new("clients"), Authority::new("strangers"));
    let listen = format!(
        "https = \"{address}\"\ntls = {{ cert = \"s.pem\", key = \"s.key\", client_ca = \"clients.pem\", client_auth = \"request\" }}"
    );
    let mut folder = None;
    let prepare = |path: &Path| {
        servers.sign(path, "s", "s.test");
        clients.sign(path, "c", "client.test");
        strangers.sign(path, "x", "client.test");
        fs::write(path.join("clients.pem"), &clients.pem).unwrap();
        folder = Some(path.to_owned());
    };
    let route =
        "[[route]]\nmatch = { path = \"/mtls/*\" }\nupstream = \"echo\"\nclient_certificate = { forward = true }\n";
    let edge = Edge::start_prepared(prepare, &listen, "", route);
    let folder = folder.unwrap();
    let send = |own: Option<(&Path, &str)>, path: &str| {
        ask(
            &mut connect(address, client_config(&[&servers.pem], own), "s.test"),
            &request(path, &[("client-cert", ":AA==:")]),
        )
    };
    let with = send(Some((&folder, "c")), "/mtls/x").unwrap();
    let expected = CertificateDer::from_pem_file(folder.join("c.pem")).unwrap();
    let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &expected);
    assert_eq!((with.status, with.echoed("client-cert")), (200, vec![format!(":{expected}:")]));
    let without = send(None, "/mtls/x").unwrap();
    assert_eq!(without.status, 403);
    assert!(without.body.contains("certificate_required"), "{}", without.body);
    let open = send(None, "/public/x").unwrap();
    assert_eq!((open.status, open.echoed("client-cert")), (200, vec![]), "nobody says it for the edge");
    assert!(send(Some((&folder, "x")), "/public/x").is_none(), "a stranger's certificate ends the handshake");
    assert_eq!(edge.send(&request("/mtls/x", &[])).status, 403, "the plain listener");
}

/// E09, RFC 8705 §3: by a real handshake.
#[test]
fn a_token_bound_to_a_certificate_passes_over_connections_of_that_certificate() {
    let [address, _] = free_addresses();
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let listen = format!(
        "https = \"{address}\"\ntls = {{ cert = \"s.pem\", key = \"s.key\", client_ca = \"clients.pem\", client_auth = \"request\" }}"
    );
    let mut folder = None;
    let prepare = |path: &Path| {
        servers.sign(path, "s", "s.test");
        clients.sign(path, "own", "client.test");
        clients.sign(path, "other", "client.test");
        fs::write(path.join("clients.pem"), &clients.pem).unwrap();
        folder = Some(path.to_owned());
    };
    let edge = Edge::start_prepared(prepare, &listen, "", "");
    let folder = folder.unwrap();
    let certificate = CertificateDer::from_pem_file(folder.join("own.pem")).unwrap();
    let mut claims = claims();
    claims["cnf"] = serde_json::json!({"x5t#S256": Thumbprint::of(&certificate).to_string()});
    let bearer = format!("Bearer {}", signed(&signing_key(), &claims));
    let request = request("/api/x", &[("authorization", &bearer)]);
    // The second round meets a known token.
    for _ in 0..2 {
        for (own, expected) in [
            (Some("own"), Ok(())),
            (Some("other"), Err("another certificate")),
            (None, Err("bound token without certificate")),
        ] {
            let own = own.map(|file| (folder.as_path(), file));
            let answer = ask(&mut connect(address, client_config(&[&servers.pem], own), "s.test"), &request).unwrap();
            match expected {
                Ok(()) => assert_eq!(answer.status, 200, "{answer:?}"),
                Err(told) => assert!(answer.status == 401 && answer.body.contains(told), "{answer:?}"),
            }
        }
    }
    assert_eq!(edge.send(&request).status, 401, "the plain listener");
}

#[test]
fn a_plain_listener_speaks_http2_where_it_is_told_to() {
    let edge = Edge::start_listening("h2c = true", "", "");
    let mut stream = TcpStream::connect(edge.address).unwrap();
    // SETTINGS; then HEADERS (END_STREAM, END_HEADERS): `:method GET`, `:scheme http`, `:path /public/x`, `:authority a`.
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    let mut block = vec![0x82, 0x86, 0x04, 9];
    block.extend_from_slice(b"/public/x");
    block.extend_from_slice(&[0x01, 1, b'a']);
    let length = u8::try_from(block.len()).unwrap();
    stream.write_all(&[&[0, 0, length, 1, 5, 0, 0, 0, 1], block.as_slice()].concat()).unwrap();
    let mut received = Vec::new();
    let has_headers = loop {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).unwrap();
        received.extend_from_slice(&chunk[..read]);
        if let Some(found) = headers_status(&received) {
            break found;
        }
        assert!(read > 0, "the connection ended without an answer");
    };
    assert_eq!(has_headers, 0x88, "the static table's `:status 200`");
    // What does not begin as HTTP/2 is HTTP/1, however short it is.
    assert_eq!(edge.send(b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    assert_eq!(edge.send(b"PRI /public/x HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    let mut short = edge.connect();
    assert_eq!(short.send(b"GET / HTTP/1.0\r\n\r\n").status, 400, "no host");
}

/// The first byte of the header block of the first HEADERS frame, when it has come.
fn headers_status(mut bytes: &[u8]) -> Option<u8> {
    loop {
        let (head, rest) = bytes.split_at_checked(9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (payload, rest) = rest.split_at_checked(length)?;
        if head[3] == 1 {
            return payload.first().copied();
        }
        bytes = rest;
    }
}

trait Joined {
    fn join(self) -> String;
}

impl Joined for Vec<String> {
    fn join(self) -> String {
        self.as_slice().join("|")
    }
}
