//! AWS WAFv2: PutLoggingConfiguration, GetLoggingConfiguration, DeleteLoggingConfiguration, ListLoggingConfigurations.
//!
//! An edge writes its log where its operator says. What a configuration decides is which requests are written and what is left out of them; the
//! destination that AWS wants is kept and answered.

use cognito_model::Fault;
use cognito_model::waf::types::{self as wire, LogScope, LoggingConfiguration};
use serde_json::Value;

use crate::aws_json::Call;
use crate::waf::book::{self, Outcome, Plan, TRIES};
use crate::waf::entities::{self, regional};
use crate::waf::error::WafError;
use crate::waf::model::{Address, Kind};
use crate::waf::rows;

pub async fn put(
    call: Call,
    input: wire::PutLoggingConfigurationRequest,
) -> Result<wire::PutLoggingConfigurationResponse, Fault> {
    let mut configuration = input.logging_configuration;
    check(&configuration)?;
    let arn = configuration.resource_arn.clone();
    let address = entities::of_arn(&call, Kind::WebAcl, &arn)?;
    configuration.managed_by_firewall_manager = Some(false);
    configuration.log_type.get_or_insert(wire::LogType::WafLogs);
    configuration.log_scope.get_or_insert(LogScope::Customer);
    let text = serde_json::to_string(&configuration).map_err(Fault::internal)?;
    set(&call, address, Some(text)).await?;
    Ok(wire::PutLoggingConfigurationResponse { logging_configuration: Some(configuration) })
}

pub async fn get(
    call: Call,
    input: wire::GetLoggingConfigurationRequest,
) -> Result<wire::GetLoggingConfigurationResponse, Fault> {
    let address = entities::of_arn(&call, Kind::WebAcl, &input.resource_arn)?;
    entities::get(&call, address).await?;
    let found = book::logging(&call, address.id).await?.filter(|_| is_customers(input.log_scope));
    let text = found.ok_or_else(|| none_of(address))?;
    Ok(wire::GetLoggingConfigurationResponse { logging_configuration: Some(read(&text)?) })
}

pub async fn delete(
    call: Call,
    input: wire::DeleteLoggingConfigurationRequest,
) -> Result<wire::DeleteLoggingConfigurationResponse, Fault> {
    let address = entities::of_arn(&call, Kind::WebAcl, &input.resource_arn)?;
    entities::get(&call, address).await?;
    if book::logging(&call, address.id).await?.is_none() || !is_customers(input.log_scope) {
        return Err(none_of(address).into());
    }
    set(&call, address, None).await?;
    Ok(wire::DeleteLoggingConfigurationResponse {})
}

/// By the ids of web ACLs.
pub async fn list(
    call: Call,
    input: wire::ListLoggingConfigurationsRequest,
) -> Result<wire::ListLoggingConfigurationsResponse, Fault> {
    regional(input.scope)?;
    let listing = entities::listing(&call, &[], input.limit);
    let [after] = entities::key(&listing, input.next_marker.as_deref())?.unwrap_or_default();
    let rows = match is_customers(input.log_scope) {
        true => call.services.store.read(rows::loggings(&after, listing.to_read())).await?,
        false => Vec::new(),
    };
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push((row.text(0)?.to_owned(), read(row.text(1)?)?));
    }
    let page = listing.page(found, |(web_acl, _)| [web_acl.clone()]);
    let configurations = page.rows.into_iter().map(|(_, configuration)| configuration).collect();
    Ok(wire::ListLoggingConfigurationsResponse {
        logging_configurations: Some(configurations),
        next_marker: page.token,
    })
}

async fn set(call: &Call, address: Address<'_>, text: Option<String>) -> Result<(), Fault> {
    for _ in 0..TRIES {
        let graph = book::graph(call).await?;
        if graph.at(address).is_none() {
            return Err(entities::nonexistent(address).into());
        }
        let mut plan = Plan::on(&graph, address.arn(&call.services.deployment));
        plan.does(rows::set_logging(address.id, text.as_deref()));
        plan.logging.insert(address.id.to_owned(), text.clone());
        if plan.commit(call).await? == Outcome::Done {
            return Ok(());
        }
    }
    Err(WafError::Busy.into())
}

fn read(text: &str) -> Result<LoggingConfiguration, Fault> {
    serde_json::from_str(text).map_err(Fault::internal)
}

fn none_of(address: Address<'_>) -> WafError {
    WafError::Nonexistent(format!("The web ACL {} has no logging configuration.", address.name))
}

/// The other scopes are services of AWS.
fn is_customers(scope: Option<LogScope>) -> bool {
    scope.is_none_or(|scope| scope == LogScope::Customer)
}

fn check(configuration: &LoggingConfiguration) -> Result<(), WafError> {
    if !is_customers(configuration.log_scope) {
        let scope = configuration.log_scope.map(LogScope::as_str).unwrap_or_default();
        return Err(WafError::invalid("LOG_DESTINATION", scope, "LogScope must be CUSTOMER here"));
    }
    match configuration.log_destination_configs.as_slice() {
        [one] if one.starts_with("arn:") => {}
        [one] => return Err(WafError::invalid("LOG_DESTINATION", one, "the destination must be an ARN")),
        many => {
            let count = many.len().to_string();
            return Err(WafError::invalid("LOG_DESTINATION", count, "there must be one destination"));
        }
    }
    configuration.redacted_fields.iter().flatten().try_for_each(redacted)?;
    // As edges read it: one that they would refuse is none.
    let json = serde_json::to_value(configuration).unwrap_or_default();
    common::waf::read::logging(&json).map_err(WafError::from)?;
    let conditions =
        configuration.logging_filter.iter().flat_map(|filter| &filter.filters).flat_map(|one| &one.conditions);
    for condition in conditions {
        if condition.action_condition.is_some() == condition.label_name_condition.is_some() {
            let what = "a condition is either an ActionCondition or a LabelNameCondition";
            return Err(WafError::invalid("FILTER_CONDITION", "Conditions", what));
        }
    }
    Ok(())
}

/// AWS redacts the path, the query, the method and single headers.
fn redacted(field: &Value) -> Result<(), WafError> {
    let refuse = || {
        let what = "a redacted field is UriPath, QueryString, Method or SingleHeader with a Name";
        WafError::invalid("FIELD_TO_MATCH", field.to_string().chars().take(80).collect::<String>(), what)
    };
    let members = field.as_object().filter(|members| members.len() == 1).ok_or_else(refuse)?;
    let known = members.iter().all(|(name, inner)| match name.as_str() {
        "UriPath" | "QueryString" | "Method" => inner.as_object().is_some_and(serde_json::Map::is_empty),
        "SingleHeader" => {
            inner.get("Name").and_then(Value::as_str).is_some_and(|name| (1..=64).contains(&name.chars().count()))
        }
        _ => false,
    });
    if known { Ok(()) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use cognito_model::waf::types::{Condition, Filter, FilterBehavior, FilterRequirement, LoggingFilter};
    use serde_json::json;

    use super::*;

    fn configuration() -> LoggingConfiguration {
        LoggingConfiguration {
            log_destination_configs: vec!["arn:aws:logs:r:1:log-group:aws-waf-logs-x".into()],
            log_scope: None,
            log_type: None,
            logging_filter: None,
            managed_by_firewall_manager: None,
            redacted_fields: None,
            resource_arn: "arn".into(),
        }
    }

    #[test]
    fn what_can_be_redacted() {
        let with = |field: Value| LoggingConfiguration { redacted_fields: Some(vec![field]), ..configuration() };
        for field in [json!({"UriPath": {}}), json!({"Method": {}}), json!({"SingleHeader": {"Name": "cookie"}})] {
            check(&with(field.clone())).unwrap_or_else(|error| panic!("{field}: {error}"));
        }
        for field in [
            json!({}),
            json!("UriPath"),
            json!({"Body": {}}),
            json!({"UriPath": {}, "Method": {}}),
            json!({"SingleHeader": {}}),
            json!({"SingleHeader": {"Name": ""}}),
        ] {
            assert!(check(&with(field.clone())).is_err(), "{field}");
        }
    }

    #[test]
    fn one_destination_and_the_customers_scope() {
        assert!(check(&configuration()).is_ok());
        let destinations = |list: &[&str]| LoggingConfiguration {
            log_destination_configs: list.iter().map(|one| (*one).to_owned()).collect(),
            ..configuration()
        };
        assert!(check(&destinations(&["arn:x", "arn:y"])).is_err());
        assert!(check(&destinations(&["file:///tmp"])).is_err());
        assert!(check(&LoggingConfiguration { log_scope: Some(LogScope::SecurityLake), ..configuration() }).is_err());
    }

    #[test]
    fn a_condition_is_one_of_two() {
        let condition = Condition { action_condition: None, label_name_condition: None };
        let filter = Filter {
            behavior: FilterBehavior::Keep,
            conditions: vec![condition],
            requirement: FilterRequirement::MeetsAny,
        };
        let filter = LoggingFilter { default_behavior: FilterBehavior::Drop, filters: vec![filter] };
        assert!(check(&LoggingConfiguration { logging_filter: Some(filter), ..configuration() }).is_err());
    }
}
