//! The unsigned operations that take a user name, each with the request of somebody who tries out names.

use serde_json::{Value, json};

use crate::load::{Answer, Api, ApiError};

/// An operation as it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    Password,
    Srp,
    SrpAnswer,
    ForgotPassword,
    ConfirmForgotPassword,
    ResendConfirmationCode,
    ConfirmSignUp,
    SignUp,
}

/// What the names of the known stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Confirmed,
    /// Signed up, with a code on the way.
    Unconfirmed,
}

/// What a request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Try<'a> {
    pub client: &'a str,
    pub name: &'a str,
    /// A password of nobody.
    pub password: &'a str,
    /// A valid public value of SRP, in hex.
    pub srp_a: &'a str,
    /// 32 bytes in base64 that are no proof.
    pub proof: &'a str,
}

impl Case {
    pub const ALL: [Self; 8] = [
        Self::Password,
        Self::Srp,
        Self::SrpAnswer,
        Self::ForgotPassword,
        Self::ConfirmForgotPassword,
        Self::ResendConfirmationCode,
        Self::ConfirmSignUp,
        Self::SignUp,
    ];

    /// Name in the table and the JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "InitiateAuth USER_PASSWORD_AUTH",
            Self::Srp => "InitiateAuth USER_SRP_AUTH",
            Self::SrpAnswer => "RespondToAuthChallenge PASSWORD_VERIFIER",
            other => other.operation(),
        }
    }

    pub fn known(self) -> Known {
        match self {
            Self::ResendConfirmationCode | Self::ConfirmSignUp => Known::Unconfirmed,
            _ => Known::Confirmed,
        }
    }

    /// Cognito's SignUp says that a name is taken, whatever the client's setting, and so does this one.
    pub fn tells_by_design(self) -> bool {
        self == Self::SignUp
    }

    /// Sends the request; what has to come before it goes first and is not timed.
    pub fn send(self, api: &mut Api, with: Try<'_>) -> Result<Answer, ApiError> {
        match self {
            Self::SrpAnswer => {
                let asked = api.ask("InitiateAuth", &Self::Srp.input(with))?;
                // No challenge: that answer is the finding.
                if asked.status != 200 {
                    return Ok(asked);
                }
                api.ask(self.operation(), &srp_answer(&asked, with))
            }
            Self::ConfirmForgotPassword => {
                let asked = api.ask("ForgotPassword", &Self::ForgotPassword.input(with))?;
                if asked.status != 200 {
                    return Ok(asked);
                }
                api.ask(self.operation(), &self.input(with))
            }
            _ => api.ask(self.operation(), &self.input(with)),
        }
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Password | Self::Srp => "InitiateAuth",
            Self::SrpAnswer => "RespondToAuthChallenge",
            Self::ForgotPassword => "ForgotPassword",
            Self::ConfirmForgotPassword => "ConfirmForgotPassword",
            Self::ResendConfirmationCode => "ResendConfirmationCode",
            Self::ConfirmSignUp => "ConfirmSignUp",
            Self::SignUp => "SignUp",
        }
    }

    fn input(self, with: Try<'_>) -> Value {
        let Try { client, name, password, srp_a, .. } = with;
        match self {
            Self::Password => {
                let parameters = json!({ "USERNAME": name, "PASSWORD": password });
                json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters })
            }
            Self::Srp | Self::SrpAnswer => {
                let parameters = json!({ "USERNAME": name, "SRP_A": srp_a });
                json!({ "ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters })
            }
            Self::ForgotPassword | Self::ResendConfirmationCode => json!({ "ClientId": client, "Username": name }),
            Self::ConfirmForgotPassword => {
                json!({ "ClientId": client, "Username": name, "ConfirmationCode": "000000", "Password": password })
            }
            Self::ConfirmSignUp => json!({ "ClientId": client, "Username": name, "ConfirmationCode": "000000" }),
            Self::SignUp => sign_up(client, name, password),
        }
    }
}

/// The input of SignUp in a pool whose user names are addresses.
pub fn sign_up(client: &str, name: &str, password: &str) -> Value {
    let attributes = json!([{ "Name": "email", "Value": name }]);
    json!({ "ClientId": client, "Username": name, "Password": password, "UserAttributes": attributes })
}

fn srp_answer(asked: &Answer, with: Try<'_>) -> Value {
    let challenge = asked.json();
    let parameter =
        |name: &str| challenge.pointer(&format!("/ChallengeParameters/{name}")).cloned().unwrap_or_default();
    let responses = json!({
        "USERNAME": parameter("USER_ID_FOR_SRP"),
        "PASSWORD_CLAIM_SECRET_BLOCK": parameter("SECRET_BLOCK"),
        "PASSWORD_CLAIM_SIGNATURE": with.proof,
        "TIMESTAMP": timestamp(asked.header("date").unwrap_or_default()),
    });
    json!({
        "ClientId": with.client,
        "ChallengeName": "PASSWORD_VERIFIER",
        "Session": challenge.get("Session"),
        "ChallengeResponses": responses,
    })
}

/// `Tue, 03 Nov 2026 01:02:03 GMT` (RFC 9110 §5.6.7) as Cognito's clients write it: `Tue Nov 3 01:02:03 UTC 2026`.
fn timestamp(date: &str) -> String {
    let words: Vec<&str> = date.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [weekday, day, month, year, time, _] => {
            format!("{weekday} {month} {} {time} UTC {year}", day.trim_start_matches('0'))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_as_timestamps_of_srp() {
        assert_eq!(timestamp("Tue, 03 Nov 2026 01:02:03 GMT"), "Tue Nov 3 01:02:03 UTC 2026");
        assert_eq!(timestamp("Mon, 30 Nov 2026 21:02:03 GMT"), "Mon Nov 30 21:02:03 UTC 2026");
        assert_eq!(timestamp("now"), "");
    }
}
