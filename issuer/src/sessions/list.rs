//! Pages of a user's sessions, for the user and for administrators.

use cognito_model::idp::types::{SessionDescriptionType, SessionLocationType, SessionTypeType};
use cognito_model::{Fault, Timestamp};
use common::clock::UnixMillis;

use super::model::Session;
use super::{id, rows};
use crate::aws_json::{Call, Listing, device};
use crate::pools::Pool;
use crate::users::User;

/// Sessions on a page (Cognito: SessionsListType). A user who came by them while sessions were tracked has fewer.
const LARGEST: usize = 125;

/// A page, and the token of the next.
pub struct Page {
    pub sessions: Vec<SessionDescriptionType>,
    pub next: Option<String>,
}

/// The sessions of a user that live, the newest first. `current` is the caller's own.
pub async fn page(
    call: &Call,
    pool: &Pool,
    user: &User,
    current: Option<&str>,
    token: Option<&str>,
) -> Result<Page, Fault> {
    let key = call.services.pool_keys.key(&pool.id).await?;
    let listing = Listing::of_at_most(LARGEST, call, &key, &[user.sub.as_str()], None);
    let after = listing.after::<2>(token)?;
    let after = match &after {
        Some([minted, origin_jti]) => Some((UnixMillis(minted.parse().map_err(Fault::internal)?), origin_jti.as_str())),
        None => None,
    };
    let found = call.services.store.read(rows::alive(user, after, call.now, listing.to_read())).await?;
    let found = found.iter().map(rows::session).collect::<Result<Vec<Session>, _>>()?;
    let page = listing.page(found, |session| [session.minted.0.to_string(), session.origin_jti.clone()]);
    let sessions = page.rows.iter().map(|session| describe(session, current)).collect();
    Ok(Page { sessions, next: page.token })
}

fn describe(session: &Session, current: Option<&str>) -> SessionDescriptionType {
    let agent = session.seen.as_ref().and_then(|seen| seen.user_agent.as_deref());
    SessionDescriptionType {
        client_id: Some(session.client.to_string()),
        create_date: Some(Timestamp::from(session.minted)),
        device_type: Some(device::describe(agent)),
        is_current_session: Some(current == Some(session.origin_jti.as_str())),
        last_active_date: Some(Timestamp::from(session.last_active())),
        last_ip_address: session.seen.as_ref().map(|seen| seen.address.to_string()),
        // The issuer has no database of places.
        last_location: Some(SessionLocationType { city: None, country: Some(device::UNKNOWN.to_owned()) }),
        origin_session_id: session.parent.as_deref().and_then(id::of_browser),
        session_id: id::of(&session.origin_jti),
        session_type: Some(SessionTypeType::Token),
    }
}
