//! Cognito: AdminLinkProviderForUser. An identity of another provider (`SourceUser`), which has not signed in yet, becomes a user's
//! (`DestinationUser`).

use cognito_model::idp::types::{AdminLinkProviderForUserRequest, AdminLinkProviderForUserResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::linking::rows::{self, Link};
use crate::linking::rules::Named;
use crate::pools::{self, Pool};
use crate::providers::{self, Known};
use crate::store::{Batch, CommitError};
use crate::users::links::{self, Identity, MOST};
use crate::users::{self, TRIES, User, rows as user_rows};

pub async fn handle(
    call: Call,
    input: AdminLinkProviderForUserRequest,
) -> Result<AdminLinkProviderForUserResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let destination = Named::parse(input.destination_user, "DestinationUser")?;
    let source = Named::parse(input.source_user, "SourceUser")?;
    if source.is_native() {
        // Cognito's text, as the next.
        return Err(Fault::invalid_parameter(
            "Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser",
        ));
    }
    let user = users::named(store, &pool, &destination.username()).await?;
    let provider = providers::check_exists(store, &pool.id, &source.provider).await?;
    let attribute = source.attribute_of(&provider)?;
    if users::by_name(store, &pool, &source.username()).await?.is_some() {
        return Err(Fault::invalid_parameter(
            "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link",
        ));
    }
    let link = Link {
        pool: &pool.id,
        provider: &provider.name,
        provider_made: provider.created,
        attribute: &attribute,
        value: &source.value,
    };
    add(&call, &pool, user, &provider, &link).await?;
    Ok(AdminLinkProviderForUserResponse {})
}

/// The guard on the user's attributes, which list all links, makes of several at once one after the other.
async fn add(call: &Call, pool: &Pool, mut user: User, provider: &Known, link: &Link<'_>) -> Result<(), Fault> {
    let store = &call.services.store;
    for _ in 0..TRIES {
        if let Some(row) = store.one(rows::holder(link)).await? {
            return Err(taken(rows::sub(&row)? == user.sub));
        }
        let mut identities = links::of(&user.attributes);
        if identities.len() >= MOST {
            return Err(Fault::limit_exceeded(format!("A user has at most {MOST} linked identities.")));
        }
        identities.push(Identity::linked(link.value, link.provider, provider.kind, call.now));
        let attributes = links::with(&user.attributes, &identities);
        let mut batch = Batch::new();
        batch.add(user_rows::update_profile(&user, user.status, &attributes, call.now));
        batch.add(rows::insert(link, &user.sub, call.now));
        match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await {
            Err(CommitError::Missed { .. }) => user = user.again(store, pool).await?,
            outcome => return Ok(outcome?),
        }
    }
    Err(Fault::unavailable("other requests keep changing the user"))
}

fn taken(by_destination: bool) -> Fault {
    if by_destination {
        return Fault::invalid_parameter("SourceUser is already linked to DestinationUser");
    }
    Fault::new(Exception::AliasExists, "SourceUser is already linked to another user")
}
