//! Storage that is full or away: 503 with Retry-After, nothing half written, the edge serves on, and recovery by itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::Value;

use crate::fault::{assert_unavailable, postgres_storage};
use crate::http::once;
use crate::roles::Roles;
use crate::system::{Refused, System, unique, until};
use crate::world::{Home, TOLLGATE, World};

const PASSWORD: &str = "Correct-Horse-1";
const PATIENCE: Duration = Duration::from_secs(30);

/// The disk is full, as far as the issuer can tell: its files may not grow. (Its own limit, since a test can't fill a disk.)
#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let home = Home::new();
    // SIGXFSZ would end the process before SQLite sees the error; what a parent ignores its children ignore.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#, TOLLGATE]);
    let world = home.launch(home.command_by(shell, &[]));
    let system = world.system();
    let steady = system.sign_in(world.text("demo_user"), world.text("demo_password")).unwrap().access;

    limit_files(&world, &(largest_file(&world.home().data()) + 64 * 1024).to_string());
    let refused = write_until_refused(&system);
    assert_unavailable(&refused);
    let user = unique("half");
    assert_unavailable(&system.sign_up(&user, PASSWORD).unwrap_err());
    // The log may begin anew at a refused write, and have room for a few small ones.
    let full = (0..1_000).find_map(|_| system.sign_in(world.text("demo_user"), world.text("demo_password")).err());
    assert_unavailable(&full.expect("sign-ins end where there is no room"));
    assert_eq!(system.edge_status(&steady), 200, "the edge serves on");
    let keys = once(&system.issuer, "GET", &format!("/{}/.well-known/jwks.json", system.pool_id), &[]).unwrap();
    assert_eq!(keys.status, 200, "what needs no write is answered");
    assert_eq!(messages_to(&world, &user), 0, "no code for a user who isn't there");

    limit_files(&world, "unlimited");
    recovers(&system, &user);
    until("the code is sent", PATIENCE, || messages_to(&world, &user) == 1);
    assert!(world.stop().success());
}

#[test]
fn a_database_that_is_away_refuses_until_it_is_back() {
    let mut cluster = Cluster::start(Fsync::Off).unwrap();
    let roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    let system = roles.system();
    let steady = unique("steady");
    system.create_user(&steady, PASSWORD);
    let token = system.sign_in(&steady, PASSWORD).unwrap().access;
    assert_eq!(system.edge_status(&token), 200);

    cluster.stop().unwrap();
    let user = unique("half");
    assert_unavailable(&system.sign_up(&user, PASSWORD).unwrap_err());
    assert_unavailable(&system.sign_in(&steady, PASSWORD).unwrap_err());
    assert_unavailable(&system.set_password(&steady, "Battery-Staple-1").unwrap_err());
    assert_unavailable(&system.get_user(&token).unwrap_err());
    assert_eq!(system.edge_status(&token), 200, "the edge serves on");

    cluster.resume().unwrap();
    recovers(&system, &user);
    let tokens = system.sign_in(&steady, PASSWORD).expect("the password is the old one");
    assert_eq!(system.edge_status(&tokens.access), 200);
}

/// The refused sign-up left nothing, and now it works.
fn recovers(system: &System, user: &str) {
    until("writes work again", PATIENCE, || match system.sign_up(user, PASSWORD) {
        Ok(_) => true,
        Err(refused) => {
            assert_unavailable(&refused);
            false
        }
    });
    assert_eq!(system.sign_up(user, PASSWORD).unwrap_err().name(), "UsernameExistsException");
}

fn write_until_refused(system: &System) -> Refused {
    for _ in 0..500 {
        if let Err(refused) = system.sign_up(&unique("filler"), PASSWORD) {
            return refused;
        }
    }
    panic!("500 sign-ups fit where there is no room");
}

/// Sets the soft limit of what the issuer's files may grow to; bytes.
fn limit_files(world: &World, size: &str) {
    let pid = world.pid("issuer").unwrap().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}:")]).status().unwrap();
    assert!(set.success(), "prlimit (util-linux)");
}

fn largest_file(folder: &Path) -> u64 {
    let sizes = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.metadata().unwrap().len());
    sizes.max().unwrap()
}

fn messages_to(world: &World, user: &str) -> usize {
    let messages = std::fs::read_dir(world.text("outbox")).unwrap().flatten();
    let texts = messages.filter_map(|entry| std::fs::read(entry.path()).ok());
    let messages = texts.filter_map(|text| serde_json::from_slice::<Value>(&text).ok());
    messages.filter(|message| message["username"] == user).count()
}
