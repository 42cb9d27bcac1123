//! Cognito: AdminDisableProviderForUser. An identity of another provider is its user's no more; or, with the pool itself as provider, a user has no
//! password any more, and gets no other but by an administrator.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminDisableProviderForUserRequest, AdminDisableProviderForUserResponse};

use crate::aws_json::{Call, Write};
use crate::linking::rows;
use crate::linking::rules::{Named, SUBJECT};
use crate::pools::{self, Pool};
use crate::store::{Batch, CommitError};
use crate::users::links;
use crate::users::sign_out::{self, Also, Outcome};
use crate::users::{self, Status, TRIES, UserError, rows as user_rows};

pub async fn handle(
    call: Call,
    input: AdminDisableProviderForUserRequest,
) -> Result<AdminDisableProviderForUserResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let named = Named::parse(input.user, "User")?;
    let attribute = named.attribute.clone().unwrap_or_else(|| SUBJECT.to_owned());
    if named.is_native() {
        if attribute != SUBJECT {
            return Err(Fault::invalid_parameter(format!("ProviderAttributeName must be {SUBJECT} for Cognito.")));
        }
        end_password(&call, &pool, &named).await?;
    } else {
        unlink(&call, &pool, &named, &attribute).await?;
    }
    Ok(AdminDisableProviderForUserResponse {})
}

/// Ends every token, too: some were got by the password.
async fn end_password(call: &Call, pool: &Pool, named: &Named) -> Result<(), Fault> {
    for _ in 0..TRIES {
        let user = users::named(&call.services.store, pool, &named.username()).await?;
        if user.status == Status::ExternalProvider {
            return Ok(());
        }
        let end = |user: &users::User| Some(Also::statements(vec![user_rows::end_password(user, call.now)]));
        if sign_out::if_still(call, pool, &user.sub, end).await? == Outcome::Done {
            return Ok(());
        }
    }
    Err(Fault::unavailable("other requests keep changing the user"))
}

async fn unlink(call: &Call, pool: &Pool, named: &Named, attribute: &str) -> Result<(), Fault> {
    let store = &call.services.store;
    for _ in 0..TRIES {
        let found = store.one(rows::holder_by_name(&pool.id, &named.provider, attribute, &named.value)).await?;
        let sub = rows::sub(&found.ok_or(UserError::Absent)?)?;
        let user = users::by_sub(store, pool, &sub).await?.ok_or(UserError::Absent)?;
        let mut identities = links::of(&user.attributes);
        if let Some(at) = identities.iter().position(|identity| identity.is(&named.provider, &named.value)) {
            identities.remove(at);
        }
        let attributes = links::with(&user.attributes, &identities);
        let mut batch = Batch::new();
        batch.add(user_rows::update_profile(&user, user.status, &attributes, call.now));
        batch.add(rows::delete(&pool.id, &named.provider, attribute, &named.value, &sub));
        match call.commit(Write::new(&pool.id, batch).about(sub.as_str())).await {
            Err(CommitError::Missed { .. }) => {}
            outcome => return Ok(outcome?),
        }
    }
    Err(Fault::unavailable("other requests keep changing the user"))
}
