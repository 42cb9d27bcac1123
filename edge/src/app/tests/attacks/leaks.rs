//! What belongs to one request must not turn up in another (T76, T30).

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::harness::{Connection, Edge, ISS, claims, echo_upstream, request, second_key, signed, signing_key};
use super::super::{bearer, forged};
use super::short_or_long;

const THREADS: usize = 8;

/// Every way to fail, and two to pass, at once; each with a marker in every place that has room for one.
#[test]
fn no_marker_crosses_from_one_request_to_another() {
    let edge = Edge::start();
    let rounds = short_or_long(150, 2_000) as usize;
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (address, answered) = (edge.address, &answered);
            scope.spawn(move || {
                for round in 0..rounds {
                    let marker = format!("mark-{thread}-{round}-end");
                    let answer = Connection::to(address).send(&failing(round, &marker));
                    let told = format!("{:?}{}", answer.headers, answer.body);
                    let strangers: Vec<&str> =
                        told.split("mark-").skip(1).filter(|rest| !rest.starts_with(&marker[5..])).collect();
                    assert!(strangers.is_empty(), "{marker} got {strangers:?}");
                    assert!(
                        answer.status == 200 || !told.contains("mark-"),
                        "a refusal repeats what was asked: {told}"
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.into_inner(), THREADS * rounds);
}

fn failing(round: usize, marker: &str) -> Vec<u8> {
    let mut own = claims();
    own["sub"] = json!(marker);
    own["jti"] = json!(marker);
    let good = bearer(&signed(&signing_key(), &own));
    own["exp"] = json!(1);
    let expired = bearer(&signed(&signing_key(), &own));
    let unknown = bearer(&signed(&second_key(), &own));
    let odd = bearer(&forged(&format!(r#"{{"alg":"{marker}","kid":"{marker}"}}"#), marker, marker));
    let path = |base: &str| format!("{base}/{marker}?q={marker}");
    let own = ("x-marker", marker);
    match round % 10 {
        0 => request(&path("/api"), &[own, ("authorization", &good)]),
        1 => request(&path("/api"), &[own, ("authorization", &expired)]),
        2 => request(&path("/api"), &[own, ("authorization", &unknown)]),
        3 => request(&path("/api"), &[own, ("authorization", &odd)]),
        4 => request(&path("/api"), &[own, ("cookie", marker)]),
        5 => request(&path("/nowhere"), &[own]),
        6 => request(&path("/down"), &[own]),
        7 => request(&format!("/public/{marker}/../x"), &[own]),
        8 => request(&path("/public"), &[own, ("content-length", marker)]),
        _ => request(&path("/public"), &[own]),
    }
}

/// Hosts with one path and issuers of their own, all with the same key: of all pairs of host and token only the diagonal passes, also when the
/// edge knows each token by then (T30, CVE-2026-2836; T42).
#[test]
fn what_one_host_knows_is_unknown_to_another() {
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    let edge = Edge::start_as(|address, admin| {
        let upstream = echo_upstream();
        let issuers: String = NAMES
            .iter()
            .map(|name| {
                format!(
                    "[[issuer]]\nname = \"{name}\"\niss = \"{ISS}/{name}\"\nprofile = \"cognito\"\njwks = {{ file = \"jwks.json\" }}\n\
                     [[route]]\nmatch = {{ host = \"{name}.test\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"{name}\"] }}\n\
                     headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\" }} }}\n"
                )
            })
            .collect();
        format!(
            "[listen]\nhttp = \"{address}\"\nadmin = \"{admin}\"\nthreads = 1\n[log]\naccess = \"off\"\n\
             [[upstream]]\nname = \"echo\"\nservers = [\"{upstream}\"]\n{issuers}"
        )
    });
    let tokens = NAMES.map(|issuer| {
        let mut claims = claims();
        claims["iss"] = json!(format!("{ISS}/{issuer}"));
        claims["sub"] = json!(format!("user-of-{issuer}"));
        bearer(&signed(&signing_key(), &claims))
    });
    for _ in 0..3 {
        for host in NAMES {
            for (issuer, token) in NAMES.iter().zip(&tokens) {
                let text = format!("GET /same HTTP/1.1\r\nHost: {host}.test\r\nAuthorization: {token}\r\n\r\n");
                let answer = edge.send(text.as_bytes());
                if host == *issuer {
                    assert_eq!((answer.status, answer.echoed("x-user-id")), (200, vec![format!("user-of-{issuer}")]));
                } else {
                    assert_eq!(answer.status, 401, "{issuer}'s token at {host}");
                }
            }
        }
    }
}
