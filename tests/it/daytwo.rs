//! Day two: a backup of a running issuer brought back elsewhere (SECURITY.md R18), and keys that are replaced under load (R8).

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::{Value, json};

use crate::fault::postgres_storage;
use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{System, unique, until};

const PASSWORD: &str = "Correct-Horse-1";
const PATIENCE: Duration = Duration::from_secs(30);

fn sqlite(folder: &Path) -> String {
    format!("sqlite = {:?}", folder.join("tollgate.db"))
}

fn admin(roles: &Roles, arguments: &[&str]) -> Output {
    let system = roles.system();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("admin").args(arguments).env("AWS_ACCESS_KEY_ID", system.access_key_id);
    command.env("AWS_SECRET_ACCESS_KEY", system.secret_access_key).output().unwrap()
}

fn online(roles: &Roles, arguments: &[&str]) -> String {
    let done = admin(roles, &[arguments, &["--admin", roles.admin()]].concat());
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What the command says when it is refused.
fn refused(roles: &Roles, arguments: &[&str]) -> String {
    let done = admin(roles, arguments);
    assert!(!done.status.success(), "{arguments:?} was done: {}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr).unwrap()
}

/// Points the issuer's settings at another, empty database.
fn move_storage(roles: &Roles, from: &str, to: &str) {
    let file = roles.folder().join("issuer.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
}

fn names(roles: &Roles, how_many: u32) -> Vec<String> {
    let system = roles.system();
    let made = (0..how_many).map(|_| unique("before"));
    made.inspect(|name| system.create_user(name, PASSWORD)).collect()
}

/// Runs `work` while four threads make users; the names that were acknowledged while it ran.
fn under_writers<T>(system: &System, work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let (done, written) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let outcome = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let name = unique("meanwhile");
                    if system.sign_up(&name, PASSWORD).is_ok() {
                        written.lock().unwrap().push(name);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(200));
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        outcome
    });
    (outcome, written.into_inner().unwrap())
}

fn restored_elsewhere(elsewhere: impl Fn(&Path) -> String) {
    let mut roles = Roles::start(sqlite);
    let (old, new) = (sqlite(roles.folder()), elsewhere(roles.folder()));
    let system = roles.system();
    let before = names(&roles, short_or_long(8, 200));
    let (revoked, living) = (&before[0], &before[1]);
    let doomed = system.sign_in(revoked, PASSWORD).unwrap();
    let spared = system.sign_in(living, PASSWORD).unwrap();

    let file = roles.folder().join("tollgate.backup");
    let path = file.to_string_lossy().into_owned();
    let (said, meanwhile) = under_writers(&system, || online(&roles, &["backup", "--output", &path]));
    println!("{} ({} users were made meanwhile)", said.trim(), meanwhile.len());
    let bytes = std::fs::read(&file).unwrap();
    for secret in [revoked.as_str(), "argon2id", system.access_key_id.as_str()] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is in the file");
    }

    system.public("GlobalSignOut", &json!({ "AccessToken": doomed.access })).unwrap();
    let after = unique("after");
    system.create_user(&after, PASSWORD);

    let config = roles.folder().join("issuer.toml").to_string_lossy().into_owned();
    let restore = ["restore", "--config", &config, "--from", &path, "--keep-admin-key", &system.access_key_id];
    let said = refused(&roles, &restore);
    assert!(said.contains("in use"), "beside a running issuer: {said}");
    let first = roles.folder().join("another.key").to_string_lossy().into_owned();
    let said = refused(&roles, &["first-key", "--config", &config, "--recover", "--output", &first]);
    assert!(said.contains("in use"), "beside a running issuer: {said}");
    roles.stop_issuer();
    refused(&roles, &restore);
    move_storage(&roles, &old, &new);
    let cut = roles.folder().join("cut").to_string_lossy().into_owned();
    std::fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let said = refused(&roles, &["restore", "--config", &config, "--from", &cut]);
    assert!(said.contains("cut short"), "{said}");

    let done = admin(&roles, &restore);
    assert!(done.status.success(), "restore: {}", String::from_utf8_lossy(&done.stderr));
    println!("{}", String::from_utf8_lossy(&done.stdout));
    roles.start_issuer();

    for name in &before {
        system.sign_in(name, PASSWORD).unwrap_or_else(|why| panic!("{name} was there before the backup: {why:?}"));
    }
    assert_eq!(system.sign_in(&after, PASSWORD).unwrap_err().name(), "UserNotFoundException");
    for tokens in [&doomed, &spared] {
        assert_eq!(system.get_user(&tokens.access).unwrap_err().name(), "NotAuthorizedException");
        assert_eq!(system.refresh(&tokens.refresh).unwrap_err().name(), "NotAuthorizedException");
    }
    // The edge knows the issuer by its authority, which is in the backup: it follows without being asked, into the new epoch.
    let fresh = system.sign_in(living, PASSWORD).unwrap();
    until("the edge follows the restored issuer", PATIENCE, || system.edge_status(&fresh.access) == 200);
    for tokens in [&doomed, &spared] {
        assert_eq!(system.edge_status(&tokens.access), 401, "what was revoked after the backup stays dead");
    }
    assert!(refused(&roles, &restore).contains("in use"));
}

#[test]
fn a_backup_is_restored_elsewhere_and_revives_nothing() {
    restored_elsewhere(|folder| format!("sqlite = {:?}", folder.join("elsewhere.db")));
}

#[test]
fn a_backup_moves_from_sqlite_to_postgresql() {
    let cluster = Cluster::start(Fsync::Off).unwrap();
    // One database a call: the section is asked for once.
    restored_elsewhere(|folder| postgres_storage(&cluster, folder));
}

#[test]
fn keys_are_replaced_under_load_and_no_valid_token_is_refused() {
    let roles = Roles::start(sqlite);
    let system = roles.system();
    let people = names(&roles, 4);
    let (done, asked, wrong) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(Vec::new()));
    let rotations = short_or_long(3, 100);
    std::thread::scope(|scope| {
        for name in &people {
            scope.spawn(|| {
                let name = name.clone();
                while !done.load(Ordering::Relaxed) {
                    let tokens = system.sign_in(&name, PASSWORD).unwrap();
                    for _ in 0..20 {
                        let status = system.edge_status(&tokens.access);
                        asked.fetch_add(1, Ordering::Relaxed);
                        if status != 200 {
                            wrong.lock().unwrap().push(status);
                        }
                    }
                    system.get_user(&tokens.access).unwrap();
                }
            });
        }
        for _ in 0..rotations {
            online(&roles, &["signing-keys", "rotate", "--now", "--pool", &system.pool_id]);
            std::thread::sleep(Duration::from_millis(100));
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{rotations} rotations, {} requests with valid tokens", asked.load(Ordering::Relaxed));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} refused: {wrong:?}", wrong.len());

    // A key that leaked: what it signed is dead, also at the edge, and sign-ins go on under another.
    let tokens = system.sign_in(&people[0], PASSWORD).unwrap();
    let listed = online(&roles, &["signing-keys", "list", "--pool", &system.pool_id]);
    let active = |purpose: &str| {
        let line = listed.lines().find(|line| line.contains(purpose) && line.ends_with("active")).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let leaked = active("access");
    assert_eq!(kid(&tokens.access), leaked);
    online(&roles, &["signing-keys", "revoke", "--pool", &system.pool_id, &leaked]);
    until("the edge refuses the key", PATIENCE, || system.edge_status(&tokens.access) == 401);
    assert_eq!(system.get_user(&tokens.access).unwrap_err().name(), "NotAuthorizedException");
    let fresh = system.sign_in(&people[0], PASSWORD).unwrap();
    assert_ne!(kid(&fresh.access), leaked);
    until("the edge knows the new key", PATIENCE, || system.edge_status(&fresh.access) == 200);
}

#[test]
fn a_clients_oauth_settings_are_shown_in_the_form_in_which_they_are_set() {
    let roles = Roles::start(sqlite);
    let system = roles.system();
    let named = ["--pool", &system.pool_id, "--client", &system.client_id];
    let run = |command: &str, file: &[&str]| online(&roles, &[&["client", command], &named[..], file].concat());
    let file = roles.folder().join("client.json").to_string_lossy().into_owned();
    std::fs::write(&file, r#"{"pkce": "required", "about": {"tos_uri": "https://app.example/terms"}}"#).unwrap();
    let set = run("set", &[&file]);
    assert_eq!(run("show", &[]), set);
    assert_eq!(serde_json::from_str::<Value>(&set).unwrap()["pkce"], "required");
    std::fs::write(&file, &set).unwrap();
    assert_eq!(run("set", &[&file]), set, "what is shown can be set");
    std::fs::write(&file, r#"{"pkse": "required"}"#).unwrap();
    let wrong = [&["client", "set"], &named[..], &[&file, "--admin", roles.admin()]].concat();
    let said = refused(&roles, &wrong);
    assert!(said.trim_end().ends_with("pkse: unknown member; did you mean `pkce`?"), "{said}");
    assert_eq!(run("show", &[]), set);
}

fn kid(token: &str) -> String {
    use base64::Engine as _;
    let head = token.split('.').next().unwrap();
    let head: Value =
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}
