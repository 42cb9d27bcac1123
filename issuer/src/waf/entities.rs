//! Making, changing, deleting and reading one of them, whatever kind it is of.

use std::collections::BTreeMap;

use cognito_model::Fault;
use cognito_model::waf::types::{Scope, Tag};
use common::waf::managed::shipped;
use uuid::Uuid;

use super::book::{self, Outcome, Plan, TRIES};
use super::error::WafError;
use super::graph::{Graph, Node};
use super::model::{Address, Draft, Entity, Kind};
use super::rows::{self, MAX_OF_A_KIND};
use super::rules::{self, Surroundings};
use crate::aws_json::{Call, InvalidToken, LARGEST_OF_WAF, Listing};

/// Tags of one of them (AWS's quota).
pub const MAX_TAGS: usize = 50;

/// Which one, and in which state the caller knows it.
pub struct Known<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub id: &'a str,
    pub lock_token: &'a str,
}

/// There is no CloudFront here. In AWS's words, which it has for regions where there is none.
pub fn regional(scope: Scope) -> Result<(), WafError> {
    match scope {
        Scope::Regional => Ok(()),
        Scope::Cloudfront => Err(WafError::invalid("SCOPE_VALUE", scope.as_str(), "The scope is not valid.")),
    }
}

/// `capacity`: what a group declares.
pub async fn create(call: &Call, draft: Draft, capacity: u64, tags: Option<Vec<Tag>>) -> Result<Entity, Fault> {
    let tags = checked_tags(tags.unwrap_or_default())?;
    let id = Uuid::new_v4().to_string();
    for _ in 0..TRIES {
        let graph = book::graph(call).await?;
        let (kind, name) = (draft.kind, draft.name.clone());
        if graph.named(kind, &name).is_some() {
            return Err(WafError::Duplicate(name).into());
        }
        if graph.count(kind) >= MAX_OF_A_KIND {
            let what = kind.member();
            return Err(WafError::Limit(format!("There are {MAX_OF_A_KIND} of {what}; there can't be more.")).into());
        }
        let (entity, uses) = made(call, &draft, &id, capacity, &graph)?;
        let mut plan = Plan::on(&graph, entity.address().arn(&call.services.deployment));
        plan.does([rows::insert(&entity, call.now)]);
        plan.does(rows::refer(&id, None, &uses));
        plan.does(tags.iter().flat_map(|(name, value)| rows::tag(&id, name, value)));
        if plan.commit(call).await? == Outcome::Done {
            return Ok(entity);
        }
    }
    Err(WafError::Busy.into())
}

/// Answers it with its new lock token. What the draft leaves out is left out from now on.
pub async fn update(call: &Call, known: &Known<'_>, draft: Draft) -> Result<Entity, Fault> {
    for _ in 0..TRIES {
        let graph = book::graph(call).await?;
        let node = present(call, &graph, known).await?;
        let (entity, uses) = made(call, &draft, known.id, node.capacity, &graph)?;
        let mut plan = Plan::on(&graph, entity.address().arn(&call.services.deployment));
        plan.does([rows::update(&entity, call.now)]);
        plan.does(rows::refer(known.id, graph.uses.get(known.id), &uses));
        let node = Node { bytes: entity.body.len() as u64, capacity: entity.capacity, ..node.clone() };
        plan.after.nodes.insert(known.id.to_owned(), node);
        plan.after.uses.insert(known.id.to_owned(), uses);
        plan.written.insert(known.id.to_owned(), entity.clone());
        if plan.commit(call).await? == Outcome::Done {
            return Ok(entity);
        }
    }
    Err(WafError::Busy.into())
}

pub async fn delete(call: &Call, known: &Known<'_>) -> Result<(), Fault> {
    for _ in 0..TRIES {
        let graph = book::graph(call).await?;
        present(call, &graph, known).await?;
        if let Some(user) = graph.users(known.id).next() {
            return Err(
                WafError::InUse(format!("{user} refers to it; it can't be deleted while anything does.")).into()
            );
        }
        if let Some(pool) = graph.pools_of(known.id).next() {
            return Err(
                WafError::InUse(format!("It stands before the user pool {pool}. Disassociate it first.")).into()
            );
        }
        let address = Address { kind: known.kind, name: known.name, id: known.id };
        let mut plan = Plan::on(&graph, address.arn(&call.services.deployment));
        plan.does(rows::delete(known.id));
        if plan.commit(call).await? == Outcome::Done {
            return Ok(());
        }
    }
    Err(WafError::Busy.into())
}

/// It is there, and as the caller knows it.
async fn present<'g>(call: &Call, graph: &'g Graph, known: &Known<'_>) -> Result<&'g Node, Fault> {
    let address = Address { kind: known.kind, name: known.name, id: known.id };
    let node = graph.at(address).ok_or_else(|| nonexistent(address))?;
    // Read after the graph: were it another one by now, the commit would miss.
    match book::entity(call, known.id).await?.lock_token == known.lock_token {
        true => Ok(node),
        false => Err(WafError::Stale.into()),
    }
}

fn made(
    call: &Call,
    draft: &Draft,
    id: &str,
    capacity: u64,
    graph: &Graph,
) -> Result<(Entity, std::collections::BTreeSet<String>), WafError> {
    let around = Surroundings { deployment: &call.services.deployment, graph, shipped: shipped() };
    let checked = rules::check(draft, id, capacity, &around)?;
    let entity = Entity {
        kind: draft.kind,
        name: draft.name.clone(),
        id: id.to_owned(),
        lock_token: Uuid::new_v4().to_string(),
        description: draft.description.clone(),
        body: checked.body,
        capacity: checked.capacity,
    };
    Ok((entity, checked.uses))
}

/// The one that this names wholly, with its content.
pub async fn get(call: &Call, address: Address<'_>) -> Result<Entity, Fault> {
    let row = call.services.store.one(rows::by_id(address.id)).await?;
    let entity = row.map(|row| rows::entity(&row)).transpose()?;
    entity.filter(|entity| entity.address() == address).ok_or_else(|| nonexistent(address).into())
}

/// The one of this kind that an ARN names.
pub fn of_arn<'a>(call: &Call, kind: Kind, arn: &'a str) -> Result<Address<'a>, WafError> {
    let address = Address::of_arn(arn, &call.services.deployment).filter(|address| address.kind == kind);
    address.ok_or_else(|| WafError::Nonexistent(format!("There is no {} {arn}.", kind.member())))
}

pub fn nonexistent(address: Address<'_>) -> WafError {
    let Address { kind, name, id } = address;
    WafError::Nonexistent(format!("There is no {} {name} with the id {id}.", kind.member()))
}

/// A page of one kind, by name, without contents.
pub async fn list(
    call: &Call,
    kind: Kind,
    limit: Option<i32>,
    marker: Option<&str>,
) -> Result<(Vec<Entity>, Option<String>), Fault> {
    let listing = listing(call, &[kind.path()], limit);
    let [after] = key(&listing, marker)?.unwrap_or_default();
    let rows = call.services.store.read(rows::page(kind, &after, listing.to_read())).await?;
    let found = rows.iter().map(rows::entity).collect::<Result<Vec<_>, _>>()?;
    let page = listing.page(found, |entity| [entity.name.clone()]);
    Ok((page.rows, page.token))
}

pub fn listing(call: &Call, selection: &[&str], limit: Option<i32>) -> Listing {
    Listing::of_at_most(LARGEST_OF_WAF, call, &call.services.deployment_key, selection, limit)
}

/// The key after which a page begins.
pub fn key<const PARTS: usize>(listing: &Listing, marker: Option<&str>) -> Result<Option<[String; PARTS]>, WafError> {
    listing.key(marker).map_err(|InvalidToken| {
        let shown: String = marker.unwrap_or_default().chars().take(64).collect();
        WafError::invalid("ENTITY_LIMIT", shown, "NextMarker is of no list of this kind, or older than an hour")
    })
}

/// Tags of a request: each name once, none of those that AWS keeps to itself.
pub fn checked_tags(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, WafError> {
    let mut checked = BTreeMap::new();
    for Tag { key, value } in tags {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(WafError::invalid("TAG_KEYS", key, "names that begin with aws: are reserved"));
        }
        if let Some(_twice) = checked.insert(key.clone(), value) {
            return Err(WafError::invalid("TAG_KEYS", key, "stands there twice"));
        }
    }
    match checked.len() > MAX_TAGS {
        true => Err(WafError::Limit(format!("There can be {MAX_TAGS} tags at most."))),
        false => Ok(checked),
    }
}
