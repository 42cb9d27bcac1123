//! The public operations of user pools: those that need no administrator's signature.

use crate::cognito::members::Member::{self, AccessToken, ClientId, Session, UserPoolId};

/// How targets of user pools' operations begin.
const PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// By name: what of each tells whose it is. An operation that has several of them goes by the first that is there. A test of the issuer holds this
/// against Cognito's service model.
const OPERATIONS: &[Operation] = &[
    of("AssociateSoftwareToken", &[AccessToken, Session]),
    of("ChangePassword", &[AccessToken]),
    of("CompleteWebAuthnRegistration", &[AccessToken]),
    of("ConfirmDevice", &[AccessToken]),
    of("ConfirmForgotPassword", &[ClientId]),
    of("ConfirmSignUp", &[ClientId, Session]),
    of("DeleteUser", &[AccessToken]),
    of("DeleteUserAttributes", &[AccessToken]),
    of("DeleteWebAuthnCredential", &[AccessToken]),
    of("ForgetDevice", &[AccessToken]),
    of("ForgotPassword", &[ClientId]),
    of("GetClientToken", &[ClientId]),
    of("GetDerivedToken", &[ClientId]),
    of("GetDevice", &[AccessToken]),
    of("GetTokensFromRefreshToken", &[ClientId]),
    of("GetUser", &[AccessToken]),
    of("GetUserAttributeVerificationCode", &[AccessToken]),
    of("GetUserAuthFactors", &[AccessToken]),
    of("GlobalSignOut", &[AccessToken]),
    of("InitiateAuth", &[ClientId, Session]),
    of("ListDevices", &[AccessToken]),
    of("ListUserSessions", &[AccessToken]),
    of("ListWebAuthnCredentials", &[AccessToken]),
    of("ResendConfirmationCode", &[ClientId]),
    of("RespondToAuthChallenge", &[ClientId, Session]),
    of("RevokeToken", &[ClientId]),
    of("RevokeUserSession", &[AccessToken]),
    of("SetUserMFAPreference", &[AccessToken]),
    of("SetUserSettings", &[AccessToken]),
    of("SignUp", &[ClientId]),
    of("StartWebAuthnRegistration", &[AccessToken]),
    of("UpdateAuthEventFeedback", &[UserPoolId]),
    of("UpdateDeviceStatus", &[AccessToken]),
    of("UpdateUserAttributes", &[AccessToken]),
    of("VerifySoftwareToken", &[AccessToken, Session]),
    of("VerifyUserAttribute", &[AccessToken]),
];

/// A public operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub name: &'static str,
    /// The members that it has of those that tell whose it is, best first.
    pub members: &'static [Member],
}

const fn of(name: &'static str, members: &'static [Member]) -> Operation {
    Operation { name, members }
}

impl Operation {
    pub const ALL: &'static [Self] = OPERATIONS;

    /// The one that an `X-Amz-Target` names, exactly. None: it is of administrators, of another service, or there is none.
    pub fn by_target(target: &str) -> Option<&'static Self> {
        Self::named(target.strip_prefix(PREFIX)?)
    }

    pub fn named(name: &str) -> Option<&'static Self> {
        let at = OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        OPERATIONS.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_exact_target() {
        for operation in Operation::ALL {
            let found = Operation::by_target(&format!("AWSCognitoIdentityProviderService.{}", operation.name));
            assert_eq!(found, Some(operation));
        }
        for other in [
            "",
            "SignUp",
            "AWSCognitoIdentityProviderService.",
            "AWSCognitoIdentityProviderService.signUp",
            "awscognitoidentityproviderservice.SignUp",
            "AWSCognitoIdentityProviderService.SignUp ",
            "AWSCognitoIdentityProviderService.SignUp.SignUp",
            "AWSCognitoIdentityProviderService.AdminGetUser",
            "AWSCognitoIdentityService.GetId",
            "AWSWAF_20190729.GetWebACL",
        ] {
            assert_eq!(Operation::by_target(other), None, "{other}");
        }
    }
}
