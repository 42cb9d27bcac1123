//! Which policies can apply to an action on a resource, and which entities they can reach: what a request costs grows with these alone.

use std::collections::HashSet;

use cedar_policy::{
    ActionConstraint, Entities, Entity, EntityTypeName, EntityUid, EvalResult, Policy, PolicySet, PrincipalConstraint,
    ResourceConstraint,
};

use crate::gates::policy::config::{Known, library};
use crate::snapshot::authorization::{Reads, Slice};

/// What the requests of a route ask, as far as it is known beforehand.
pub struct Question<'q> {
    pub user: &'q EntityTypeName,
    pub resource: &'q EntityUid,
    pub known: &'q Entities,
    pub policies: &'q [&'q Known],
}

/// Compiles the slice for an action; none is an action that is not known yet.
pub fn sliced(question: &Question<'_>, number: usize, action: Option<EntityUid>) -> Result<Slice, String> {
    let mut reads = Reads::default();
    let mut kept = PolicySet::new();
    let mut reached: HashSet<EntityUid> = action.iter().cloned().chain([question.resource.clone()]).collect();
    for known in question.policies.iter().filter(|known| can_apply(&known.policy, question, action.as_ref())) {
        reads.join(&known.reads);
        reached.extend(known.names.iter().cloned());
        kept.add(known.policy.clone()).map_err(|error| library::line(&error))?;
    }
    let entities =
        Entities::from_entities(reachable(reached, question.known), None).map_err(|error| library::line(&error))?;
    Ok(Slice::new(number, action, kept, entities, reads))
}

/// By what stands before `when`. A policy that is left out could not have been satisfied, so it neither permits nor forbids.
fn can_apply(policy: &Policy, question: &Question<'_>, action: Option<&EntityUid>) -> bool {
    let known = question.known;
    let by_principal = match policy.principal_constraint() {
        PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => kind == *question.user,
        PrincipalConstraint::Eq(user) => user.type_name() == question.user,
        PrincipalConstraint::Any | PrincipalConstraint::In(_) => true,
    };
    let by_action = match (policy.action_constraint(), action) {
        (ActionConstraint::Any, _) | (_, None) => true,
        (ActionConstraint::Eq(asked), Some(action)) => asked == *action,
        (ActionConstraint::In(groups), Some(action)) => groups.iter().any(|group| is_in(known, action, group)),
    };
    let resource = question.resource;
    let by_resource = match policy.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::Eq(asked) => asked == *resource,
        ResourceConstraint::In(group) => is_in(known, resource, &group),
        ResourceConstraint::Is(kind) => kind == *resource.type_name(),
        ResourceConstraint::IsIn(kind, group) => kind == *resource.type_name() && is_in(known, resource, &group),
    };
    by_principal && by_action && by_resource
}

fn is_in(known: &Entities, one: &EntityUid, group: &EntityUid) -> bool {
    one == group || known.is_ancestor_of(group, one)
}

/// The entities of these names, those that they are in, and those that their attributes name, and so on.
fn reachable(names: HashSet<EntityUid>, known: &Entities) -> Vec<Entity> {
    let mut waiting: Vec<EntityUid> = names.iter().cloned().collect();
    let mut seen = names;
    let mut entities = Vec::new();
    while let Some(name) = waiting.pop() {
        let Some(entity) = known.get(&name) else { continue };
        let mut next: Vec<EntityUid> = known.ancestors(&name).into_iter().flatten().cloned().collect();
        for (_, value) in entity.attrs().chain(entity.tags()) {
            if let Ok(value) = value {
                named(&value, &mut next);
            }
        }
        waiting.extend(next.into_iter().filter(|name| seen.insert(name.clone())));
        entities.push(entity.clone());
    }
    entities
}

/// Every entity that a value names.
fn named(value: &EvalResult, names: &mut Vec<EntityUid>) {
    match value {
        EvalResult::EntityUid(name) => names.push(name.clone()),
        EvalResult::Set(items) => items.iter().for_each(|item| named(item, names)),
        EvalResult::Record(fields) => fields.iter().for_each(|(_, field)| named(field, names)),
        _ => {}
    }
}
