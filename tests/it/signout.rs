//! From the API's acknowledgement of a revocation to the refusal at the edge. The times are printed; what they may be is for
//! `signout_latency.py` and the benchmarks to judge.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::short_or_long;
use crate::system::{System, Tokens, unique, until};
use crate::world::World;

const PASSWORD: &str = "Correct-Horse-1";
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum How {
    GlobalSignOut,
    AdminUserGlobalSignOut,
    RevokeToken,
    AdminDisableUser,
    DeleteUser,
    AdminDeleteUser,
}

impl How {
    const ALL: [Self; 6] = [
        Self::GlobalSignOut,
        Self::AdminUserGlobalSignOut,
        Self::RevokeToken,
        Self::AdminDisableUser,
        Self::DeleteUser,
        Self::AdminDeleteUser,
    ];

    fn revoke(self, system: &System, user: &str, tokens: &Tokens) {
        let person = json!({ "UserPoolId": system.pool_id, "Username": user });
        let done = match self {
            Self::GlobalSignOut => system.public("GlobalSignOut", &json!({ "AccessToken": tokens.access })),
            Self::AdminUserGlobalSignOut => system.admin("AdminUserGlobalSignOut", &person),
            Self::AdminDisableUser => system.admin("AdminDisableUser", &person),
            Self::DeleteUser => system.public("DeleteUser", &json!({ "AccessToken": tokens.access })),
            Self::AdminDeleteUser => system.admin("AdminDeleteUser", &person),
            Self::RevokeToken => {
                system.public("RevokeToken", &json!({ "ClientId": system.client_id, "Token": tokens.refresh }))
            }
        };
        done.unwrap();
    }
}

#[test]
fn every_revocation_is_enforced_at_the_edge() {
    let world = World::start();
    let system = world.system();
    let mut took = Vec::new();
    for event in 0..short_or_long(40, 300) as usize {
        let how = How::ALL[event % How::ALL.len()];
        let user = unique("signout");
        system.create_user(&user, PASSWORD);
        let tokens = system.sign_in(&user, PASSWORD).unwrap();
        assert_eq!(system.edge_status(&tokens.access), 200, "before {how:?}");
        how.revoke(&system, &user, &tokens);
        let acknowledged = Instant::now();
        while system.edge_status(&tokens.access) != 401 {
            assert!(acknowledged.elapsed() < LONGEST, "{how:?} was acknowledged and is not enforced");
        }
        took.push(acknowledged.elapsed());
        assert_eq!(system.edge_status(&tokens.access), 401, "{how:?} is enforced for good");
    }
    took.sort();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    println!("acknowledged to refused, {} events: p50 {:?}, p99 {:?}, max {:?}", took.len(), at(50), at(99), at(100));
}

#[test]
fn a_sign_in_in_the_second_of_a_sign_out_works_and_the_older_token_does_not() {
    let world = World::start();
    let system = world.system();
    let user = unique("again");
    system.create_user(&user, PASSWORD);
    for _ in 0..8 {
        let old = system.sign_in(&user, PASSWORD).unwrap();
        How::GlobalSignOut.revoke(&system, &user, &old);
        let new = system.sign_in(&user, PASSWORD).unwrap();
        assert_eq!(system.edge_status(&new.access), 200, "the new token at once");
        until("the old token is refused", LONGEST, || system.edge_status(&old.access) == 401);
        assert_eq!(system.edge_status(&new.access), 200, "the new token once the sign-out is known");
        assert!(system.get_user(&new.access).is_ok());
        assert_eq!(system.get_user(&old.access).unwrap_err().name(), "NotAuthorizedException");
        assert_eq!(system.refresh(&old.refresh).unwrap_err().name(), "NotAuthorizedException");
    }
}
