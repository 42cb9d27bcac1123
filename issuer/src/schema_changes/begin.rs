//! The first batch of a change: what the pool's settings become, and what goes with them.

use cognito_model::idp::types::{AttributeDataType, SchemaAttributeType};
use common::clock::UnixMillis;
use common::ids::PoolId;

use super::error::ChangeError;
use super::model::{Change, with_bounds};
use super::rows::{self, Phase, Running};
use crate::aws_json::{Call, Write};
use crate::clients::{self, Client};
use crate::pools::model::{Changing, Settings, SignIn};
use crate::pools::{self, Pool, schema};
use crate::providers;
use crate::store::{Batch, CommitError, Statement, Store};
use crate::users::search::indexes;

/// Clients and identity providers that one batch can change.
const MOST_FOLLOWERS: usize = 3_000;
const PAGE: u64 = 500;
/// Cognito: CustomAttributeNameType.
const LONGEST_NAME: usize = 20;

/// What a change begins with (pure).
#[derive(Clone, Debug)]
pub struct Plan {
    pub settings: Settings,
    /// What is to be done to users then; `None`: nothing.
    pub phase: Option<Phase>,
}

/// Whether the change makes sense for the pool, and its beginning.
pub fn plan(pool: &Pool, change: &Change) -> Result<Plan, ChangeError> {
    let mut settings = pool.settings.clone();
    let phase = match change {
        Change::Rename { attribute, to } => {
            let mut definition = custom(pool, attribute)?;
            check_new_name(pool, attribute, to)?;
            definition.name = Some(to.clone());
            replace(&mut settings, attribute, Some(definition));
            settings.changing = Some(Changing::Renamed { from: attribute.clone(), to: Some(to.clone()) });
            Some(Phase::Moving)
        }
        Change::Drop { attribute } => {
            custom(pool, attribute)?;
            replace(&mut settings, attribute, None);
            settings.changing = Some(Changing::Renamed { from: attribute.clone(), to: None });
            Some(Phase::Moving)
        }
        Change::Relax { attribute, .. } => {
            let definition = relaxed(pool, change)?;
            replace(&mut settings, attribute, Some(definition));
            None
        }
        Change::Retype { attribute, to, min, max } => {
            let before = custom(pool, attribute)?;
            let bare = SchemaAttributeType {
                attribute_data_type: Some(to.wire()),
                string_attribute_constraints: None,
                number_attribute_constraints: None,
                ..before.clone()
            };
            let definition = with_bounds(bare, min.clone(), max.clone()).map_err(ChangeError::Senseless)?;
            schema::check_constraints(&definition).map_err(ChangeError::Senseless)?;
            if is_same(&definition, &before) {
                return Err(ChangeError::Senseless(format!("{attribute} is so already")));
            }
            settings.changing = Some(Changing::Retyped { definition });
            Some(Phase::Checking)
        }
        Change::SignIn { .. } => {
            settings.changing = Some(Changing::SignIn(sign_in(pool, change)?));
            Some(Phase::Claiming)
        }
    };
    Ok(Plan { settings, phase })
}

/// Commits the beginning; `None`: that was all.
pub async fn begin(call: &Call, pool: &Pool, change: &Change, users: u64) -> Result<Option<Running>, ChangeError> {
    let Plan { settings, phase } = plan(pool, change)?;
    let store = &call.services.store;
    let now = call.services.now();
    let mut batch = Batch::new();
    batch.add(pools::rows::update(pool, &pool.name, &settings, now));
    let running = phase.map(|phase| Running::new(&pool.id, change, phase, users, now));
    batch.extend(running.iter().map(rows::insert));
    if let Some(Changing::Renamed { from, to }) = &settings.changing {
        refuse_indexed(store, &pool.id, from).await?;
        let followers = followers(store, &pool.id, from, to.as_deref(), now).await?;
        if followers.len() > MOST_FOLLOWERS {
            let text = format!("more than {MOST_FOLLOWERS} app clients and identity providers name {from}");
            return Err(ChangeError::Senseless(text));
        }
        batch.extend(followers);
    }
    match call.commit(Write::new(&pool.id, batch).about(&change.describe())).await {
        Ok(()) => Ok(running),
        Err(CommitError::Missed { .. }) => Err(ChangeError::Busy),
        Err(error) => Err(error.into()),
    }
}

fn is_same(one: &SchemaAttributeType, other: &SchemaAttributeType) -> bool {
    let text = |definition| serde_json::to_string(definition).unwrap_or_default();
    text(one) == text(other)
}

fn custom(pool: &Pool, name: &str) -> Result<SchemaAttributeType, ChangeError> {
    let own = &pool.settings.custom_attributes;
    let found = own.iter().find(|attribute| attribute.name.as_deref() == Some(name) && name.contains(':'));
    found.cloned().ok_or_else(|| ChangeError::Senseless(format!("the pool has no custom attribute {name}")))
}

fn check_new_name(pool: &Pool, from: &str, to: &str) -> Result<(), ChangeError> {
    let prefix = |name: &str| name.rsplit_once("custom:").map(|(before, rest)| (before.to_owned(), rest.to_owned()));
    let fits = match (prefix(from), prefix(to)) {
        (Some((old, _)), Some((new, rest))) => {
            old == new
                && (1..=LONGEST_NAME).contains(&rest.chars().count())
                && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
        }
        _ => false,
    };
    if !fits {
        let text =
            format!("{to}: the new name has the same prefix as {from}, and 1 to {LONGEST_NAME} characters after it");
        return Err(ChangeError::Senseless(text));
    }
    if pool.schema().has(to) {
        return Err(ChangeError::Senseless(format!("the pool has an attribute {to} already")));
    }
    Ok(())
}

fn replace(settings: &mut Settings, name: &str, definition: Option<SchemaAttributeType>) {
    let place = settings.custom_attributes.iter().position(|attribute| attribute.name.as_deref() == Some(name));
    match (place, definition) {
        (Some(place), Some(definition)) => {
            if let Some(attribute) = settings.custom_attributes.get_mut(place) {
                *attribute = definition;
            }
        }
        (Some(place), None) => drop(settings.custom_attributes.remove(place)),
        (None, Some(definition)) => settings.custom_attributes.push(definition),
        (None, None) => {}
    }
}

/// The wider definition; what is not wider is refused, since values could be in the way.
fn relaxed(pool: &Pool, change: &Change) -> Result<SchemaAttributeType, ChangeError> {
    let Change::Relax { attribute, min, max, optional, mutable } = change else {
        return Err(ChangeError::Senseless("nothing to relax".to_owned()));
    };
    let wrong = |text: String| Err(ChangeError::Senseless(text));
    let schema = pool.schema();
    let Some(before) = schema.describe().into_iter().find(|a| a.name.as_deref() == Some(attribute)) else {
        return wrong(format!("the pool has no attribute {attribute}"));
    };
    let is_custom = attribute.contains(':');
    if !is_custom && (min.is_some() || max.is_some()) {
        return wrong(format!("{attribute}: the bounds of a standard attribute are what they are"));
    }
    if attribute == "sub" {
        return wrong("sub can not be changed.".to_owned());
    }
    let (old_min, old_max) = bounds(&before);
    let bound = |new: &Option<String>, old: Option<String>| new.clone().or(old);
    let mut after = with_bounds(before.clone(), bound(min, old_min.clone()), bound(max, old_max.clone()))
        .map_err(ChangeError::Senseless)?;
    schema::check_constraints(&after).map_err(ChangeError::Senseless)?;
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
    let narrower = |new: &Option<String>, old: &Option<String>, sign: i64| match (number(new), number(old)) {
        (Some(new), Some(old)) => new.saturating_mul(sign) < old.saturating_mul(sign),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if narrower(max, &old_max, 1) || narrower(min, &old_min, -1) {
        return wrong(format!("{attribute}: only wider bounds; for others, retype it to the type that it has"));
    }
    if *optional {
        after.required = Some(false);
    }
    if *mutable {
        after.mutable = Some(true);
    }
    if is_same(&after, &before) {
        return wrong(format!("{attribute} is so already"));
    }
    Ok(after)
}

fn bounds(definition: &SchemaAttributeType) -> (Option<String>, Option<String>) {
    match definition.attribute_data_type {
        Some(AttributeDataType::Number) => {
            let bounds = definition.number_attribute_constraints.clone().unwrap_or_default();
            (bounds.min_value, bounds.max_value)
        }
        Some(AttributeDataType::String) | None => {
            let bounds = definition.string_attribute_constraints.clone().unwrap_or_default();
            // What a text without bounds has.
            let or = |bound: Option<String>, usual: &str| Some(bound.unwrap_or_else(|| usual.to_owned()));
            (or(bounds.min_length, "0"), or(bounds.max_length, "2048"))
        }
        _ => (None, None),
    }
}

fn sign_in(pool: &Pool, change: &Change) -> Result<SignIn, ChangeError> {
    let Change::SignIn { alias_attributes, username_attributes, case_insensitive } = change else {
        return Err(ChangeError::Senseless("nothing to change".to_owned()));
    };
    let before = SignIn::of(&pool.settings);
    let after = SignIn {
        alias_attributes: alias_attributes.clone().unwrap_or_else(|| before.alias_attributes.clone()),
        username_attributes: username_attributes.clone().unwrap_or_else(|| before.username_attributes.clone()),
        case_sensitive: before.case_sensitive && !case_insensitive,
    };
    if !after.alias_attributes.is_empty() && !after.username_attributes.is_empty() {
        let text = "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.";
        return Err(ChangeError::Senseless(text.to_owned()));
    }
    if after == before {
        return Err(ChangeError::Senseless("people sign in so already".to_owned()));
    }
    Ok(after)
}

/// A search index goes by the name of its attribute, and would keep what it has of users that are not moved yet.
async fn refuse_indexed(store: &Store, pool: &PoolId, attribute: &str) -> Result<(), ChangeError> {
    let indexes = indexes::list(store, pool).await.map_err(|error| ChangeError::Senseless(error.to_string()))?;
    if indexes.iter().any(|index| index.attribute == attribute) {
        let text = format!("{attribute} has a search index: `tollgate admin schema unindex` first");
        return Err(ChangeError::Senseless(text));
    }
    Ok(())
}

/// What names the attribute and must name the new one, or none: read and write attributes of app clients, mappings of identity
/// providers. Each misses when it was changed since it was read.
async fn followers(
    store: &Store,
    pool: &PoolId,
    from: &str,
    to: Option<&str>,
    now: UnixMillis,
) -> Result<Vec<Statement>, ChangeError> {
    let mut statements = Vec::new();
    let mut after = String::new();
    loop {
        let rows = store.read(clients::rows::page(pool, &after, PAGE)).await?;
        for row in &rows {
            let client = clients::rows::client(row)?;
            client.id.as_str().clone_into(&mut after);
            statements.extend(client_after(&client, from, to, now).map(|new| clients::rows::update(&client, &new)));
        }
        if (rows.len() as u64) < PAGE || statements.len() > MOST_FOLLOWERS {
            break;
        }
    }
    let mut after = String::new();
    loop {
        let rows = store.read(providers::rows::page(pool, &after, PAGE)).await?;
        for row in &rows {
            let stored = providers::rows::stored(row)?;
            stored.name.clone_into(&mut after);
            statements.extend(providers::rows::remap(pool, &stored, from, to, now));
        }
        if (rows.len() as u64) < PAGE || statements.len() > MOST_FOLLOWERS {
            return Ok(statements);
        }
    }
}

fn client_after(client: &Client, from: &str, to: Option<&str>, now: UnixMillis) -> Option<Client> {
    let mut new = client.clone();
    let mut touched = false;
    for list in [&mut new.settings.read_attributes, &mut new.settings.write_attributes].into_iter().flatten() {
        if let Some(place) = list.iter().position(|name| name == from) {
            touched = true;
            list.remove(place);
            if let Some(to) = to {
                list.insert(place, to.to_owned());
            }
        }
    }
    new.modified = now.max(UnixMillis(client.modified.0.saturating_add(1)));
    touched.then_some(new)
}
