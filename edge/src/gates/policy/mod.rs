//! The policy gate: what Cedar policies say of a verified token and a request (docs/CONFIG.md has the model).
//!
//! A verdict that depends on the token alone is kept with the token. Which these are is known before the first request: policies are given what
//! they read and nothing else, so that a verdict can't depend on what it was not asked with.

pub mod config;
mod context;
mod principal;
mod value;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use cedar_policy::{AuthorizationError, Authorizer, Decision, EntityId, EntityUid, Request, Response};
use common::reject::Reject;

use crate::facts::Facts;
use crate::gates::{Outcome, RequestView};
use crate::snapshot::authorization::{Actions, Authorization, Slice};
use crate::snapshot::identity::Identity;

/// Bytes of the names of policies in one line of the log.
const DETAIL_BYTES: usize = 200;

/// Demands a permit where the route has policies.
pub fn check(request: RequestView<'_>, facts: &mut Facts) -> Outcome {
    let Some(authorization) = &request.route.authorization else { return Outcome::Continue };
    let Some(identity) = facts.identity() else { return Outcome::Reject(Reject::Internal) };
    match rule(request, authorization, identity) {
        Ok(()) => Outcome::Continue,
        Err(denial) => {
            facts.denial = Some(denial);
            Outcome::Reject(Reject::PolicyDenied)
        }
    }
}

/// The verdict, kept or new; a denial says which policies made it.
fn rule(request: RequestView<'_>, authorization: &Authorization, identity: &Identity) -> Result<(), Arc<str>> {
    let slice = authorization.slice(request.canonical.method);
    if !slice.is_about_the_token() {
        return evaluate(request, authorization, slice, identity);
    }
    if identity.rulings.permits(slice.number) {
        return Ok(());
    }
    if let Some(denial) = identity.rulings.denial(slice.number) {
        return Err(Arc::clone(denial));
    }
    let verdict = evaluate(request, authorization, slice, identity);
    match &verdict {
        Ok(()) => identity.rulings.permit(slice.number),
        Err(denial) => identity.rulings.deny(slice.number, Arc::clone(denial)),
    }
    verdict
}

/// Asks Cedar. A policy that could not be evaluated denies, whatever the others say: Cedar passes over it, which would make nothing of a
/// `forbid`.
fn evaluate(
    request: RequestView<'_>,
    authorization: &Authorization,
    slice: &Slice,
    identity: &Identity,
) -> Result<(), Arc<str>> {
    let meter = &authorization.meter;
    let Some(response) = ask(request, authorization, slice, identity) else {
        meter.failed.inc();
        return Err(slice.shared("the token can't be told to policies"));
    };
    let diagnostics = response.diagnostics();
    let errors: BTreeSet<String> = diagnostics.errors().map(failed).collect();
    if !errors.is_empty() {
        meter.failed.inc();
        return Err(slice.shared(&named("can't be evaluated: ", &errors)));
    }
    if response.decision() == Decision::Allow {
        meter.permitted.inc();
        return Ok(());
    }
    meter.denied.inc();
    let reasons: BTreeSet<String> = diagnostics.reason().map(ToString::to_string).collect();
    let detail = if reasons.is_empty() { "nothing permits".to_owned() } else { named("forbidden by ", &reasons) };
    Err(slice.shared(&detail))
}

fn failed(error: &AuthorizationError) -> String {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
    }
}

/// None where the token says what Cedar has no form for.
fn ask(
    request: RequestView<'_>,
    authorization: &Authorization,
    slice: &Slice,
    identity: &Identity,
) -> Option<Response> {
    let principal = principal::entity(authorization, &slice.reads, &identity.token)?;
    let context = context::of(request, &slice.reads)?;
    let action = action(authorization, slice, request.canonical.method);
    let question = Request::new(principal.uid(), action?, authorization.resource.clone(), context, None).ok()?;
    let entities = slice.entities.clone().add_entities([principal], None).ok()?;
    Some(Authorizer::new().is_authorized(&question, &slice.policies, &entities))
}

fn action(authorization: &Authorization, slice: &Slice, method: &str) -> Option<EntityUid> {
    match (&slice.action, &authorization.actions) {
        (Some(action), _) => Some(action.clone()),
        (None, Actions::Methods { others, .. }) => {
            Some(EntityUid::from_type_name_and_id(others.action.clone(), EntityId::new(method)))
        }
        (None, Actions::Named(_)) => None,
    }
}

/// The names that fit.
fn named(what: &str, names: &BTreeSet<String>) -> String {
    let mut text = what.to_owned();
    for (count, name) in names.iter().enumerate() {
        if text.len() + name.len() > DETAIL_BYTES {
            let _ = write!(text, " and {} more", names.len() - count); // writing to a String does not fail
            break;
        }
        text.push_str(if count == 0 { "" } else { ", " });
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests;
