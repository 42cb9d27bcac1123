//! What can be wrong with an app client, and how Cognito says it.

use cognito_model::{Exception, Fault};

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("app client {0} does not exist")]
    Absent(String),
    #[error("{0}")]
    Settings(String),
    #[error("the client was changed by another request")]
    Changed,
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Absent(id) => {
                Self::new(Exception::ResourceNotFound, format!("User pool client {id} does not exist."))
            }
            ClientError::Settings(why) => Self::invalid_parameter(why),
            ClientError::Changed => Self::new(
                Exception::ConcurrentModification,
                "The user pool client was changed by another request. Try again.",
            ),
        }
    }
}
