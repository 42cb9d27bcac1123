//! For tests only: a server on this machine that answers what the test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::connect::Connection;

/// A server that gives every connection the same bytes, after the head of its request has come.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    seen: Arc<Mutex<String>>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    pub(crate) async fn says(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), None).await
    }

    pub(crate) async fn by_tls(answer: impl Into<Vec<u8>>, tls: &TlsAcceptor) -> Self {
        Self::start(answer.into(), Some(tls.clone())).await
    }

    async fn start(answer: Vec<u8>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            seen: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        };
        let (asked, seen, answer) = (server.asked.clone(), server.seen.clone(), server.answer.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                let (answer, seen, tls) = (answer.lock().unwrap().clone(), seen.clone(), tls.clone());
                tokio::spawn(async move {
                    let mut stream: Box<dyn Connection> = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                        None => Box::new(stream),
                    };
                    let mut head = Vec::new();
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        let mut some = [0; 4_096];
                        match stream.read(&mut some).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => head.extend_from_slice(&some[..read]),
                        }
                    }
                    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
                    let length =
                        text.split_once("content-length: ").map_or("0", |(_, rest)| rest.split('\r').next().unwrap());
                    let end = head.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
                    while head.len() < end + length.parse::<usize>().unwrap() {
                        let mut some = [0; 4_096];
                        match stream.read(&mut some).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => head.extend_from_slice(&some[..read]),
                        }
                    }
                    *seen.lock().unwrap() = String::from_utf8(head).unwrap();
                    let _gone = stream.write_all(&answer).await;
                    let _gone = stream.shutdown().await;
                });
            }
        });
        server
    }

    /// What it answers from now on.
    pub(crate) fn say(&self, answer: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = answer.into();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// How many connections came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The last request's head and body.
    pub(crate) fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}

pub(crate) fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A document of JSON.
pub(crate) fn document(body: &serde_json::Value) -> String {
    answer("200 OK\r\nContent-Type: application/json", &body.to_string())
}
