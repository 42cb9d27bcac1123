//! What became of messages, and another try for those that failed (`tollgate admin messages`).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::Fault;
use common::ids::PoolId;
use serde::Deserialize;
use serde_json::json;

use super::Admin;
use super::signed::{Command, answer, permit, read};
use crate::messages::status::{self, After, Filter, PAGE, RetryError, State as MessageState};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    pool: String,
}

/// `GET /v1/messages?pool=&state=&limit=&after=` → `{"messages": […], "after"}`, newest first.
pub async fn list(State(admin): State<Admin>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let pool = filter(&query).ok().and_then(|filter| PoolId::parse(filter.pool?).ok());
    let command = Command::reads("ListMessages");
    let command = pool.map_or_else(|| command.clone(), |pool| command.clone().on(&pool));
    answer(&admin, command, request, async move |call, _| {
        let filter = filter(&query).map_err(Fault::invalid_parameter)?;
        let (messages, after) = status::list(&call.services.store, &filter).await?;
        Ok(json!({ "messages": messages, "after": after.map(|after| after.to_text()) }))
    })
    .await
}

/// `POST /v1/messages/{id}/retry {"pool"}`
pub async fn retry(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    let asking = admin.clone();
    answer(&admin, Command::changes("RetryMessage"), request, async move |call, body| {
        let ask: Retry = read(&body)?;
        let pool = PoolId::parse(ask.pool.as_str()).map_err(|_| Fault::invalid_parameter("pool: a user pool id"))?;
        permit(&asking, &call, "RetryMessage", &pool).await?;
        status::retry(&call.services.store, &ask.pool, &id, call.now).await.map_err(|error| match error {
            RetryError::NotThere => Fault::resource_not_found(error.to_string()),
            RetryError::Commit(error) => error.into(),
        })?;
        call.services.courier.ring();
        tracing::info!(message = id, pool = ask.pool, "a failed message is sent again");
        Ok(json!({}))
    })
    .await
}

fn filter(query: &str) -> Result<Filter, String> {
    let mut filter = Filter { limit: PAGE, ..Filter::default() };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "pool" => filter.pool = Some(value.into_owned()),
            "state" => {
                let known = MessageState::ALL.map(MessageState::as_str).join(", ");
                let state = MessageState::parse(&value).ok_or_else(|| format!("state: one of {known}"))?;
                filter.state = Some(state);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
                filter.limit = limit.ok_or_else(|| format!("limit: 1 to {PAGE}"))?;
            }
            "after" => filter.after = Some(After::parse(&value).ok_or("after: as the page before gave it")?),
            other => return Err(format!("{other}: unknown; there are pool, state, limit and after")),
        }
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let read = filter("pool=eu_a&state=failed&limit=2&after=17.abc").unwrap();
        assert_eq!((read.pool.as_deref(), read.state, read.limit), (Some("eu_a"), Some(MessageState::Failed), 2));
        assert_eq!(read.after.unwrap().to_text(), "17.abc");
        assert_eq!(filter("").unwrap().limit, PAGE);
        for (query, want) in [
            ("state=lost", "state: one of waiting, sending, delivered, failed"),
            ("limit=0", "limit: 1 to"),
            ("after=x", "after:"),
            ("pol=x", "pol: unknown"),
        ] {
            let refused = filter(query).unwrap_err();
            assert!(refused.starts_with(want), "{refused}");
        }
    }
}
