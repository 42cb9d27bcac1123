//! Scopes, groups, claims and step-up (RFC 9470) as a table.

use std::time::Duration;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::Alg;
use common::reject::Reject;
use common::verify::{ClaimPath, ClaimRule, Condition, Leeway, Policy, Values, verify};
use serde_json::{Value, json};

use crate::support::*;

fn boxed(items: &[&str]) -> Box<[Box<str>]> {
    items.iter().map(|item| (*item).into()).collect()
}

fn asks(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = policy();
    change(&mut policy);
    policy
}

fn strong() -> Value {
    with(with(access_claims(), "acr", json!("urn:gold")), "amr", json!(["pwd", "otp", "mfa"]))
}

#[test]
fn demands_and_what_meets_them() {
    let key = rsa_a(Alg::RS256);
    let of = |name: &str| ClaimRule {
        path: ClaimPath::parse(name).unwrap(),
        condition: Condition::OneOf(Values::texts(["acme".into()]).unwrap()),
    };
    let minute = Some(Duration::from_secs(60));
    let (weak, old) = (Some(Reject::AuthenticationTooWeak), Some(Reject::AuthenticationTooOld));
    let cases: Vec<(Value, Policy, Option<Reject>)> = vec![
        (access_claims(), asks(|p| p.scopes_any = boxed(&["x", "orders/read"])), None),
        (access_claims(), asks(|p| p.scopes_any = boxed(&["x", "y"])), Some(Reject::InsufficientScope)),
        (without(access_claims(), "scope"), asks(|p| p.scopes_any = boxed(&["x"])), Some(Reject::InsufficientScope)),
        (access_claims(), asks(|p| p.groups_all = boxed(&["eu", "staff"])), None),
        (access_claims(), asks(|p| p.groups_all = boxed(&["eu", "admins"])), Some(Reject::GroupNotHeld)),
        (with(access_claims(), "tenant", json!("acme")), asks(|p| p.claims = [of("tenant")].into()), None),
        (access_claims(), asks(|p| p.claims = [of("tenant")].into()), Some(Reject::ClaimNotHeld)),
        (
            with(access_claims(), "tenant", json!(["acme"])),
            asks(|p| p.claims = [of("tenant")].into()),
            Some(Reject::ClaimNotHeld),
        ),
        (
            with(access_claims(), "tenant", json!("acme")),
            asks(|p| p.claims = [of("tenant"), of("org")].into()),
            Some(Reject::ClaimNotHeld),
        ),
        (strong(), asks(|p| p.acr_any = boxed(&["urn:silver", "urn:gold"])), None),
        (strong(), asks(|p| p.acr_any = boxed(&["urn:silver"])), weak),
        (access_claims(), asks(|p| p.acr_any = boxed(&["urn:gold"])), weak),
        (with(strong(), "acr", json!(["urn:gold"])), asks(|p| p.acr_any = boxed(&["urn:gold"])), weak),
        (strong(), asks(|p| p.amr_all = boxed(&["pwd", "mfa"])), None),
        (strong(), asks(|p| p.amr_all = boxed(&["pwd", "hwk"])), weak),
        (strong(), asks(|p| p.amr_any = boxed(&["hwk", "otp"])), None),
        (strong(), asks(|p| p.amr_any = boxed(&["hwk"])), weak),
        (access_claims(), asks(|p| p.amr_any = boxed(&["pwd"])), weak),
        (with(strong(), "amr", json!("mfa")), asks(|p| p.amr_any = boxed(&["mfa"])), weak),
        (with(strong(), "amr", json!(["mfa", 1])), asks(|p| p.amr_any = boxed(&["mfa"])), weak),
        (with(access_claims(), "auth_time", json!(NOW_S - 60)), asks(|p| p.max_age = minute), None),
        (with(access_claims(), "auth_time", json!(NOW_S - 61)), asks(|p| p.max_age = minute), old),
        (with(access_claims(), "auth_time", json!(NOW_S + 1)), asks(|p| p.max_age = minute), old),
        (without(access_claims(), "auth_time"), asks(|p| p.max_age = minute), old),
        (
            with(access_claims(), "auth_time", json!(NOW_S - 70)),
            Policy { max_age: minute, ..Policy::cognito(ISS, TokenUse::Access) },
            None,
        ),
        // Who may not do it anyway is not asked to authenticate again.
        (
            access_claims(),
            asks(|p| {
                p.scopes_all = boxed(&["x"]);
                p.acr_any = boxed(&["urn:gold"]);
            }),
            Some(Reject::InsufficientScope),
        ),
    ];
    for (claims, policy, expected) in cases {
        let outcome = verify(&token(&key, &claims), &keys_of(&key), &policy, NOW);
        assert_eq!(outcome.as_ref().err().copied(), expected, "{claims} {policy:?}");
        let anyone = Policy { leeway: policy.leeway, ..Policy::cognito(ISS, TokenUse::Access) };
        let verified = verify(&token(&key, &claims), &keys_of(&key), &anyone, NOW).unwrap();
        let unmet = policy.unmet(&verified, NOW);
        assert_eq!(unmet.first().map(|(reject, _)| *reject), expected, "{claims}: {unmet:?}");
    }
}

#[test]
fn each_demand_that_is_not_met_is_told() {
    let key = rsa_a(Alg::RS256);
    let policy = asks(|p| {
        p.scopes_all = boxed(&["orders/read", "orders/write"]);
        p.groups_any = boxed(&["admins"]);
        p.claims =
            [ClaimRule { path: ClaimPath::parse("/org/id").unwrap(), condition: Condition::AtLeast(3.into()) }].into();
        p.acr_any = boxed(&["urn:gold"]);
        p.max_age = Some(Duration::from_secs(5));
    });
    let verified = verify(&token(&key, &access_claims()), &keys_of(&key), &self::policy(), NOW).unwrap();
    let told: Vec<String> = policy.unmet(&verified, NOW).into_iter().map(|(_, what)| what).collect();
    assert_eq!(
        told,
        [
            "scope \"orders/write\"",
            "one of the groups [\"admins\"]",
            "claim \"/org/id\" ge 3",
            "one of the contexts [\"urn:gold\"] in `acr`",
            "`auth_time` at most 5s ago"
        ]
    );
}

/// What is written in a token does not change, but its age does.
#[test]
fn age_grows() {
    let key = rsa_a(Alg::RS256);
    let policy = asks(|p| p.max_age = Some(Duration::from_secs(60)));
    let verified = verify(&token(&key, &access_claims()), &keys_of(&key), &policy, NOW).unwrap();
    assert_eq!(policy.leeway, Leeway::NONE);
    let at = |seconds| policy.is_recent(&verified, UnixMillis::from_seconds(NOW_S + seconds));
    assert_eq!(at(50), Ok(()));
    assert_eq!(at(51), Err(Reject::AuthenticationTooOld));
}
