//! `[[issuer]]`: token issuers that do not come by the feed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::jose::{Jwks, KeySet};
use common::verify::{Leeway, Profile};

use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::ConfiguredIssuer;
use common::settings::{Section, SettingError};

/// What the names of issuers that come by the feed begin with.
pub const POOL_PREFIX: &str = "pool:";

pub fn configured(sections: Vec<Section>, folder: &Path) -> Result<Vec<ConfiguredIssuer>, SettingError> {
    let mut issuers: Vec<ConfiguredIssuer> = Vec::new();
    for section in sections {
        let place = section.place("name");
        let issuer = issuer(section, folder)?;
        if issuers.iter().any(|other| other.name == issuer.name) {
            return Err(SettingError::new(place, format!("there are two issuers called \"{}\"", issuer.name)));
        }
        issuers.push(issuer);
    }
    Ok(issuers)
}

fn issuer(mut section: Section, folder: &Path) -> Result<ConfiguredIssuer, SettingError> {
    let name = section.required_text("name")?;
    if name.starts_with(POOL_PREFIX) {
        return Err(section.error("name", "pools come by the feed: name them in routes only"));
    }
    let iss = section.required_text("iss")?;
    let profile = match section.required_text("profile")?.as_str() {
        "cognito" => Profile::Cognito,
        "rfc9068" => Profile::Rfc9068,
        other => {
            return Err(section.error("profile", format!("\"{other}\" is neither \"cognito\" nor \"rfc9068\"")));
        }
    };
    let leeway = leeway(&mut section)?;
    let jwks = section.section("jwks")?.ok_or_else(|| section.missing("jwks"))?;
    let keys = Arc::new(keys(jwks, folder, iss)?);
    section.finish()?;
    let trust = Trust { profile, leeway, access_keys: Arc::clone(&keys), id_keys: keys };
    Ok(ConfiguredIssuer { name, trust: Some(trust) })
}

fn leeway(section: &mut Section) -> Result<Leeway, SettingError> {
    match section.duration("leeway")? {
        None => Ok(Leeway::default()),
        Some(span) => {
            Leeway::new(span).ok_or_else(|| section.error("leeway", format!("is over {:?}", Duration::from_secs(60))))
        }
    }
}

fn keys(mut section: Section, folder: &Path, iss: String) -> Result<KeySet, SettingError> {
    if section.text("url")?.is_some() {
        return Err(section.error("url", "is not supported yet: use `file`"));
    }
    let file = folder.join(section.required_text("file")?);
    let text = std::fs::read_to_string(&file)
        .map_err(|error| section.error("file", format!("{}: {error}", file.display())))?;
    let keys = Jwks::parse_foreign(&text)
        .map_err(|error| error.to_string())
        .and_then(|jwks| KeySet::new(iss, jwks).map_err(|error| error.to_string()))
        .map_err(|problem| section.error("file", format!("{}: {problem}", file.display())))?;
    if keys.is_empty() {
        return Err(section.error("file", format!("{} holds no key that can verify", file.display())));
    }
    section.finish()?;
    Ok(keys)
}
