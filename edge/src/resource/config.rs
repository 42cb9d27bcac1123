//! `resource = { url, … }` of a route.

use std::sync::Arc;

use common::canonical::Url;
use common::settings::{Section, SettingError};
use serde_json::{Map, Value};

use crate::resource::WELL_KNOWN;
use crate::snapshot::resource::{Resource, Servers};
use crate::snapshot::route::{Route, TokenRule};

/// Members that are a text, and a URL but for the first (RFC 9728 §2).
const TEXTS: [&str; 4] = ["resource_name", "resource_documentation", "resource_policy_uri", "resource_tos_uri"];

/// Reads the resource of a route whose tokens follow `rule`.
pub fn resource(mut section: Section, rule: &TokenRule) -> Result<Resource, SettingError> {
    let text = section.required_text("url")?;
    let url = Url::parse(&text).filter(|url| url.rest.is_empty()).ok_or_else(|| {
        section.error(
            "url",
            format!("\"{text}\" is no URL such as \"https://api.example.com/orders\", without query and fragment"),
        )
    })?;
    // §3.1: the well-known part goes between host and path; a slash that is the whole path is left out.
    let path = format!("{WELL_KNOWN}{}", if url.path.as_str() == "/" { "" } else { url.path.as_str() });
    let servers = servers(&mut section, rule)?;
    let members = members(&mut section, rule)?;
    let (host, metadata) = (url.host().to_owned(), format!("{}{path}", url.origin()));
    section.finish()?;
    Ok(Resource { url: text, host, metadata, path, servers, members })
}

/// The resources of a table whose routes have their numbers, each once.
pub fn all(routes: &[Route]) -> Result<Vec<(Arc<Resource>, usize)>, SettingError> {
    let mut all: Vec<(Arc<Resource>, usize)> = Vec::new();
    for route in routes {
        let Some(resource) = &route.resource else { continue };
        let same_place = |other: &Resource| other.host == resource.host && other.path == resource.path;
        match all.iter().find(|(other, _)| same_place(other)) {
            None => all.push((Arc::clone(resource), route.number)),
            Some((other, _)) if other == resource => {}
            Some(_) => {
                let problem = format!(
                    "two routes describe \"{}\" differently: their `resource` and `token` must agree",
                    resource.url
                );
                return Err(SettingError::new("route", problem));
            }
        }
    }
    Ok(all)
}

fn servers(section: &mut Section, rule: &TokenRule) -> Result<Servers, SettingError> {
    let named = section.texts("authorization_servers")?;
    if named.is_empty() {
        return Ok(Servers::Issuers(rule.issuers.clone()));
    }
    match named.iter().find(|url| Url::parse(url).is_none_or(|url| !url.rest.is_empty())) {
        None => Ok(Servers::Named(named)),
        Some(bad) => Err(section.error("authorization_servers", format!("\"{bad}\" is no URL of an issuer"))),
    }
}

fn members(section: &mut Section, rule: &TokenRule) -> Result<Map<String, Value>, SettingError> {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let scopes =
        if section.has("scopes_supported") { section.texts("scopes_supported")? } else { rule.scopes_all.clone() };
    if !scopes.is_empty() {
        add("scopes_supported", Value::from(scopes));
    }
    let methods = section.texts("bearer_methods_supported")?;
    if !methods.is_empty() && methods != ["header"] {
        return Err(
            section.error("bearer_methods_supported", "must be [\"header\"]: tokens are taken from nowhere else")
        );
    }
    add("bearer_methods_supported", Value::from(vec!["header"]));
    for name in TEXTS {
        let Some(text) = section.text(name)? else { continue };
        if name != "resource_name" && Url::parse(&text).is_none() {
            return Err(section.error(name, format!("\"{text}\" is no URL")));
        }
        add(name, Value::from(text));
    }
    if rule.proof.offered {
        add("dpop_signing_alg_values_supported", Value::from(rule.proof.alg_names()));
    }
    if says(section, "dpop_bound_access_tokens_required", rule.proof.required, "token.dpop.required")? {
        add("dpop_bound_access_tokens_required", Value::Bool(true));
    }
    let by_certificate = rule.proof.certificate_bound;
    if says(section, "tls_client_certificate_bound_access_tokens", by_certificate, "token.certificate_bound")? {
        add("tls_client_certificate_bound_access_tokens", Value::Bool(true));
    }
    Ok(members)
}

/// What the route does. Settings may say it again, not otherwise: clients would be told what is not so.
fn says(section: &mut Section, key: &'static str, does: bool, by: &str) -> Result<bool, SettingError> {
    match section.flag(key)? {
        Some(said) if said != does => Err(section.error(key, format!("differs from the route's `{by}`"))),
        _ => Ok(does),
    }
}
