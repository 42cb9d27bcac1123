//! What a sign-in is answered with. Cognito has four shapes for it, with the same members.

use std::collections::BTreeMap;

use cognito_model::idp::types::{
    AdminInitiateAuthResponse, AdminRespondToAuthChallengeResponse, AuthenticationResultType, ChallengeNameType,
    InitiateAuthResponse, RespondToAuthChallengeResponse,
};
use common::secret::SecretString;

/// Tokens, or the next challenge.
pub enum Answer {
    Tokens(AuthenticationResultType),
    Challenge(Challenged),
}

/// The next challenge. Its answer brings the Session back.
pub struct Challenged {
    pub name: ChallengeNameType,
    pub parameters: BTreeMap<String, String>,
    pub session: SecretString,
}

macro_rules! answers {
    ($($response:ident),* $(,)?) => {
        $(impl From<Answer> for $response {
            fn from(answer: Answer) -> Self {
                match answer {
                    // Cognito names no parameters beside tokens, but says so.
                    Answer::Tokens(tokens) => Self {
                        authentication_result: Some(tokens),
                        challenge_parameters: Some(BTreeMap::new()),
                        ..Self::default()
                    },
                    Answer::Challenge(challenged) => Self {
                        challenge_name: Some(challenged.name),
                        challenge_parameters: Some(challenged.parameters),
                        session: Some(challenged.session),
                        ..Self::default()
                    },
                }
            }
        })*
    };
}

answers!(
    AdminInitiateAuthResponse,
    AdminRespondToAuthChallengeResponse,
    InitiateAuthResponse,
    RespondToAuthChallengeResponse,
);
