//! Settings and images of managed login: one style of a client.

use std::collections::BTreeSet;

use cognito_model::Timestamp;
use cognito_model::idp::types::{AssetCategoryType, AssetExtensionType, AssetType, ManagedLoginBrandingType};
use common::clock::UnixMillis;
use common::ids::PoolId;
use serde_json::Value;

use super::images;

/// Bytes of all assets of a style: an update keeps those that it names by id, so a request's size bounds one change only.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// In a pool; Cognito has one a client.
pub const MOST: u64 = 100;

/// Cognito: the members of the settings document.
const SECTIONS: [&str; 3] = ["categories", "componentClasses", "components"];

/// The style of a client's pages.
#[derive(Clone, Debug)]
pub struct Branding {
    pub pool: PoolId,
    /// A UUIDv4.
    pub id: String,
    pub client: String,
    pub style: Style,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// Cognito's own, or one's own.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// `UseCognitoProvidedValues`; then there is nothing else.
    pub provided: bool,
    pub settings: Option<Value>,
    pub assets: Vec<AssetType>,
}

impl Style {
    /// What a request says, or the first thing that is wrong with it.
    pub fn new(provided: bool, settings: Option<Value>, assets: Vec<AssetType>) -> Result<Self, String> {
        let own = settings.is_some() || !assets.is_empty();
        if provided && own {
            return Err("Settings and Assets can't be given when UseCognitoProvidedValues is true.".into());
        }
        if !provided && !own {
            return Err("Settings or Assets must be given, or UseCognitoProvidedValues be true.".into());
        }
        settings.as_ref().map_or(Ok(()), check_settings)?;
        assets.iter().try_for_each(check_asset)?;
        let bytes: usize = assets.iter().filter_map(|asset| asset.bytes.as_ref()).map(|bytes| bytes.0.len()).sum();
        if bytes > MOST_BYTES {
            return Err(format!("Assets of a style have at most {} MiB together.", MOST_BYTES / 1024 / 1024));
        }
        // Icons of providers are many, each with the id by which settings name it.
        let place = |asset: &AssetType| (asset.category, asset.color_mode, asset.resource_id.clone());
        let mut places = BTreeSet::new();
        match assets.iter().find(|asset| !places.insert(place(asset))) {
            Some(twice) => Err(format!("Assets have {} for {} twice.", twice.category, twice.color_mode)),
            None => Ok(Self { provided, settings, assets }),
        }
    }

    /// What an update leaves of a style: what is left out stays, unless it is given up for Cognito's own. An asset that is named by its
    /// id alone keeps its bytes.
    pub fn updated(
        &self,
        provided: Option<bool>,
        settings: Option<Value>,
        assets: Option<Vec<AssetType>>,
    ) -> Result<Self, String> {
        let own = settings.is_some() || assets.is_some();
        if provided.unwrap_or(self.provided && !own) {
            return Self::new(true, settings, assets.unwrap_or_default());
        }
        let assets = match assets {
            Some(given) => given.into_iter().map(|asset| self.with_bytes(asset)).collect(),
            None => self.assets.clone(),
        };
        Self::new(false, settings.or_else(|| self.settings.clone()), assets)
    }

    fn with_bytes(&self, asset: AssetType) -> AssetType {
        let known = self.assets.iter().find(|known| {
            known.resource_id.is_some()
                && known.resource_id == asset.resource_id
                && (known.category, known.color_mode, known.extension)
                    == (asset.category, asset.color_mode, asset.extension)
        });
        let bytes = asset.bytes.or_else(|| known.and_then(|known| known.bytes.clone()));
        AssetType { bytes, ..asset }
    }
}

fn check_settings(settings: &Value) -> Result<(), String> {
    let sections = settings.as_object().ok_or("Settings must be a JSON object.")?;
    match sections.keys().find(|name| !SECTIONS.contains(&name.as_str())) {
        Some(unknown) => Err(format!("Settings can't have {unknown}: there are {}.", SECTIONS.join(", "))),
        None => Ok(()),
    }
}

fn check_asset(asset: &AssetType) -> Result<(), String> {
    let (category, extension) = (asset.category, asset.extension);
    let wanted = match category {
        AssetCategoryType::FaviconIco => Some(AssetExtensionType::Ico),
        AssetCategoryType::FaviconSvg => Some(AssetExtensionType::Svg),
        _ => None,
    };
    if wanted.is_some_and(|wanted| wanted != extension) {
        return Err(format!("An asset of category {category} can't have the extension {extension}."));
    }
    let bytes = asset.bytes.as_ref().ok_or_else(|| format!("The asset of category {category} has no Bytes."))?;
    if images::is(extension, &bytes.0) {
        Ok(())
    } else {
        Err(format!("The asset of category {category} is no {extension} image."))
    }
}

impl Branding {
    pub fn describe(&self) -> ManagedLoginBrandingType {
        let style = self.style.clone();
        ManagedLoginBrandingType {
            assets: if style.assets.is_empty() { None } else { Some(style.assets) },
            creation_date: Some(Timestamp::from(self.created)),
            last_modified_date: Some(Timestamp::from(self.modified)),
            managed_login_branding_id: Some(self.id.clone()),
            settings: style.settings,
            use_cognito_provided_values: Some(style.provided),
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::Blob;
    use cognito_model::idp::types::ColorSchemeModeType;
    use serde_json::json;

    use super::*;

    fn asset(category: AssetCategoryType, extension: AssetExtensionType, bytes: Option<&[u8]>) -> AssetType {
        AssetType {
            bytes: bytes.map(|bytes| Blob(bytes.to_vec())),
            category,
            color_mode: ColorSchemeModeType::Light,
            extension,
            resource_id: None,
        }
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    #[test]
    fn cognitos_style_or_ones_own() {
        let settings = || Some(json!({ "components": { "form": {} } }));
        assert!(Style::new(true, None, vec![]).unwrap().provided);
        assert!(Style::new(false, settings(), vec![]).is_ok());
        assert!(Style::new(true, settings(), vec![]).unwrap_err().contains("UseCognitoProvidedValues"));
        assert!(Style::new(false, None, vec![]).unwrap_err().contains("must be given"));
        assert!(Style::new(false, Some(json!([])), vec![]).unwrap_err().contains("JSON object"));
        assert!(Style::new(false, Some(json!({ "css": {} })), vec![]).unwrap_err().contains("css"));
    }

    #[test]
    fn assets_have_a_bound_together() {
        let half = [PNG, &vec![0; MOST_BYTES / 2 - PNG.len()]].concat();
        let logo = |bytes: &[u8]| asset(AssetCategoryType::FormLogo, AssetExtensionType::Png, Some(bytes));
        let background = |bytes: &[u8]| asset(AssetCategoryType::PageBackground, AssetExtensionType::Png, Some(bytes));
        let small = Style::new(false, None, vec![logo(&half), background(&half)]).unwrap();
        let larger = [half.as_slice(), &[0]].concat();
        assert!(Style::new(false, None, vec![logo(&larger), background(&half)]).unwrap_err().contains("4 MiB"));
        // Also those that an update keeps.
        let kept = AssetType { bytes: None, resource_id: Some("r".into()), ..logo(&half) };
        let small =
            Style { assets: vec![AssetType { resource_id: Some("r".into()), ..small.assets[0].clone() }], ..small };
        assert!(small.updated(None, None, Some(vec![kept, background(&larger)])).is_err());
    }

    #[test]
    fn assets_are_what_they_are_said_to_be() {
        let logo = asset(AssetCategoryType::FormLogo, AssetExtensionType::Png, Some(PNG));
        let style = |assets| Style::new(false, None, assets);
        assert!(style(vec![logo.clone()]).is_ok());
        let wrong = |category, extension, bytes, why: &str| {
            let said = style(vec![asset(category, extension, bytes)]).unwrap_err();
            assert!(said.contains(why), "{said}");
        };
        wrong(AssetCategoryType::FormLogo, AssetExtensionType::Jpeg, Some(PNG), "no JPEG image");
        wrong(AssetCategoryType::FormLogo, AssetExtensionType::Png, None, "no Bytes");
        wrong(AssetCategoryType::FaviconIco, AssetExtensionType::Png, Some(PNG), "can't have the extension");
        assert!(style(vec![logo.clone(), logo]).unwrap_err().contains("twice"));
    }

    #[test]
    fn updates_keep_what_they_leave_out() {
        let mut logo = asset(AssetCategoryType::FormLogo, AssetExtensionType::Png, Some(PNG));
        logo.resource_id = Some("logo".into());
        let made = Style::new(false, Some(json!({ "components": {} })), vec![logo.clone()]).unwrap();
        let left = made.updated(None, Some(json!({ "categories": {} })), None).unwrap();
        assert_eq!((left.settings, left.assets.len()), (Some(json!({ "categories": {} })), 1));
        let by_id = AssetType { bytes: None, ..logo };
        let left = made.updated(None, None, Some(vec![by_id])).unwrap();
        assert_eq!(left.assets[0].bytes, Some(Blob(PNG.to_vec())));
        let given_up = made.updated(Some(true), None, None).unwrap();
        assert!(given_up.provided && given_up.settings.is_none() && given_up.assets.is_empty());
        assert!(!given_up.updated(None, Some(json!({})), None).unwrap().provided);
        assert!(given_up.updated(Some(false), None, None).is_err(), "nothing of one's own is left");
    }
}
