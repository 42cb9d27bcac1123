//! kill -9 of the issuer under writers: what was acknowledged is there afterwards, and the edge serves throughout.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::json;

use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{Refused, System, unique, until};
use crate::world::{World, signal};

const WRITERS: u32 = 8;
/// Acknowledged changes between two kills.
const PROGRESS: u32 = 24;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn sqlite_keeps_what_was_acknowledged() {
    let world = World::start();
    let (system, demo) = (world.system(), (world.text("demo_user"), world.text("demo_password")));
    let steady = system.sign_in(demo.0, demo.1).unwrap().access;
    survive(&system, &steady, || {
        let old = world.pid("issuer").unwrap();
        signal("KILL", old);
        until("`up` starts the issuer again", PATIENCE, || world.pid("issuer").is_some_and(|pid| pid != old));
    });
    assert!(world.stop().success());
}

#[test]
fn postgresql_keeps_what_was_acknowledged() {
    let cluster = Cluster::start(Fsync::On).unwrap();
    let mut roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    let system = roles.system();
    let (user, password) = (unique("steady"), "Correct-Horse-1");
    system.create_user(&user, password);
    let steady = system.sign_in(&user, password).unwrap().access;
    survive(&system, &steady, || roles.replace_issuer());
}

/// The `[storage]` section for a fresh database of a cluster.
pub fn postgres_storage(cluster: &Cluster, folder: &std::path::Path) -> String {
    let file = folder.join("postgres.url");
    std::fs::write(&file, cluster.database().unwrap()).unwrap();
    format!("postgres_url_file = {file:?}")
}

/// What a writer was promised.
#[derive(Default)]
struct Ledger {
    /// (user, password): acknowledged sign-ups.
    signed_up: Vec<(String, String)>,
    /// Access tokens whose revocation was acknowledged.
    revoked: Vec<String>,
    /// The writer's own user, and every password that may hold: the last acknowledged one and later ones without an answer.
    user: String,
    passwords: Vec<String>,
    changed: u32,
}

/// Kills under load, then holds the ledgers against the API and the edge.
fn survive(system: &System, steady: &str, mut kill: impl FnMut()) {
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU32::new(0));
    let kills = short_or_long(3, 20);
    let (ledgers, prober) = std::thread::scope(|scope| {
        let writer = |_| scope.spawn(|| write(system, &stop, &acknowledged));
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        let prober = scope.spawn(|| probe(system, steady, &stop));
        for _ in 0..kills {
            let before = acknowledged.load(Ordering::Relaxed);
            until("the writers go on", PATIENCE, || acknowledged.load(Ordering::Relaxed) >= before + PROGRESS);
            kill();
        }
        let before = acknowledged.load(Ordering::Relaxed);
        until("the writers go on", PATIENCE, || acknowledged.load(Ordering::Relaxed) >= before + PROGRESS);
        stop.store(true, Ordering::Relaxed);
        let ledgers: Vec<Ledger> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        (ledgers, prober.join().unwrap())
    });
    let lost = check(system, &ledgers);
    let sum = |count: fn(&Ledger) -> usize| ledgers.iter().map(count).sum::<usize>();
    println!(
        "{kills} kills; acknowledged: {} sign-ups, {} password changes, {} revocations; lost: {lost:?}; \
         the edge answered {} probes, {} badly",
        sum(|ledger| ledger.signed_up.len()),
        sum(|ledger| ledger.changed as usize),
        sum(|ledger| ledger.revoked.len()),
        prober.0,
        prober.1,
    );
    assert!(lost.is_empty(), "acknowledged, then lost: {lost:?}");
    assert!(prober.0 > 10, "the prober ran");
    assert_eq!(prober.1, 0, "the edge serves valid tokens throughout");
    let fresh = ledgers.first().map(|ledger| (&ledger.user, ledger.passwords.last().unwrap())).unwrap();
    let token = system.sign_in(fresh.0, fresh.1).map(|tokens| tokens.access);
    if let Ok(token) = token {
        assert_eq!(system.edge_status(&token), 200, "a sign-in after the last kill");
    }
}

/// (requests, failures) with a token that is good all the time.
fn probe(system: &System, token: &str, stop: &AtomicBool) -> (u32, u32) {
    let (mut asked, mut failed) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        failed += u32::from(!system.ask_edge(token).is_ok_and(|answer| answer.status == 200));
        std::thread::sleep(Duration::from_millis(10));
    }
    (asked, failed)
}

/// Signs up, changes passwords and revokes, one after the other, and remembers each acknowledgement.
fn write(system: &System, stop: &AtomicBool, acknowledged: &AtomicU32) -> Ledger {
    let mut ledger = Ledger { user: unique("writer"), ..Ledger::default() };
    let first = "Correct-Horse-0".to_owned();
    while system.sign_up(&ledger.user, &first).is_err_and(|refused| refused.name() != "UsernameExistsException") {
        pause();
    }
    ledger.passwords = vec![first];
    let mut round = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let promised =
            [sign_up(system, &mut ledger), change(system, &mut ledger, round), revoke(system, &mut ledger, round)];
        let kept = promised.iter().filter(|promised| **promised).count();
        acknowledged.fetch_add(u32::try_from(kept).unwrap(), Ordering::Relaxed);
        if kept == 0 {
            pause();
        }
    }
    ledger
}

fn sign_up(system: &System, ledger: &mut Ledger) -> bool {
    let (user, password) = (unique("signed-up"), "Correct-Horse-1".to_owned());
    let done = is_acknowledged("SignUp", system.sign_up(&user, &password));
    if done {
        ledger.signed_up.push((user, password));
    }
    done
}

fn change(system: &System, ledger: &mut Ledger, round: u32) -> bool {
    let password = format!("Battery-Staple-{round}");
    let done = is_acknowledged("AdminSetUserPassword", system.set_password(&ledger.user, &password));
    if done {
        ledger.passwords.clear();
        ledger.changed += 1;
    }
    ledger.passwords.push(password);
    done
}

fn revoke(system: &System, ledger: &mut Ledger, round: u32) -> bool {
    let [password] = ledger.passwords.as_slice() else { return false };
    let tokens = match system.sign_in(&ledger.user, password) {
        Ok(tokens) => tokens,
        Err(refused) => return is_acknowledged("InitiateAuth", Err::<(), _>(refused)),
    };
    let person = json!({ "UserPoolId": system.pool_id, "Username": ledger.user });
    let outcome = match round % 3 {
        0 => system.public("GlobalSignOut", &json!({ "AccessToken": tokens.access })),
        1 => system.public("RevokeToken", &json!({ "ClientId": system.client_id, "Token": tokens.refresh })),
        _ => system.admin("AdminUserGlobalSignOut", &person),
    };
    let done = is_acknowledged("a revocation", outcome);
    if done {
        ledger.revoked.push(tokens.access);
    }
    done
}

/// No answer and 503 promise nothing; any other refusal is a failure of the test.
fn is_acknowledged<T>(what: &str, outcome: Result<T, Refused>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Refused::Lost(_) | Refused::Exception { status: 503, .. }) => false,
        Err(refused) => panic!("{what}: {refused:?}"),
    }
}

/// What was acknowledged and is not so.
fn check(system: &System, ledgers: &[Ledger]) -> Vec<String> {
    let mut lost = Vec::new();
    for ledger in ledgers {
        for (user, password) in &ledger.signed_up {
            let found =
                system.sign_in(user, password).map_or_else(|refused| refused.name().to_owned(), |_| "tokens".into());
            if found != "UserNotConfirmedException" {
                lost.push(format!("sign-up of {user}: {found}"));
            }
        }
        let works = |password: &String| match system.sign_in(&ledger.user, password) {
            Ok(_) => true,
            Err(refused) => {
                assert_eq!(refused.name(), "NotAuthorizedException", "{refused:?}");
                false
            }
        };
        if !ledger.passwords.iter().any(works) {
            lost.push(format!("password of {}: none of {:?}", ledger.user, ledger.passwords));
        }
        for token in &ledger.revoked {
            if system.get_user(token).is_ok() {
                lost.push(format!("a revocation of {} at the issuer", ledger.user));
            }
            let begun = std::time::Instant::now();
            while system.edge_status(token) != 401 {
                if begun.elapsed() > Duration::from_secs(10) {
                    lost.push(format!("a revocation of {} at the edge", ledger.user));
                    break;
                }
                pause();
            }
        }
    }
    lost
}

fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
