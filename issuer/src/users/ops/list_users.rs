//! Cognito: ListUsers, with its filters, in pages.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUsersRequest, ListUsersResponse, UserType};

use crate::aws_json::{Call, Listing};
use crate::pools::{self, Pool};
use crate::users::search::Search;
use crate::users::{User, filter, rows};

pub async fn handle(call: Call, input: ListUsersRequest) -> Result<ListUsersResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let text = input.filter.as_deref().unwrap_or_default();
    let search = Search::new(filter::parse(text).map_err(|error| Fault::invalid_parameter(error.to_string()))?);
    let wanted = input.attributes_to_get.as_deref();
    check_known(&pool, wanted)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[text], input.limit);
    let after = listing.after(input.pagination_token.as_deref())?;
    let rows = match search.query(&pool.id, after.as_ref(), listing.to_read()) {
        Some(query) => services.store.read(query).await?,
        None => Vec::new(),
    };
    let found = rows.iter().map(rows::user).collect::<Result<Vec<User>, _>>()?;
    let page = listing.page(found, |user| search.position(user));
    let users = page.rows.iter().map(|user| describe(user, wanted)).collect::<Result<Vec<_>, _>>()?;
    Ok(ListUsersResponse { users: Some(users), pagination_token: page.token })
}

fn check_known(pool: &Pool, wanted: Option<&[String]>) -> Result<(), Fault> {
    let schema = pool.schema();
    match wanted.into_iter().flatten().find(|name| *name != "sub" && !schema.has(name)) {
        Some(_) => Err(not_there()),
        None => Ok(()),
    }
}

/// The user with the attributes that are asked for. Cognito answers no page on which a user lacks one of them.
fn describe(user: &User, wanted: Option<&[String]>) -> Result<UserType, Fault> {
    let mut described = user.describe();
    let Some(wanted) = wanted else { return Ok(described) };
    if wanted.iter().any(|name| name != "sub" && !user.attributes.contains_key(name)) {
        return Err(not_there());
    }
    described.attributes.get_or_insert_default().retain(|attribute| wanted.contains(&attribute.name));
    Ok(described)
}

fn not_there() -> Fault {
    Fault::invalid_parameter("One or more requested attributes do not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: Option<&[&str]>) -> Option<Vec<String>> {
        let user = User {
            attributes: [("email", "a@x"), ("name", "A")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..User::sample()
        };
        let wanted: Option<Vec<String>> = wanted.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
        let described = describe(&user, wanted.as_deref()).ok()?;
        Some(described.attributes.unwrap().into_iter().map(|attribute| attribute.name).collect())
    }

    #[test]
    fn attributes_to_get() {
        assert_eq!(names(None).unwrap(), ["sub", "email", "name"]);
        assert_eq!(names(Some(&["email", "sub"])).unwrap(), ["sub", "email"]);
        assert_eq!(names(Some(&["email"])).unwrap(), ["email"]);
        assert_eq!(names(Some(&[])).unwrap(), [] as [&str; 0]);
        assert_eq!(names(Some(&["email", "phone_number"])), None);
    }
}
