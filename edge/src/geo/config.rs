//! `[geo]`.

use std::path::Path;
use std::sync::Arc;

use common::settings::{Section, SettingError};

use super::Databases;
use super::database::{Database, Knows};

/// Reads `[geo]` and the files that it names, whole and checked. Relative paths are relative to `folder`.
pub fn databases(section: Option<Section>, folder: &Path) -> Result<Databases, SettingError> {
    let Some(mut section) = section else { return Ok(Databases::default()) };
    let mut file = |key| Ok::<_, SettingError>(section.file(key)?.map(|file| folder.join(file)));
    let (country, city, asn) = (file("country")?, file("city")?, file("asn")?);
    if country.is_some() && city.is_some() {
        return Err(section.error("city", "stands beside `country`: a database of cities has the countries, too"));
    }
    let has_regions = city.is_some();
    let places = match (&country, &city) {
        (Some(path), _) => Some(read(&section, "country", path, Knows::Countries)?),
        (None, Some(path)) => Some(read(&section, "city", path, Knows::Regions)?),
        (None, None) => None,
    };
    let place = country.or(city);
    let systems = match (asn, &places) {
        (None, _) => None,
        // Some makers have both in one file.
        (Some(path), Some(same)) if Some(&path) == place.as_ref() => {
            same.check(Knows::Systems).map_err(|problem| error(&section, "asn", &path, problem))?;
            Some(Arc::clone(same))
        }
        (Some(path), _) => Some(read(&section, "asn", &path, Knows::Systems)?),
    };
    section.finish()?;
    Ok(Databases { places, has_regions, systems })
}

fn read(section: &Section, key: &str, path: &Path, knows: Knows) -> Result<Arc<Database>, SettingError> {
    Database::read(path, knows).map(Arc::new).map_err(|problem| error(section, key, path, problem))
}

fn error(section: &Section, key: &str, path: &Path, problem: impl std::fmt::Display) -> SettingError {
    section.error(key, format!("{}: {problem}", path.display()))
}
