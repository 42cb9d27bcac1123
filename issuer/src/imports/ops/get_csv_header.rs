//! Cognito: GetCSVHeader.

use cognito_model::Fault;
use cognito_model::idp::types::{GetCSVHeaderRequest, GetCSVHeaderResponse};

use crate::aws_json::Call;
use crate::imports::header;
use crate::pools;

pub async fn handle(call: Call, input: GetCSVHeaderRequest) -> Result<GetCSVHeaderResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let csv_header = Some(header::columns(pool.schema()));
    Ok(GetCSVHeaderResponse { csv_header, user_pool_id: Some(pool.id.to_string()) })
}
