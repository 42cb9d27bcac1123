//! Requests hidden in requests (T27, T28, T29, E13): every payload through an edge to origins that others wrote.
//!
//! Each payload is followed by a marker, once in the same write and once after its answer, and then a victim asks on a connection of its own, so
//! that it gets the edge's used connection to the origin. A desync is any of: the origin has seen a request that the payload does not hold by the
//! RFC, or another body; an answer went to another request.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::origins::{Kind, Origin, Seen, edge_before};
use super::payloads::{Payload, Reading, all, own};

/// For an answer that must come.
const LONG: Duration = Duration::from_secs(20);
/// For one that need not: if it takes longer on a busy machine, the origins' logs decide all the same.
const SHORT: Duration = Duration::from_millis(250);

#[test]
fn no_origin_sees_a_request_that_the_client_did_not_send() {
    let payloads = all();
    let run = |kind| {
        let payloads = &payloads;
        move || through(kind, payloads)
    };
    let found: Vec<Report> = std::thread::scope(|scope| {
        let runs = Kind::ALL.map(|kind| scope.spawn(run(kind)));
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for report in &found {
        println!(
            "{:?}: {} payloads in {} exchanges, {} passed, {} markers answered, {} desyncs",
            report.kind,
            payloads.len(),
            report.exchanges,
            report.passed,
            report.markers,
            report.desyncs.len(),
        );
    }
    let desyncs: Vec<String> = found.into_iter().flat_map(|report| report.desyncs).collect();
    assert!(desyncs.is_empty(), "{} desyncs:\n{}", desyncs.len(), desyncs.join("\n"));
}

struct Report {
    kind: Kind,
    exchanges: usize,
    passed: usize,
    markers: usize,
    desyncs: Vec<String>,
}

fn through(kind: Kind, payloads: &[Payload]) -> Report {
    let origin = Origin::start(kind);
    let edge = edge_before(origin.address, &["/api/*"]);
    let mut report = Report { kind, exchanges: 0, passed: 0, markers: 0, desyncs: Vec::new() };
    let mut asked = Vec::new();
    for (number, payload) in payloads.iter().enumerate() {
        for mode in [Mode::Together, Mode::Apart] {
            let tag = format!("{number:05}{}", mode.letter());
            let answers = exchange(edge.address, payload, &tag, mode);
            report.exchanges += 1;
            report.markers += usize::from(answers.iter().any(|answer| answer.is_of("marker", &tag)));
            let about = |what: String| format!("{kind:?}, {}, {mode:?}: {what}", payload.name);
            report.desyncs.extend(wrong_answers(payload, &tag, &answers).map(about));
            report.desyncs.extend(wrong_victim(edge.address, &tag).map(about));
            asked.push((payload, mode, tag));
        }
    }
    origin.settle();
    let mut seen = by_tag(origin.seen());
    for (payload, mode, tag) in asked {
        let seen = seen.remove(&tag).unwrap_or_default();
        let about = |what: String| format!("{kind:?}, {}, {mode:?}: {what}", payload.name);
        report.passed += usize::from(seen.iter().any(|seen| seen.target.starts_with(&own(&tag))));
        report.desyncs.extend(wrong_sights(payload, &tag, &seen).into_iter().map(about));
    }
    report.desyncs.extend(seen.into_values().flatten().map(|seen| format!("{kind:?}: nobody asked for {seen:?}")));
    if origin.wire().contains("evil") {
        report.desyncs.push(format!("{kind:?}: a hidden request was on the wire"));
    }
    report
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The marker in the same write as the payload.
    Together,
    /// The marker when the payload was answered.
    Apart,
}

impl Mode {
    fn letter(self) -> char {
        if self == Self::Together { 't' } else { 'a' }
    }
}

fn marker(tag: &str) -> String {
    format!("GET /marker-{tag} HTTP/1.1\r\nHost: origin.test\r\n\r\n")
}

/// The head of an answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// The request that the origin says this is the answer to.
    seen: Option<String>,
}

impl Answer {
    fn is_of(&self, what: &str, tag: &str) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.ends_with(&format!("/{what}-{tag}")))
    }
}

fn exchange(edge: SocketAddr, payload: &Payload, tag: &str, mode: Mode) -> Vec<Answer> {
    let mut client = Client::to(edge);
    let (bytes, marker) = (payload.bytes(tag), marker(tag));
    let patience = if matches!(payload.reading, Reading::Passes(..)) { LONG } else { SHORT };
    match mode {
        Mode::Together => client.write(&[&bytes, marker.as_bytes()].concat()),
        Mode::Apart => client.write(&bytes),
    }
    client.read_until(1, patience);
    if mode == Mode::Apart {
        client.write(marker.as_bytes());
    }
    client.read_until(2, SHORT);
    client.answers()
}

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    fn to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).unwrap(), received: Vec::new() }
    }

    /// The edge may have closed by now.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Until there are so many final answers, the connection ends, or nothing comes for a while.
    fn read_until(&mut self, answers: usize, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let begun = Instant::now();
        let mut chunk = [0; 16 * 1024];
        while self.answers().iter().filter(|answer| answer.status >= 200).count() < answers {
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(n) => self.received.extend_from_slice(&chunk[..n]),
            }
            assert!(begun.elapsed() < 2 * LONG, "an answer without end");
        }
    }

    fn answers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut rest = self.received.as_slice();
        while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let field = |wanted: &str| {
                let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
                fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned()).next()
            };
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            answers.push(Answer { status, seen: field("x-seen") });
            rest = rest.get(end + 4 + length..).unwrap_or_default();
        }
        answers
    }
}

/// What is wrong about the answers that the client has got.
fn wrong_answers(payload: &Payload, tag: &str, answers: &[Answer]) -> Option<String> {
    let finals: Vec<&Answer> = answers.iter().filter(|answer| answer.status >= 200 || answer.status == 101).collect();
    let told = || Some(format!("{answers:?}"));
    let stranger = |answer: &&&Answer| {
        let ours = ["p", "marker"]
            .iter()
            .any(|what| answer.seen.as_ref().is_some_and(|seen| seen.contains(&format!("/{what}-{tag}"))));
        answer.seen.is_some() && !ours
    };
    if finals.iter().any(|answer| answer.status == 101) || finals.iter().find(stranger).is_some() {
        return told();
    }
    let first = finals.first();
    let passed = first.is_some_and(|answer| answer.seen.as_ref().is_some_and(|seen| seen.contains(&own(tag))));
    let refused = first.is_none_or(|answer| answer.seen.is_none() && answer.status >= 400);
    let marked = finals.iter().any(|answer| answer.is_of("marker", tag));
    let fine = match payload.reading {
        Reading::Passes(..) => passed && first.is_some_and(|answer| answer.status < 300),
        Reading::MayPass(..) => passed || refused,
        Reading::Malformed | Reading::Unfinished => refused && !marked,
    };
    if fine { None } else { told() }
}

fn wrong_victim(edge: SocketAddr, tag: &str) -> Option<String> {
    let mut client = Client::to(edge);
    client.write(format!("GET /victim-{tag} HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n").as_bytes());
    client.read_until(1, LONG);
    let answers = client.answers();
    let [answer] = answers.as_slice() else { return Some(format!("the next client got {answers:?}")) };
    let fine = answer.is_of("victim", tag) && answer.status == 200;
    if fine { None } else { Some(format!("the next client got {answer:?}")) }
}

/// What is wrong about what the origin has seen under one tag.
fn wrong_sights(payload: &Payload, tag: &str, seen: &[Seen]) -> Vec<String> {
    let mut wrong = Vec::new();
    let of = |what: &str| -> Vec<&Seen> {
        seen.iter().filter(|seen| seen.target.starts_with(&format!("/{what}-{tag}"))).collect()
    };
    let (mine, markers, victims) = (of("p"), of("marker"), of("victim"));
    if mine.len() + markers.len() + victims.len() != seen.len() || markers.len() > 1 || victims.len() != 1 {
        wrong.push(format!("the origin has seen {seen:?}"));
    }
    let exact =
        |method: &str, body: u64| mine.len() == 1 && mine.iter().all(|seen| seen.method == method && seen.body == body);
    let fine = match payload.reading {
        Reading::Passes(method, body) => exact(method, body),
        Reading::MayPass(method, body) => mine.is_empty() || exact(method, body),
        Reading::Malformed | Reading::Unfinished => mine.is_empty(),
    };
    if !fine {
        wrong.push(format!("{:?}, and the origin has seen {mine:?}", payload.reading));
    }
    let refused = matches!(payload.reading, Reading::Malformed | Reading::Unfinished);
    if refused && !markers.is_empty() {
        wrong.push("what followed was taken for a request".to_owned());
    }
    if markers.iter().chain(&victims).any(|seen| seen.method != "GET" || seen.body != 0) {
        wrong.push(format!("marker or victim were changed: {markers:?} {victims:?}"));
    }
    wrong
}

/// By the tag that ends a target or stands before its query; whatever has none is under "".
fn by_tag(seen: Vec<Seen>) -> HashMap<String, Vec<Seen>> {
    let mut by_tag: HashMap<String, Vec<Seen>> = HashMap::new();
    for seen in seen.into_iter().filter(|seen| seen.target != "/settled") {
        let path = seen.target.split('?').next().unwrap_or_default();
        let tag = path.rsplit_once('-').map_or("", |(_, tag)| tag).to_owned();
        by_tag.entry(tag).or_default().push(seen);
    }
    by_tag
}

#[test]
fn a_desync_would_be_noticed() {
    let payload = all().into_iter().find(|payload| payload.name == "CL.TE").unwrap();
    let seen = |method: &str, target: &str, body| Seen { method: method.to_owned(), target: target.to_owned(), body };
    let victim = seen("GET", "/victim-00000t", 0);
    assert!(wrong_sights(&payload, "00000t", std::slice::from_ref(&victim)).is_empty());
    for more in [
        seen("GET", "/api/evil-00000t", 0),
        seen("POST", "/p-00000t", 0),
        seen("GET", "/marker-00000t", 0),
        victim.clone(),
    ] {
        assert!(!wrong_sights(&payload, "00000t", &[victim.clone(), more]).is_empty());
    }
    let answer = |seen: &str| Answer { status: 200, seen: Some(seen.to_owned()) };
    assert!(wrong_answers(&payload, "00000t", &[answer("GET /api/evil-00000t")]).is_some());
    assert!(wrong_answers(&payload, "00000t", &[answer("GET /marker-00000t")]).is_some());
}
