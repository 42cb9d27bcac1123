//! `sector_identifier_uri` (OpenID Connect Dynamic Client Registration 1.0 §5): the document there must list every redirect URI.

use super::refusal::Refusal;
use crate::clients::metadata::Wanted;
use crate::outbound::Kind;
use crate::services::Services;

/// Asks for it anew: it is asked once a registration.
///
/// # Errors
/// `invalid_client_metadata` where it can't be had, is no list, or leaves one out.
pub async fn check(services: &Services, wanted: &Wanted) -> Result<(), Refusal> {
    let Some(uri) = &wanted.told.sector_identifier_uri else { return Ok(()) };
    let refused = |why: String| Refusal::metadata(format!("sector_identifier_uri: {why}"));
    let document = services.outbound.get(uri, Kind::Json).await.map_err(|error| refused(error.to_string()))?;
    let listed: Vec<String> =
        serde_json::from_slice(&document.body).map_err(|_| refused("it is no list of URIs".to_owned()))?;
    let mut uris = wanted.settings.callback_urls.iter().flatten();
    match uris.find(|uri| !listed.contains(uri)) {
        Some(missing) => Err(refused(format!("it does not list {missing}"))),
        None => Ok(()),
    }
}
