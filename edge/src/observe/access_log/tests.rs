use std::sync::Mutex;
use std::thread;

use super::*;
use crate::observe::lines::QUEUE;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// What was written, as soon as `lines` lines are there.
    fn text(&self, lines: usize) -> String {
        wait_for(lines, || String::from_utf8(self.0.lock().unwrap().clone()).unwrap())
    }
}

fn wait_for(lines: usize, read: impl Fn() -> String) -> String {
    loop {
        let text = read();
        if text.lines().count() >= lines {
            return text;
        }
        thread::yield_now();
    }
}

const ALL: LogRules = LogRules { level: LogLevel::All, sample: 1.0, fingerprints: false };

fn started(rules: LogRules, sink: Sink) -> AccessLog {
    AccessLog::start(rules, None, Counter::default(), sink).unwrap()
}

fn record(path: &str) -> Record<'_> {
    Record {
        reason: Some("expired"),
        host: Some("api.test"),
        path: Some(path),
        status: 401,
        iss: Some("https://i"),
        sub_hash: Some(hash_subject("https://i", "ada")),
        ..Record::new(UnixMillis(5), "r", "GET")
    }
}

#[test]
fn a_request_cannot_write_its_own_lines() {
    let sink = Sink::default();
    let log = started(ALL, sink.clone());
    log.write(&record("/a\n{\"status\":200}\u{2028}\u{1b}[2J"));
    let text = sink.text(1);
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\u{1b}'), "no control characters reach a terminal");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["path"], "/a\n{\"status\":200}\u{2028}\u{1b}[2J");
    assert_eq!(line["sub_hash"].as_str().unwrap().len(), 16);
    assert!(!text.contains("ada"));
}

#[test]
fn levels() {
    let log = |level| started(LogRules { level, sample: 1.0, fingerprints: false }, Sink::default());
    assert!(!log(LogLevel::Off).wants(false));
    assert!(log(LogLevel::Refused).wants(false));
    assert!(!log(LogLevel::Refused).wants(true));
    assert!(log(LogLevel::All).wants(true));
}

#[test]
fn only_what_went_well_is_sampled_and_rules_change_at_once() {
    let log = started(LogRules { level: LogLevel::All, sample: 0.1, fingerprints: false }, Sink::default());
    let count = |well| (0..1_000).filter(|_| log.wants(well)).count();
    assert_eq!(count(false), 1_000);
    assert!((97..=103).contains(&count(true)));
    log.change(LogRules { level: LogLevel::Refused, sample: 1.0, fingerprints: false }, None);
    assert_eq!((count(false), count(true)), (1_000, 0));
}

#[test]
fn a_file_that_was_renamed_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let sink = Sink::default();
    let log = AccessLog::start(ALL, Some(open_log(&path).unwrap()), Counter::default(), sink.clone()).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    log.write(&record("/1"));
    wait_for(1, || read(&path));
    std::fs::rename(&path, &old).unwrap();
    log.write(&record("/2"));
    wait_for(2, || read(&old));
    log.change(ALL, Some(open_log(&path).unwrap()));
    log.write(&record("/3"));
    assert!(wait_for(1, || read(&path)).contains("/3"));
    log.change(ALL, None);
    log.write(&record("/4"));
    assert!(sink.text(1).contains("/4"), "and back to where it began");
    assert_eq!((read(&old).lines().count(), read(&path).lines().count()), (2, 1));
}

/// A disk: it keeps a writer waiting while `busy` is held, and is full.
struct FullDisk(Arc<Mutex<()>>);

impl Write for FullDisk {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        let _busy = self.0.lock().unwrap();
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_past_the_queue_and_lines_that_cannot_be_written_are_counted() {
    let (busy, dropped) = (Arc::new(Mutex::new(())), Counter::default());
    let held = busy.lock().unwrap();
    let log = AccessLog::start(ALL, None, dropped.clone(), FullDisk(Arc::clone(&busy))).unwrap();
    let sent = 2 * QUEUE as u64;
    for _ in 0..sent {
        log.write(&record("/"));
    }
    let past_the_queue = dropped.get();
    assert!(past_the_queue > 0 && past_the_queue < sent, "{past_the_queue}");
    drop(held);
    while dropped.get() < sent {
        thread::yield_now();
    }
    assert_eq!(dropped.get(), sent);
}
