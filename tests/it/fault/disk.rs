//! R3: the N-th write, sync, truncation or opening fails, once or from then on. Nothing acknowledged is lost, no file is damaged, refusals are clean,
//! what needs no write is answered, and service is back without a restart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::{Value, json};

use super::database::{Database, postgres_storage, sqlite_storage};
use super::ledger::unrecorded;
use super::shim::{DiskFault, Errno, Lasts, Shim};
use super::{PASSWORD, PATIENCE, assert_no_panic, assert_unavailable, spread};
use crate::http::once;
use crate::roles::{Roles, Surroundings};
use crate::short_or_long;
use crate::system::{Refused, System, Who, unique, until};

const FAULTS: [(Errno, Lasts); 5] = [
    (Errno::Eio, Lasts::Once),
    (Errno::Enospc, Lasts::Once),
    (Errno::Eio, Lasts::Onwards),
    (Errno::Enospc, Lasts::Onwards),
    (Errno::Erofs, Lasts::Onwards),
];
/// A new process between so many faults, killed and not told.
const FAULTS_A_PROCESS: usize = 50;
/// How long writes may go on before a fault that counts them strikes.
const STRIKES: Duration = Duration::from_secs(30);
/// Of the short form: so that each kind of call of a commit is met.
const SHORT_STEP: usize = 9;

#[test]
fn every_write_of_sqlite_may_fail() {
    let shim = Shim::new();
    let mut roles = Roles::start_in(shim.surroundings(), Surroundings::default(), sqlite_storage);
    shim.watch(&roles.folder().join("db"));
    let mut client = Client::new(&roles);
    client.change().unwrap();
    assert!(shim.calls() >= 2, "the shim sees what SQLite writes, at least a frame and a sync: {}", shim.calls());

    let last = u64::from(short_or_long(45, 500));
    let step = short_or_long(SHORT_STEP as u32, 1) as usize;
    let mut tally = Tally::default();
    for (error, lasts) in FAULTS {
        for nth in (1..=last).step_by(step) {
            client.suffer(&shim, DiskFault { nth, error, lasts }, &mut tally);
            if tally.faults.is_multiple_of(FAULTS_A_PROCESS) {
                roles.replace_issuer();
                client.change().expect("a new process writes at once");
            }
        }
    }
    roles.replace_issuer();
    client.finish(&roles, tally, "SQLite");
}

#[test]
fn a_start_on_a_failing_disk_ends_with_a_word_and_harms_nothing() {
    let shim = Shim::new();
    let mut roles = Roles::start_in(shim.surroundings(), Surroundings::default(), sqlite_storage);
    let mut client = Client::new(&roles);
    let step = short_or_long(5, 1) as usize;
    let (mut starts, mut failed) = (0, 0);
    for (error, lasts) in [(Errno::Eio, Lasts::Once), (Errno::Enospc, Lasts::Onwards)] {
        // Until a whole start needs fewer calls.
        for nth in (1..).step_by(step) {
            client.change().unwrap();
            roles.kill_issuer();
            shim.watch(&roles.folder().join("db"));
            shim.fail(DiskFault { nth, error, lasts });
            let started = roles.try_start_issuer();
            let met = shim.failed() > 0;
            shim.heal();
            starts += 1;
            if let Err(status) = started {
                failed += 1;
                assert_eq!(status.code(), Some(1), "not a crash and no fault of the settings: {}", roles.log());
                roles.start_issuer();
            }
            let lost = unrecorded(&Database::of(&roles), &client.acknowledged);
            assert!(lost.is_empty(), "call {nth}, {error:?} {lasts:?}: acknowledged, then lost: {lost:?}");
            if !met {
                break;
            }
        }
    }
    println!("R3: {starts} starts on a failing disk after a kill, {failed} of them refused");
    assert!(failed > 0, "no fault hindered a start");
    client.finish(&roles, Tally::default(), "SQLite at its start");
}

#[test]
fn a_first_start_on_a_failing_disk_can_be_repeated() {
    let shim = Shim::new();
    let mut roles = Roles::start_in(shim.surroundings(), Surroundings::default(), sqlite_storage);
    let folder = roles.folder().join("db");
    let (mut starts, mut failed) = (0, 0);
    for nth in (1..).step_by(short_or_long(60, 1) as usize) {
        roles.kill_issuer();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        shim.watch(&folder);
        shim.fail(DiskFault { nth, error: Errno::Eio, lasts: Lasts::Once });
        let started = roles.try_start_issuer();
        let met = shim.failed() > 0;
        shim.heal();
        starts += 1;
        if let Err(status) = started {
            failed += 1;
            assert_eq!(status.code(), Some(1), "not a crash and no fault of the settings: {}", roles.log());
            roles.start_issuer();
        }
        assert_eq!(Database::of(&roles).damage(), [""; 0], "call {nth}");
        if !met {
            break;
        }
    }
    println!("R3: {starts} first starts on a failing disk, {failed} of them refused, all repeated with success");
    assert!(failed > 0, "no fault hindered a start");
    assert_no_panic(&roles.words_of("issuer"));
}

#[test]
fn messages_wait_while_the_outbox_fails() {
    let shim = Shim::new();
    let roles = Roles::start_in(shim.surroundings(), Surroundings::default(), sqlite_storage);
    let system = roles.system();
    let outbox = roles.folder().join("outbox");
    shim.watch(&outbox);
    shim.fail(DiskFault { nth: 1, error: Errno::Enospc, lasts: Lasts::Onwards });
    let users: Vec<String> = (0..4).map(|_| unique("waits")).collect();
    for user in &users {
        system.sign_up(user, PASSWORD).expect("a sign-up does not wait for its message");
    }
    until("the outbox fails", PATIENCE, || shim.failed() > 0);
    assert_eq!(delivered(&outbox), BTreeSet::new());
    shim.heal();
    let wanted: BTreeSet<String> = users.into_iter().collect();
    until("all messages are there", PATIENCE, || delivered(&outbox) == wanted);
    assert_no_panic(&roles.words_of("issuer"));
}

#[test]
fn an_edge_serves_on_while_its_state_folder_fails() {
    let shim = Shim::new();
    let mut roles = Roles::start_in(Surroundings::default(), shim.surroundings(), sqlite_storage);
    let system = roles.system();
    let user = unique("steady");
    system.create_user(&user, PASSWORD);
    let steady = system.sign_in(&user, PASSWORD).unwrap().access;
    shim.watch(&roles.folder().join("edge-state"));
    let mut revoked = Vec::new();
    for error in [Errno::Enospc, Errno::Eio] {
        shim.fail(DiskFault { nth: 1, error, lasts: Lasts::Onwards });
        for _ in 0..3 {
            let other = unique("other");
            system.create_user(&other, PASSWORD);
            let token = system.sign_in(&other, PASSWORD).unwrap().access;
            assert_eq!(system.edge_status(&token), 200);
            system.public("GlobalSignOut", &json!({ "AccessToken": token })).unwrap();
            until("the sign-out is in force", PATIENCE, || system.edge_status(&token) == 401);
            assert_eq!(system.edge_status(&steady), 200);
            revoked.push(token);
        }
        until("the folder fails, and there is an alarm", PATIENCE, || shim.failed() > 0 && feed_alarms(&roles) > 0);
        // What it has on disk is old; the issuer tells it the rest before it is ready.
        roles.restart_edge();
        assert!(revoked.iter().all(|token| system.edge_status(token) == 401), "after a restart");
        assert_eq!(system.edge_status(&steady), 200, "after a restart");
    }
    shim.heal();
    roles.restart_edge();
    assert!(revoked.iter().all(|token| system.edge_status(token) == 401), "after the fault");
    assert_eq!(system.edge_status(&steady), 200, "after the fault");
    assert_no_panic(&roles.words_of("edge"));
}

#[test]
fn postgresql_out_of_space_refuses_until_there_is_room() {
    let shim = Shim::new();
    let cluster = Cluster::start_in(Fsync::On, &shim.env()).unwrap();
    let roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    let mut client = Client::new(&roles);
    // Tables and indexes can't grow; the log lies elsewhere, as it should.
    shim.watch(&cluster.directory().join("data/base"));
    let mut tally = Tally::default();
    for _ in 0..short_or_long(1, 20) {
        client.suffer(&shim, DiskFault { nth: 1, error: Errno::Enospc, lasts: Lasts::Onwards }, &mut tally);
    }
    client.report(&tally, "PostgreSQL whose tables can't grow");
    // A log that can't be written ends the server at once; it recovers by itself.
    let mut tally = Tally::default();
    shim.watch(&cluster.directory().join("data/pg_wal"));
    for nth in 1..=u64::from(short_or_long(1, 10)) {
        client.suffer(&shim, DiskFault { nth, error: Errno::Eio, lasts: Lasts::Once }, &mut tally);
    }
    client.finish(&roles, tally, "PostgreSQL whose log fails once");
}

/// What happened under faults.
#[derive(Default)]
struct Tally {
    faults: usize,
    failed_calls: u64,
    refused: usize,
    recovery: Vec<Duration>,
}

/// One client, and what it was told.
struct Client {
    system: System,
    /// Signed out again and again: a write without a hash, so that many fit into a test.
    person: Value,
    steady: String,
    acknowledged: Vec<String>,
    changes: u32,
}

impl Client {
    fn new(roles: &Roles) -> Self {
        let system = roles.system();
        let (user, steady_user) = (unique("often"), unique("steady"));
        system.create_user(&user, PASSWORD);
        system.create_user(&steady_user, PASSWORD);
        let steady = system.sign_in(&steady_user, PASSWORD).unwrap().access;
        let person = json!({ "UserPoolId": system.pool_id, "Username": user });
        Self { system, person, steady, acknowledged: Vec::new(), changes: 0 }
    }

    /// Some write; a sign-up now and then.
    fn change(&mut self) -> Result<(), Refused> {
        self.changes += 1;
        let outcome = if self.changes.is_multiple_of(16) {
            let sign_up =
                json!({ "ClientId": self.system.client_id, "Username": unique("late"), "Password": PASSWORD });
            self.system.recorded(Who::Anyone, "SignUp", &sign_up)
        } else {
            self.system.recorded(Who::Administrator, "AdminUserGlobalSignOut", &self.person)
        };
        outcome.map(|(request, _)| self.acknowledged.push(request))
    }

    /// Writes until the fault has struck, looks at the answers while it lasts, and times the recovery.
    fn suffer(&mut self, shim: &Shim, fault: DiskFault, tally: &mut Tally) {
        shim.fail(fault);
        let begun = Instant::now();
        let mut struck = None;
        while shim.failed() == 0 || (fault.lasts == Lasts::Onwards && struck.is_none()) {
            let (calls, failed) = (shim.calls(), shim.failed());
            assert!(begun.elapsed() < STRIKES, "{fault:?}: {calls} calls, {failed} failed, and no change was refused");
            if let Err(refused) = self.change() {
                assert_unavailable(&refused);
                struck = Some(refused);
                tally.refused += 1;
            }
        }
        if fault.lasts == Lasts::Onwards {
            self.system.get_user(&self.steady).expect("what needs no write is answered");
            let keys = format!("/{}/.well-known/jwks.json", self.system.pool_id);
            assert_eq!(once(&self.system.issuer, "GET", &keys, &[]).unwrap().status, 200);
        }
        assert_eq!(self.system.edge_status(&self.steady), 200, "the edge serves on");
        tally.faults += 1;
        tally.failed_calls += shim.failed();
        shim.heal();
        let healed = Instant::now();
        until("writes work again, without a restart", PATIENCE, || match self.change() {
            Ok(()) => true,
            Err(refused) => {
                assert_unavailable(&refused);
                false
            }
        });
        tally.recovery.push(healed.elapsed());
    }

    /// Holds what was acknowledged against what is there.
    fn finish(self, roles: &Roles, tally: Tally, what: &str) {
        let database = Database::of(roles);
        let (lost, damage) = (unrecorded(&database, &self.acknowledged), database.damage());
        self.report(&tally, what);
        println!(
            "R3: {what}: {} acknowledged, of them lost {}, damaged {}",
            self.acknowledged.len(),
            lost.len(),
            damage.len()
        );
        assert!(lost.is_empty(), "acknowledged, then lost: {lost:?}");
        assert!(damage.is_empty(), "{damage:?}");
        self.system.get_user(&self.steady).expect("the steady session goes on");
        assert_no_panic(&roles.words_of("issuer"));
    }

    fn report(&self, tally: &Tally, what: &str) {
        println!(
            "R3: {what}: {} faults, {} failed calls, {} changes refused, writes again after {}",
            tally.faults,
            tally.failed_calls,
            tally.refused,
            spread(&tally.recovery),
        );
    }
}

/// The users to whom messages lie in the outbox.
fn delivered(outbox: &std::path::Path) -> BTreeSet<String> {
    let whole = |path: &std::path::Path| path.extension().is_some_and(|ending| ending == "json");
    let paths = std::fs::read_dir(outbox).unwrap().map(|entry| entry.unwrap().path());
    let texts = paths.filter(|path| whole(path)).map(|path| std::fs::read(path).unwrap());
    let messages = texts.map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    messages.map(|message| message["username"].as_str().unwrap().to_owned()).collect()
}

fn feed_alarms(roles: &Roles) -> u64 {
    let text = once(&roles.edge_admin(), "GET", "/metrics", &[]).unwrap().text();
    let line = text.lines().find(|line| line.contains("feed_alarms") && !line.starts_with('#'));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap()
}
