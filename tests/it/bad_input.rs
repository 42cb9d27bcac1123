//! The generated bad input (`issuer/src/proof/bad_input.rs` has all of it, in the process) through a real socket: a part of what can be wrong with each
//! operation's request, of any bytes, as whoever may call it.

use std::collections::BTreeMap;

use cognito_model::shape::Presence;
use cognito_model::spoil::{self, Spoilt};
use cognito_model::{Auth, OperationInfo, Service, specimens};
use serde_json::{Map, Value, json};

use crate::http::Answer;
use crate::short_or_long;
use crate::system::{System, unique};
use crate::world::World;

/// Of so many requests one is sent.
const ONE_IN: (u32, u32) = (40, 3);

#[test]
fn of_every_kind_through_a_socket() {
    let world = World::start();
    let system = world.system();
    let user = unique("ada");
    system.create_user(&user, "Correct-Horse-1");
    let access = system.sign_in(&user, "Correct-Horse-1").unwrap().access;
    let one_in = usize::try_from(short_or_long(ONE_IN.0, ONE_IN.1)).unwrap();
    let (mut ends, mut sent) = (BTreeMap::<String, u32>::new(), 0);
    for (nth, operation) in Service::Idp.operations().iter().enumerate() {
        let good = good(&system, operation, &user, &access);
        // Each operation begins at another place, so that all kinds come.
        for spoilt in spoil::spoilt(operation.shape, &good).iter().skip(nth % one_in).step_by(one_in) {
            // What succeeds may end what the others need.
            if ["DeleteUser", "DeleteUserPool", "DeleteUserPoolClient", "GlobalSignOut"].contains(&operation.name) {
                continue;
            }
            let answer = send(&system, operation, spoilt);
            *ends.entry(end(operation, spoilt, &answer)).or_default() += 1;
            sent += 1;
        }
    }
    println!(
        "bad input through a socket: {sent} requests to {} operations: {ends:#?}",
        Service::Idp.operations().len()
    );
    // What succeeded may have changed client, pool and users; the issuer must be there.
    let alive = system.post_signed("ListUserPools", r#"{"MaxResults":1}"#).unwrap();
    assert_eq!(alive.status, 200, "{}", alive.text());
}

fn good(system: &System, operation: &OperationInfo, user: &str, access: &str) -> Map<String, Value> {
    let mut good = specimens::request(operation.shape, &[Presence::Required]);
    let ours =
        json!({ "UserPoolId": system.pool_id, "ClientId": system.client_id, "Username": user, "AccessToken": access });
    for (name, value) in ours.as_object().unwrap() {
        good.entry(name.clone()).and_modify(|member| *member = value.clone());
    }
    good
}

fn send(system: &System, operation: &OperationInfo, spoilt: &Spoilt) -> Answer {
    let sent = match operation.auth {
        Auth::SigV4 => system.post_signed_to(Service::Idp, operation.name, &spoilt.body),
        Auth::None | Auth::AccessToken | Auth::SigV4OrClient => {
            system.post_to(Service::Idp, operation.name, &spoilt.body, None)
        }
    };
    sent.unwrap_or_else(|error| panic!("{}: {}: no answer: {error}", operation.name, spoilt.what))
}

/// The exception, once its form is Cognito's.
fn end(operation: &OperationInfo, spoilt: &Spoilt, answer: &Answer) -> String {
    let at = format!("{}: {}: {} {}", operation.name, spoilt.what, answer.status, answer.text());
    if answer.status == 200 {
        return "answered".to_owned();
    }
    assert_eq!(answer.status, 400, "{at}");
    let body = answer.json();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text("__type");
    let known = operation.errors.iter().any(|error| error.name() == kind);
    let of_protocol = ["SerializationException", "UnknownOperationException"].contains(&kind.as_str());
    assert!(known || of_protocol, "{at}");
    assert!(!text("message").is_empty(), "{at}");
    assert_eq!(answer.header("x-amzn-errortype"), Some(format!("{kind}:").as_str()), "{at}");
    kind
}
