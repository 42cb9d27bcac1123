//! For whom a call is: what a sign-in, a sign-up or a recovery says of the account.

use std::fmt;

use serde::Deserialize;

use crate::cognito::{NotRead, Operation};
use crate::secret::SecretString;

/// What the caller says of the account. Nothing of it is proven, and nothing of it may be logged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// As it was typed: a user name, or an alias of one.
    pub user_name: Option<String>,
    /// Where the call brings it in the clear.
    pub password: Option<SecretString>,
    /// `AuthFlow` of InitiateAuth, `ChallengeName` of RespondToAuthChallenge.
    pub step: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Body {
    username: Option<String>,
    password: Option<SecretString>,
    auth_flow: Option<String>,
    auth_parameters: Option<Parameters>,
    challenge_name: Option<String>,
    challenge_responses: Option<Parameters>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "SCREAMING_SNAKE_CASE")]
struct Parameters {
    username: Option<String>,
    password: Option<SecretString>,
}

impl Account {
    /// What a call to this operation says; all of it is absent where the operation has nothing of the kind.
    pub fn read(operation: &Operation, body: &[u8]) -> Result<Self, NotRead> {
        let is_known = matches!(
            operation.name,
            "InitiateAuth"
                | "RespondToAuthChallenge"
                | "SignUp"
                | "ConfirmSignUp"
                | "ResendConfirmationCode"
                | "ForgotPassword"
                | "ConfirmForgotPassword"
        );
        if !is_known {
            return Ok(Self::default());
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| NotRead)?;
        let of = |parameters: Option<Parameters>, step| {
            let Parameters { username, password } = parameters.unwrap_or_default();
            Self { user_name: username, password, step }
        };
        Ok(match operation.name {
            "InitiateAuth" => of(body.auth_parameters, body.auth_flow),
            "RespondToAuthChallenge" => of(body.challenge_responses, body.challenge_name),
            _ => Self { user_name: body.username, password: body.password, step: None },
        })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("step", &self.step).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operation: &str, body: &str) -> Result<Account, NotRead> {
        Account::read(Operation::named(operation).unwrap(), body.as_bytes())
    }

    fn account(user_name: &str, password: &str, step: &str) -> Account {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Account { user_name: text(user_name), password: text(password).map(SecretString::from), step: text(step) }
    }

    #[test]
    fn each_operation_has_the_account_in_its_own_place() {
        let sign_in = r#"{"AuthFlow": "USER_PASSWORD_AUTH", "Username": "no", "AuthParameters": {"USERNAME": "demo", "PASSWORD": "pw"}}"#;
        assert_eq!(of("InitiateAuth", sign_in), Ok(account("demo", "pw", "USER_PASSWORD_AUTH")));
        let answer = r#"{"ChallengeName": "PASSWORD", "ChallengeResponses": {"USERNAME": "demo"}}"#;
        assert_eq!(of("RespondToAuthChallenge", answer), Ok(account("demo", "", "PASSWORD")));
        assert_eq!(of("SignUp", r#"{"Username": "demo", "Password": "pw"}"#), Ok(account("demo", "pw", "")));
        assert_eq!(of("ForgotPassword", r#"{"Username": "demo"}"#), Ok(account("demo", "", "")));
        assert_eq!(of("InitiateAuth", "{}"), Ok(Account::default()));
        assert_eq!(of("GetUser", r#"{"Username": "demo"}"#), Ok(Account::default()));
    }

    #[test]
    fn two_names_are_none() {
        assert_eq!(of("SignUp", r#"{"Username": "a", "Username": "b"}"#), Err(NotRead));
        assert_eq!(of("InitiateAuth", r#"{"AuthParameters": {"USERNAME": "a", "USERNAME": "b"}}"#), Err(NotRead));
        assert_eq!(of("InitiateAuth", r#"{"AuthParameters": "x"}"#), Err(NotRead));
    }

    #[test]
    fn no_name_shows_in_a_log() {
        let shown = format!("{:?}", account("demo", "pw", "PASSWORD"));
        assert!(shown.contains("PASSWORD") && !shown.contains("demo") && !shown.contains("pw\""), "{shown}");
    }
}
