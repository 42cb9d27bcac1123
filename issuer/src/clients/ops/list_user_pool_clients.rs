//! Cognito: ListUserPoolClients, by id.

use cognito_model::Fault;
use cognito_model::idp::types::{
    ClientTypeType, ListUserPoolClientsRequest, ListUserPoolClientsResponse, UserPoolClientDescription,
};

use crate::aws_json::{Call, Listing};
use crate::clients::{Client, rows};
use crate::pools;

pub async fn handle(call: Call, input: ListUserPoolClientsRequest) -> Result<ListUserPoolClientsResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let kind = input.client_type.unwrap_or(ClientTypeType::Regular);
    let listing = Listing::new(&call, &key, &[kind.as_str()], input.max_results);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let registered = kind == ClientTypeType::Dcr;
    let rows = services.store.read(rows::page_of(registered, &pool.id, &after, listing.to_read())).await?;
    let found = rows.iter().map(rows::client).collect::<Result<Vec<Client>, _>>()?;
    let page = listing.page(found, |client| [client.id.to_string()]);
    let user_pool_clients = Some(page.rows.iter().map(describe).collect());
    Ok(ListUserPoolClientsResponse { user_pool_clients, next_token: page.token })
}

fn describe(client: &Client) -> UserPoolClientDescription {
    UserPoolClientDescription {
        client_id: Some(client.id.to_string()),
        client_name: Some(client.name.clone()),
        user_pool_id: Some(client.pool.to_string()),
    }
}
