//! Plans against servers on loopback.

mod http2;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use http::Method;

use super::upstream::Answers;
use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn plan(address: SocketAddr, count: u64) -> Plan<Same> {
    let limit = Duration::from_secs(20);
    let new = Plan::new(Target::plain(address, "bench.test"), Same::get("/a").unwrap());
    Plan { connections: 4, count: Some(count), limit, ..new }
}

/// A toy server for one connection at a time that answers with `answers` in turn, hangs up for an empty one, and tells what it was
/// asked.
fn toy(answers: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut turn = answers.iter();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut head) {
                let _ = tell.send(String::from_utf8_lossy(&head[..length]).into_owned());
                let Some(answer) = turn.next() else { return };
                if answer.is_empty() || stream.write_all(answer.as_bytes()).is_err() || !answer.contains(": ") {
                    break;
                }
            }
        }
    });
    (address, told)
}

/// Accepts connections and never says anything.
fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn the_latency_of_the_warm_up_is_not_on_record() {
    let upstream = Upstream::start().unwrap();
    let (arrival, duration, warm_up) =
        (Arrival::Constant { rate: 100.0 }, Some(Duration::from_millis(400)), Duration::from_millis(195));
    let outcome = Plan { arrival, duration, warm_up, count: None, ..plan(upstream.address(), 0) }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.latency.count(), outcome.lag.count()), (40, 20, 20));
}

#[test]
fn every_request_is_counted_once() {
    let upstream = Upstream::start().unwrap();
    let outcome = plan(upstream.address(), 501).run().unwrap();
    assert_eq!((outcome.succeeded, outcome.failed(), outcome.latency.count()), (501, 0, 501));
    assert_eq!((outcome.statuses, outcome.connections), (BTreeMap::from([(200, 501)]), 4));
    assert_eq!(outcome.sent_bytes, 501 * "GET /a HTTP/1.1\r\nhost: bench.test\r\naccept: */*\r\n\r\n".len() as u64);
    assert_eq!(outcome.received_bytes % 501, 0);
    let ends: f64 = outcome.course.successes_per_second().iter().map(|(_, rate)| rate / 10.0).sum();
    assert_eq!(ends.round(), 501.0);
}

#[test]
fn failures_are_counted_by_reason_and_the_run_goes_on() {
    let answers = &[
        OK,
        "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
        "junk\r\n\r\n",
        OK,
        "",
        OK,
        "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        OK,
    ];
    let (address, _told) = toy(answers);
    let outcome = Plan { connections: 1, ..plan(address, 8) }.run().unwrap();
    assert_eq!(outcome.succeeded, 4);
    let expected =
        [(Failure::Broken, 1), (Failure::Malformed, 1), (Failure::Status(401), 1), (Failure::Status(503), 1)];
    assert_eq!(outcome.failures, BTreeMap::from(expected));
    assert_eq!(outcome.statuses, BTreeMap::from([(200, 4), (401, 1), (503, 1)]));
    assert_eq!(outcome.latency.count(), 4);
}

#[test]
fn expected_statuses_are_the_plans() {
    let (address, _told) = toy(&["HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", OK]);
    let outcome = Plan { connections: 1, expected: vec![401, 403], ..plan(address, 2) }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.failures), (1, BTreeMap::from([(Failure::Status(200), 1)])));
}

/// Says "hello" to each place and sends back what it was told.
struct Echo {
    method: Method,
    path: http::uri::PathAndQuery,
    headers: http::HeaderMap,
    body: bytes::Bytes,
    seen: Vec<(u64, u16, String)>,
}

impl Requests for Echo {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        let told = self.seen.last().map_or("hello", |(_, _, told)| told);
        self.body = format!("{} {told}", turn.place).into();
        Request {
            method: &self.method,
            path: &self.path,
            headers: &self.headers,
            authorization: None,
            body: &self.body,
        }
    }

    fn reads_bodies(&self) -> bool {
        true
    }

    fn answered(&mut self, turn: Turn, reply: Reply<'_>) {
        self.seen.push((turn.number, reply.status, String::from_utf8_lossy(reply.body).into_owned()));
    }
}

#[test]
fn a_source_makes_each_request_of_the_last_reply() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n";
    let (address, told) = toy(&[CHUNKED, "HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\ntwo", OK]);
    let echo = Echo {
        method: Method::POST,
        path: "/".parse().unwrap(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        seen: Vec::new(),
    };
    let new = Plan::new(Target::plain(address, "bench.test"), echo);
    let (outcome, echo) = Plan { count: Some(3), ..new }.spawn().unwrap().join().unwrap();
    assert_eq!(outcome.statuses, BTreeMap::from([(200, 2), (400, 1)]));
    let seen: Vec<_> = echo.seen.iter().map(|(number, status, body)| (*number, *status, body.as_str())).collect();
    assert_eq!(seen, [(0, 200, "one"), (1, 400, "two"), (2, 200, "")]);
    for body in ["0 hello", "0 one", "0 two"] {
        let request = told.recv().unwrap();
        assert!(request.ends_with(&format!("content-length: {}\r\n\r\n{body}", body.len())), "{request}");
    }
}

#[test]
fn bodies_without_a_length_end_with_their_connection() {
    // The toy hangs up after an answer without fields.
    let (address, _told) = toy(&["HTTP/1.1 200 OK\r\n\r\nhello", OK]);
    let outcome = Plan { connections: 1, ..plan(address, 2) }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.connections), (2, 2));
}

#[test]
fn a_connection_that_was_closed_while_idle_is_no_failure_of_the_next_request() {
    // The toy hangs up after an answer without fields, and here without having said so.
    let (address, _told) = toy(&["HTTP/1.1 204 No\r\n\r\n", OK]);
    let slow = Plan { arrival: Arrival::Constant { rate: 4.0 }, connections: 1, ..plan(address, 2) };
    let outcome = Plan { expected: vec![200, 204], ..slow }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.connections), (2, 2), "{:?}", outcome.failures);
}

#[test]
fn a_dead_port_and_a_silent_server_end_by_themselves() {
    let (listener, address) = silent();
    let at_limit = Plan { limit: Duration::from_millis(50), ..plan(address, 9) }.run().unwrap();
    assert_eq!(at_limit.succeeded, 0);
    assert_eq!(at_limit.failures, BTreeMap::from([(Failure::TimeOver, 4), (Failure::Unsent, 5)]));
    let one_by_one = Plan { timeout: Duration::from_millis(100), ..plan(address, 9) }.run().unwrap();
    assert_eq!(one_by_one.failures, BTreeMap::from([(Failure::Timeout, 9)]));
    assert_eq!(one_by_one.connections, 9, "an overdue request takes its connection along");
    drop(listener);
    let dead = plan(address, 9).run().unwrap();
    assert_eq!((dead.succeeded, dead.failures), (0, BTreeMap::from([(Failure::Connect, 9)])));
}

#[test]
fn connections_are_opened_anew_after_so_many_requests() {
    let upstream = Upstream::start().unwrap();
    let churning = Plan { connections: 1, requests_per_connection: Some(3), ..plan(upstream.address(), 10) };
    let outcome = { churning }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.failed(), outcome.connections), (10, 0, 4));
}

#[test]
fn no_arrival_is_lost() {
    let upstream = Upstream::start().unwrap();
    for arrival in [
        Arrival::Constant { rate: 20_000.0 },
        Arrival::Poisson { rate: 20_000.0, seed: 1 },
        Arrival::Ramp { from: 1_000.0, to: 39_000.0 },
        Arrival::Step { rates: vec![5_000.0, 35_000.0] },
    ] {
        let duration = Some(Duration::from_millis(200));
        let scheduled = arrival.schedule(duration).unwrap().unwrap().count() as u64;
        let plan = Plan { arrival: arrival.clone(), duration, count: None, ..plan(upstream.address(), 0) };
        let outcome = { plan }.run().unwrap();
        assert_eq!(outcome.requests(), scheduled, "{arrival:?}: {:?}", outcome.failures);
        assert_eq!(outcome.lag.count(), scheduled, "{arrival:?}");
        assert_eq!(outcome.latency.count(), outcome.succeeded, "{arrival:?}");
    }
}

#[test]
fn arrivals_that_find_no_connection_wait_and_those_that_find_no_room_are_dropped() {
    let (_listener, address) = silent();
    let open = Plan { arrival: Arrival::Constant { rate: 10_000.0 }, queue: 3, ..plan(address, 100) };
    let outcome = Plan { timeout: Duration::from_secs(1), ..open.clone() }.run().unwrap();
    // Four are sent and three wait till it is too late; for the other 93 there was no room.
    assert_eq!(outcome.requests(), 100);
    assert_eq!(outcome.failures, BTreeMap::from([(Failure::Timeout, 4), (Failure::Unsent, 96)]));
    let outcome = Plan { limit: Duration::from_secs(1), ..open }.run().unwrap();
    assert_eq!(outcome.failures, BTreeMap::from([(Failure::TimeOver, 4), (Failure::Unsent, 96)]));
}

/// Coordinated omission: while one slow answer is waited for, the next requests were due.
#[test]
fn latency_of_the_open_loop_counts_from_the_intended_start() {
    let delay = Duration::from_millis(30);
    let upstream = Upstream::start_with(Answers { delay, ..Answers::default() }).unwrap();
    let one = Plan { connections: 1, ..plan(upstream.address(), 10) };
    let open = Plan { arrival: Arrival::Constant { rate: 1000.0 }, ..one }.run().unwrap();
    assert_eq!(open.succeeded, 10);
    // The tenth was due after 9 ms and waited for nine others: a bound from below, however busy the machine is.
    let longest = open.latency.quantiles().unwrap().max_us;
    assert!(longest > 9 * 30_000, "{longest}");
}

/// Tells how many requests it has made.
struct Counting(Same, Arc<AtomicU64>);

impl Requests for Counting {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.request(turn)
    }
}

#[test]
fn a_plan_is_stopped_by_its_flag_and_by_its_duration() {
    let upstream = Upstream::start().unwrap();
    for arrival in [Arrival::Closed, Arrival::Constant { rate: 1000.0 }] {
        let made = Arc::new(AtomicU64::new(0));
        let source = Counting(Same::get("/").unwrap(), Arc::clone(&made));
        let target = Target::plain(upstream.address(), "bench.test");
        let endless = Plan { arrival: arrival.clone(), ..Plan::new(target, source) };
        let under_way = endless.spawn().unwrap();
        while made.load(Ordering::Relaxed) < 20 {
            std::thread::yield_now();
        }
        assert!(!under_way.is_finished());
        under_way.stop();
        let (outcome, _) = under_way.join().unwrap();
        assert!(outcome.succeeded >= 20);
        assert_eq!(outcome.failed(), 0, "{:?}", outcome.failures);
        let bounded = Plan { count: None, arrival, ..plan(upstream.address(), 0) };
        let bounded = Plan { duration: Some(Duration::from_millis(500)), ..bounded }.run().unwrap();
        assert!(bounded.succeeded > 0);
        assert_eq!(bounded.failed(), 0, "{:?}", bounded.failures);
    }
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let (_listener, address) = silent();
    assert!(matches!(Plan { connections: 0, ..plan(address, 1) }.run(), Err(PlanError::NoConnection)));
    let ramp = Arrival::Ramp { from: 1.0, to: 2.0 };
    assert!(matches!(Plan { arrival: ramp, ..plan(address, 1) }.run(), Err(PlanError::Arrival(_))));
    let mut host = plan(address, 1);
    host.target.host = "a b".into();
    assert!(matches!(host.run(), Err(PlanError::Host(_))));
}
