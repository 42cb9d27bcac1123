//! The production roles without `up`: an issuer on any storage and one edge, from settings files, set up by `tollgate admin`.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::http::once;
use crate::system::{System, until};
use crate::world::{PortBase, TOLLGATE};

const REGION: &str = "us-east-1";
const START_LIMIT: Duration = Duration::from_secs(60);

/// Running roles; they end with this value.
pub struct Roles {
    issuer: Child,
    edge: Option<Child>,
    _api: Child,
    system: System,
    admin: String,
    folder: tempfile::TempDir,
    ports: PortBase,
}

impl Roles {
    /// `storage` is the text of the `[storage]` section for a folder.
    pub fn start(storage: impl Fn(&Path) -> String) -> Self {
        let (folder, ports) = (tempfile::tempdir().unwrap(), PortBase::take());
        private(&folder.path().join("root.key"), &"5a".repeat(32));
        let config = folder.path().join("issuer.toml");
        private(&config, &issuer_settings(folder.path(), &ports, &storage(folder.path())));
        first_key(&config);
        let issuer = spawn(folder.path(), "issuer", &["--config", &config.to_string_lossy()]);
        let api = spawn(folder.path(), "sample-api", &["--listen", &ports.at(3)]);
        let system = System {
            issuer: format!("http://{}", ports.at(0)),
            edge: format!("http://{}", ports.at(100)),
            region: REGION.to_owned(),
            pool_id: String::new(),
            client_id: String::new(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
            protected_path: "/api/hello".to_owned(),
        };
        let admin = format!("http://{}", ports.at(2));
        let mut roles = Self { issuer, edge: None, _api: api, system, admin, folder, ports };
        roles.await_issuer();
        (roles.system.access_key_id, roles.system.secret_access_key) = admin_key(&config, &roles.admin);
        roles.create_pool();
        roles.start_edge();
        roles
    }

    pub fn system(&self) -> System {
        self.system.clone()
    }

    /// kill -9, and a new process at once.
    pub fn replace_issuer(&mut self) {
        self.issuer.kill().unwrap();
        self.issuer.wait().unwrap();
        let config = self.file("issuer.toml");
        self.issuer = spawn(self.folder.path(), "issuer", &["--config", &config.to_string_lossy()]);
        self.await_issuer();
    }

    /// The last words of issuer and edge.
    pub fn log(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.file(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(15).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        format!("--- issuer\n{}\n--- edge\n{}\n", tail("issuer.log"), tail("edge.log"))
    }

    fn await_issuer(&mut self) {
        let url = self.admin.clone();
        until("the issuer is alive", START_LIMIT, || {
            let ended = self.issuer.try_wait().unwrap();
            assert!(ended.is_none(), "the issuer ended ({ended:?}): {}", self.log());
            once(&url, "GET", "/healthz", &[]).is_ok_and(|answer| answer.status == 200)
        });
    }

    fn create_pool(&mut self) {
        let system = &mut self.system;
        let made = system.admin("CreateUserPool", &json!({ "PoolName": "roles" })).unwrap();
        system.pool_id = made["UserPool"]["Id"].as_str().unwrap().to_owned();
        let flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
        let client = json!({ "UserPoolId": system.pool_id, "ClientName": "roles", "ExplicitAuthFlows": flows });
        let made = system.admin("CreateUserPoolClient", &client).unwrap();
        system.client_id = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
    }

    fn start_edge(&mut self) {
        let enrolled = Command::new(TOLLGATE)
            .args(["admin", "edge", "enrol", "roles-edge", "--admin", &self.admin, "--pools", &self.system.pool_id])
            .env("AWS_ACCESS_KEY_ID", &self.system.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.system.secret_access_key)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(enrolled.status.success(), "enrol: {}", String::from_utf8_lossy(&enrolled.stderr));
        private(&self.file("join.token"), String::from_utf8_lossy(&enrolled.stdout).trim());
        let config = self.file("edge.toml");
        private(&config, &edge_settings(&self.ports, &self.system.pool_id));
        self.edge = Some(spawn(self.folder.path(), "edge", &["--config", &config.to_string_lossy()]));
        let url = format!("http://{}", self.ports.at(102));
        until("the edge is ready", START_LIMIT, || {
            let ended = self.edge.as_mut().and_then(|edge| edge.try_wait().unwrap());
            assert!(ended.is_none(), "the edge ended ({ended:?}): {}", self.log());
            once(&url, "GET", "/readyz", &[]).is_ok_and(|answer| answer.status == 200)
        });
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        // Without their pipe they end by themselves; waiting closes it.
        for child in [self.edge.as_mut(), Some(&mut self.issuer), Some(&mut self._api)].into_iter().flatten() {
            let ended = child.wait();
            assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "a role ends badly");
        }
    }
}

/// A role that ends when the test's end of its pipe does.
fn spawn(folder: &Path, role: &str, arguments: &[&str]) -> Child {
    let log = File::options().create(true).append(true).open(folder.join(format!("{role}.log"))).unwrap();
    let mut command = Command::new(TOLLGATE);
    command.arg(role).args(arguments).arg("--until-eof").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap()
}

/// The key that makes the first admin key, into `first.key` beside the settings.
fn first_key(config: &Path) {
    let mut command = Command::new(TOLLGATE);
    command
        .args(["admin", "first-key", "--config"])
        .arg(config)
        .arg("--output")
        .arg(config.with_file_name("first.key"));
    let made = command.output().unwrap();
    assert!(made.status.success(), "first-key: {}", String::from_utf8_lossy(&made.stderr));
}

fn admin_key(config: &Path, admin: &str) -> (String, String) {
    let first = config.with_file_name("first.key");
    let mut command = Command::new(TOLLGATE);
    command.args(["admin", "keys", "create", "roles", "--admin", admin, "--first-key"]).arg(&first);
    let made = command.output().unwrap();
    assert!(made.status.success(), "keys create: {}", String::from_utf8_lossy(&made.stderr));
    assert!(!first.exists(), "the first key is used up");
    let said = String::from_utf8(made.stdout).unwrap();
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    (value("AWS_ACCESS_KEY_ID="), value("AWS_SECRET_ACCESS_KEY="))
}

fn private(path: &Path, text: &str) {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn issuer_settings(folder: &Path, ports: &PortBase, storage: &str) -> String {
    let outbox = folder.join("outbox");
    fs::create_dir_all(&outbox).unwrap();
    format!(
        r#"
[listen]
http = "{http}"
admin = "{admin}"
feed = "{feed}"
[issuer]
public_url = "http://{http}"
region = "{REGION}"
[storage]
{storage}
[secrets]
root_key_file = "{folder}/root.key"
[messages]
outbox = "{folder}/outbox"
[feed]
public_address = "{feed}"
[quotas]
enabled = false
"#,
        http = ports.at(0),
        feed = ports.at(1),
        admin = ports.at(2),
        folder = folder.display(),
    )
}

fn edge_settings(ports: &PortBase, pool: &str) -> String {
    format!(
        r#"
[listen]
http = "{http}"
admin = "{admin}"
[feed]
issuer = "{feed}"
join_token_file = "join.token"
state_dir = "edge-state"
[[upstream]]
name = "api"
servers = ["{api}"]
[[route]]
match = {{ path = "/*" }}
upstream = "api"
token = {{ issuers = ["pool:{pool}"], use = "access" }}
revocation = {{ required = true, max_staleness = "5m", stale = "deny" }}
"#,
        http = ports.at(100),
        admin = ports.at(102),
        feed = ports.at(1),
        api = ports.at(3),
    )
}
