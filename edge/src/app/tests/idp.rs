//! Somebody else's issuer: an HTTP server that answers as a test wants, counts what it is asked, hangs, or talks rubbish.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::jose::{Jwks, SigningKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a path is answered.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// Status, header lines, body.
    Answer(u16, String, String),
    /// Takes the request and says nothing until the other side gives up.
    Hang,
    /// Answers with this when it is released.
    Hold(String),
    /// Bytes that are no HTTP.
    Rubbish,
}

/// One request that came.
#[derive(Clone, Debug)]
pub struct Hit {
    pub path: String,
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct Inside {
    reactions: HashMap<String, Reaction>,
    hits: Vec<Hit>,
    released: bool,
}

/// The server; it lives as long as the test process.
#[derive(Clone)]
pub struct Idp {
    pub address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
}

impl Idp {
    pub fn start() -> Self {
        Self::listen(None)
    }

    /// With TLS.
    pub fn start_tls(config: ServerConfig) -> Self {
        Self::listen(Some(Arc::new(config)))
    }

    fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let idp = Self { address: listener.local_addr().unwrap(), inside: Arc::default() };
        let inside = Arc::clone(&idp.inside);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inside, tls) = (Arc::clone(&inside), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &inside),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &inside);
                    }
                });
            }
        });
        idp
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn react(&self, path: &str, reaction: Reaction) {
        self.inside.lock().unwrap().reactions.insert(path.to_owned(), reaction);
    }

    /// Every answer that was held goes out, and none is held any more.
    pub fn release(&self) {
        self.inside.lock().unwrap().released = true;
    }

    pub fn hold(&self, path: &str, body: impl Into<String>) {
        self.inside.lock().unwrap().released = false;
        self.react(path, Reaction::Hold(body.into()));
    }

    pub fn answer(&self, path: &str, body: impl Into<String>) {
        self.react(path, Reaction::Answer(200, String::new(), body.into()));
    }

    /// Nothing is there any more.
    pub fn goes_away(&self) {
        self.inside.lock().unwrap().reactions.clear();
    }

    pub fn hits(&self, path: &str) -> Vec<Hit> {
        self.inside.lock().unwrap().hits.iter().filter(|hit| hit.path == path).cloned().collect()
    }

    pub fn count(&self, path: &str) -> usize {
        self.hits(path).len()
    }
}

fn serve(mut stream: impl Read + Write, inside: &Mutex<Inside>) {
    let mut bytes = Vec::new();
    while let Some(hit) = read_request(&mut stream, &mut bytes) {
        let reaction = {
            let mut inside = inside.lock().unwrap();
            inside.hits.push(hit.clone());
            inside.reactions.get(&hit.path).cloned()
        };
        let answer = |status: u16, headers: &str, body: &str| {
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        };
        let sent = match reaction.unwrap_or(Reaction::Answer(404, String::new(), String::new())) {
            Reaction::Answer(status, headers, body) => stream.write_all(answer(status, &headers, &body).as_bytes()),
            Reaction::Hold(body) => {
                eventually("the answer is released", || inside.lock().unwrap().released);
                stream.write_all(answer(200, "", &body).as_bytes())
            }
            Reaction::Hang => {
                let _ = stream.read(&mut [0; 1]);
                return;
            }
            Reaction::Rubbish => {
                let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02\x16 what?\r\n\r\n");
                return;
            }
        };
        if sent.and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut impl Read, bytes: &mut Vec<u8>) -> Option<Hit> {
    let mut read = |bytes: &mut Vec<u8>| {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        Some(())
    };
    let end = loop {
        match bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => read(bytes)?,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let total = end + length.unwrap_or(0);
    while bytes.len() < total {
        read(bytes)?;
    }
    let body = String::from_utf8(bytes[end..total].to_vec()).unwrap();
    bytes.drain(..total);
    let path = head.split(' ').nth(1).unwrap().to_owned();
    Some(Hit { path, head, body })
}

/// The published set of these keys.
pub fn set_of(keys: &[&SigningKey]) -> String {
    Jwks::new(keys.iter().map(|key| key.public_jwk().clone()).collect()).unwrap().to_json()
}

/// Waits for what happens in the background; how long it takes is not what is tested.
pub fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happens() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never happens: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Long enough for several looks of a fetcher; for what must not happen.
pub fn several_looks() {
    thread::sleep(Duration::from_millis(700));
}

/// For a lazily connecting client: an address at which nobody listens.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
