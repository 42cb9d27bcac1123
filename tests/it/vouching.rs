//! An issuer that takes public calls through its edges only: what the edge vouches for passes once, and as it was vouched for.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::once;
use crate::roles::{Roles, Surroundings};
use crate::system::{System, until};
use crate::world::TOLLGATE;

const HEADER: &str = "x-tollgate-attestation: ";
const USER: &str = "ada";
const PASSWORD: &str = "Right-password-1";

/// The sign-in that every test here sends.
fn sign_in(system: &System) -> String {
    json!({
        "ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": USER, "PASSWORD": PASSWORD },
    })
    .to_string()
}

fn through(system: &System) -> System {
    System { issuer: system.edge.clone(), ..system.clone() }
}

#[test]
fn only_what_an_edge_vouches_for_or_an_administrator_signs_passes() {
    let edges_only =
        Surroundings { env: vec![("TOLLGATE_LISTEN__PUBLIC".into(), "edges".into())], ..Surroundings::default() };
    let mut roles = Roles::start_in(edges_only, Surroundings::default(), |folder| {
        format!("sqlite = {:?}", folder.join("tollgate.db"))
    });
    let system = roles.system();
    let tapped = route_to_the_issuer(&roles, &system);
    system.create_user(USER, PASSWORD); // signed, so it needs no edge

    let refused = system.sign_in(USER, PASSWORD).unwrap_err();
    assert_eq!(refused.name(), "ForbiddenException", "{refused:?}");
    let document = format!("/{}/.well-known/jwks.json", system.pool_id);
    assert_eq!(once(&system.issuer, "GET", &document, &[]).unwrap().status, 403);
    assert_eq!(once(&system.edge, "GET", &document, &[]).unwrap().status, 200);
    let _document = tapped.recv().unwrap();

    let tokens = through(&system).sign_in(USER, PASSWORD).unwrap();
    assert_eq!(system.edge_status(&tokens.access), 200);
    assert!(through(&system).get_user(&tokens.access).is_ok());
    through(&system).create_user("bob", PASSWORD); // signed, through the edge
    while tapped.try_recv().is_ok() {}

    // From another address of this machine.
    assert!(from_address([127, 0, 0, 42], &system).starts_with("HTTP/1.1 200"), "{}", roles.log());
    assert_eq!(last_source(roles.folder()), "127.0.0.42");
    let taken = tapped.recv().unwrap();

    replays(&system, &taken);
    roles.replace_issuer();
    let answer = say(&system, &taken);
    assert_eq!(answer.0, 503, "what its predecessor may have taken: {}", answer.1);
    until("the edge is let in again", Duration::from_secs(10), || through(&system).sign_in(USER, PASSWORD).is_ok());

    revoke_the_edge(&roles, &system);
    let refused = through(&system).sign_in(USER, PASSWORD).unwrap_err();
    assert_eq!(refused.name(), "ForbiddenException", "{refused:?}");
    assert!(system.admin("ListUserPools", &json!({ "MaxResults": 1 })).is_ok());
    // Counters are of one process.
    assert_eq!(system.sign_in(USER, PASSWORD).unwrap_err().name(), "ForbiddenException");
    let metrics = once(roles.admin(), "GET", "/metrics", &[]).unwrap().text();
    for result in ["ok", "absent", "revoked", "before_start"] {
        assert!(metrics.contains(&format!("tollgate_issuer_attestations_total{{result=\"{result}\"}}")), "{result}");
    }
}

/// A request with an attestation that was good once: again, stripped, forged, about another body, from another sender.
fn replays(system: &System, taken: &str) {
    let expect = |text: &str, why: &str| {
        let (status, body) = say(system, text);
        assert_eq!(status, 400, "{why}: {body}");
        assert!(body.contains("ForbiddenException") && body.contains(why), "{why}: {body}");
    };
    expect(taken, "it came before");
    let (before, rest) = taken.split_once(HEADER).unwrap();
    let (value, after) = rest.split_once("\r\n").unwrap();
    expect(&format!("{before}{after}"), "through its edges only");
    expect(&format!("{before}{HEADER}{value}\r\n{HEADER}{value}\r\n{after}"), "more than one");
    let (claims, signature) = value.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{claims}.{other}{}", &signature[1..]);
    expect(&format!("{before}{HEADER}{forged}\r\n{after}"), "its signature is not the certificate's");
    expect(&taken.replace(USER, "eve"), "it is about another body");
    expect(&taken.replacen("POST / ", "POST /?a ", 1), "it is about another target");
    let host = taken.to_ascii_lowercase().find("\r\nhost: ").unwrap() + "\r\nhost: ".len();
    expect(&format!("{}x.{}", &taken[..host], &taken[host..]), "it is about another host");
}

/// Routes of the edge by a tap, which tells each request that the edge sends to the issuer.
fn route_to_the_issuer(roles: &Roles, system: &System) -> Receiver<String> {
    let (address, tapped) = tap(system.issuer.trim_start_matches("http://").parse().unwrap());
    let file = roles.folder().join("edge.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let pool = &system.pool_id;
    let routes = format!(
        "[[upstream]]\nname = \"issuer\"\nservers = [\"{address}\"]\n\
         [[route]]\nmatch = {{ path = \"/\", methods = [\"POST\"] }}\nupstream = \"issuer\"\nattest = true\n\
         [[route]]\nmatch = {{ path = \"/{pool}/*\" }}\nupstream = \"issuer\"\nattest = true\n"
    );
    fs::write(&file, settings + &routes).unwrap();
    let reloaded = once(&roles.edge_admin(), "POST", "/reload", &[]).unwrap();
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    tapped
}

/// A listener that passes on, one connection each, and tells what came from the client: whole requests, since the edge sends a head and its body at once.
fn tap(to: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, tapped) = channel();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || -> io::Result<()> {
                let mut issuer = TcpStream::connect(to)?;
                let (mut from, mut back) = (issuer.try_clone()?, client.try_clone()?);
                std::thread::spawn(move || {
                    let _ended = io::copy(&mut from, &mut back);
                    back.shutdown(std::net::Shutdown::Both)
                });
                while let Some(request) = whole_request(&mut client)? {
                    let _nobody_listens = tell.send(request.clone());
                    issuer.write_all(request.as_bytes())?;
                }
                issuer.shutdown(std::net::Shutdown::Write)
            });
        }
    });
    (address, tapped)
}

fn whole_request(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    bytes.extend_from_slice(&body);
    Ok(Some(String::from_utf8(bytes).unwrap()))
}

/// Sends a request as it is to the issuer: status and body of the answer. A body that was changed gets its length.
fn say(system: &System, request: &str) -> (u16, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, _)) if name.eq_ignore_ascii_case("content-length") => format!("{name}: {}", body.len()),
        _ => line.to_owned(),
    });
    let head: Vec<String> = lines.chain(["connection: close".to_owned()]).collect();
    let mut stream = TcpStream::connect(system.issuer.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A sign-in through the edge from this address of the loopback; the whole answer.
fn from_address(address: [u8; 4], system: &System) -> String {
    let edge: SocketAddr = system.edge.trim_start_matches("http://").parse().unwrap();
    let body = sign_in(system);
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {edge}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth\r\n{HEADER}forged\r\nx-forwarded-for: 203.0.113.9\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((address, 0))).unwrap();
        let mut stream = socket.connect(edge).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    })
}

fn last_source(folder: &Path) -> String {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(folder.join("tollgate.db"), flags).unwrap();
    let sql =
        "SELECT source FROM audit WHERE operation = 'InitiateAuth' AND result = 'ok' ORDER BY request_id DESC LIMIT 1";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn revoke_the_edge(roles: &Roles, system: &System) {
    let revoked = Command::new(TOLLGATE)
        .args(["admin", "edge", "revoke", "roles-edge", "--admin", roles.admin()])
        .env("AWS_ACCESS_KEY_ID", &system.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &system.secret_access_key)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
}
