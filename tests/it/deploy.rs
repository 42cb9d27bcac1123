//! What is in deploy/: it passes this build's own checks, and the roles tell a service manager how far they are.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::world::{PortBase, TOLLGATE};

const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Of `systemd-analyze security`: 0 is closed, 10 is open.
const MOST_EXPOSED: f64 = 2.0;
/// clap's own: the command line was not understood.
const BAD_COMMAND_LINE: i32 = 2;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).unwrap()
}

fn units() -> Vec<String> {
    let entries = std::fs::read_dir(deploy("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut units: Vec<String> = names.filter(|name| name.ends_with(".service")).collect();
    units.sort();
    assert_eq!(units, ["tollgate-edge.service", "tollgate-first-key.service", "tollgate-issuer.service"]);
    units
}

/// The values of a directive that a unit names, in order.
fn values(unit: &str, directive: &str) -> Vec<String> {
    let of = |line: &str| Some(line.strip_prefix(directive)?.strip_prefix('=')?.to_owned());
    text(unit).lines().filter_map(of).collect()
}

/// A command line of deploy/ with its settings file found here, `extra` at its end, and the unit's own environment.
fn run(command: &str, extra: &[&str], environment: &[String]) -> (Option<i32>, String) {
    let mut words = command.split(' ');
    assert_eq!(words.next(), Some("/usr/bin/tollgate"), "{command}");
    let words = words.map(|word| match word.strip_prefix("/etc/tollgate/") {
        Some(name) => deploy(name).to_string_lossy().into_owned(),
        None => word.replace("%S", "/nonexistent"),
    });
    let pairs = environment.iter().map(|pair| pair.split_once('=').unwrap());
    let pairs = pairs.map(|(name, value)| (name, value.replace("%d", "/run/credentials/test.service")));
    let output = Command::new(TOLLGATE).args(words).args(extra).envs(pairs).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn units_start_roles_that_exist_with_settings_that_pass() {
    for unit in units() {
        let environment = values(&unit, "Environment");
        let [start] = values(&unit, "ExecStart").try_into().unwrap();
        if start.contains(" admin ") {
            // It stops at the folder for its answer, which is not there, before it looks at the settings.
            let (code, said) = run(&start, &[], &environment);
            assert_ne!(code, Some(BAD_COMMAND_LINE), "{unit}: {said}");
            assert!(said.contains("/nonexistent"), "{unit}: {said}");
        } else {
            assert_eq!(run(&start, &["--check-config"], &environment), (Some(0), String::new()), "{unit}");
            assert_eq!(run(&start, &["--check-config"], &[]), (Some(0), String::new()), "{unit}, without systemd");
        }
    }
}

#[test]
fn the_container_starts_a_role_that_exists() {
    let file = text("Containerfile");
    let list = |instruction: &str| -> Vec<String> {
        let line = file.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
        serde_json::from_str(line.trim()).unwrap()
    };
    let command = [list("ENTRYPOINT "), list("CMD ")].concat().join(" ");
    assert_eq!(run(&command, &["--check-config"], &[]), (Some(0), String::new()));
}

#[test]
fn units_restart_what_fails_but_not_wrong_settings() {
    for unit in ["tollgate-issuer.service", "tollgate-edge.service"] {
        for (directive, value) in
            [("Type", "notify"), ("Restart", "on-failure"), ("RestartPreventExitStatus", "64"), ("DynamicUser", "yes")]
        {
            assert_eq!(values(unit, directive), [value], "{unit}: {directive}");
        }
    }
    assert!(values("tollgate-issuer.service", "Environment").contains(&"MIMALLOC_PURGE_DELAY=0".to_owned()));
}

/// `%d/NAME` is the file of a `LoadCredential=NAME:…`, here as in the paths that the example settings name.
#[test]
fn settings_name_credentials_that_are_handed_over() {
    let handed = |file: &str| -> Vec<String> {
        values(file, "LoadCredential").iter().map(|pair| pair.split_once(':').unwrap().0.to_owned()).collect()
    };
    let named = |text: &str, folder: &str| -> Vec<String> {
        let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
        text.split(folder).skip(1).map(name).collect()
    };
    for file in units().iter().map(String::as_str).chain(["postgres.conf", "smtp.conf"]) {
        let there = handed(file);
        assert!(named(&text(file), "%d/").iter().all(|name| there.contains(name)), "{file}: {there:?}");
    }
    let there = handed("tollgate-edge.service");
    let asked = named(&text("edge.toml"), "/run/credentials/tollgate-edge.service/");
    assert!(asked.len() == 2 && asked.iter().all(|name| there.contains(name)), "{asked:?}: {there:?}");
}

#[test]
fn the_database_comes_by_a_credential() {
    let settings = tempfile::NamedTempFile::new().unwrap();
    let without_sqlite = text("issuer.toml").replace("\nsqlite ", "\n# sqlite ");
    std::fs::write(settings.path(), without_sqlite).unwrap();
    let command = format!("/usr/bin/tollgate issuer --config {}", settings.path().display());
    let environment = values("postgres.conf", "Environment");
    assert_eq!(run(&command, &["--check-config"], &environment), (Some(0), String::new()));
    assert_eq!(run(&command, &["--check-config"], &[]).0, Some(64));
}

#[test]
fn units_are_closed() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("systemd-analyze is not here: nothing was checked");
        return;
    }
    for unit in units() {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(["--no-pager", "security", "--offline=true"]).arg(deploy(&unit)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let line =
            said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
        let level: f64 = line.rsplit_once("service: ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        assert!(level <= MOST_EXPOSED, "{line}");
    }
}

/// A service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
        Self { socket, folder }
    }

    fn start(&self, role: &str, settings: &str) -> Child {
        let file = self.folder.path().join("settings.toml");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(TOLLGATE);
        command
            .args([role, "--until-eof", "--config"])
            .arg(file)
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn hears(&self, text: &str) {
        let mut buffer = [0; 64];
        let length = self.socket.recv(&mut buffer).unwrap();
        assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap().trim_end(), text);
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_issuer_says_when_it_is_ready_and_when_it_stops() {
    let (manager, ports) = (Manager::new(), PortBase::take());
    let key = manager.folder.path().join("root.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = format!(
        "[listen]\nhttp = \"{0}\"\nfeed = \"{1}\"\nadmin = \"{2}\"\n[issuer]\npublic_url = \"http://{0}\"\n\
         [storage]\nsqlite = \"tollgate.db\"\n[secrets]\nroot_key_file = \"root.key\"\n[feed]\npublic_address = \"{1}\"\n",
        ports.at(0),
        ports.at(1),
        ports.at(2),
    );
    let mut issuer = manager.start("issuer", &settings);
    manager.hears("READY=1");
    assert_eq!(crate::http::once(&format!("http://{}", ports.at(2)), "GET", "/readyz", &[]).unwrap().status, 200);
    signal(&issuer, "TERM");
    manager.hears("STOPPING=1");
    assert!(issuer.wait().unwrap().success());
}

#[test]
fn an_edge_says_when_it_is_ready_reads_its_settings_again_and_stops() {
    let (manager, ports) = (Manager::new(), PortBase::take());
    let settings = format!(
        "[listen]\nhttp = \"{}\"\nadmin = \"{}\"\n[[upstream]]\nname = \"api\"\nservers = [\"{}\"]\n\
         [[route]]\nmatch = {{}}\nupstream = \"api\"\n",
        ports.at(100),
        ports.at(102),
        ports.at(3),
    );
    let mut edge = manager.start("edge", &settings);
    manager.hears("READY=1");
    assert_eq!(crate::http::once(&format!("http://{}", ports.at(102)), "GET", "/readyz", &[]).unwrap().status, 200);
    signal(&edge, "HUP");
    manager.hears("RELOADING=1");
    manager.hears("READY=1");
    signal(&edge, "TERM");
    manager.hears("STOPPING=1");
    assert!(edge.wait().unwrap().success());
}
