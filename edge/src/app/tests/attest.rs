//! What the edge says of a request that it forwards to an issuer, and how it gets at the body.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use common::attest::{Arrived, Attestation, EdgeKey, HEADER, Unverified, audience, digest_of_fields};
use common::ids::EdgeId;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::harness::{Edge, NOW, free_addresses, read_answer, request};
use super::origins::h2_client;

pub(super) const EDGE: &str = "fra-1";
const WAIT: Duration = Duration::from_secs(10);
const KIB: usize = 1024;

/// What `edge-state/identity` holds.
#[derive(Serialize)]
struct Identity {
    name: EdgeId,
    key: Vec<u8>,
    chain: Vec<Vec<u8>>,
    ca: Vec<u8>,
    since: u64,
}

/// An edge that has joined an issuer which is away, before an upstream that keeps what it gets.
struct Attesting {
    edge: Edge,
    received: Receiver<(String, Vec<u8>)>,
    key: EdgeKey,
    authority: [u8; 32],
    tls: SocketAddr,
    _state: tempfile::TempDir,
}

impl Attesting {
    fn start() -> Self {
        Self::start_before(|upstream| format!("\"{upstream}\""))
    }

    fn start_before(servers: impl FnOnce(SocketAddr) -> String) -> Self {
        let (sent, received) = channel();
        let servers = servers(recorder(sent));
        let state = tempfile::tempdir().unwrap();
        let (key, authority) = join(state.path());
        let [tls, _] = free_addresses();
        let edge = Edge::start_listening(
            &format!("https = \"{tls}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}"),
            "",
            &format!(
                "[[route]]\nmatch = {{ path = \"/idp/*\" }}\nupstream = \"issuer\"\nattest = true\n\
                 [[route]]\nmatch = {{ path = \"/small/*\" }}\nupstream = \"issuer\"\nattest = true\nmax_body = \"8B\"\n\
                 [[route]]\nmatch = {{ path = \"/plain/*\" }}\nupstream = \"issuer\"\n\
                 [[upstream]]\nname = \"issuer\"\nservers = [{servers}]\n\
                 [feed]\nissuer = \"127.0.0.1:1\"\nstate_dir = {:?}\n",
                state.path()
            ),
        );
        Self { edge, received, key, authority, tls, _state: state }
    }

    /// The next request that arrived: its head and its body.
    fn next(&self) -> (String, Vec<u8>) {
        self.received.recv_timeout(WAIT).expect("a request at the upstream")
    }

    /// The same, after its attestation was verified.
    fn attested(&self, method: &str, host: &str, target: &str) -> (Attestation<'static>, String, Vec<u8>) {
        let (head, body) = self.next();
        let values = field(&head, HEADER);
        let [value] = values.as_slice() else { panic!("{} attestations: {head}", values.len()) };
        let edge = EdgeId::parse(EDGE).unwrap();
        let arrived = Arrived {
            edge: &edge,
            audience: &audience(&self.authority),
            now: NOW,
            method,
            host,
            target,
            fields: &[fields(&head)],
            body: &sha256(&body),
        };
        let claims = Unverified::parse(value).unwrap().verify(&self.key, &arrived);
        (claims.unwrap_or_else(|error| panic!("{error}: {head}")), head, body)
    }
}

pub(super) fn fields(head: &str) -> [u8; 32] {
    let lines = || head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    digest_of_fields(|name| {
        lines().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_bytes())
    })
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// Writes an identity as a join does.
pub(super) fn join(state: &std::path::Path) -> (EdgeKey, [u8; 32]) {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&authority).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_ca_cert_der(ca.der(), authority).unwrap();
    let leaf = CertificateParams::new(vec![EDGE.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(ca.der()).unwrap();
    let hash = sha256(parsed.public_key().raw);
    let identity = Identity {
        name: EdgeId::parse(EDGE).unwrap(),
        key: key.serialized_der().to_vec(),
        chain: vec![leaf.der().to_vec()],
        ca: ca.der().to_vec(),
        since: NOW.0,
    };
    std::fs::write(state.join("identity"), postcard::to_stdvec(&identity).unwrap()).unwrap();
    (EdgeKey::p256(key.public_key_raw()).unwrap(), hash)
}

/// An upstream that hands on what it gets. A body without `Content-Length` would stay in the connection and be noticed there.
pub(super) fn recorder(sent: Sender<(String, Vec<u8>)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let sent = sent.clone();
            thread::spawn(move || while record(&mut stream, &sent).is_some() {});
        }
    });
    address
}

fn record(stream: &mut TcpStream, sent: &Sender<(String, Vec<u8>)>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = field(&head, "content-length").first().map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    sent.send((head, body)).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").ok()
}

pub(super) fn field(head: &str, name: &str) -> Vec<String> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
}

/// Bytes of which no two pieces are alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

pub(super) fn post(target: &str, body: &[u8], more: &str) -> Vec<u8> {
    let head =
        format!("POST {target} HTTP/1.1\r\nHost: Login.test:8800\r\nContent-Length: {}\r\n{more}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(target: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let mut text =
        format!("POST {target} HTTP/1.1\r\nHost: login.test\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for piece in pieces {
        text.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        text.extend_from_slice(piece);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\n\r\n");
    text
}

#[test]
fn the_edge_says_which_request_it_is_and_from_where() {
    let world = Attesting::start();
    let answer = world.edge.send(&request("/%69dp/%7Ekeys?a=%2F", &[]));
    assert_eq!(answer.status, 200);
    let (claims, head, body) = world.attested("GET", "api.test", "/idp/~keys?a=%2F");
    assert_eq!((claims.client.to_string().as_str(), claims.tls), ("127.0.0.1", None));
    assert_eq!(claims.issued_at, NOW.seconds());
    assert_eq!(claims.request_id, answer.header("x-request-id").unwrap());
    assert_eq!((body.len(), field(&head, "content-length").len()), (0, 0));

    let mut connection = world.edge.connect();
    let mut ids = vec![claims.id];
    for _ in 0..3 {
        assert_eq!(connection.send(&post("/idp/x", b"{}", "")).status, 200);
        let (claims, _, body) = world.attested("POST", "login.test:8800", "/idp/x");
        assert_eq!(body, b"{}");
        assert!(!ids.contains(&claims.id), "each is good once");
        ids.push(claims.id);
    }
}

#[test]
fn nobody_else_speaks_for_the_edge() {
    let world = Attesting::start();
    for name in [HEADER, "X-Tollgate-Attestation", "x_tollgate_attestation", "X.Tollgate.Attestation"] {
        assert_eq!(world.edge.send(&request("/idp/x", &[(name, "outside"), (name, "outside")])).status, 200);
        let (_, head, _) = world.attested("GET", "api.test", "/idp/x");
        assert!(!head.contains("outside"), "{name}: {head}");
        assert_eq!(world.edge.send(&request("/plain/x", &[(name, "outside")])).status, 200);
        let (head, _) = world.next();
        assert!(!head.contains("outside") && field(&head, HEADER).is_empty(), "{name}: {head}");
        let answer = world.edge.send(&request("/idp/x", &[("connection", name)]));
        assert_eq!(answer.status, 400, "{name} can't be nominated away");
    }
}

#[test]
fn bodies_arrive_whole_up_to_the_limit() {
    let world = Attesting::start();
    for length in [0, 1, 4_095, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, 200_001, KIB * KIB] {
        let sent = bytes(length);
        let mut connection = world.edge.connect();
        for _ in 0..2 {
            assert_eq!(connection.send(&post("/idp/x", &sent, "")).status, 200, "{length}");
            let (_, head, body) = world.attested("POST", "login.test:8800", "/idp/x");
            assert_eq!(field(&head, "content-length"), [length.to_string()]);
            assert!(body == sent, "{length}");
        }
    }
    assert_eq!(world.edge.send(&post("/small/x", b"12345678", "")).status, 200);
    assert_eq!(world.attested("POST", "login.test:8800", "/small/x").2, b"12345678");
    let mut connection = world.edge.connect();
    assert_eq!(connection.send(&post("/small/x", b"123456789", "")).status, 413);
    assert_eq!(connection.send(&post("/small/x", b"1", "")).status, 200, "what was refused is not the next request");
    assert_eq!(world.next().1, b"1");
    let answer = world.edge.connect().send(&post("/idp/x", &bytes(KIB * KIB + 1), "")[..200]);
    assert_eq!(answer.status, 413, "before it comes");
    assert!(world.received.try_recv().is_err());
}

#[test]
fn a_body_may_come_in_drops() {
    let world = Attesting::start();
    let whole = post("/idp/x", &bytes(70 * KIB), "");
    let mut stream = TcpStream::connect(world.edge.address).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in whole.chunks(3 * KIB) {
        stream.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    assert!(world.attested("POST", "login.test:8800", "/idp/x").2 == bytes(70 * KIB));
}

#[test]
fn chunked_bodies_get_a_length_or_must_say_one() {
    let world = Attesting::start();
    let half = bytes(32 * KIB);
    let cases: [&[&[u8]]; 4] = [&[], &[b"a"], &[b"ab", b"c", b"defg"], &[&half, &half]];
    for pieces in cases {
        assert_eq!(world.edge.send(&chunked("/idp/x", pieces)).status, 200);
        let (_, head, body) = world.attested("POST", "login.test", "/idp/x");
        assert_eq!((field(&head, "transfer-encoding").len(), body), (0, pieces.concat()), "{head}");
        let length = field(&head, "content-length").pop().unwrap_or_else(|| "0".to_owned());
        assert_eq!(length, pieces.concat().len().to_string());
    }
    let mut connection = world.edge.connect();
    assert_eq!(connection.send(&chunked("/idp/x", &[&half, &half, b"1"])).status, 411);
    assert!(connection.is_closed());
    assert_eq!(world.edge.send(&chunked("/small/x", &[b"12345", b"6789"])).status, 413);
    let broken = world.edge.send(b"POST /idp/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(broken.status, 400);
    assert!(world.received.try_recv().is_err());
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let world = Attesting::start();
    let whole = post("/idp/x", b"{}", "Expect: 100-continue\r\n");
    let (head, body) = whole.split_at(whole.len() - 2);
    let mut stream = TcpStream::connect(world.edge.address).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.write_all(head).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 100);
    stream.write_all(body).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    let (_, head, body) = world.attested("POST", "login.test:8800", "/idp/x");
    assert_eq!((field(&head, "expect").len(), body), (0, b"{}".to_vec()));
    let refused = post("/small/x", b"123456789", "Expect: 100-continue\r\n");
    let answer = world.edge.connect().send(&refused[..refused.len() - 9]);
    assert_eq!(answer.status, 413, "without asking for the body");
}

#[test]
fn a_client_that_breaks_off_leaves_nothing_behind() {
    let world = Attesting::start();
    for cut in [1, 100, 70 * KIB] {
        let whole = post("/idp/x", &bytes(100 * KIB), "");
        let mut stream = TcpStream::connect(world.edge.address).unwrap();
        stream.write_all(&whole[..whole.len() - cut]).unwrap();
        drop(stream);
    }
    assert_eq!(world.edge.send(&post("/idp/next", b"", "")).status, 200);
    assert!(world.next().0.starts_with("POST /idp/next "), "half a body never leaves");
}

#[test]
fn another_server_gets_the_whole_request_too() {
    let world = Attesting::start_before(|live| format!("\"127.0.0.1:1\", \"{live}\""));
    for length in [0, 3, 100 * KIB] {
        for _ in 0..4 {
            assert_eq!(world.edge.send(&post("/idp/x", &bytes(length), "")).status, 200);
            assert!(world.attested("POST", "login.test:8800", "/idp/x").2 == bytes(length));
        }
    }
}

#[test]
fn targets_that_are_too_long_to_vouch_for() {
    let world = Attesting::start();
    let target = |length: usize| format!("/idp/{}", "a".repeat(length - 5));
    assert_eq!(world.edge.send(&request(&target(4096), &[])).status, 200);
    world.attested("GET", "api.test", &target(4096));
    assert_eq!(world.edge.send(&request(&target(4097), &[])).status, 431);
}

#[test]
fn what_is_refused_of_cognitos_calls_is_an_exception() {
    let world = Attesting::start();
    let call = "X-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\n";
    for (target, is_exception) in [("/small/x", true), ("/nowhere", false)] {
        let answer = world.edge.send(&post(target, &bytes(9), call));
        assert_eq!(answer.body.contains("__type"), is_exception, "{answer:?}");
        assert_eq!(answer.header("x-amzn-errortype").is_some(), is_exception, "{answer:?}");
    }
    let answer = world.edge.send(&post("/small/x", &bytes(9), ""));
    assert!(answer.status == 413 && answer.body.contains("invalid_request"), "{answer:?}");
}

#[test]
fn an_edge_that_has_not_joined_vouches_for_nothing() {
    let state = tempfile::tempdir().unwrap();
    let token = common::feed::JoinToken {
        name: EdgeId::parse(EDGE).unwrap(),
        secret: common::secret::SecretString::new("s"),
        issuer: "127.0.0.1:1".to_owned(),
        ca: [0; 32],
    };
    let file = state.path().join("join.token");
    std::fs::write(&file, token.to_text().expose()).unwrap();
    let edge = Edge::start_with_routes(&format!(
        "[[route]]\nmatch = {{ path = \"/idp/*\" }}\nupstream = \"echo\"\nattest = true\n\
         [feed]\nissuer = \"127.0.0.1:1\"\njoin_token_file = {file:?}\nstate_dir = {:?}\n",
        state.path()
    ));
    let answer = edge.send(&post("/idp/x", b"{}", ""));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    assert_eq!(edge.send(&request("/public/x", &[])).status, 200);
}

#[test]
fn http2_and_tls_are_told() {
    let world = Attesting::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = h2_client(world.tls, &world.edge.certificate).await;
        for (length, known) in [(0, false), (0, true), (5, false), (5, true), (64 * KIB, false), (200 * KIB, true)] {
            let sent = bytes(length);
            assert_eq!(ask(&mut client, &sent, known).await, 200, "{length} {known}");
            let (claims, head, body) = world.attested("POST", "api.test", "/idp/x?h2");
            assert!(body == sent, "{length} {known}: {head}");
            let tls = claims.tls.expect("TLS");
            assert!(tls.version.starts_with("TLSv1"), "{}", tls.version);
            assert_eq!((tls.alpn.as_deref(), tls.sni.as_deref()), (Some("h2"), Some("api.test")));
            assert!(tls.cipher.starts_with("TLS13_"), "{}", tls.cipher);
        }
        assert_eq!(ask(&mut client, &bytes(64 * KIB + 1), false).await, 411);
        assert_eq!(ask(&mut client, &bytes(KIB * KIB + 1), true).await, 413);
        assert_eq!(ask(&mut client, b"{}", true).await, 200, "the connection goes on");
        assert_eq!(world.attested("POST", "api.test", "/idp/x?h2").2, b"{}");
    });
}

async fn ask(client: &mut h2::client::SendRequest<Bytes>, body: &[u8], known: bool) -> u16 {
    let mut request = http::Request::post("https://api.test/idp/x?h2");
    if known {
        request = request.header("content-length", body.len());
    }
    let (answer, mut sender) =
        client.clone().ready().await.unwrap().send_request(request.body(()).unwrap(), false).unwrap();
    // A refusal may come before the body is out.
    let _ = sender.send_data(Bytes::copy_from_slice(body), true);
    tokio::time::timeout(WAIT, answer).await.unwrap().unwrap().status().as_u16()
}
