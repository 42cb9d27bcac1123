//! Tollgate's own settings of a client as an administrator sets them (`tollgate admin client set`).

use cognito_model::Fault;
use common::settings::nearest;

use super::error::ClientError;
use super::model::{Client, Settings};
use super::oauth::{OAuth, Registered};
use super::oauth_rules::{self, Facts};
use super::rows;
use crate::aws_json::{Call, Write};
use crate::pools::Pool;
use crate::store::{Batch, CommitError};

/// Puts these settings, in JSON, in the place of all that the client has of them. How it came to be stays.
///
/// # Errors
/// `InvalidParameterException` for what is no such settings, or does not hold together; `ConcurrentModificationException`; storage.
pub async fn set_oauth(call: &Call, pool: &Pool, client: Client, text: &[u8]) -> Result<Client, Fault> {
    let oauth = parse(text).map_err(ClientError::Settings)?;
    let registered = client.settings.oauth.registered.clone();
    if matches!(registered, Some(Registered::ByDocument(_))) {
        return Err(ClientError::Settings("The client is what its document says.".into()).into());
    }
    if oauth.registered.is_some() && oauth.registered != registered {
        return Err(ClientError::Settings("registered: nobody sets it".into()).into());
    }
    let oauth = OAuth { registered, ..oauth };
    check(call, pool, &client, &oauth).map_err(ClientError::Settings)?;
    store(call, pool, client, oauth).await
}

fn check(call: &Call, pool: &Pool, client: &Client, oauth: &OAuth) -> Result<(), String> {
    let may_ask = |uri: &str| call.services.outbound.check(uri).map(drop).map_err(|error| error.to_string());
    let has_attribute = |name: &str| pool.schema().has(name);
    let facts = Facts { has_secret: client.has_secret(), may_ask: &may_ask, has_attribute: &has_attribute };
    oauth_rules::check(oauth, &facts)
}

async fn store(call: &Call, pool: &Pool, client: Client, oauth: OAuth) -> Result<Client, Fault> {
    let modified = call.now.max(client.modified.plus(std::time::Duration::from_millis(1)));
    let settings = Settings { oauth, ..client.settings.clone() };
    let new = Client { settings, modified, ..client.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&client, &new));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str())).await {
        Ok(()) => Ok(new),
        Err(CommitError::Missed { index }) if index == update => Err(ClientError::Changed.into()),
        Err(error) => Err(error.into()),
    }
}

fn parse(text: &[u8]) -> Result<OAuth, String> {
    serde_json::from_slice(text).map_err(|error| {
        let said = error.to_string();
        // The names that serde expected stand between backticks, after the one that it found.
        let mut names = said.split('`').skip(1).step_by(2);
        match names.next().filter(|_| said.starts_with("unknown field")) {
            Some(unknown) => {
                let known: Vec<&str> = names.collect();
                let hint = nearest(unknown, &known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                format!("{unknown}: unknown member{hint}")
            }
            None => said,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_told_at_any_depth() {
        for (text, why) in [
            (r#"{"dpop_bond": true}"#, "dpop_bond: unknown member; did you mean `dpop_bound`?"),
            (r#"{"about": {"logo_url": "x"}}"#, "logo_url: unknown member; did you mean `logo_uri`?"),
            (r#"{"zzzzzzzzzzzz": 1}"#, "zzzzzzzzzzzz: unknown member"),
            (r#"{"pkce": "never"}"#, "unknown variant `never`, expected `by_type` or `required` at line 1 column 16"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), why);
        }
        assert!(parse(b"[").is_err() && parse(b"[1]").is_err() && parse(b"null").is_err());
    }
}
