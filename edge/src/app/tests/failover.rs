//! When servers fail: which requests are repeated, who is left out, and for how long.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::harness::{Edge, request};
use super::origins::{answer, counting, raw, raw_on, read_head, until};

fn edge(servers: &[SocketAddr], upstream: &str) -> Edge {
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"f\"\nservers = {servers:?}\nread_timeout = \"5s\"\n{upstream}\n\
         [[route]]\nmatch = {{ path = \"/f/*\" }}\nupstream = \"f\"\n"
    ))
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An origin that reads a head and closes the connection.
fn closing() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let address = raw(move |mut stream| {
        if read_head(&mut stream).is_some() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, count)
}

fn statuses(edge: &Edge, request: &[u8], count: usize) -> Vec<u16> {
    (0..count).map(|_| edge.send(request).status).collect()
}

const POST: &[u8] = b"POST /f/x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\n\r\n";

fn get() -> Vec<u8> {
    request("/f/x", &[])
}

#[test]
fn a_server_that_cannot_be_reached_is_passed_over_for_every_method() {
    let (good, count) = counting(200, "ok");
    let edge = edge(&[nobody(), good, nobody()], "");
    assert_eq!(statuses(&edge, &get(), 6), [200; 6]);
    assert_eq!(statuses(&edge, POST, 6), [200; 6]);
    assert_eq!(count.load(Ordering::Relaxed), 12);
}

#[test]
fn a_broken_answer_is_asked_for_again_where_the_operator_says_so_and_never_for_post() {
    let (bad, broken) = closing();
    let (good, count) = counting(200, "ok");
    let plain = edge(&[bad, good], "");
    let mut told = statuses(&plain, &get(), 4);
    told.sort_unstable();
    assert_eq!(told, [200, 200, 502, 502], "nobody asked for repeats");

    let edge = edge(&[bad, good], "retries = { attempts = 1, on = [\"reset\"] }");
    assert_eq!(statuses(&edge, &get(), 4), [200; 4]);
    let before = (broken.load(Ordering::Relaxed), count.load(Ordering::Relaxed));
    let mut told = statuses(&edge, POST, 4);
    told.sort_unstable();
    assert_eq!(told, [200, 200, 502, 502]);
    let after = (broken.load(Ordering::Relaxed), count.load(Ordering::Relaxed));
    assert_eq!((after.0 - before.0, after.1 - before.1), (2, 2), "each was sent once");
}

#[test]
fn an_answer_that_another_server_may_better_is_not_passed_on() {
    let (bad, asked) = counting(503, "bad");
    let (good, _) = counting(200, "good");
    let edge = edge(&[bad, good], "retries = { attempts = 1, on = [\"connect\", \"status\"], budget = \"100%\" }");
    for _ in 0..6 {
        let answer = edge.send(&get());
        assert_eq!((answer.status, answer.body.as_str()), (200, "good"));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let mut told = statuses(&edge, POST, 4);
    told.sort_unstable();
    assert_eq!(told, [200, 200, 503, 503]);
    assert!(edge.admin("GET", "/metrics").body.contains("tollgate_edge_upstream_retries_total{upstream=\"f\"} 3"));
}

#[test]
fn the_last_answer_is_passed_on_whatever_it_is() {
    let (bad, asked) = counting(503, "from the server");
    let edge = edge(&[bad], "retries = { attempts = 2, on = [\"status\"] }");
    let answer = edge.send(&get());
    assert_eq!((answer.status, answer.body.as_str()), (503, "from the server"));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn a_body_is_sent_again_whole_or_not_at_all() {
    // The first server takes head and body, and closes; the second echoes the body.
    let bad = raw(|mut stream| {
        read_head(&mut stream).unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    let good = raw(|mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let length = head.to_ascii_lowercase();
            let length: usize =
                length.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.write_all(&answer(200, &format!("{length} {}", &String::from_utf8(body).unwrap()[..4]))).unwrap();
        }
    });
    let edge = edge(&[bad, good], "retries = { attempts = 1, on = [\"reset\"] }");
    let put = |length: usize| {
        let head = format!("PUT /f/x HTTP/1.1\r\nHost: api.test\r\nContent-Length: {length}\r\n\r\n");
        format!("{head}{}", "abcd".repeat(length / 4)).into_bytes()
    };
    for _ in 0..4 {
        assert_eq!(edge.send(&put(1000)).body, "1000 abcd");
    }
    let mut told = statuses(&edge, &put(200_000), 4);
    told.sort_unstable();
    assert_eq!(told, [200, 200, 502, 502], "what was not kept cannot be sent again");
}

#[test]
fn a_silent_server_costs_one_try_not_the_request() {
    let silent = raw(|mut stream| {
        read_head(&mut stream);
        thread::sleep(Duration::from_secs(20));
    });
    let (good, _) = counting(200, "ok");
    let edge = edge(&[silent, good], "retries = { attempts = 1, on = [\"reset\"], per_try_timeout = \"200ms\" }");
    assert_eq!(statuses(&edge, &get(), 4), [200; 4]);
}

#[test]
fn a_server_that_fails_is_left_out_for_a_while_and_another_is_not() {
    let (bad, asked) = counting(503, "bad");
    let (good, _) = counting(200, "ok");
    let edge = edge(&[bad, good], "outlier = { consecutive = 2, eject_for = \"600ms\" }");
    let told = statuses(&edge, &get(), 20);
    assert_eq!(told.iter().filter(|status| **status == 503).count(), 2, "{told:?}");
    let metrics = edge.admin("GET", "/metrics").body;
    for line in [
        "tollgate_edge_upstream_ejections_total{upstream=\"f\"} 1",
        "tollgate_edge_upstream_servers{upstream=\"f\",state=\"ejected\"} 1",
        "tollgate_edge_upstream_servers{upstream=\"f\",state=\"healthy\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    // A reload forgets nothing.
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    assert!(edge.admin("GET", "/metrics").body.contains("upstream_servers{upstream=\"f\",state=\"ejected\"} 1"));
    let before = asked.load(Ordering::Relaxed);
    until("it is asked again", || {
        edge.send(&get());
        asked.load(Ordering::Relaxed) > before
    });
}

#[test]
fn the_only_server_is_never_left_out() {
    let (bad, _) = counting(503, "bad");
    let edge = edge(&[bad], "outlier = { consecutive = 1, max_ejected = \"100%\" }");
    assert_eq!(edge.send(&get()).body, "bad");
    assert_eq!(edge.send(&get()).body, "bad");
}

#[test]
fn checks_take_servers_out_and_bring_them_back() {
    static WELL: AtomicBool = AtomicBool::new(true);
    let checked = raw(|mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let well = WELL.load(Ordering::Relaxed) || !head.starts_with("GET /healthz?deep HTTP/1.1");
            stream.write_all(&answer(if well { 204 } else { 500 }, "")).unwrap();
        }
    });
    let check = "health = { path = \"/healthz?deep\", interval = \"100ms\", timeout = \"1s\", unhealthy_after = 2, \
                 healthy_after = 2, expect_status = [\"204\"], required = true }";
    let edge = edge(&[checked], check);
    assert_eq!(edge.send(&get()).status, 204);
    assert_eq!(edge.admin("GET", "/readyz").status, 200);
    WELL.store(false, Ordering::Relaxed);
    until("it is out", || edge.send(&get()).status == 503);
    let ready = edge.admin("GET", "/readyz");
    assert_eq!(ready.status, 503, "the operator wants it so");
    assert!(ready.body.contains("upstream f: no healthy server"));
    WELL.store(true, Ordering::Relaxed);
    until("it is back", || edge.send(&get()).status == 204);
}

#[test]
fn a_check_without_a_path_wants_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let edge = edge(&[address], "health = { interval = \"100ms\", unhealthy_after = 1, healthy_after = 1 }");
    until("it is out", || edge.send(&get()).status == 503);
    raw_on(TcpListener::bind(address).unwrap(), |mut stream| {
        while read_head(&mut stream).is_some() {
            stream.write_all(&answer(200, "ok")).unwrap();
        }
    });
    until("it is back", || edge.send(&get()).status == 200);
}

#[test]
fn over_a_limit_requests_are_refused_at_once() {
    static GO: AtomicBool = AtomicBool::new(false);
    let slow = raw(|mut stream| {
        while read_head(&mut stream).is_some() {
            until("go", || GO.load(Ordering::Relaxed));
            stream.write_all(&answer(200, "ok")).unwrap();
        }
    });
    let edge = edge(&[slow], "max_requests = 2");
    let mut waiting: Vec<_> = (0..2).map(|_| edge.connect()).collect();
    for connection in &mut waiting {
        connection.write(&get());
    }
    until("both are in flight", || edge.admin("GET", "/metrics").body.contains("tollgate_edge_in_flight 2\n"));
    let refused = edge.send(&get());
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert!(edge.admin("GET", "/metrics").body.contains("reason=\"circuit_open\"} 1"));
    GO.store(true, Ordering::Relaxed);
    for connection in &mut waiting {
        assert!(connection.read_until("ok").starts_with("HTTP/1.1 200"));
    }
    assert_eq!(edge.send(&get()).status, 200);
}

#[test]
fn a_key_goes_to_one_server_and_no_key_to_all() {
    let (one, first) = counting(200, "one");
    let (other, second) = counting(200, "other");
    let edge = edge(&[one, other], "balance = \"hash\"\nhash = \"header:x-tenant\"");
    let ask = |tenant: &str| edge.send(&request("/f/x", &[("x-tenant", tenant)])).body;
    let homes: Vec<String> = (0..20).map(|tenant| ask(&tenant.to_string())).collect();
    for (tenant, home) in homes.iter().enumerate() {
        assert_eq!(ask(&tenant.to_string()), *home);
    }
    assert!(homes.iter().any(|home| home == "one") && homes.iter().any(|home| home == "other"));
    let before = (first.load(Ordering::Relaxed), second.load(Ordering::Relaxed));
    statuses(&edge, &get(), 4);
    assert_eq!((first.load(Ordering::Relaxed) - before.0, second.load(Ordering::Relaxed) - before.1), (2, 2));
}
