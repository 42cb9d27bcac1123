//! Every operation of the model is asked by someone who may not: none may answer, and none may fail.

use std::collections::BTreeSet;

use cognito_model::{Auth, OperationInfo, Service};
use serde_json::{Value, json};

use crate::http::Answer;
use crate::system::System;
use crate::world::World;

/// Operations that need no caller at all. The list may only shrink.
const OPEN: &str = include_str!("golden/open_operations.txt");
const NOT_A_TOKEN: &str = "eyJhbGciOiJub25lIn0.e30.x";

#[test]
fn operations_without_a_caller_are_those_of_the_list() {
    let listed: BTreeSet<&str> = OPEN.lines().filter(|line| !line.is_empty()).collect();
    let open = Service::Idp.operations().iter().filter(|operation| operation.auth == Auth::None);
    let open: BTreeSet<&str> = open.map(|operation| operation.name).collect();
    assert_eq!(open, listed);
}

#[test]
fn no_operation_answers_someone_who_may_not() {
    let world = World::start();
    let system = world.system();
    let operations = Service::Idp.operations();
    assert_eq!(operations.len(), 141);
    let mut there = 0;
    for operation in operations {
        let answers = refusals(&system, operation);
        let absent = answers.iter().all(|(_, answer)| exception(answer) == "UnknownOperationException");
        there += u32::from(!absent);
        for (expected, answer) in answers.iter().filter(|_| !absent) {
            let found = exception(answer);
            assert_eq!(answer.status, 400, "{}: {}", operation.name, answer.text());
            assert!(expected.contains(&found.as_str()), "{}: {found}, not {expected:?}", operation.name);
        }
    }
    println!("{there} of {} operations are there", operations.len());
}

/// All of AWS WAF's are there, answer nobody without a signature, and say what is wrong with a request that says nothing.
#[test]
fn every_operation_of_web_acls_is_there_and_answers_administrators_only() {
    let world = World::start();
    let system = world.system();
    let operations = Service::Waf.operations();
    assert_eq!(operations.len(), 59);
    for operation in operations {
        let name = operation.name;
        let unsigned = system.post_to(Service::Waf, name, "{}", None).unwrap();
        assert_eq!(
            (exception(&unsigned).as_str(), unsigned.status),
            ("MissingAuthenticationTokenException", 400),
            "{name}"
        );
        let mut forged = system.clone();
        forged.secret_access_key = "not the secret".to_owned();
        let forged = forged.post_signed_to(Service::Waf, name, "{}").unwrap();
        assert_eq!(exception(&forged), "InvalidSignatureException", "{name}");
        let signed = system.post_signed_to(Service::Waf, name, "{}").unwrap();
        let refused = ["ValidationException", "WAFInvalidParameterException"].contains(&exception(&signed).as_str());
        assert!(refused && signed.status == 400, "{name}: {}", signed.text());
    }
}

/// What an operation says to each who may not call it, beside the exceptions that are right.
fn refusals(system: &System, operation: &OperationInfo) -> Vec<(&'static [&'static str], Answer)> {
    let ask = |body: &Value| system.post(operation.name, &body.to_string(), None).unwrap();
    match operation.auth {
        Auth::SigV4 => {
            let unsigned = ask(&json!({ "UserPoolId": system.pool_id }));
            let mut forged = system.clone();
            forged.secret_access_key = "not the secret".to_owned();
            let forged = forged.post_signed(operation.name, "{}").unwrap();
            let known = ["InvalidSignatureException"].as_slice();
            vec![(["MissingAuthenticationTokenException"].as_slice(), unsigned), (known, forged)]
        }
        Auth::SigV4OrClient => {
            // The demo pool's client is a public one, and is allowed no exchange.
            let input = json!({
                "ClientId": system.client_id, "Secret": "wrongsecretofaclientoftheirs", "ClientSecret": "wrongsecretofaclientoftheirs",
                "SubjectToken": NOT_A_TOKEN, "SubjectTokenType": "ACCESS_TOKEN",
            });
            vec![
                (["NotAuthorizedException"].as_slice(), ask(&input)),
                (["InvalidParameterException"].as_slice(), ask(&json!({}))),
            ]
        }
        Auth::AccessToken => {
            // Every member that one of these operations requires: what is malformed would be told before the token is looked at.
            let input = json!({
                "AccessToken": NOT_A_TOKEN, "AttributeName": "email", "Code": "123456", "Credential": {}, "CredentialId": "x",
                "DeviceKey": "us-east-1_0f-1e", "MFAOptions": [], "ProposedPassword": "Correct-Horse-1",
                "SessionId": "tknabcdefghijklmnopqrstuvwxy", "UserAttributeNames": [], "UserAttributes": [],
            });
            vec![
                (["NotAuthorizedException"].as_slice(), ask(&input)),
                (["InvalidParameterException"].as_slice(), ask(&json!({}))),
            ]
        }
        Auth::None => vec![(["InvalidParameterException"].as_slice(), ask(&json!({})))],
    }
}

fn exception(answer: &Answer) -> String {
    answer.json().get("__type").and_then(Value::as_str).unwrap_or_default().to_owned()
}
