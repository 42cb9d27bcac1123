//! From where the challenge machine stands to an answer.

use cognito_model::Fault;

use super::answer::{Answer, Challenged};
use crate::aws_json::{Call, Write};
use crate::clients::Client;
use crate::pools::Pool;
use crate::signin::{Asked, SignInError, Step};
use crate::store::{Batch, CommitError};
use crate::tokens;

/// The API's way on: tokens where the sign-in is over, else the next challenge.
pub async fn go_on(call: &Call, pool: &Pool, client: &Client, step: Step) -> Result<Answer, Fault> {
    match step {
        Step::Done(proof) => tokens::mint(call, pool, client, *proof).await.map(Answer::Tokens),
        Step::Ask(asked) => ask(call, pool, asked).await.map(Answer::Challenge),
    }
}

/// Stores the challenge that is asked, and what its question has used up.
pub(super) async fn ask(call: &Call, pool: &Pool, asked: Asked) -> Result<Challenged, Fault> {
    let mut batch = Batch::new();
    batch.extend(asked.statements);
    let write = Write::new(&pool.id, batch).messages(asked.messages);
    call.commit(write).await.map_err(|error| match error {
        // Another answer has used the attempt up, or the user changed under it.
        CommitError::Missed { .. } => SignInError::Session.into(),
        other => Fault::from(other),
    })?;
    Ok(Challenged { name: asked.challenge, parameters: asked.parameters, session: asked.session })
}
