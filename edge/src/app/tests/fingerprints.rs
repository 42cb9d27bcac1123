//! JA3 and JA4 of clients, from the bytes of a TLS connection to rules, rates, the log and back.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::harness::{Edge, free_addresses, read_answer, request};
use crate::facts::Fingerprints;
use crate::tls::fingerprint;
use crate::tls::hello::{Assembled, Assembler};

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn client(edge: &Edge, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(edge.certificate.clone())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// A client that has said hello to nobody yet, and what its hello looks like. rustls shuffles extensions anew each time, so that each connection of one
/// program has a JA3 of its own, and all have one JA4.
struct Opening {
    client: ClientConnection,
    hello: Vec<u8>,
    prints: Fingerprints,
}

fn opening(config: &Arc<ClientConfig>) -> Opening {
    let mut client = ClientConnection::new(Arc::clone(config), ServerName::try_from("api.test").unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut assembler = Assembler::default();
    assert_eq!(assembler.take(&hello), Assembled::Whole);
    let prints = fingerprint::of(&assembler.hello().unwrap());
    Opening { client, hello, prints }
}

impl Opening {
    /// Says hello, in such pieces.
    fn say(self, address: SocketAddr, before: &[u8], size: usize) -> Tls {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(before).unwrap();
        for piece in self.hello.chunks(size) {
            stream.write_all(piece).unwrap();
            if size < self.hello.len() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        StreamOwned::new(self.client, stream)
    }
}

fn prints(config: &Arc<ClientConfig>) -> Fingerprints {
    opening(config).prints
}

fn connect(address: SocketAddr, config: &Arc<ClientConfig>, before: &[u8]) -> Tls {
    opening(config).say(address, before, usize::MAX)
}

fn status(stream: &mut (impl Read + Write), target: &str) -> u16 {
    stream.write_all(&request(target, &[])).unwrap();
    read_answer(stream).unwrap().status
}

fn rule(name: &str, priority: u32, statement: &Value) -> Value {
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": visibility})
}

fn acl(rules: &[Value]) -> String {
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": rules}).to_string()
}

/// Whether the fingerprint is this one.
fn is(field: &str, print: &str, fallback: &str) -> Value {
    json!({"ByteMatchStatement": {"FieldToMatch": {field: {"FallbackBehavior": fallback}}, "SearchString": print,
        "PositionalConstraint": "EXACTLY", "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}})
}

/// An edge with TLS, and its addresses; its web ACL lets everything pass until `block` has been told what to block.
fn edge(listen: &str) -> (Edge, SocketAddr) {
    let [https, _] = free_addresses();
    let prepare = |folder: &Path| fs::write(folder.join("acl.json"), acl(&[])).unwrap();
    let listen = format!("https = \"{https}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}\n{listen}");
    let routes = "[[route]]\nmatch = { path = \"/open/*\" }\nupstream = \"echo\"\nacl = \"main\"\n\
        [[acl]]\nname = \"main\"\nfile = \"acl.json\"\nsearch_strings = \"text\"\n";
    (Edge::start_prepared(prepare, &listen, "", routes), https)
}

fn block(edge: &Edge, rules: &[Value]) {
    fs::write(edge.config_file().with_file_name("acl.json"), acl(rules)).unwrap();
    assert_eq!(edge.ask_admin("POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 200);
}

#[test]
fn rules_tell_clients_by_their_hellos() {
    let (edge, https) = edge("");
    let (one, other) = (client(&edge, &["http/1.1"]), client(&edge, &[]));
    let wanted = prints(&one);
    assert!(wanted.ja4.starts_with("t13d") && wanted.ja4[8..10] == *"h1", "{wanted:?}");
    assert_ne!(wanted.ja4, prints(&other).ja4);
    for field in ["JA3Fingerprint", "JA4Fingerprint"] {
        for (fallback, plain) in [("MATCH", 403), ("NO_MATCH", 200)] {
            let opening = opening(&one);
            let Fingerprints { ja3, ja4 } = opening.prints.clone();
            block(&edge, &[rule("print", 0, &is(field, if field.starts_with("JA3") { &ja3 } else { &ja4 }, fallback))]);
            let mut stream = opening.say(https, b"", usize::MAX);
            assert_eq!([status(&mut stream, "/open/a"), status(&mut stream, "/open/b")], [403, 403], "{field}");
            assert_eq!(status(&mut connect(https, &other, b""), "/open/a"), 200, "{field}");
            assert_eq!(edge.send(&request("/open/a", &[])).status, plain, "{field}: no TLS, so {fallback}");
        }
    }
}

#[test]
fn rates_count_by_fingerprint() {
    let (edge, https) = edge("");
    let (one, other) = (client(&edge, &["http/1.1"]), client(&edge, &[]));
    for (key, print) in [("JA3Fingerprint", 1), ("JA4Fingerprint", 2)] {
        let rate = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "CUSTOM_KEYS",
            "CustomKeys": [{key: {"FallbackBehavior": "NO_MATCH"}}]}});
        block(&edge, &[rule(&format!("rate-{print}"), 0, &rate)]);
        let mut stream = connect(https, &one, b"");
        let statuses: Vec<u16> = (0..11).map(|_| status(&mut stream, "/open/x")).collect();
        assert_eq!((statuses[..10].to_vec(), statuses[10]), (vec![200; 10], 403), "{key}");
        if print == 2 {
            assert_eq!(
                status(&mut connect(https, &one, b""), "/open/x"),
                403,
                "another connection of the same program"
            );
        }
        assert_eq!(status(&mut connect(https, &other, b""), "/open/x"), 200);
        assert!((0..12).all(|_| edge.send(&request("/open/x", &[])).status == 200), "without TLS nothing is counted");
    }
}

#[test]
fn a_hello_behind_a_proxy_header_is_the_clients_own() {
    let (edge, https) = edge("proxy_protocol = { from = [\"127.0.0.1\"] }");
    let one = client(&edge, &["http/1.1"]);
    block(&edge, &[rule("print", 0, &is("JA4Fingerprint", &prints(&one).ja4, "NO_MATCH"))]);
    let header = b"PROXY TCP4 192.0.2.1 10.0.0.1 4096 443\r\n";
    assert_eq!(status(&mut connect(https, &one, header), "/open/x"), 403);
    assert_eq!(status(&mut connect(https, &client(&edge, &[]), header), "/open/x"), 200);
}

#[test]
fn a_proxys_own_hello_is_nobodys() {
    let (edge, https) = edge("trusted_proxies = [\"127.0.0.1\"]");
    let one = client(&edge, &["http/1.1"]);
    let print = prints(&one).ja4;
    block(&edge, &[rule("print", 0, &is("JA4Fingerprint", &print, "NO_MATCH"))]);
    assert_eq!(status(&mut connect(https, &one, b""), "/open/x"), 200);
    block(&edge, &[rule("print", 0, &is("JA4Fingerprint", &print, "MATCH"))]);
    assert_eq!(status(&mut connect(https, &one, b""), "/open/x"), 403);
}

#[test]
fn hellos_in_pieces_are_read_whole_and_noise_is_refused_by_the_handshake() {
    let (edge, https) = edge("");
    let one = client(&edge, &["http/1.1"]);
    block(&edge, &[rule("print", 0, &is("JA4Fingerprint", &prints(&one).ja4, "NO_MATCH"))]);
    for size in [1, 7, 100] {
        assert_eq!(status(&mut opening(&one).say(https, b"", size), "/open/x"), 403, "{size}");
    }
    for noise in
        [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"\x16\x03\x01\x00\x03\x01\x00\x00", &[0x16; 4_000], &[0xff; 10]]
    {
        let mut stream = TcpStream::connect(https).unwrap();
        stream.write_all(noise).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    }
    assert_eq!(status(&mut connect(https, &one, b""), "/open/x"), 403, "it goes on");
}

#[test]
fn the_log_names_them_where_it_is_asked_to() {
    let (edge, https) = edge("");
    let config = fs::read_to_string(edge.config_file()).unwrap();
    let file = edge.config_file().with_file_name("access.log");
    for (setting, is_written) in [("", false), ("fingerprints = true", true)] {
        let text = format!("access = \"all\"\nfile = \"access.log\"\n{setting}\n");
        fs::write(edge.config_file(), config.replace("access = \"off\"\n", &text)).unwrap();
        assert_eq!(edge.ask_admin("POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 200);
        let opening = opening(&client(&edge, &["http/1.1"]));
        let print = opening.prints.clone();
        assert_eq!(status(&mut opening.say(https, b"", usize::MAX), &format!("/open/{is_written}")), 200);
        let wanted = format!("\"ja3\":\"{}\",\"ja4\":\"{}\"", print.ja3, print.ja4);
        let path = format!("\"path\":\"/open/{is_written}\"");
        let line = (0..500).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.lines().find(|line| line.contains(&path)).map(str::to_owned)
        });
        assert_eq!(line.expect("a line").contains(&wanted), is_written);
    }
}
