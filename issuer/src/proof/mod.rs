//! Proof over all operations at once, from Cognito's model and from one example a piece (`issuer/testdata/examples`): each operation is asked
//! through the public listener's routes, in a deployment that has one of everything.
//!
//! Examples are data, so that whoever adds an operation adds its example and gets the rest: bad input of every kind, the ledgers, its place in
//! docs/API.md. Settings of the tests, as environment variables: `TOLLGATE_ONLY` (an operation), `TOLLGATE_SEED`, `TOLLGATE_LONG` (all of the bad
//! input), `TOLLGATE_BLESS` (writes ledgers and docs/API.md anew).

mod api;
mod attacks;
mod bad_input;
mod examples;
mod exceptions;
mod judge;
mod ledger;
mod members;
mod place;
mod placeholders;
mod reasons;
mod stage;
mod strangers;
mod unauthorised;

use cognito_model::{OperationInfo, Service};

use crate::router::Operations;

/// An environment variable that is not empty.
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Cognito's operations that this version has, or the one that the environment names.
fn operations() -> Vec<&'static OperationInfo> {
    let (there, only) = (Operations::collect(), setting("TOLLGATE_ONLY"));
    let asked = |operation: &&OperationInfo| only.as_ref().is_none_or(|only| only == operation.name);
    let all = Service::Idp.operations().iter().filter(|operation| there.of(Service::Idp, operation.name).is_some());
    all.filter(asked).collect()
}

/// Every operation that is there has an example.
#[test]
fn no_operation_is_without_an_example() {
    let examples = examples::all();
    let without: Vec<_> =
        operations().iter().map(|operation| operation.name).filter(|name| !examples.contains_key(*name)).collect();
    assert!(without.is_empty(), "no example in issuer/testdata/examples: {without:?}");
    let known = |name: &String| Service::Idp.operations().iter().any(|operation| operation.name == name);
    assert!(examples.keys().all(known));
}
