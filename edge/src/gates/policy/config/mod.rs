//! `[[policy]]`, and `cedar`, `action` and `resource` in a route's `token`.

mod library;
mod reads;
mod slice;

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::{Effect, Entities, EntityId, EntityTypeName, EntityUid, Policy};
use http::Method;

pub use self::library::library;
use crate::gates::policy::config::slice::{Question, sliced};
use crate::snapshot::authorization::{Actions, Authorization, OtherActions, PolicyMeter, Reads, Slice};
use common::settings::{Section, SettingError, Value};

/// Methods that a route which names none is prepared for; others are served, too, and cost more.
const USUAL_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// All policies of a configuration by the names that routes use, and how many slices were made of them.
#[derive(Debug, Default)]
pub struct Library {
    sets: HashMap<String, Loaded>,
    slices: usize,
}

/// One `[[policy]]`.
#[derive(Debug)]
struct Loaded {
    /// Ends in `::` unless it is empty.
    namespace: String,
    policies: Vec<Known>,
    entities: Entities,
}

/// One policy, and what is found in it.
#[derive(Clone, Debug)]
struct Known {
    /// With the set's name before its own: `orders/readers`.
    policy: Policy,
    reads: Reads,
    /// The entities that it names.
    names: Vec<EntityUid>,
}

/// What a route asks of policies, as written.
#[derive(Debug)]
pub struct Asked {
    /// Never empty.
    sets: Vec<String>,
    action: Option<String>,
    resource: Option<String>,
    /// Where it is written, for messages.
    place: String,
}

/// Reads a route's keys out of its `token`.
pub fn asked(section: &mut Section) -> Result<Option<Asked>, SettingError> {
    let place = section.place("cedar");
    let sets = match section.value("cedar") {
        None => Vec::new(),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => {
            let names: Option<Vec<_>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
            names.filter(|names| !names.is_empty()).ok_or_else(|| not_names(&place))?
        }
        Some(_) => return Err(not_names(&place)),
    };
    let (action, resource) = (section.text("action")?, section.text("resource")?);
    if !sets.is_empty() {
        return Ok(Some(Asked { sets, action, resource, place }));
    }
    for (key, given) in [("action", action), ("resource", resource)] {
        if given.is_some() {
            return Err(section.error(key, "says nothing without `cedar`"));
        }
    }
    Ok(None)
}

fn not_names(place: &str) -> SettingError {
    SettingError::new(place, "must be the name of a [[policy]], or a list of names")
}

impl Library {
    /// Compiles what policies say of one route, called `route`, for these methods (empty: all).
    pub fn compile(
        &mut self,
        asked: &Asked,
        route: &str,
        methods: &[Method],
        meter: PolicyMeter,
    ) -> Result<Authorization, SettingError> {
        let Self { sets: all, slices } = self;
        let error = |problem: String| SettingError::new(&asked.place, problem);
        let mut sets = Vec::new();
        for name in &asked.sets {
            sets.push(all.get(name).ok_or_else(|| error(format!("no policy is called \"{name}\"")))?);
        }
        let namespace = sets.first().map(|set| set.namespace.clone()).unwrap_or_default();
        if sets.iter().any(|set| set.namespace != namespace) {
            return Err(error("names policies of several namespaces: a principal has one type".to_owned()));
        }
        let policies: Vec<&Known> = sets.iter().flat_map(|set| &set.policies).collect();
        let entities = sets.iter().flat_map(|set| set.entities.iter().cloned());
        let known =
            Arc::new(Entities::from_entities(entities, None).map_err(|problem| error(library::line(&problem)))?);
        let names = Names { namespace: &namespace, place: &asked.place };
        let user = names.kind("User")?;
        let action = names.kind("Action")?;
        let resource = names.entity("Route", "resource", asked.resource.as_deref().unwrap_or(route))?;
        let question = Question { user: &user, resource: &resource, known: &known, policies: &policies };
        let actions = match &asked.action {
            Some(named) => {
                let named = names.entity("Action", "action", named)?;
                Actions::Named(numbered(slices, &question, Some(named)).map_err(error)?)
            }
            None => by_method(slices, &question, action, methods).map_err(error)?,
        };
        if !can_permit(&actions) {
            return Err(error(format!("no policy permits anything on {resource}")));
        }
        Ok(Authorization { group: names.kind("Group")?, user, resource, actions, known, meter })
    }
}

fn by_method(
    slices: &mut usize,
    question: &Question<'_>,
    action: EntityTypeName,
    methods: &[Method],
) -> Result<Actions, String> {
    let usual = USUAL_METHODS.iter().copied().filter(|_| methods.is_empty());
    let mut by_name = Vec::new();
    for method in methods.iter().map(Method::as_str).chain(usual) {
        let uid = EntityUid::from_type_name_and_id(action.clone(), EntityId::new(method));
        by_name.push((method.to_owned(), numbered(slices, question, Some(uid))?));
    }
    let others = OtherActions { action, slice: numbered(slices, question, None)? };
    Ok(Actions::Methods { slices: by_name, others })
}

/// The next slice of this configuration.
fn numbered(slices: &mut usize, question: &Question<'_>, action: Option<EntityUid>) -> Result<Slice, String> {
    let number = *slices;
    *slices += 1;
    sliced(question, number, action)
}

fn can_permit(actions: &Actions) -> bool {
    let permits = |slice: &Slice| slice.policies.policies().any(|policy| policy.effect() == Effect::Permit);
    match actions {
        Actions::Named(slice) => permits(slice),
        Actions::Methods { slices, .. } => slices.iter().any(|(_, slice)| permits(slice)),
    }
}

/// Names of entities as settings have them.
struct Names<'n> {
    namespace: &'n str,
    place: &'n str,
}

impl Names<'_> {
    /// A type of the model, in the policies' namespace.
    fn kind(&self, name: &str) -> Result<EntityTypeName, SettingError> {
        format!("{}{name}", self.namespace)
            .parse()
            .map_err(|_| SettingError::new(self.place, format!("\"{}\" is no namespace", self.namespace)))
    }

    /// `read` as one of the usual type, or a whole name such as `Shop::Action::"read"`.
    fn entity(&self, kind: &str, key: &str, text: &str) -> Result<EntityUid, SettingError> {
        if !text.contains("::\"") {
            return Ok(EntityUid::from_type_name_and_id(self.kind(kind)?, EntityId::new(text)));
        }
        let place = self.place.strip_suffix("cedar").unwrap_or(self.place);
        let problem = || SettingError::new(format!("{place}{key}"), format!("`{text}` is no name of an entity"));
        text.parse().map_err(|_| problem())
    }
}

#[cfg(test)]
mod tests;
