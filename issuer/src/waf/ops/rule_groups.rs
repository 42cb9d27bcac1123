//! AWS WAFv2: CreateRuleGroup, GetRuleGroup, UpdateRuleGroup, DeleteRuleGroup, ListRuleGroups.

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use serde_json::{Value, json};

use crate::aws_json::Call;
use crate::waf::entities::{self, Known, regional};
use crate::waf::model::{Draft, Entity, Kind};

pub async fn create(call: Call, input: wire::CreateRuleGroupRequest) -> Result<wire::CreateRuleGroupResponse, Fault> {
    regional(input.scope)?;
    let capacity = u64::try_from(input.capacity).unwrap_or_default();
    let draft = Draft::new(Kind::RuleGroup, input.name, input.description)
        .with("Rules", rules(input.rules))
        .with("VisibilityConfig", input.visibility_config)
        .with_optional("CustomResponseBodies", input.custom_response_bodies)
        .with_optional("MonetizationConfig", input.monetization_config);
    let entity = entities::create(&call, draft, capacity, input.tags).await?;
    Ok(wire::CreateRuleGroupResponse { summary: Some(summary(&call, &entity)) })
}

/// By ARN, or by name, id and scope.
pub async fn get(call: Call, input: wire::GetRuleGroupRequest) -> Result<wire::GetRuleGroupResponse, Fault> {
    let named = super::web_acls::Named { arn: input.arn, name: input.name, id: input.id, scope: input.scope };
    let entity = named.find(&call, Kind::RuleGroup).await?;
    let rule_group = Some(entity.object()?);
    Ok(wire::GetRuleGroupResponse { lock_token: Some(entity.lock_token), rule_group })
}

pub async fn update(call: Call, input: wire::UpdateRuleGroupRequest) -> Result<wire::UpdateRuleGroupResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::RuleGroup, input.name.clone(), input.description)
        .with("Rules", rules(input.rules))
        .with("VisibilityConfig", input.visibility_config)
        .with_optional("CustomResponseBodies", input.custom_response_bodies)
        .with_optional("MonetizationConfig", input.monetization_config);
    let known = Known { kind: Kind::RuleGroup, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    let entity = entities::update(&call, &known, draft).await?;
    Ok(wire::UpdateRuleGroupResponse { next_lock_token: Some(entity.lock_token) })
}

pub async fn delete(call: Call, input: wire::DeleteRuleGroupRequest) -> Result<wire::DeleteRuleGroupResponse, Fault> {
    regional(input.scope)?;
    let known = Known { kind: Kind::RuleGroup, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    entities::delete(&call, &known).await?;
    Ok(wire::DeleteRuleGroupResponse {})
}

pub async fn list(call: Call, input: wire::ListRuleGroupsRequest) -> Result<wire::ListRuleGroupsResponse, Fault> {
    regional(input.scope)?;
    let (found, next) = entities::list(&call, Kind::RuleGroup, input.limit, input.next_marker.as_deref()).await?;
    let rule_groups = found.iter().map(|entity| summary(&call, entity)).collect();
    Ok(wire::ListRuleGroupsResponse { next_marker: next, rule_groups: Some(rule_groups) })
}

/// Answers have a list also where the request has none.
pub fn rules(given: Option<Value>) -> Value {
    given.unwrap_or_else(|| json!([]))
}

fn summary(call: &Call, entity: &Entity) -> wire::RuleGroupSummary {
    wire::RuleGroupSummary {
        arn: Some(entity.address().arn(&call.services.deployment)),
        description: entity.description.clone(),
        id: Some(entity.id.clone()),
        lock_token: Some(entity.lock_token.clone()),
        name: Some(entity.name.clone()),
    }
}
