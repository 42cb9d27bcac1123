//! AWS WAFv2: CreateRegexPatternSet, GetRegexPatternSet, UpdateRegexPatternSet, DeleteRegexPatternSet, ListRegexPatternSets.

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use serde_json::Value;

use crate::aws_json::Call;
use crate::waf::entities::{self, Known, regional};
use crate::waf::model::{Address, Draft, Entity, Kind};

pub async fn create(
    call: Call,
    input: wire::CreateRegexPatternSetRequest,
) -> Result<wire::CreateRegexPatternSetResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::RegexSet, input.name, input.description)
        .with("RegularExpressionList", patterns(&input.regular_expression_list)?);
    let entity = entities::create(&call, draft, 0, input.tags).await?;
    Ok(wire::CreateRegexPatternSetResponse { summary: Some(summary(&call, &entity)) })
}

pub async fn get(
    call: Call,
    input: wire::GetRegexPatternSetRequest,
) -> Result<wire::GetRegexPatternSetResponse, Fault> {
    regional(input.scope)?;
    let entity = entities::get(&call, Address { kind: Kind::RegexSet, name: &input.name, id: &input.id }).await?;
    let regex_pattern_set = Some(entity.object()?);
    Ok(wire::GetRegexPatternSetResponse { lock_token: Some(entity.lock_token), regex_pattern_set })
}

pub async fn update(
    call: Call,
    input: wire::UpdateRegexPatternSetRequest,
) -> Result<wire::UpdateRegexPatternSetResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::RegexSet, input.name.clone(), input.description)
        .with("RegularExpressionList", patterns(&input.regular_expression_list)?);
    let known = Known { kind: Kind::RegexSet, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    let entity = entities::update(&call, &known, draft).await?;
    Ok(wire::UpdateRegexPatternSetResponse { next_lock_token: Some(entity.lock_token) })
}

pub async fn delete(
    call: Call,
    input: wire::DeleteRegexPatternSetRequest,
) -> Result<wire::DeleteRegexPatternSetResponse, Fault> {
    regional(input.scope)?;
    let known = Known { kind: Kind::RegexSet, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    entities::delete(&call, &known).await?;
    Ok(wire::DeleteRegexPatternSetResponse {})
}

pub async fn list(
    call: Call,
    input: wire::ListRegexPatternSetsRequest,
) -> Result<wire::ListRegexPatternSetsResponse, Fault> {
    regional(input.scope)?;
    let (found, next) = entities::list(&call, Kind::RegexSet, input.limit, input.next_marker.as_deref()).await?;
    let regex_pattern_sets = found.iter().map(|entity| summary(&call, entity)).collect();
    Ok(wire::ListRegexPatternSetsResponse { next_marker: next, regex_pattern_sets: Some(regex_pattern_sets) })
}

fn patterns(list: &[wire::Regex]) -> Result<Value, Fault> {
    serde_json::to_value(list).map_err(Fault::internal)
}

fn summary(call: &Call, entity: &Entity) -> wire::RegexPatternSetSummary {
    wire::RegexPatternSetSummary {
        arn: Some(entity.address().arn(&call.services.deployment)),
        description: entity.description.clone(),
        id: Some(entity.id.clone()),
        lock_token: Some(entity.lock_token.clone()),
        name: Some(entity.name.clone()),
    }
}
