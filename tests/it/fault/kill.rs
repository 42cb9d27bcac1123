//! R1: kill -9 of the issuer under writers: what was acknowledged is there afterwards, and the edge serves throughout.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use issuer::store::fixture::{Cluster, Fsync};

use super::database::{Database, postgres_storage, sqlite_storage};
use super::ledger::{Ledger, lost, rotating, unrecorded};
use super::{PASSWORD, PATIENCE, assert_no_panic, spread};
use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{System, unique, until};
use crate::world::{World, signal};

const WRITERS: u32 = 8;
/// Between two kills at least so many changes are acknowledged, and by chance up to twice as many more.
const PROGRESS: u32 = 10;

#[test]
fn sqlite_keeps_what_was_acknowledged() {
    survive(Roles::start(sqlite_storage));
}

#[test]
fn postgresql_keeps_what_was_acknowledged() {
    let cluster = Cluster::start(Fsync::On).unwrap();
    survive(Roles::start(|folder| postgres_storage(&cluster, folder)));
}

#[test]
fn up_starts_what_is_killed_as_often_as_it_is_killed() {
    let world = World::start();
    let demo = (world.text("demo_user"), world.text("demo_password"));
    for role in ["issuer", "edge", "sample_api"] {
        for _ in 0..12 {
            let old = world.pid(role).unwrap();
            signal("KILL", old);
            until("`up` starts it again", PATIENCE, || world.pid(role).is_some_and(|pid| pid != old));
        }
    }
    let system = world.system();
    until("all of it works again", PATIENCE, || {
        let token = system.sign_in(demo.0, demo.1).map(|tokens| tokens.access);
        token.is_ok_and(|token| system.ask_edge(&token).is_ok_and(|answer| answer.status == 200))
    });
    assert!(world.stop().success());
}

/// What the writers share with the one that kills.
#[derive(Default)]
struct Run {
    stop: AtomicBool,
    acknowledged: AtomicU32,
}

impl Run {
    fn over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Until so many more changes were acknowledged.
    fn goes_on(&self, more: u32) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        until("the writers go on", PATIENCE, || self.acknowledged.load(Ordering::Relaxed) >= before + more);
    }
}

/// Kills under load, then holds the ledgers against API, edge and database.
fn survive(mut roles: Roles) {
    let system = roles.system();
    let steady_user = unique("steady");
    system.create_user(&steady_user, PASSWORD);
    let steady = system.sign_in(&steady_user, PASSWORD).unwrap().access;
    let strict = rotating(&system, 0);
    let (run, kills) = (Run::default(), short_or_long(3, 200));
    let mut restarts = Vec::new();
    let (mut ledgers, prober) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(|| write(&system, &strict, &run))).collect();
        let prober = scope.spawn(|| probe(&system, &steady, &run));
        let mut dice = Dice::from_clock();
        for _ in 0..kills {
            run.goes_on(PROGRESS + dice.below(2 * PROGRESS));
            std::thread::sleep(Duration::from_micros(dice.below(10_000).into()));
            let begun = Instant::now();
            roles.replace_issuer();
            restarts.push(begun.elapsed());
        }
        run.goes_on(PROGRESS);
        run.stop.store(true, Ordering::Relaxed);
        let ledgers: Vec<Ledger> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        (ledgers, prober.join().unwrap())
    });
    let lost = lost(&system, &strict, &mut ledgers);
    roles.stop_issuer();
    let database = Database::of(&roles);
    let requests = ledgers.iter().flat_map(|ledger| ledger.requests.values().flatten());
    let (unrecorded, damage) = (unrecorded(&database, requests), database.damage());
    let doubled: Vec<&String> = ledgers.iter().flat_map(|ledger| &ledger.doubled).collect();
    let sum = |operations: &[&str]| ledgers.iter().map(|ledger| ledger.count(operations)).sum::<usize>();
    println!(
        "R1: {kills} kills; acknowledged: {} sign-ups, {} password changes, {} revocations, {} rotations, {} sign-ins; lost {}, doubled {}, \
         without audit {}, damaged {}; kill to ready {}; the edge answered {} probes, {} badly",
        sum(&["SignUp"]),
        sum(&["AdminSetUserPassword"]),
        sum(&["GlobalSignOut", "AdminUserGlobalSignOut", "RevokeToken"]),
        sum(&["GetTokensFromRefreshToken"]),
        sum(&["InitiateAuth"]),
        lost.len(),
        doubled.len(),
        unrecorded.len(),
        damage.len(),
        spread(&restarts),
        prober.0,
        prober.1,
    );
    assert!(lost.is_empty(), "acknowledged, then lost: {lost:?}");
    assert!(doubled.is_empty(), "acknowledged twice: {doubled:?}");
    assert!(unrecorded.is_empty(), "acknowledged without an audit record: {unrecorded:?}");
    assert!(damage.is_empty(), "{damage:?}");
    assert!(prober.0 > 10, "the prober ran");
    assert_eq!(prober.1, 0, "the edge serves valid tokens throughout");
    assert_no_panic(&roles.words_of("issuer"));
    assert_no_panic(&roles.words_of("edge"));
}

/// (requests, failures) with a token that is good all the time.
fn probe(system: &System, token: &str, run: &Run) -> (u32, u32) {
    let (mut asked, mut failed) = (0, 0);
    while !run.over() {
        asked += 1;
        failed += u32::from(!system.ask_edge(token).is_ok_and(|answer| answer.status == 200));
        std::thread::sleep(Duration::from_millis(10));
    }
    (asked, failed)
}

/// Signs up, changes passwords, revokes and rotates, one after the other, and remembers each acknowledgement.
fn write(system: &System, strict: &System, run: &Run) -> Ledger {
    let mut ledger = Ledger::open(system, pause);
    let mut round = 0_u32;
    while !run.over() {
        round += 1;
        let kept = [
            ledger.sign_up(system, round),
            ledger.change_password(system, round),
            ledger.revoke(system, round),
            ledger.rotate(strict, round),
        ];
        let kept = kept.iter().filter(|kept| **kept).count();
        run.acknowledged.fetch_add(u32::try_from(kept).unwrap(), Ordering::Relaxed);
        if kept == 0 {
            pause();
        }
    }
    ledger
}

fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Moments that nobody chose; the sequence is another in each run.
struct Dice(u64);

impl Dice {
    fn from_clock() -> Self {
        Self(common::clock::Clock::now(&common::clock::SystemClock).0 | 1)
    }

    /// xorshift64
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit)).unwrap()
    }
}
