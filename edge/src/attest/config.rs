//! `attest` of a route.

use common::settings::{Section, SettingError};

use crate::snapshot::flow::Flow;

/// Cognito's API takes bodies up to 1 MiB.
const USUAL_MAX_BODY: u64 = 1024 * 1024;
/// A body lies in memory until it is sent.
const LARGEST_MAX_BODY: u64 = 16 * 1024 * 1024;

/// Whether the route's requests are attested. If so, its bodies are bounded.
pub fn read(section: &mut Section, has_feed: bool, flow: &mut Flow) -> Result<bool, SettingError> {
    if !section.flag("attest")?.unwrap_or(false) {
        return Ok(false);
    }
    if !has_feed {
        return Err(section.error("attest", "needs a `[feed]`: the edge signs with the key that it has joined with"));
    }
    if *flow.max_body.get_or_insert(USUAL_MAX_BODY) > LARGEST_MAX_BODY {
        return Err(section.error("max_body", "must be at most 16MiB with `attest`, since bodies are read whole"));
    }
    Ok(true)
}
