//! An edge, an upstream that echoes what it received, and keys.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use common::clock::{FakeClock, UnixMillis};
use common::jose::{Alg, Jwks, SigningKey};
use serde_json::{Value, json};

use crate::app::{Running, Shutdown, Start, start_with};

pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
pub const ISS: &str = "https://issuer.test/pool";

const KEY_A: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");
const KEY_B: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-b.pk8");

pub fn signing_key() -> SigningKey {
    SigningKey::from_pkcs8(Alg::RS256, KEY_A).unwrap()
}

/// A key that nobody published.
pub fn second_key() -> SigningKey {
    SigningKey::from_pkcs8(Alg::RS256, KEY_B).unwrap()
}

/// Claims of a good access token.
pub fn claims() -> Value {
    json!({
        "iss": ISS,
        "sub": "ada",
        "token_use": "access",
        "client_id": "web",
        "scope": "openid orders/read",
        "cognito:groups": ["staff", "admin"],
        "exp": NOW.seconds() + 600,
        "iat": NOW.seconds() - 10,
        "jti": "j-1",
        "origin_jti": "o-1",
        "device_key": "d-1",
    })
}

pub fn signed(key: &SigningKey, claims: &Value) -> String {
    key.sign_compact(&key.header(), claims).unwrap()
}

/// The bytes of a GET with these header fields.
pub fn request(target: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("GET {target} HTTP/1.1\r\nHost: api.test\r\n");
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

pub struct Edge {
    /// Never dropped: pingora-runtime 0.9.1 keeps the handles of a runtime that has ended under thread ids that are used again, so
    /// that one process can end a server only once. (`tests/stop.rs` ends one in a process of its own.)
    pub running: &'static Running,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub clock: Arc<FakeClock>,
    folder: tempfile::TempDir,
    /// DER.
    pub certificate: Vec<u8>,
}

impl Edge {
    pub fn start() -> Self {
        Self::start_with_route("")
    }

    /// `more` are further lines of the protected route.
    pub fn start_with_route(more: &str) -> Self {
        Self::start_with(more, "")
    }

    /// `routes` are further routes.
    pub fn start_with_routes(routes: &str) -> Self {
        Self::start_with("", routes)
    }

    fn start_with(more: &str, routes: &str) -> Self {
        Self::start_listening("", more, routes)
    }

    /// `listen` are further lines of `[listen]`, read in a folder that has `cert.pem` and `key.pem`.
    pub fn start_listening(listen: &str, more: &str, routes: &str) -> Self {
        Self::start_prepared(|_| (), listen, more, routes)
    }

    /// The same, with more files in the folder.
    pub fn start_prepared(prepare: impl FnOnce(&Path), listen: &str, more: &str, routes: &str) -> Self {
        let upstream = echo_upstream();
        Self::start_in(prepare, |address, admin| {
            format!(
                r#"
[listen]
http = "{address}"
admin = "{admin}"
threads = 2
drain_timeout = "1s"
{listen}
[log]
access = "off"
[[issuer]]
name = "corp"
iss = "{ISS}"
profile = "cognito"
jwks = {{ file = "jwks.json" }}
[[upstream]]
name = "echo"
servers = ["{upstream}"]
read_timeout = "2s"
[[upstream]]
name = "nobody"
servers = ["127.0.0.1:1"]
[[route]]
match = {{ path = "/api/*" }}
upstream = "echo"
token = {{ issuers = ["corp"], use = "access" }}
headers = {{ add = {{ "x-user-id" = "{{sub}}", "x-groups" = "{{cognito:groups}}" }} }}
{more}
{routes}
[[route]]
match = {{ path = "/public/*" }}
upstream = "echo"
[[route]]
match = {{ path = "/down/*" }}
upstream = "nobody"
"#
            )
        })
    }

    /// An edge with the configuration that is made for these addresses of `http` and `admin`, in a folder that has `jwks.json`, `cert.pem` and
    /// `key.pem`.
    pub fn start_as(config: impl FnOnce(SocketAddr, SocketAddr) -> String) -> Self {
        Self::start_in(|_| (), config)
    }

    fn start_in(prepare: impl FnOnce(&Path), config: impl FnOnce(SocketAddr, SocketAddr) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let jwks = Jwks::new(vec![signing_key().public_jwk().clone()]).unwrap().to_json();
        std::fs::write(folder.path().join("jwks.json"), jwks).unwrap();
        let certified = rcgen::generate_simple_self_signed(vec!["api.test".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        let [address, admin] = free_addresses();
        let file = folder.path().join("edge.toml");
        std::fs::write(&file, config(address, admin)).unwrap();
        let clock = Arc::new(FakeClock::at(NOW));
        let (_, shutdown) = Shutdown::at_request();
        let running = start_with(&file, Start::Fresh, shutdown, clock.clone(), std::io::sink()).unwrap();
        let running = Box::leak(Box::new(running));
        Self { running, address, admin, clock, folder, certificate: certified.cert.der().to_vec() }
    }

    /// Sends one request on a connection of its own.
    pub fn send(&self, request: &[u8]) -> Answer {
        Connection::to(self.address).send(request)
    }

    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    pub fn admin(&self, method: &str, path: &str) -> Answer {
        Connection::to(self.admin).send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
    }

    /// Sends a whole request to the admin listener.
    pub fn ask_admin(&self, request: &str) -> Answer {
        Connection::to(self.admin).send(request.as_bytes())
    }

    /// All that the admin listener sends in answer to HEAD.
    pub fn admin_head(&self, path: &str) -> String {
        let mut connection = Connection::to(self.admin);
        connection.write(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let mut text = String::new();
        connection.0.read_to_string(&mut text).unwrap();
        text
    }

    pub fn config_file(&self) -> std::path::PathBuf {
        self.folder.path().join("edge.toml")
    }
}

/// A client connection.
pub struct Connection(TcpStream);

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, request: &[u8]) -> Answer {
        self.0.write_all(request).unwrap();
        self.read_answer().expect("an answer")
    }

    /// None when the edge closed the connection instead.
    pub fn try_send(&mut self, request: &[u8]) -> Option<Answer> {
        self.0.write_all(request).ok()?;
        self.read_answer()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// None when the connection ends first.
    fn read_answer(&mut self) -> Option<Answer> {
        read_answer(&mut self.0)
    }

    /// What comes next, at most 64 KiB; empty at the end.
    pub fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 64 << 10];
        let count = self.0.read(&mut bytes).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    /// Reads until `text` has come; answers all that has.
    pub fn read_until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(text) {
            let more = self.read();
            assert!(!more.is_empty(), "the end came before {text:?}: {}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&more);
        }
        String::from_utf8(all).unwrap()
    }

    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}

/// The next response on a stream.
pub fn read_answer(stream: &mut impl Read) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(stream, &mut bytes)?;
    };
    let mut answer = Answer::head(std::str::from_utf8(&bytes[..end]).unwrap());
    let length = answer.header("content-length").map_or(0, |text| text.parse::<usize>().unwrap());
    while bytes.len() < end + length {
        read_some(stream, &mut bytes)?;
    }
    answer.body = String::from_utf8(bytes[end..].to_vec()).unwrap();
    Some(answer)
}

fn read_some(stream: &mut impl Read, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk) {
        Ok(0) | Err(_) => None,
        Ok(n) => {
            bytes.extend_from_slice(&chunk[..n]);
            Some(())
        }
    }
}

/// A response; the body of the echo upstream is the head that it received.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    fn head(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, headers: fields(lines), body: String::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The values under which the upstream saw a header.
    pub fn echoed(&self, name: &str) -> Vec<String> {
        let seen = fields(self.body.split("\r\n").skip(1));
        seen.into_iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v).collect()
    }

    /// The request line that the upstream saw.
    pub fn echoed_line(&self) -> &str {
        self.body.split("\r\n").next().unwrap()
    }
}

fn fields<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<(String, String)> {
    lines.filter_map(|line| line.split_once(':')).map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect()
}

/// Answers each request with the head that it received; bodies of known length are read and dropped.
pub fn echo_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
    address
}

fn echo(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            }
            continue;
        };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap();
        let length = fields(head.split("\r\n"))
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, v)| v.parse::<usize>().unwrap());
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            let mut chunk = [0; 4096];
            let n = stream.read(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..n]);
        }
        bytes = body.split_off(length);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Request-Id: upstream\r\nConnection: x-inner\r\nX-Inner: 1\r\n\r\n{head}",
            head.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Below the ephemeral ports, so that no outgoing connection of a parallel test takes one between the look and the use.
pub fn free_addresses() -> [SocketAddr; 2] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    [0, 1].map(|_| {
        loop {
            let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            if TcpListener::bind(address).is_ok() {
                return address;
            }
        }
    })
}
