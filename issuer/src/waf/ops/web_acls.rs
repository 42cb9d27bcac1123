//! AWS WAFv2: CreateWebACL, GetWebACL, UpdateWebACL, DeleteWebACL, ListWebACLs.

use cognito_model::Fault;
use cognito_model::waf::types::{self as wire, Scope};

use super::rule_groups::rules;
use crate::aws_json::Call;
use crate::waf::entities::{self, Known, regional};
use crate::waf::error::WafError;
use crate::waf::model::{Address, Draft, Entity, Kind};

pub async fn create(call: Call, input: wire::CreateWebACLRequest) -> Result<wire::CreateWebACLResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::WebAcl, input.name, input.description)
        .with("DefaultAction", input.default_action)
        .with("Rules", rules(input.rules))
        .with("VisibilityConfig", input.visibility_config)
        .with_optional("ApplicationConfig", input.application_config)
        .with_optional("AssociationConfig", input.association_config)
        .with_optional("CaptchaConfig", input.captcha_config)
        .with_optional("ChallengeConfig", input.challenge_config)
        .with_optional("CustomResponseBodies", input.custom_response_bodies)
        .with_optional("DataProtectionConfig", input.data_protection_config)
        .with_optional("MonetizationConfig", input.monetization_config)
        .with_optional("OnSourceDDoSProtectionConfig", input.on_source_ddos_protection_config)
        .with_optional("TokenDomains", input.token_domains.map(Into::into));
    let entity = entities::create(&call, draft, 0, input.tags).await?;
    Ok(wire::CreateWebACLResponse { summary: Some(summary(&call, &entity)) })
}

/// By ARN, or by name, id and scope.
pub async fn get(call: Call, input: wire::GetWebACLRequest) -> Result<wire::GetWebACLResponse, Fault> {
    let named = Named { arn: input.arn, name: input.name, id: input.id, scope: input.scope };
    let entity = named.find(&call, Kind::WebAcl).await?;
    let web_acl = Some(entity.object()?);
    Ok(wire::GetWebACLResponse { application_integration_url: None, lock_token: Some(entity.lock_token), web_acl })
}

pub async fn update(call: Call, input: wire::UpdateWebACLRequest) -> Result<wire::UpdateWebACLResponse, Fault> {
    regional(input.scope)?;
    let draft = Draft::new(Kind::WebAcl, input.name.clone(), input.description)
        .with("DefaultAction", input.default_action)
        .with("Rules", rules(input.rules))
        .with("VisibilityConfig", input.visibility_config)
        .with_optional("ApplicationConfig", input.application_config)
        .with_optional("AssociationConfig", input.association_config)
        .with_optional("CaptchaConfig", input.captcha_config)
        .with_optional("ChallengeConfig", input.challenge_config)
        .with_optional("CustomResponseBodies", input.custom_response_bodies)
        .with_optional("DataProtectionConfig", input.data_protection_config)
        .with_optional("MonetizationConfig", input.monetization_config)
        .with_optional("OnSourceDDoSProtectionConfig", input.on_source_ddos_protection_config)
        .with_optional("TokenDomains", input.token_domains.map(Into::into));
    let known = Known { kind: Kind::WebAcl, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    let entity = entities::update(&call, &known, draft).await?;
    Ok(wire::UpdateWebACLResponse { next_lock_token: Some(entity.lock_token) })
}

pub async fn delete(call: Call, input: wire::DeleteWebACLRequest) -> Result<wire::DeleteWebACLResponse, Fault> {
    regional(input.scope)?;
    let known = Known { kind: Kind::WebAcl, name: &input.name, id: &input.id, lock_token: &input.lock_token };
    entities::delete(&call, &known).await?;
    Ok(wire::DeleteWebACLResponse {})
}

pub async fn list(call: Call, input: wire::ListWebACLsRequest) -> Result<wire::ListWebACLsResponse, Fault> {
    regional(input.scope)?;
    let (found, next) = entities::list(&call, Kind::WebAcl, input.limit, input.next_marker.as_deref()).await?;
    let web_acls = found.iter().map(|entity| summary(&call, entity)).collect();
    Ok(wire::ListWebACLsResponse { next_marker: next, web_acls: Some(web_acls) })
}

/// How a request names a web ACL or a group. Whatever it says must be true of the one that it finds.
pub struct Named {
    pub arn: Option<String>,
    pub name: Option<String>,
    pub id: Option<String>,
    pub scope: Option<Scope>,
}

impl Named {
    pub async fn find(&self, call: &Call, kind: Kind) -> Result<Entity, Fault> {
        self.scope.map_or(Ok(()), regional)?;
        let by_name = match (&self.name, &self.id) {
            (Some(name), Some(id)) => Some(Address { kind, name, id }),
            _ => None,
        };
        let by_arn = self.arn.as_deref().map(|arn| entities::of_arn(call, kind, arn)).transpose()?;
        match (by_arn, by_name) {
            (Some(arn), Some(name)) if arn != name => Err(WafError::invalid(
                "RESOURCE_ARN",
                self.arn.clone().unwrap_or_default(),
                "ARN names another one than Name and Id",
            )
            .into()),
            (Some(address), _) | (None, Some(address)) => entities::get(call, address).await,
            (None, None) => {
                Err(WafError::invalid(kind_field(kind), "ARN", "either ARN, or Name, Id and Scope must be there")
                    .into())
            }
        }
    }
}

const fn kind_field(kind: Kind) -> &'static str {
    match kind {
        Kind::IpSet => "IP_SET",
        Kind::RegexSet => "REGEX_PATTERN_SET",
        Kind::RuleGroup => "RULE_GROUP",
        Kind::WebAcl => "WEB_ACL",
    }
}

fn summary(call: &Call, entity: &Entity) -> wire::WebACLSummary {
    wire::WebACLSummary {
        arn: Some(entity.address().arn(&call.services.deployment)),
        description: entity.description.clone(),
        id: Some(entity.id.clone()),
        lock_token: Some(entity.lock_token.clone()),
        name: Some(entity.name.clone()),
    }
}
