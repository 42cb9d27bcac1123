//! `client_certificate = { required, forward }` of a route.

use common::settings::{Section, SettingError};

use crate::snapshot::route::CertificateRule;

/// Reads a route's rule; `asked` says whether the listener asks for client certificates at all.
pub fn rule(mut section: Section, asked: bool) -> Result<CertificateRule, SettingError> {
    let rule = CertificateRule {
        required: section.flag("required")?.unwrap_or(true),
        forward: section.flag("forward")?.unwrap_or(false),
    };
    if rule.required && !asked {
        return Err(
            section.error("required", "needs `client_ca` in [listen] tls: no client is asked for a certificate")
        );
    }
    section.finish()?;
    Ok(rule)
}
