//! One JSON line a decision (SECURITY.md E22): reason, issuer, hashed subject, key, route, status, time. Never the token, the query
//! or a header, and every text is escaped, so that no request writes its own lines.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use common::clock::UnixMillis;
use prometheus_client::metrics::counter::Counter;
use ring::digest;
use serde::Serialize;

/// Lines that may wait for the writer; more are counted and dropped, so that a slow disk slows no request.
const QUEUE: usize = 4_096;

/// Which decisions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Off,
    Refused,
    All,
}

/// What is written about one request.
#[derive(Debug, Serialize)]
pub struct Record<'r> {
    /// Milliseconds since the epoch.
    pub at: UnixMillis,
    pub request_id: &'r str,
    /// The reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'r str>,
    /// Which ambiguity made the request unreadable, which policies denied it, or that it is a preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'r str>,
    pub method: &'r str,
    /// The canonical path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'r str>,
    pub status: u16,
    pub micros: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<std::net::IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<&'r str>,
    /// First 16 hex digits of SHA-256 over `iss`, a space and `sub`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<&'r str>,
}

/// The queue to the writer. Clones share it; the writer ends with the last one.
#[derive(Clone, Debug)]
pub struct AccessLog {
    level: LogLevel,
    lines: SyncSender<Vec<u8>>,
    dropped: Counter,
}

impl AccessLog {
    /// Starts the writer thread.
    pub fn start(level: LogLevel, dropped: Counter, sink: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (lines, queue) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("access-log".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || drain(&queue, sink))?;
        Ok(Self { level, lines, dropped })
    }

    /// Whether a decision of this kind is written at all.
    pub fn wants(&self, refused: bool) -> bool {
        match self.level {
            LogLevel::Off => false,
            LogLevel::Refused => refused,
            LogLevel::All => true,
        }
    }

    /// Queues a line; never waits.
    pub fn write(&self, record: &Record<'_>) {
        let Ok(mut line) = serde_json::to_vec(record) else { return };
        line.push(b'\n');
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.lines.try_send(line) {
            self.dropped.inc();
        }
    }
}

/// Names a subject in logs without saying who it is.
pub fn hash_subject(iss: &str, sub: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [iss, " ", sub] {
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn drain(queue: &Receiver<Vec<u8>>, mut sink: impl Write) {
    while let Ok(line) = queue.recv() {
        let mut batch = line;
        while batch.len() < 64 * 1024 {
            match queue.try_recv() {
                Ok(more) => batch.extend_from_slice(&more),
                Err(_) => break,
            }
        }
        if sink.write_all(&batch).and_then(|()| sink.flush()).is_err() {
            thread::sleep(Duration::from_millis(100)); // a closed pipe must not become a busy loop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn record(path: &str) -> Record<'_> {
        Record {
            at: UnixMillis(5),
            request_id: "r",
            reason: Some("expired"),
            detail: None,
            route: None,
            method: "GET",
            path: Some(path),
            status: 401,
            micros: 7,
            client: None,
            iss: Some("https://i"),
            sub_hash: Some(hash_subject("https://i", "ada")),
            kid: None,
        }
    }

    #[test]
    fn a_request_cannot_write_its_own_lines() {
        let sink = Sink::default();
        let log = AccessLog::start(LogLevel::All, Counter::default(), sink.clone()).unwrap();
        log.write(&record("/a\n{\"status\":200}"));
        drop(log);
        let text = loop {
            let bytes = sink.0.lock().unwrap().clone();
            if !bytes.is_empty() {
                break String::from_utf8(bytes).unwrap();
            }
            thread::yield_now();
        };
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["path"], "/a\n{\"status\":200}");
        assert_eq!(line["sub_hash"].as_str().unwrap().len(), 16);
        assert!(!text.contains("ada"));
    }

    #[test]
    fn levels() {
        let log = |level| AccessLog::start(level, Counter::default(), std::io::sink()).unwrap();
        assert!(!log(LogLevel::Off).wants(true));
        assert!(log(LogLevel::Refused).wants(true));
        assert!(!log(LogLevel::Refused).wants(false));
        assert!(log(LogLevel::All).wants(false));
    }
}
