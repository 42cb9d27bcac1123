//! `token = { … }` of a route.

use std::time::Duration;

use common::claims::TokenUse;

use crate::gates::proof;
use crate::gates::proof::config::ProofSettings;
use crate::gates::token::claims;
use crate::snapshot::route::{ProofRule, TokenRule};
use common::settings::{Section, SettingError};

/// Reads a route's rule; `issuer` finds the position of an issuer by the name that the configuration uses.
pub fn rule(
    mut section: Section,
    proofs: &ProofSettings,
    mut issuer: impl FnMut(&str) -> Option<usize>,
) -> Result<TokenRule, SettingError> {
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
    let claims = section.section("claims")?.map(claims::rules).transpose()?.unwrap_or_default();
    let dpop = section.section("dpop")?;
    let proof = ProofRule {
        certificate_bound: section.flag("certificate_bound")?.unwrap_or(false),
        ..proof::config::rule(dpop, proofs)?
    };
    let rule = TokenRule {
        issuers,
        token_use,
        clients: section.texts("clients")?,
        audiences: section.texts("audiences")?,
        scopes_all: words(&mut section, "scopes_all")?,
        scopes_any: words(&mut section, "scopes_any")?,
        groups_all: section.texts("groups_all")?,
        groups_any: section.texts("groups_any")?,
        claims: claims.into(),
        amr_all: section.texts("amr_all")?,
        amr_any: section.texts("amr_any")?,
        acr_any: words(&mut section, "acr_any")?,
        max_age: max_age(&mut section)?,
        proof,
    };
    section.finish()?;
    Ok(rule)
}

/// Texts that stand in a list with spaces between them, in tokens and in challenges (RFC 6749 §3.3).
fn words(section: &mut Section, key: &'static str) -> Result<Vec<String>, SettingError> {
    let words = section.texts(key)?;
    let fits = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    match words.iter().find(|word| word.is_empty() || !word.bytes().all(fits)) {
        None => Ok(words),
        Some(word) => {
            Err(section
                .error(key, format!("\"{word}\" must be printable ASCII without spaces, quotes and backslashes")))
        }
    }
}

/// RFC 9470 §3: seconds, not negative. No token is ever zero seconds old.
fn max_age(section: &mut Section) -> Result<Option<Duration>, SettingError> {
    let span = section.duration("max_age")?;
    match span {
        Some(span) if span.as_secs() == 0 || span.subsec_nanos() != 0 => {
            Err(section.error("max_age", "must be whole seconds, at least one"))
        }
        span => Ok(span),
    }
}
