//! A collector of spans: takes OTLP documents and keeps them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub struct Collector {
    pub address: SocketAddr,
    documents: Receiver<(String, Value)>,
}

impl Collector {
    /// Answers the first requests with these statuses, and 200 from then on.
    pub fn answering(first: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, documents) = channel();
        thread::spawn(move || {
            let statuses = first.iter().copied().chain(std::iter::repeat(200));
            for (stream, status) in listener.incoming().flatten().zip(statuses) {
                let mut stream = stream;
                let (head, body) = read(&mut stream);
                let _ = stream.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes());
                if status == 200 && keep.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { address, documents }
    }

    /// `[trace]` for this collector.
    pub fn settings(&self, more: &str) -> String {
        format!("[trace]\nendpoint = \"http://{}/v1/traces\"\n{more}\n", self.address)
    }

    /// The spans of the next documents, until there are as many; each as JSON.
    pub fn spans(&self, count: usize) -> Vec<Value> {
        let mut spans = Vec::new();
        while spans.len() < count {
            let (head, document) = self.documents.recv_timeout(Duration::from_secs(30)).expect("a document");
            assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
            assert!(head.to_lowercase().contains("content-type: application/json\r\n"), "{head}");
            let resource = &document["resourceSpans"][0];
            assert_eq!(resource["resource"]["attributes"][0]["key"], "service.name");
            assert_eq!(resource["scopeSpans"][0]["scope"]["name"], "tollgate.edge");
            spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        }
        spans
    }
}

fn read(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
            let lower = head.to_lowercase();
            let length = lower.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            while bytes.len() < end + 4 + length {
                let count = stream.read(&mut chunk).unwrap();
                assert!(count > 0);
                bytes.extend_from_slice(&chunk[..count]);
            }
            return (head, bytes[end + 4..].to_vec());
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "a whole request");
        bytes.extend_from_slice(&chunk[..count]);
    }
}
