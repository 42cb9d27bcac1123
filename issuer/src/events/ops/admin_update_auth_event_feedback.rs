//! Cognito: AdminUpdateAuthEventFeedback.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminUpdateAuthEventFeedbackRequest, AdminUpdateAuthEventFeedbackResponse};

use crate::aws_json::{Call, Write};
use crate::events::model::Feedback;
use crate::events::{absent, demand, rows};
use crate::store::Batch;
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminUpdateAuthEventFeedbackRequest,
) -> Result<AdminUpdateAuthEventFeedbackResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    demand(&pool)?;
    let user = users::named(store, &pool, &input.username).await?;
    let feedback = Feedback { value: input.feedback_value, by: "Admin".to_owned(), at: call.now };
    let mut batch = Batch::new();
    let missing = batch.add(rows::give_feedback(&pool.id, &user.sub, &input.event_id, &feedback));
    let write = Write::new(&pool.id, batch).about(user.sub.as_str());
    call.commit_or(write, [(missing, absent(&input.event_id))]).await?;
    Ok(AdminUpdateAuthEventFeedbackResponse {})
}
