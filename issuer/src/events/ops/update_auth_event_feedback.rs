//! Cognito: UpdateAuthEventFeedback. The user says it, by the token of a notification; without one that is good nothing is told, not even whether
//! there is such a user or event.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateAuthEventFeedbackRequest, UpdateAuthEventFeedbackResponse};

use crate::aws_json::{Call, Write};
use crate::events::model::Feedback;
use crate::events::{absent, demand, feedback, rows};
use crate::store::Batch;
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: UpdateAuthEventFeedbackRequest,
) -> Result<UpdateAuthEventFeedbackResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    demand(&pool)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let user = users::by_name(&services.store, &pool, &input.username).await?;
    let user = user.filter(|user| feedback::is_good(&key, user, &input.event_id, &input.feedback_token));
    let user = user.ok_or_else(|| Fault::not_authorized("Invalid feedback token."))?;
    let feedback = Feedback { value: input.feedback_value, by: "User".to_owned(), at: call.now };
    let mut batch = Batch::new();
    let missing = batch.add(rows::give_feedback(&pool.id, &user.sub, &input.event_id, &feedback));
    let write = Write::new(&pool.id, batch).about(user.sub.as_str());
    call.commit_or(write, [(missing, absent(&input.event_id))]).await?;
    Ok(UpdateAuthEventFeedbackResponse {})
}
