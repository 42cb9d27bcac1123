//! OpenID Connect Front-Channel Logout 1.0: pages of apps that the browser loads when its session ends.

use url::{Url, form_urlencoded};

use crate::clients::Client;
use crate::pools::Pool;
use crate::sessions::BrowserSession;

/// The addresses of those of the apps that have one, with `iss` and `sid` (§2).
pub fn urls(pool: &Pool, session: &BrowserSession, apps: &[Client]) -> Vec<String> {
    let registered = apps.iter().filter_map(|app| app.settings.oauth.front_channel.as_ref());
    let with_session = registered.map(|logout| {
        let joint = if logout.uri.contains('?') { '&' } else { '?' };
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.append_pair("iss", &pool.iss).append_pair("sid", &session.sid);
        format!("{}{joint}{}", logout.uri, text.finish())
    });
    with_session.collect()
}

/// For the content security policy.
pub fn origin(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.origin().ascii_serialization())
}
