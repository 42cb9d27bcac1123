//! Towards servers: TLS and whom it trusts, HTTP/2, names, sockets, `Host`.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::atomic::Ordering;

use super::harness::{Edge, request};
use super::origins::{Pki, answer, h2_origin, raw, read_head, tls_echo, until};

/// A route `/NAME/*` to an upstream with these lines.
fn route(name: &str, lines: &str) -> String {
    format!(
        "[[upstream]]\nname = \"{name}\"\nread_timeout = \"5s\"\n{lines}\n\
         [[route]]\nmatch = {{ path = \"/{name}/*\" }}\nupstream = \"{name}\"\n"
    )
}

#[test]
fn a_private_ca_is_trusted_where_it_is_named_and_nowhere_else() {
    let (ours, theirs) = (Pki::new("ours"), Pki::new("theirs"));
    let origin = tls_echo(ours.server("origin.test", &[], None));
    let servers = format!("servers = [\"{origin}\"]\n");
    let tls = |tls: &str| format!("{servers}tls = {{ {tls} }}");
    let (ca, other) = (ours.path("ca.pem"), theirs.path("ca.pem"));
    let edge = Edge::start_with_routes(
        &[
            route("good", &tls(&format!("server_name = \"origin.test\", ca = \"{ca}\""))),
            route("stranger", &tls(&format!("server_name = \"origin.test\", ca = \"{other}\""))),
            route("system", &tls("server_name = \"origin.test\"")),
            route("name", &tls(&format!("server_name = \"another.test\", ca = \"{ca}\""))),
            route("address", &tls(&format!("ca = \"{ca}\""))),
            route("blind", &tls("verify = false")),
        ]
        .concat(),
    );
    // Twice: a connection that the first has left in the pool must not be used by those that would not have made it.
    for _ in 0..2 {
        let told = ["good", "stranger", "system", "name", "address", "blind"]
            .map(|name| edge.send(&request(&format!("/{name}/x"), &[])).status);
        assert_eq!(told, [200, 502, 502, 502, 502, 200]);
    }
    let metrics = edge.admin("GET", "/metrics").body;
    for line in [
        "tollgate_edge_upstream_requests_total{upstream=\"good\",outcome=\"answered\"} 2",
        "tollgate_edge_upstream_connections_total{upstream=\"good\"} 1",
        "tollgate_edge_upstream_requests_total{upstream=\"stranger\",outcome=\"connect_error\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[test]
fn an_origin_that_wants_to_know_the_edge_gets_its_certificate() {
    let (servers, clients) = (Pki::new("servers"), Pki::new("clients"));
    clients.sign("edge");
    let origin = tls_echo(servers.server("origin.test", &[], Some(&clients)));
    let ca = servers.path("ca.pem");
    let tls = |more: &str| {
        format!("servers = [\"{origin}\"]\ntls = {{ server_name = \"origin.test\", ca = \"{ca}\"{more} }}")
    };
    let identity =
        format!(", client_cert = \"{}\", client_key = \"{}\"", clients.path("edge.pem"), clients.path("edge.key"));
    let edge = Edge::start_with_routes(&[route("known", &tls(&identity)), route("unknown", &tls(""))].concat());
    for _ in 0..2 {
        assert_eq!(edge.send(&request("/known/x", &[])).status, 200);
        assert_eq!(edge.send(&request("/unknown/x", &[])).status, 502);
    }
}

#[test]
fn http2_with_prior_knowledge_and_by_alpn() {
    let pki = Pki::new("ca");
    let (plain, plain_seen) = h2_origin(None);
    let (both, both_seen) = h2_origin(Some(pki.server("origin.test", &["h2", "http/1.1"], None)));
    let old = tls_echo(pki.server("origin.test", &["http/1.1"], None));
    let tls = format!("tls = {{ server_name = \"origin.test\", ca = \"{}\" }}", pki.path("ca.pem"));
    let edge = Edge::start_with_routes(
        &[
            route("plain", &format!("servers = [\"{plain}\"]\nprotocol = \"http2\"")),
            route("both", &format!("servers = [\"{both}\"]\nprotocol = \"auto\"\n{tls}")),
            route("old", &format!("servers = [\"{old}\"]\nprotocol = \"auto\"\n{tls}")),
            route("strict", &format!("servers = [\"{old}\"]\nprotocol = \"http2\"\n{tls}")),
        ]
        .concat(),
    );
    for name in ["plain", "both"] {
        let answer = edge.send(&request(&format!("/{name}/head?q=1"), &[("connection", "x-hop"), ("x-hop", "1")]));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains("x-hop"));
    }
    assert_eq!(edge.send(&request("/old/x", &[])).echoed_line(), "GET /old/x HTTP/1.1");
    assert_ne!(edge.send(&request("/strict/x", &[])).status, 200, "nothing but HTTP/2 is spoken");

    let heads = plain_seen.heads.lock().unwrap();
    assert_eq!(heads[0].uri.to_string(), "http://api.test/plain/head?q=1", "the canonical host is the authority");
    assert_eq!(heads[0].headers["x-forwarded-host"], "api.test");
    assert_eq!(both_seen.heads.lock().unwrap()[0].uri.scheme_str(), Some("https"));
}

#[test]
fn many_requests_share_a_connection_up_to_the_streams_that_are_allowed() {
    let (origin, seen) = h2_origin(None);
    let lines = format!("servers = [\"{origin}\"]\nprotocol = \"http2\"\nh2 = {{ max_streams = 10, ping = \"1s\" }}");
    let edge = Edge::start_with_routes(&route("many", &lines));
    for _ in 0..20 {
        assert_eq!(edge.send(&request("/many/head", &[])).status, 200);
    }
    assert_eq!(seen.streams.load(Ordering::Relaxed), 20);
    assert!(seen.connections.load(Ordering::Relaxed) <= 2, "one a thread at most");
}

#[test]
fn a_stream_that_was_refused_is_sent_again_whatever_its_method() {
    let (origin, seen) = h2_origin(None);
    let lines = format!("servers = [\"{origin}\"]\nprotocol = \"http2\"\nretries = {{ attempts = 1 }}");
    let edge = Edge::start_with_routes(&route("busy", &lines));
    let post = b"POST /busy/refuse-once HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\nhi";
    let answer = edge.send(post);
    assert_eq!((answer.status, seen.streams.load(Ordering::Relaxed)), (200, 2), "{answer:?}");
}

#[test]
fn servers_see_the_host_that_they_are_meant_to() {
    let origin = raw(|mut stream| {
        while let Some(head) = read_head(&mut stream) {
            stream.write_all(&answer(200, &head)).unwrap();
        }
    });
    let servers = format!("servers = [\"localhost:{}\"]\n", origin.port());
    let edge = Edge::start_with_routes(
        &[
            route("pass", &servers),
            route("server", &format!("{servers}host = \"server\"")),
            route("fixed", &format!("{servers}host = \"inner.test:81\"")),
        ]
        .concat(),
    );
    let server = format!("localhost:{}", origin.port());
    for (name, host) in [("pass", "api.test"), ("server", server.as_str()), ("fixed", "inner.test:81")] {
        let answer = edge.send(&request(&format!("/{name}/x"), &[]));
        assert_eq!(answer.echoed("host"), [host], "{answer:?}");
        assert_eq!(answer.echoed("x-forwarded-host"), ["api.test"]);
    }
}

#[test]
fn servers_are_reached_by_ipv6_and_by_sockets_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("origin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            while let Some(head) = read_head(&mut stream) {
                stream.write_all(&answer(200, &head)).unwrap();
            }
        }
    });
    let mut routes = route("unix", &format!("servers = [\"unix:{}\"]", path.display()));
    // Not every machine that runs tests has IPv6.
    let v6 = TcpListener::bind("[::1]:0").ok();
    if let Some(listener) = v6.as_ref().and_then(|listener| listener.try_clone().ok()) {
        let address = super::origins::raw_on(listener, |mut stream| {
            while let Some(head) = read_head(&mut stream) {
                stream.write_all(&answer(200, &head)).unwrap();
            }
        });
        routes.push_str(&route("v6", &format!("servers = [\"{address}\"]")));
    }
    let edge = Edge::start_with_routes(&routes);
    assert_eq!(edge.send(&request("/unix/x", &[])).echoed_line(), "GET /unix/x HTTP/1.1");
    if v6.is_some() {
        assert_eq!(edge.send(&request("/v6/x", &[])).status, 200);
    }
}

#[test]
fn a_name_that_resolves_to_nothing_is_503_until_it_does() {
    let edge = Edge::start_with_routes(&route("gone", "servers = [\"gone.invalid:80\"]"));
    let answer = edge.send(&request("/gone/x", &[]));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{answer:?}");
    let ready = edge.admin("GET", "/readyz");
    assert_eq!(ready.status, 200, "told, but no reason to send everyone away");
    assert!(ready.body.contains("upstream gone: no healthy server"), "{ready:?}");
    until("counted", || {
        let metrics = edge.admin("GET", "/metrics").body;
        metrics.contains("tollgate_edge_upstream_requests_total{upstream=\"gone\",outcome=\"refused\"} 1")
            && metrics.contains("reason=\"no_healthy_upstream\"} 1")
    });
}
