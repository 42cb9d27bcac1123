//! `token = { issuers, use, clients, audiences, scopes_all, groups_any }` of a route.

use common::claims::TokenUse;

use crate::snapshot::route::TokenRule;
use common::settings::{Section, SettingError};

/// Reads a route's rule; `issuer` finds the position of an issuer by the name that the configuration uses.
pub fn rule(mut section: Section, mut issuer: impl FnMut(&str) -> Option<usize>) -> Result<TokenRule, SettingError> {
    let names = section.texts("issuers")?;
    if names.is_empty() {
        return Err(section.error("issuers", "needs at least one issuer"));
    }
    let mut issuers = Vec::new();
    for name in &names {
        issuers.push(issuer(name).ok_or_else(|| section.error("issuers", format!("no issuer is called \"{name}\"")))?);
    }
    let token_use = match section.text("use")?.as_deref() {
        None | Some("access") => TokenUse::Access,
        Some("id") => TokenUse::Id,
        Some(other) => return Err(section.error("use", format!("\"{other}\" is neither \"access\" nor \"id\""))),
    };
    let rule = TokenRule {
        issuers,
        token_use,
        clients: section.texts("clients")?,
        audiences: section.texts("audiences")?,
        scopes_all: section.texts("scopes_all")?,
        groups_any: section.texts("groups_any")?,
    };
    section.finish()?;
    Ok(rule)
}
