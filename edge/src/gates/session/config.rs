//! `revocation = { required, max_staleness, stale }` of a route.

use std::time::Duration;

use crate::snapshot::route::{RevocationRule, Stale};
use common::settings::{Section, SettingError};

const MAX_STALENESS: Duration = Duration::from_secs(300);

/// The rule of a route that says nothing. Revocations count whenever they are known; they are demanded (`required`) where some
/// issuer of the route comes by the feed.
pub const fn default_rule(required: bool) -> RevocationRule {
    RevocationRule { required, max_staleness: MAX_STALENESS, stale: Stale::Deny }
}

/// Reads a route's rule; `default` fills what it leaves out.
pub fn rule(mut section: Section, default: RevocationRule) -> Result<RevocationRule, SettingError> {
    let stale = match section.text("stale")?.as_deref() {
        None => default.stale,
        Some("deny") => Stale::Deny,
        Some("allow") => Stale::Allow,
        Some(other) => return Err(section.error("stale", format!("\"{other}\" is neither \"deny\" nor \"allow\""))),
    };
    let rule = RevocationRule {
        required: section.flag("required")?.unwrap_or(default.required),
        max_staleness: section.duration("max_staleness")?.unwrap_or(default.max_staleness),
        stale,
    };
    section.finish()?;
    Ok(rule)
}
