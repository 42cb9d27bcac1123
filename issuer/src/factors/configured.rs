//! What a user can sign in with (Cognito: GetUserAuthFactors; pure).

use cognito_model::idp::types::AuthFactorType;

use super::passkeys;
use crate::pools::mfa::Factor;
use crate::pools::model::Settings;
use crate::users::User;

/// ConfiguredUserAuthFactors. What the pool allows as a first factor and the user has: a password, a verified address, a passkey. Then what the user
/// has enabled as a second one.
pub fn configured(settings: &Settings, user: &User, has_token: bool, has_passkey: bool) -> Vec<AuthFactorType> {
    let policy = settings.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
    let first = policy.and_then(|policy| policy.allowed_first_auth_factors.as_deref());
    let first = first.unwrap_or(&[AuthFactorType::Password]);
    let second = |factor| settings.offers(factor) && user.mfa.enabled.contains(&factor);
    let has = |factor: AuthFactorType| match factor {
        AuthFactorType::Password => first.contains(&factor) && user.credentials.is_some(),
        AuthFactorType::EmailOtp => {
            user.attributes.contains_key("email")
                && ((first.contains(&factor) && user.verified("email")) || second(Factor::Email))
        }
        AuthFactorType::SmsOtp => {
            user.attributes.contains_key("phone_number")
                && ((first.contains(&factor) && user.verified("phone_number")) || second(Factor::Sms))
        }
        AuthFactorType::WebAuthn => has_passkey && passkeys::are_enabled(settings),
        AuthFactorType::SoftwareToken => has_token && settings.offers(Factor::SoftwareToken),
    };
    AuthFactorType::ALL.iter().copied().filter(|factor| has(*factor)).collect()
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{SignInPolicyType, UserPoolMfaType, UserPoolPolicyType};

    use super::*;
    use crate::users::MfaPreferences;
    use crate::users::model::Credentials;

    #[test]
    fn what_the_pool_allows_and_the_user_has() {
        let credentials = Credentials { password_hash: "x".into(), sealed_srp_verifier: None };
        let attributes = [("email", "a@b.c"), ("email_verified", "true"), ("phone_number", "+1")];
        let user = User {
            credentials: Some(credentials),
            attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..User::sample()
        };
        let plain = Settings::default();
        assert_eq!(configured(&plain, &user, true, true), [AuthFactorType::Password]);
        let policy = SignInPolicyType { allowed_first_auth_factors: Some(AuthFactorType::ALL.to_vec()) };
        let open = Settings {
            policies: Some(UserPoolPolicyType { password_policy: None, sign_in_policy: Some(policy) }),
            ..Settings::default()
        };
        let (password, email) = (AuthFactorType::Password, AuthFactorType::EmailOtp);
        assert_eq!(configured(&open, &user, false, true), [password, email, AuthFactorType::WebAuthn]);
        assert_eq!(configured(&open, &user, false, false), [password, email], "the phone number is not verified");
        assert_eq!(configured(&open, &User::sample(), false, false), []);
        let mfa = Settings {
            mfa: Some(UserPoolMfaType::Optional),
            software_token_mfa: Some(true),
            sms_configuration: Some(Default::default()),
            ..Settings::default()
        };
        let by_sms = User { mfa: MfaPreferences::default().with(Factor::Sms), ..user };
        let expected = [password, AuthFactorType::SmsOtp, AuthFactorType::SoftwareToken];
        assert_eq!(configured(&mfa, &by_sms, true, false), expected);
    }
}
