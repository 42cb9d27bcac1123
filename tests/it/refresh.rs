//! Rotated refresh tokens cannot be used twice: not by 64 at once, not after a kill -9 of the issuer (SECURITY T61, T62).

use std::sync::Barrier;
use std::time::{Duration, Instant};

use issuer::store::fixture::{Cluster, Fsync};
use serde_json::{Value, json};

use crate::fault::postgres_storage;
use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{Refused, System, Tokens, unique, until};
use crate::world::{World, signal};

const AT_ONCE: usize = 64;
const PASSWORD: &str = "Correct-Horse-1";
const PATIENCE: Duration = Duration::from_secs(30);
const REUSED: &str = "RefreshTokenReuseException";
const DEAD: &str = "NotAuthorizedException";

#[test]
fn of_64_uses_at_once_one_succeeds_on_sqlite() {
    let world = World::start();
    one_of_many("SQLite", &world.system());
    assert!(world.stop().success());
}

#[test]
fn of_64_uses_at_once_one_succeeds_on_postgresql() {
    let cluster = Cluster::start(Fsync::On).unwrap();
    let roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    one_of_many("PostgreSQL", &roles.system());
}

#[test]
fn in_the_grace_64_uses_get_one_successor_on_sqlite() {
    let world = World::start();
    one_successor("SQLite", &world.system());
    assert!(world.stop().success());
}

#[test]
fn in_the_grace_64_uses_get_one_successor_on_postgresql() {
    let cluster = Cluster::start(Fsync::On).unwrap();
    let roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    one_successor("PostgreSQL", &roles.system());
}

#[test]
fn a_replay_after_a_kill_is_refused_on_sqlite() {
    let world = World::start();
    replays(&world.system(), || {
        let old = world.pid("issuer").unwrap();
        signal("KILL", old);
        until("`up` starts the issuer again", PATIENCE, || world.pid("issuer").is_some_and(|pid| pid != old));
    });
    assert!(world.stop().success());
}

#[test]
fn a_replay_after_a_kill_is_refused_on_postgresql() {
    let cluster = Cluster::start(Fsync::On).unwrap();
    let mut roles = Roles::start(|folder| postgres_storage(&cluster, folder));
    let system = roles.system();
    replays(&system, || roles.replace_issuer());
}

/// Without grace: one success, the rest are told that it was reuse, and the family is dead, here and at the edge.
fn one_of_many(engine: &str, system: &System) {
    let system = rotating(system, 0);
    let user = person(&system);
    let (rounds, begun) = (short_or_long(3, 500), Instant::now());
    for round in 0..rounds {
        let first = system.sign_in(&user, PASSWORD).unwrap();
        assert_eq!(system.edge_status(&first.access), 200, "round {round}: before");
        let (won, lost): (Vec<_>, Vec<_>) = at_once(&system, &first.refresh).into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        let odd: Vec<_> = lost.iter().filter(|outcome| name(outcome) != REUSED).collect();
        assert!(odd.is_empty(), "round {round}: {odd:?}");
        let winner = won.into_iter().next().unwrap().unwrap();
        assert_eq!(name(&renew(&system, &winner.refresh)), DEAD, "round {round}: the successor");
        assert_eq!(name(&renew(&system, &first.refresh)), REUSED, "round {round}: the token, again");
        for access in [&first.access, &winner.access] {
            assert!(system.get_user(access).is_err(), "round {round}: an access token at the issuer");
            until("an access token of a dead family is refused at the edge", PATIENCE, || {
                system.edge_status(access) == 401
            });
        }
    }
    println!(
        "{engine}, grace 0: {rounds} rounds of {AT_ONCE} at once: {rounds} successes, {} refused as reuse, {rounds} families dead, in {:?}",
        rounds as usize * (AT_ONCE - 1),
        begun.elapsed()
    );
}

/// With grace: everyone gets the same successor, and it is good.
fn one_successor(engine: &str, system: &System) {
    let system = rotating(system, 10);
    let user = person(&system);
    let (rounds, begun) = (short_or_long(3, 500), Instant::now());
    let mut present = system.sign_in(&user, PASSWORD).unwrap().refresh;
    for round in 0..rounds {
        let outcomes = at_once(&system, &present);
        let odd: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert!(odd.is_empty(), "round {round}: {odd:?}");
        let tokens: Vec<Tokens> = outcomes.into_iter().map(Result::unwrap).collect();
        let successor = tokens[0].refresh.clone();
        assert!(tokens.iter().all(|tokens| tokens.refresh == successor) && successor != present, "round {round}");
        assert!(system.get_user(&tokens[AT_ONCE - 1].access).is_ok(), "round {round}");
        present = successor;
    }
    println!(
        "{engine}, grace 10: {rounds} rounds of {AT_ONCE} at once: {} successes, {rounds} successors, in {:?}",
        rounds as usize * AT_ONCE,
        begun.elapsed()
    );
}

/// What was rotated stays rotated over a kill; and a grace, too, needs no memory of the process that gave it.
fn replays(system: &System, mut kill: impl FnMut()) {
    let (strict, lenient) = (rotating(system, 0), rotating(system, 60));
    let user = person(system);
    for _ in 0..short_or_long(2, 20) {
        let first = strict.sign_in(&user, PASSWORD).unwrap();
        let second = renew(&strict, &first.refresh).unwrap();
        let gentle = lenient.sign_in(&user, PASSWORD).unwrap();
        let successor = renew(&lenient, &gentle.refresh).unwrap().refresh;
        kill();
        assert_eq!(name(&patiently(|| renew(&strict, &first.refresh))), REUSED);
        assert_eq!(name(&renew(&strict, &second.refresh)), DEAD);
        until("the edge refuses the family", PATIENCE, || strict.edge_status(&second.access) == 401);
        assert_eq!(renew(&lenient, &gentle.refresh).unwrap().refresh, successor);
        renew(&lenient, &successor).unwrap();
        assert_eq!(name(&renew(&lenient, &gentle.refresh)), REUSED, "two back");
    }
}

/// The same system by a client whose refresh tokens are rotated.
fn rotating(system: &System, grace_s: u32) -> System {
    let request = json!({
        "UserPoolId": system.pool_id, "ClientName": format!("rotating-{grace_s}"),
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": grace_s },
    });
    let made = system.admin("CreateUserPoolClient", &request).unwrap();
    System { client_id: made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned(), ..system.clone() }
}

fn person(system: &System) -> String {
    let user = unique("refresh");
    system.create_user(&user, PASSWORD);
    user
}

fn renew(system: &System, token: &str) -> Result<Tokens, Refused> {
    let request = json!({ "ClientId": system.client_id, "RefreshToken": token });
    let answer = system.public("GetTokensFromRefreshToken", &request)?;
    let text = |name: &str| answer["AuthenticationResult"][name].as_str().map(str::to_owned);
    let given = |name: &str| text(name).unwrap_or_else(|| panic!("no {name}: {}", names(&answer)));
    Ok(Tokens { access: given("AccessToken"), refresh: given("RefreshToken") })
}

/// What an answer has, without its values.
fn names(answer: &Value) -> String {
    format!("{:?}", answer["AuthenticationResult"].as_object().map(|result| result.keys().collect::<Vec<_>>()))
}

/// One token, from as many connections.
fn at_once(system: &System, token: &str) -> Vec<Result<Tokens, Refused>> {
    let barrier = Barrier::new(AT_ONCE);
    let use_it = || {
        barrier.wait();
        patiently(|| renew(system, token))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(use_it)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Again until the issuer is there and not overloaded: no answer and 503 promise nothing.
fn patiently<T>(ask: impl Fn() -> Result<T, Refused>) -> Result<T, Refused> {
    let begun = Instant::now();
    loop {
        match ask() {
            Err(Refused::Lost(_) | Refused::Exception { status: 503, .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

fn name<T>(outcome: &Result<T, Refused>) -> &str {
    outcome.as_ref().err().map_or("tokens", Refused::name)
}
