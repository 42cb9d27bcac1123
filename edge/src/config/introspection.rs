//! `introspection = { … }` of an `[[issuer]]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use common::secret::SecretString;
use common::settings::{Section, SettingError};
use common::verify::IntrospectionTerms;

use crate::config::Around;
use crate::config::issuers::Common;
use crate::outbound::Address;
use crate::snapshot::introspection::{CacheBounds, ClientAuth, Endpoint, IntrospectionSettings};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn read(
    mut section: Section,
    common: Common,
    around: &Around<'_>,
) -> Result<IntrospectionSettings, SettingError> {
    let url = section.required_text("url")?;
    let address =
        Address::parse(&url, common.allow_http).map_err(|error| section.error("url", format!("\"{url}\" {error}")))?;
    let endpoint = Endpoint {
        address,
        authorities: common.authorities,
        client_id: section.required_text("client_id")?,
        client_secret: secret(&mut section, around)?,
        auth: auth(&mut section)?,
        timeout: span(&mut section, "timeout", MILLISECOND * 100..=SECOND * 30, SECOND * 2)?,
        concurrency: count(&mut section, "concurrency", 1..=1_024, 32)?,
        queue: count(&mut section, "queue", 0..=100_000, 1_024)?,
    };
    let ttl = span(&mut section, "cache_ttl", Duration::ZERO..=SECOND * 3_600, SECOND * 30)?;
    let negative_ttl = span(&mut section, "negative_ttl", Duration::ZERO..=SECOND * 300, SECOND * 5)?;
    let bytes = section.size("cache_bytes")?.unwrap_or(16 << 20);
    if !(64 << 10..=4 << 30).contains(&bytes) {
        return Err(section.error("cache_bytes", "must be between 64KiB and 4GiB"));
    }
    let cache = CacheBounds {
        entries: count(&mut section, "cache_entries", 1..=10_000_000, 10_000)?,
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
    };
    section.finish()?;
    // A token whose end is not told is asked about again at the latest when its answer is no longer believed.
    let without_exp = ttl.max(SECOND);
    let terms = IntrospectionTerms { iss: common.iss, leeway: common.leeway, without_exp };
    Ok(IntrospectionSettings { terms, groups: common.groups, endpoint, ttl, negative_ttl, cache })
}

/// The first line of a file, or a variable of the environment; never the settings themselves.
pub(super) fn secret(section: &mut Section, around: &Around<'_>) -> Result<SecretString, SettingError> {
    let (file, variable) = (section.file("client_secret_file")?, section.text("client_secret_env")?);
    let (key, text) = match (file, variable) {
        (Some(file), None) => {
            let file = around.folder.join(file);
            let text = std::fs::read_to_string(&file)
                .map_err(|error| section.error("client_secret_file", format!("{}: {error}", file.display())))?;
            ("client_secret_file", text.lines().next().unwrap_or_default().to_owned())
        }
        (None, Some(variable)) => {
            let found = around.environment.iter().find(|(name, _)| *name == variable);
            let missing = || section.error("client_secret_env", format!("there is no {variable} in the environment"));
            ("client_secret_env", found.ok_or_else(missing)?.1.clone())
        }
        _ => {
            let problem = "is missing: there must be `client_secret_file` or `client_secret_env`, and not both";
            return Err(section.error("client_secret_file", problem));
        }
    };
    if text.is_empty() { Err(section.error(key, "holds no secret")) } else { Ok(text.into()) }
}

pub(super) fn auth(section: &mut Section) -> Result<ClientAuth, SettingError> {
    match section.text("auth")?.as_deref() {
        None | Some("basic") => Ok(ClientAuth::Basic),
        Some("post") => Ok(ClientAuth::Post),
        Some(other) => Err(section.error("auth", format!("\"{other}\" is neither \"basic\" nor \"post\""))),
    }
}

pub(super) fn span(
    section: &mut Section,
    key: &'static str,
    bounds: RangeInclusive<Duration>,
    default: Duration,
) -> Result<Duration, SettingError> {
    let span = section.duration(key)?.unwrap_or(default);
    if bounds.contains(&span) {
        return Ok(span);
    }
    Err(section.error(key, format!("must be between {:?} and {:?}", bounds.start(), bounds.end())))
}

fn count(
    section: &mut Section,
    key: &'static str,
    bounds: RangeInclusive<u64>,
    default: usize,
) -> Result<usize, SettingError> {
    let number = section.integer(key, bounds)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
}
