use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::*;
use crate::snapshot::route::Timeouts;

fn upstream(count: u16) -> Upstream {
    let second = Duration::from_secs(1);
    Upstream {
        name: Arc::from("u"),
        servers: (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect(),
        timeouts: Timeouts { connect: second, read: second, write: second, idle: second },
        turn: AtomicUsize::new(0),
    }
}

#[test]
fn servers_take_turns_and_a_retry_goes_to_the_next() {
    let upstream = upstream(3);
    let ports: Vec<u16> = (0..6).map(|_| pick(&upstream, 0).unwrap().port()).collect();
    assert_eq!(ports, [1, 2, 3, 1, 2, 3]);
    assert_eq!(pick(&upstream, 0).unwrap().port(), 1);
    assert_eq!(pick(&upstream, 1).unwrap().port(), 2);
    assert_eq!(pick(&upstream, 2).unwrap().port(), 3);
}

#[test]
fn own_headers_and_added_ones_are_found_in_every_spelling() {
    let own = IdentityHeaders::new(OWN_HEADERS.iter().copied().chain(["x-user-id"])).unwrap();
    let mut headers = HeaderMap::new();
    for name in ["x-user-id", "x_user_id", "x-forwarded-for", "x_forwarded_for", "x-original-url", "accept", "x-user"] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
    }
    let mut found: Vec<String> = identity_aliases(&own, &headers).iter().map(ToString::to_string).collect();
    found.sort();
    assert_eq!(found, ["x-forwarded-for", "x-original-url", "x-user-id", "x_forwarded_for", "x_user_id"]);
}

#[test]
fn templates_need_their_claims() {
    let template = [Piece::Text("user-".into()), Piece::Claim("sub".into())];
    assert_eq!(render(&template, None), None);
    assert_eq!(render(&[Piece::Text("edge".into())], None).unwrap(), "edge");
}
