//! Why a passkey is not registered, and how Cognito says it.

use cognito_model::{Exception, Fault};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("passkeys are not enabled")]
    NotEnabled,
    #[error("there is no relying party")]
    NoRelyingParty,
    /// None was asked for, it has ended, was used, or this is not it.
    #[error("no such challenge")]
    NoChallenge,
    #[error("the challenge is another client's")]
    OtherClient,
    #[error("the origin {0:?} is not of the relying party")]
    Origin(String),
    #[error("another relying party")]
    RelyingParty,
    /// What the pool asks of authenticators, or an algorithm that nobody can verify.
    #[error("{0}")]
    NotSupported(&'static str),
    /// Not what a browser sends.
    #[error("{0}")]
    Malformed(&'static str),
    #[error("too many passkeys")]
    TooMany,
}

impl From<PasskeyError> for Fault {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::NotEnabled => {
                Self::new(Exception::WebAuthnNotEnabled, "Passkeys are not enabled for this user pool.")
            }
            PasskeyError::NoRelyingParty => Self::new(
                Exception::WebAuthnConfigurationMissing,
                "The user pool has neither a relying party ID nor a domain.",
            ),
            PasskeyError::NoChallenge => {
                Self::new(Exception::WebAuthnChallengeNotFound, "The challenge was not found or has expired.")
            }
            PasskeyError::OtherClient => Self::new(
                Exception::WebAuthnClientMismatch,
                "The access token is for a different client than the one that started the registration.",
            ),
            PasskeyError::Origin(origin) => {
                let shown: String = origin.chars().filter(char::is_ascii_graphic).take(128).collect();
                Self::new(Exception::WebAuthnOriginNotAllowed, format!("The origin {shown} is not allowed."))
            }
            PasskeyError::RelyingParty => Self::new(
                Exception::WebAuthnRelyingPartyMismatch,
                "The credential is for a different relying party than the user pool's.",
            ),
            PasskeyError::NotSupported(why) => Self::new(Exception::WebAuthnCredentialNotSupported, why),
            PasskeyError::Malformed(why) => Self::invalid_parameter(why),
            PasskeyError::TooMany => Self::limit_exceeded("A user can have at most 20 passkeys."),
        }
    }
}
