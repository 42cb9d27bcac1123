//! Cognito: ListUsers, with its filters and those beyond them, in pages.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUsersRequest, ListUsersResponse, UserType};

use crate::aws_json::{Call, Listing, Page};
use crate::pools::{self, Pool};
use crate::store::RowError;
use crate::users::filter::{Attribute, Comparison, Filter, FilterError, Term};
use crate::users::search::indexes::{IndexError, Indexes};
use crate::users::search::{Position, Range, Search};
use crate::users::{User, filter, rows};

pub async fn handle(call: Call, input: ListUsersRequest) -> Result<ListUsersResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let text = input.filter.as_deref().unwrap_or_default();
    let filter = filter::parse(text).map_err(refused)?;
    check_searched(&pool, filter.as_ref())?;
    let wanted = input.attributes_to_get.as_deref();
    check_known(&pool, wanted)?;
    let search = Search::new(filter.as_ref(), &indexes(&call, &pool, filter.as_ref()).await?);
    // What is being renamed lies under two names: it is read from no index.
    let search = if pool.settings.changing.is_some() { search.without_custom_ranges() } else { search };
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[text], input.limit);
    let token = input.pagination_token.as_deref();
    let page = match search.exact() {
        Some(range) => exact(&call, &pool, range, &listing, token).await?,
        None => {
            let after = listing.after(token)?;
            if after.as_ref().is_some_and(|place| !search.has(place)) {
                return Err(listing.invalid(token));
            }
            let found =
                search.page(&services.store, &pool.id, after, listing.limit(), |user| user.seen_in(&pool)).await?;
            Page { rows: found.users, token: found.next.map(|next| listing.token(&next)) }
        }
    };
    let users = page.rows.iter().map(|user| describe(user, wanted)).collect::<Result<Vec<_>, _>>()?;
    Ok(ListUsersResponse { users: Some(users), pagination_token: page.token })
}

/// A page of a filter that Cognito knows.
async fn exact(
    call: &Call,
    pool: &Pool,
    range: &Range,
    listing: &Listing,
    token: Option<&str>,
) -> Result<Page<User>, Fault> {
    let after = listing.after(token)?;
    let rows = match range.query(&pool.id, after.as_ref(), listing.to_read()) {
        Some(query) => call.services.store.read(query).await?,
        None => Vec::new(),
    };
    let found = rows.iter().map(|row| {
        let user = rows::user(row)?;
        let position = range.position(row, &user)?;
        Ok((user, position))
    });
    let found = found.collect::<Result<Vec<(User, Position)>, RowError>>()?;
    let page = listing.page(found, |(_, position)| position.clone());
    let users = page.rows.into_iter().map(|(user, _)| user.seen_in(pool));
    Ok(Page { rows: users.collect(), token: page.token })
}

/// The search indexes that a filter may make use of.
async fn indexes(call: &Call, pool: &Pool, filter: Option<&Filter>) -> Result<Indexes, Fault> {
    let within = |term: &Term| matches!(term.comparison, Comparison::Contains | Comparison::EndsWith);
    if !filter.is_some_and(|filter| filter.terms.iter().any(within)) {
        return Ok(Indexes::default());
    }
    Indexes::of_pool(&call.services.store, &pool.id).await.map_err(|error| match error {
        IndexError::Read(error) => error.into(),
        other => Fault::internal(other),
    })
}

/// A custom attribute that the pool does not have is refused as Cognito refuses every one.
fn check_searched(pool: &Pool, filter: Option<&Filter>) -> Result<(), Fault> {
    let schema = pool.schema();
    let unknown = filter.into_iter().flat_map(|filter| &filter.terms).find_map(|term| match &term.attribute {
        Attribute::Custom(name) if !schema.has(name) => Some(name.clone()),
        _ => None,
    });
    unknown.map_or(Ok(()), |name| Err(refused(FilterError::Attribute(name))))
}

fn refused(error: FilterError) -> Fault {
    Fault::invalid_parameter(error.to_string())
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
