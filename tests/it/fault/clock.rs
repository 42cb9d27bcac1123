//! R10: a wall clock that jumps under a running issuer or edge. Within the leeway nothing good is refused; beyond it what is refused is what the
//! rules say, and works again once the clock is right; nothing that was revoked comes back at any time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use super::database::sqlite_storage;
use super::ledger::rotating;
use super::shim::{Jump, Shim};
use super::{PASSWORD, PATIENCE, assert_no_panic};
use crate::http::once;
use crate::roles::Roles;
use crate::short_or_long;
use crate::system::{Refused, System, Tokens, unique, until};

const JUMPS: [Jump; 4] = [ahead(30), back(30), ahead(300), back(300)];
/// An edge takes a token that is issued up to 10 s in its future.
const WITHIN_LEEWAY: [Jump; 2] = [ahead(8), back(8)];
/// Of tokens that are older than every jump.
const AGED: Jump = back(400);

const fn ahead(seconds: u64) -> Jump {
    Jump::Ahead(Duration::from_secs(seconds))
}

const fn back(seconds: u64) -> Jump {
    Jump::Back(Duration::from_secs(seconds))
}

#[test]
fn an_issuer_whose_clock_jumps_signs_in_and_revives_nothing() {
    let scene = Scene::start();
    let system = &scene.system;
    let mut sign_ins = 0;
    for jump in rounds(&JUMPS) {
        scene.issuer.set_clock(jump);
        let there = system.sign_in(&scene.user, PASSWORD).unwrap_or_else(|refused| panic!("{jump:?}: {refused:?}"));
        assert_eq!(issued_at(&there.access), stands_at(jump), "the issuer goes by its own clock");
        system.get_user(&there.access).unwrap_or_else(|refused| panic!("{jump:?}: {refused:?}"));
        let wanted = if matches!(jump, Jump::Back(_)) { 200 } else { 401 };
        assert_eq!(system.edge_status(&there.access), wanted, "{jump:?}: only the future is refused");
        scene.lives_and_dies(jump);

        // A sign-out there, a sign-in at once: the mint instants go on, whatever the clock says.
        sign_out(system, &there);
        dead(system, &there, jump);
        let again = system.sign_in(&scene.user, PASSWORD).unwrap();
        system.get_user(&again.access).unwrap_or_else(|refused| panic!("{jump:?}: {refused:?}"));
        sign_out(system, &again);

        scene.issuer.set_clock(Jump::NONE);
        let here = system.sign_in(&scene.user, PASSWORD).unwrap();
        system.get_user(&here.access).unwrap_or_else(|refused| panic!("back from {jump:?}: {refused:?}"));
        assert_eq!(system.edge_status(&here.access), 200, "back from {jump:?}: a new token is good at once");
        let refreshed = system.refresh(&here.refresh).unwrap();
        assert_eq!(system.edge_status(&refreshed.access), 200, "back from {jump:?}: and a refreshed one");
        sign_out(system, &here);
        for gone in [&there, &again, &here] {
            dead(system, gone, jump);
        }
        scene.lives_and_dies(Jump::NONE);
        sign_ins += 3;
    }
    println!("R10: issuer: {sign_ins} sign-ins over jumps, none refused; nothing revoked came back");
    scene.end();
}

#[test]
fn a_rotated_refresh_token_stays_spent_when_the_issuers_clock_steps_back() {
    const GRACE_S: u32 = 2;
    let scene = Scene::start();
    let mut tried = 0;
    for _ in 0..short_or_long(1, 10) {
        // One family a jump, since reuse ends it; with a grace, in which the spent token may be used again, and without.
        let families = [0, GRACE_S].map(|grace| {
            let client = rotating(&scene.system, grace);
            JUMPS.map(|_| {
                let spent = client.sign_in(&scene.user, PASSWORD).unwrap().refresh;
                renew(&client, &spent).unwrap();
                (client.clone(), spent)
            })
        });
        std::thread::sleep(Duration::from_secs(u64::from(GRACE_S) + 2));
        for (number, jump) in JUMPS.into_iter().enumerate() {
            scene.issuer.set_clock(jump);
            for (client, spent) in families.iter().map(|of_grace| &of_grace[number]) {
                let refused = renew(client, spent).expect_err("a spent token is taken");
                assert_eq!(refused.name(), "RefreshTokenReuseException", "{jump:?}: {refused:?}");
                tried += 1;
            }
            scene.issuer.set_clock(Jump::NONE);
        }
    }
    println!("R10: issuer: {tried} rotated refresh tokens presented under jumps, all refused as reuse");
    scene.end();
}

#[test]
fn a_spent_budget_is_not_refilled_by_a_jump() {
    let scene = Scene::start();
    let user = unique("resends");
    scene.system.sign_up(&user, PASSWORD).unwrap();
    let resend = json!({ "ClientId": scene.system.client_id, "Username": user });
    let resend = || scene.system.public("ResendConfirmationCode", &resend);
    // Cognito's five an hour.
    let given = (0..10).take_while(|_| resend().is_ok()).count();
    assert_eq!(given, 5);
    for jump in rounds(&JUMPS) {
        scene.issuer.set_clock(jump);
        assert_eq!(resend().unwrap_err().name(), "LimitExceededException", "{jump:?}");
    }
    scene.end();
}

#[test]
fn an_edge_whose_clock_jumps_within_the_leeway_refuses_nothing_good() {
    let scene = Scene::start();
    let mut asked = 0;
    for jump in rounds(&WITHIN_LEEWAY) {
        scene.edge.set_clock(jump);
        for _ in 0..10 {
            let fresh = scene.system.sign_in(&scene.user, PASSWORD).unwrap();
            assert_eq!(scene.system.edge_status(&fresh.access), 200, "{jump:?}");
            asked += 1;
        }
        scene.lives_and_dies(jump);
    }
    println!("R10: edge, jumps of 8 s at a leeway of 10 s: {asked} new tokens, none refused");
    scene.end();
}

#[test]
fn an_edge_whose_clock_jumps_beyond_the_leeway_says_so_and_revives_nothing() {
    let scene = Scene::start();
    let system = &scene.system;
    let mut stale = 0;
    for jump in rounds(&[ahead(30), back(30), ahead(290), back(300), ahead(310)]) {
        let before = system.sign_in(&scene.user, PASSWORD).unwrap();
        scene.edge.set_clock(jump);
        if jump == ahead(310) {
            // Its news of revocations are older than the route's five minutes, as far as it can tell.
            assert_eq!(system.edge_status(&scene.aged), 503, "{jump:?}");
            assert_eq!(once(&scene.roles.edge_admin(), "GET", "/readyz", &[]).unwrap().status, 503, "{jump:?}");
            stale += 1;
        } else {
            scene.lives_and_dies(jump);
        }
        // A token that it has never seen, from its future.
        if matches!(jump, Jump::Back(_)) {
            assert_eq!(system.edge_status(&before.access), 401, "{jump:?}");
        }
        sign_out(system, &before);
        until("the sign-out is in force", PATIENCE, || system.edge_status(&before.access) != 200);
        scene.edge.set_clock(Jump::NONE);
        scene.lives_and_dies(Jump::NONE);
        until("the sign-out is in force", PATIENCE, || system.edge_status(&before.access) == 401);
        let after = system.sign_in(&scene.user, PASSWORD).unwrap();
        assert_eq!(system.edge_status(&after.access), 200, "back from {jump:?}");
    }
    println!(
        "R10: edge, jumps beyond the leeway: old tokens served throughout, {stale} alarms of staleness, nothing revoked came back"
    );
    scene.end();
}

#[test]
fn an_edge_that_starts_with_a_wrong_clock_revives_nothing() {
    let mut scene = Scene::start();
    for jump in [back(300), ahead(30)] {
        scene.edge.set_clock(jump);
        scene.roles.restart_edge();
        scene.lives_and_dies(jump);
    }
    scene.edge.set_clock(Jump::NONE);
    scene.lives_and_dies(Jump::NONE);
    scene.end();
}

/// The jumps, once in the short form.
fn rounds(jumps: &[Jump]) -> impl Iterator<Item = Jump> + '_ {
    let rounds = short_or_long(1, 20) as usize;
    jumps.iter().copied().cycle().take(jumps.len() * rounds)
}

/// An issuer and an edge with clocks of their own.
struct Scene {
    roles: Roles,
    system: System,
    issuer: Shim,
    edge: Shim,
    user: String,
    /// An access token from before all jumps, of a session that goes on.
    aged: String,
    /// The same of a user who was signed out, and of a session that was revoked.
    signed_out: Tokens,
    revoked: Tokens,
}

impl Scene {
    fn start() -> Self {
        let (issuer, edge) = (Shim::new(), Shim::new());
        let roles = Roles::start_in(issuer.surroundings(), edge.surroundings(), sqlite_storage);
        let system = roles.system();
        let users = ["jumps", "steady", "gone"].map(unique);
        for user in &users {
            system.create_user(user, PASSWORD);
        }
        issuer.set_clock(AGED);
        let [_, steady, gone] = &users;
        let aged = system.sign_in(steady, PASSWORD).unwrap().access;
        let revoked = system.sign_in(steady, PASSWORD).unwrap();
        let signed_out = system.sign_in(gone, PASSWORD).unwrap();
        system.public("RevokeToken", &json!({ "ClientId": system.client_id, "Token": revoked.refresh })).unwrap();
        sign_out(&system, &signed_out);
        issuer.set_clock(Jump::NONE);
        let [user, ..] = users;
        let scene = Self { roles, system, issuer, edge, user, aged, signed_out, revoked };
        scene.lives_and_dies(Jump::NONE);
        scene
    }

    /// What must hold wherever the clocks stand.
    fn lives_and_dies(&self, jump: Jump) {
        self.system.get_user(&self.aged).unwrap_or_else(|refused| panic!("{jump:?}: {refused:?}"));
        until("the edge takes the old token", PATIENCE, || self.system.edge_status(&self.aged) == 200);
        for gone in [&self.signed_out, &self.revoked] {
            dead(&self.system, gone, jump);
        }
    }

    fn end(self) {
        for role in ["issuer", "edge"] {
            assert_no_panic(&self.roles.words_of(role));
        }
    }
}

fn renew(system: &System, token: &str) -> Result<Value, Refused> {
    system.public("GetTokensFromRefreshToken", &json!({ "ClientId": system.client_id, "RefreshToken": token }))
}

fn sign_out(system: &System, tokens: &Tokens) {
    system.public("GlobalSignOut", &json!({ "AccessToken": tokens.access })).unwrap();
}

/// Neither issuer nor edge takes any of them.
fn dead(system: &System, tokens: &Tokens, jump: Jump) {
    let refused = system.get_user(&tokens.access).expect_err("the issuer takes a dead token");
    assert_eq!(refused.name(), "NotAuthorizedException", "{jump:?}");
    let refused = system.refresh(&tokens.refresh).expect_err("the issuer refreshes a dead session");
    assert_eq!(refused.name(), "NotAuthorizedException", "{jump:?}");
    until("the edge refuses it", PATIENCE, || system.edge_status(&tokens.access) == 401);
}

/// The second in which a token says that it was issued, against the true time, rounded to ten.
fn issued_at(token: &str) -> i64 {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let now = i64::try_from(SystemClock.now().seconds()).unwrap();
    round(claims["iat"].as_i64().unwrap() - now)
}

fn stands_at(jump: Jump) -> i64 {
    let seconds = i64::try_from(jump.size().as_secs()).unwrap();
    round(if matches!(jump, Jump::Back(_)) { -seconds } else { seconds })
}

fn round(seconds: i64) -> i64 {
    (seconds + 5).div_euclid(10) * 10
}
