//! AWS WAFv2: CreateIPSet, GetIPSet, UpdateIPSet, DeleteIPSet, ListIPSets.

use cognito_model::Fault;
use cognito_model::waf::types as wire;

use crate::aws_json::Call;
use crate::waf::entities::{self, Known, regional};
use crate::waf::model::{Address, Draft, Entity, Kind};

pub async fn create(call: Call, input: wire::CreateIPSetRequest) -> Result<wire::CreateIPSetResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::IpSet, input.name, input.description)
        .with("IPAddressVersion", input.ip_address_version.as_str().into())
        .with("Addresses", input.addresses.into());
    let entity = entities::create(&call, draft, 0, input.tags).await?;
    Ok(wire::CreateIPSetResponse { summary: Some(summary(&call, &entity)) })
}

pub async fn get(call: Call, input: wire::GetIPSetRequest) -> Result<wire::GetIPSetResponse, Fault> {
    regional(input.scope)?;
    let entity = entities::get(&call, Address { kind: Kind::IpSet, name: &input.name, id: &input.id }).await?;
    let ip_set = Some(entity.object()?);
    Ok(wire::GetIPSetResponse { ip_set, lock_token: Some(entity.lock_token) })
}

/// The version of the addresses stays: the request has no member for it.
pub async fn update(call: Call, input: wire::UpdateIPSetRequest) -> Result<wire::UpdateIPSetResponse, Fault> {
    regional(input.scope)?;
    let address = Address { kind: Kind::IpSet, name: &input.name, id: &input.id };
    let version = entities::get(&call, address).await?.object()?.get("IPAddressVersion").cloned();
    let draft = Draft::new(Kind::IpSet, input.name.clone(), input.description)
        .with_optional("IPAddressVersion", version)
        .with("Addresses", input.addresses.into());
    let known = Known { kind: Kind::IpSet, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    let entity = entities::update(&call, &known, draft).await?;
    Ok(wire::UpdateIPSetResponse { next_lock_token: Some(entity.lock_token) })
}

pub async fn delete(call: Call, input: wire::DeleteIPSetRequest) -> Result<wire::DeleteIPSetResponse, Fault> {
    regional(input.scope)?;
    let known = Known { kind: Kind::IpSet, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    entities::delete(&call, &known).await?;
    Ok(wire::DeleteIPSetResponse {})
}

pub async fn list(call: Call, input: wire::ListIPSetsRequest) -> Result<wire::ListIPSetsResponse, Fault> {
    regional(input.scope)?;
    let (found, next) = entities::list(&call, Kind::IpSet, input.limit, input.next_marker.as_deref()).await?;
    let ip_sets = found.iter().map(|entity| summary(&call, entity)).collect();
    Ok(wire::ListIPSetsResponse { ip_sets: Some(ip_sets), next_marker: next })
}

fn summary(call: &Call, entity: &Entity) -> wire::IPSetSummary {
    wire::IPSetSummary {
        arn: Some(entity.address().arn(&call.services.deployment)),
        description: entity.description.clone(),
        id: Some(entity.id.clone()),
        lock_token: Some(entity.lock_token.clone()),
        name: Some(entity.name.clone()),
    }
}
