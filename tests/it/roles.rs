//! The production roles without `up`: an issuer on any storage and one edge, from settings files, set up by `tollgate admin`.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
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
    around_issuer: Surroundings,
    around_edge: Surroundings,
}

/// What a role runs in.
#[derive(Clone, Default)]
pub struct Surroundings {
    pub env: Vec<(String, String)>,
    /// What a shell does before it becomes the role, such as `ulimit -n 256`; empty: no shell.
    pub first: String,
}

impl Roles {
    /// `storage` is the text of the `[storage]` section for a folder.
    pub fn start(storage: impl FnOnce(&Path) -> String) -> Self {
        Self::start_in(Surroundings::default(), Surroundings::default(), storage)
    }

    /// The same, with surroundings for issuer and edge.
    pub fn start_in(
        around_issuer: Surroundings,
        around_edge: Surroundings,
        storage: impl FnOnce(&Path) -> String,
    ) -> Self {
        let (folder, ports) = (tempfile::tempdir().unwrap(), PortBase::take());
        private(&folder.path().join("root.key"), &"5a".repeat(32));
        let config = folder.path().join("issuer.toml");
        private(&config, &issuer_settings(folder.path(), &ports, &storage(folder.path())));
        first_key(&config);
        let issuer = spawn(folder.path(), "issuer", &["--config", &config.to_string_lossy()], &around_issuer);
        let api = spawn(folder.path(), "sample-api", &["--listen", &ports.at(3)], &Surroundings::default());
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
        let mut roles =
            Self { issuer, edge: None, _api: api, system, admin, folder, ports, around_issuer, around_edge };
        let started = roles.await_issuer();
        assert!(started.is_ok(), "the issuer ended ({started:?}): {}", roles.log());
        (roles.system.access_key_id, roles.system.secret_access_key) = admin_key(&config, &roles.admin);
        roles.create_pool();
        roles.start_edge();
        roles
    }

    pub fn system(&self) -> System {
        self.system.clone()
    }

    /// The issuer's admin listener.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// kill -9, and a new process at once.
    pub fn replace_issuer(&mut self) {
        self.kill_issuer();
        self.start_issuer();
    }

    /// kill -9
    pub fn kill_issuer(&mut self) {
        self.issuer.kill().unwrap();
        self.issuer.wait().unwrap();
    }

    /// Ends the issuer as a supervisor does, in good order.
    pub fn stop_issuer(&mut self) {
        let ended = self.issuer.wait().unwrap();
        assert!(ended.success(), "the issuer ends badly ({ended}): {}", self.log());
    }

    pub fn start_issuer(&mut self) {
        let started = self.try_start_issuer();
        assert!(started.is_ok(), "the issuer ended ({started:?}): {}", self.log());
    }

    /// # Errors
    /// How it ended, when it did not get ready.
    pub fn try_start_issuer(&mut self) -> Result<(), ExitStatus> {
        let config = self.file("issuer.toml");
        let arguments = ["--config", &*config.to_string_lossy()];
        self.issuer = spawn(self.folder.path(), "issuer", &arguments, &self.around_issuer);
        self.await_issuer()
    }

    /// Ends the edge in good order and starts it again.
    pub fn restart_edge(&mut self) {
        if let Some(mut edge) = self.edge.take() {
            let ended = edge.wait().unwrap();
            assert!(ended.success(), "the edge ends badly ({ended}): {}", self.log());
        }
        self.run_edge();
    }

    pub fn pid(&self, role: &str) -> u64 {
        let edge = self.edge.as_ref().map(Child::id);
        u64::from(if role == "edge" { edge.unwrap() } else { self.issuer.id() })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn edge_admin(&self) -> String {
        format!("http://{}", self.ports.at(102))
    }

    /// All that `issuer` or `edge` has logged.
    pub fn words_of(&self, role: &str) -> String {
        fs::read_to_string(self.file(&format!("{role}.log"))).unwrap_or_default()
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

    fn await_issuer(&mut self) -> Result<(), ExitStatus> {
        let url = self.admin.clone();
        let mut ended = None;
        until("the issuer is ready", START_LIMIT, || {
            ended = self.issuer.try_wait().unwrap();
            ended.is_some() || once(&url, "GET", "/readyz", &[]).is_ok_and(|answer| answer.status == 200)
        });
        ended.map_or(Ok(()), Err)
    }

    fn create_pool(&mut self) {
        let system = &mut self.system;
        let pool = json!({ "PoolName": "roles", "AutoVerifiedAttributes": ["email"] });
        let made = system.admin("CreateUserPool", &pool).unwrap();
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
        private(&self.file("edge.toml"), &edge_settings(&self.ports, &self.system.pool_id));
        self.run_edge();
    }

    fn run_edge(&mut self) {
        let config = self.file("edge.toml");
        let arguments = ["--config", &*config.to_string_lossy()];
        self.edge = Some(spawn(self.folder.path(), "edge", &arguments, &self.around_edge));
        let url = self.edge_admin();
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
fn spawn(folder: &Path, role: &str, arguments: &[&str], around: &Surroundings) -> Child {
    let log = File::options().create(true).append(true).open(folder.join(format!("{role}.log"))).unwrap();
    let mut command = Command::new(TOLLGATE);
    if !around.first.is_empty() {
        command = Command::new("sh");
        command.args(["-c", &format!(r#"{} && exec "$0" "$@""#, around.first), TOLLGATE]);
    }
    command.envs(around.env.iter().map(|(name, value)| (name, value)));
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
