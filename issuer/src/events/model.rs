//! One event.

use cognito_model::Timestamp;
use cognito_model::idp::types::{
    AuthEventType, ChallengeName, ChallengeResponse, ChallengeResponseType, EventContextDataType, EventFeedbackType,
    EventResponseType, EventRiskType, EventType, FeedbackValueType, RiskDecisionType,
};
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use crate::aws_json::{Place, device};

/// What was answered: a kind of challenge, and whether rightly.
pub type Challenge = (ChallengeName, ChallengeResponse);

/// What a user did, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub kind: EventType,
    pub response: EventResponseType,
    pub challenges: Vec<Challenge>,
}

impl Happened {
    pub fn new(kind: EventType, response: EventResponseType) -> Self {
        Self { kind, response, challenges: Vec::new() }
    }

    /// A sign-in at which these were answered rightly.
    pub fn sign_in(response: EventResponseType, right: &[ChallengeName]) -> Self {
        let challenges = right.iter().map(|name| (*name, ChallengeResponse::Success)).collect();
        Self { kind: EventType::SignIn, response, challenges }
    }

    /// A sign-in that ended at the last of these answers: it was wrong, or it was right and the user may not sign in.
    pub fn failed_sign_in(answered: &[ChallengeName], last: ChallengeResponse) -> Self {
        let mut failed = Self::sign_in(EventResponseType::Fail, answered);
        if let Some((_, response)) = failed.challenges.last_mut() {
            *response = last;
        }
        failed
    }
}

/// What was recorded of it.
#[derive(Clone, Debug)]
pub struct Event {
    pub pool: PoolId,
    pub sub: Sub,
    /// A UUIDv7: texts in the order of time.
    pub id: String,
    pub at: UnixMillis,
    pub happened: Happened,
    pub place: Place,
    pub feedback: Option<Feedback>,
}

/// What somebody says of it afterwards.
#[derive(Clone, Debug)]
pub struct Feedback {
    pub value: FeedbackValueType,
    /// `Admin` or `User`.
    pub by: String,
    pub at: UnixMillis,
}

impl Event {
    pub fn describe(&self) -> AuthEventType {
        let challenge = |(name, response): &Challenge| ChallengeResponseType {
            challenge_name: Some(*name),
            challenge_response: Some(*response),
        };
        AuthEventType {
            challenge_responses: Some(self.happened.challenges.iter().map(challenge).collect()),
            creation_date: Some(Timestamp::from(self.at)),
            event_context_data: Some(EventContextDataType {
                device_name: Some(device::describe(self.place.user_agent.as_deref())),
                ip_address: Some(self.place.address.to_string()),
                // The issuer has no database of places.
                ..EventContextDataType::default()
            }),
            event_feedback: self.feedback.as_ref().map(|feedback| EventFeedbackType {
                feedback_date: Some(Timestamp::from(feedback.at)),
                feedback_value: feedback.value,
                provider: feedback.by.clone(),
            }),
            event_id: Some(self.id.clone()),
            event_response: Some(self.happened.response),
            event_risk: Some(EventRiskType {
                risk_decision: Some(RiskDecisionType::NoRisk),
                ..EventRiskType::default()
            }),
            event_type: Some(self.happened.kind),
        }
    }
}
