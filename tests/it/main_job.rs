//! What a newcomer meets: `tollgate up`, its up.json, a request that passes and one that doesn't, a second start, their own API.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::http::once;
use crate::system::until;
use crate::world::{Home, World};

const TEXTS: [&str; 16] = [
    "issuer",
    "edge",
    "edge_tls",
    "issuer_via_edge",
    "issuer_via_edge_tls",
    "ca",
    "metrics",
    "region",
    "pool_id",
    "client_id",
    "access_key_id",
    "secret_access_key",
    "demo_user",
    "demo_password",
    "protected_path",
    "outbox",
];

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn up_json_says_where_everything_is_and_only_to_its_owner() {
    let world = World::start();
    for key in TEXTS {
        assert!(!world.text(key).is_empty(), "{key}");
    }
    for role in ["up", "issuer", "edge"] {
        assert!(world.pid(role).is_some(), "pids.{role}");
    }
    let base = world.home().port_base();
    assert_eq!(world.text("issuer"), format!("http://127.0.0.1:{base}"));
    assert_eq!(world.text("edge"), format!("http://127.0.0.1:{}", base + 100));
    assert_eq!(world.text("edge_tls"), format!("https://localhost:{}", base + 143));
    assert_eq!(world.text("metrics"), format!("http://127.0.0.1:{}", base + 2));
    assert!(world.text("pool_id").starts_with(&format!("{}_", world.text("region"))));
    for key in ["ca", "outbox"] {
        assert!(Path::new(world.text(key)).is_absolute(), "{key}");
    }
    assert_eq!(mode(&world.json_path()), 0o600);
    assert_eq!(mode(Path::new(world.text("outbox"))), 0o700);
    let data = world.home().data();
    assert_eq!(mode(&data), 0o700);
    for secret in ["root.key", "admin-key.json", "tollgate.db", "localhost.key"] {
        assert_eq!(mode(&data.join(secret)), 0o600, "{secret}");
    }
}

#[test]
fn a_token_opens_the_api_and_nothing_else_does() {
    let world = World::start();
    let system = world.system();
    let tokens = system.sign_in(world.text("demo_user"), world.text("demo_password")).unwrap();
    let good = system.ask_edge(&tokens.access).unwrap();
    assert_eq!(good.status, 200, "{}", good.text());
    assert!(good.text().contains("x-user-id"), "the API learns who asks: {}", good.text());
    assert!(good.header("x-request-id").is_some());
    for token in ["", "garbage", &tokens.access[..tokens.access.len() - 4], &tokens.refresh] {
        let refused = system.ask_edge(token).unwrap();
        assert_eq!(refused.status, 401, "{token}");
        assert!(refused.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    }
    let bare = once(&system.edge, "GET", &system.protected_path, &[]).unwrap();
    assert_eq!(bare.status, 401);
}

#[test]
fn the_printed_curl_line_works_as_it_stands() {
    let world = World::start();
    let said = std::fs::read_to_string(world.home().file("up.log")).unwrap();
    let line = said.lines().find(|line| line.starts_with("curl ")).expect("up prints a curl line");
    let ran = Command::new("sh").args(["-c", line]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    assert_eq!(answer["path"], "/api/hello", "{line}: {}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn a_second_start_keeps_the_pool_and_its_sessions() {
    let home = Home::new();
    let first = home.start(&[]);
    let (pool, client) = (first.text("pool_id").to_owned(), first.text("client_id").to_owned());
    let system = first.system();
    let tokens = system.sign_in(first.text("demo_user"), first.text("demo_password")).unwrap();
    let dead = system.sign_in(first.text("demo_user"), first.text("demo_password")).unwrap();
    let ask = serde_json::json!({ "ClientId": client, "Token": dead.refresh });
    system.public("RevokeToken", &ask).unwrap();
    assert!(first.stop().success());

    let second = home.start(&[]);
    println!("second start: ready after {:?} (first: a new folder)", second.start_took);
    assert_eq!((second.text("pool_id"), second.text("client_id")), (pool.as_str(), client.as_str()));
    assert_eq!(system.edge_status(&tokens.access), 200, "a token from before");
    assert_eq!(system.edge_status(&dead.access), 401, "a token that was revoked before");
    let fresh = system.refresh(&tokens.refresh).expect("the old refresh token is still good");
    assert_eq!(system.edge_status(&fresh.access), 200);
    assert!(second.stop().success());
}

#[test]
fn a_newcomers_own_api_stands_behind_the_edge() {
    let home = Home::new();
    let api = Api::start(&home);
    let world = home.start(&["--upstream", &api.url]);
    assert!(world.pid("sample_api").is_none(), "the sample API has no business here");
    let system = world.system();
    let tokens = system.sign_in(world.text("demo_user"), world.text("demo_password")).unwrap();
    let answer = system.ask_edge(&tokens.access).unwrap();
    assert_eq!((answer.status, answer.text().trim()), (200, "hello from someone else"));
    assert_eq!(system.edge_status("none"), 401);
}

#[test]
fn a_taken_port_is_named_before_anything_starts() {
    let home = Home::new();
    let base = home.port_base();
    let _taken = std::net::UdpSocket::bind(("127.0.0.1", base + 1)).unwrap();
    let ended = home.command(&[]).status().unwrap();
    let said = std::fs::read_to_string(home.file("up.log")).unwrap();
    assert_eq!(ended.code(), Some(64), "{said}");
    let wanted = format!("port {} (feed, UDP) is in use; try --port-base {}", base + 1, base + 1000);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&wanted), "{said}");
}

#[test]
fn wrong_options_are_one_line_each() {
    let home = Home::new();
    let busy = home.start(&[]);
    let second = Home::new();
    let folder = home.data().display().to_string();
    let cases: [(&[&str], &str); 3] = [
        (&["--upstream", "https://example.com/path"], "--upstream https://example.com/path"),
        (&["--seed", "/nonexistent.json"], "--seed /nonexistent.json"),
        (&["--data", &folder], "another `tollgate up` is using it"),
    ];
    for (arguments, wanted) in cases {
        let mut command = Command::new(crate::world::TOLLGATE);
        command.args(["up", "--port-base", &second.port_base().to_string()]);
        if !arguments.contains(&"--data") {
            command.arg("--data").arg(second.data());
        }
        let ended = command.args(arguments).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(64), "{said}");
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
    }
    assert!(busy.stop().success());
}

#[test]
fn children_end_when_up_is_killed() {
    let world = World::start();
    let pids: Vec<u64> = ["issuer", "edge", "sample_api"].iter().filter_map(|role| world.pid(role)).collect();
    assert_eq!(pids.len(), 3);
    crate::world::signal("KILL", world.pid("up").unwrap());
    until("the children have ended", Duration::from_secs(15), || {
        pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    });
}

/// An API that no one here wrote: Python's own file server, with one file.
struct Api {
    child: Child,
    url: String,
}

impl Api {
    fn start(home: &Home) -> Self {
        let root = home.file("www");
        std::fs::create_dir_all(root.join("api")).unwrap();
        std::fs::File::create(root.join("api/hello")).unwrap().write_all(b"hello from someone else\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("python3")
            .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"])
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        until("Python serves", Duration::from_secs(20), || once(&url, "GET", "/", &[]).is_ok());
        Self { child, url }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
