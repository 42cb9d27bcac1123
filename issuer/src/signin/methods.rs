//! How a user has proven who they are, in the words of tokens (`amr`, RFC 8176; `acr`, OpenID Connect Core §2).

use super::next::Trust;
use crate::pools::mfa::Factor;

/// What was proven in one sign-in, beside the password that every sign-in here begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    factor: Option<Factor>,
    device: bool,
}

/// Cognito's contexts, the weakest first.
pub const CONTEXTS: [&str; 4] = ["urn:cognito:loa:1", "urn:cognito:loa:2", "urn:cognito:loa:3", "urn:cognito:loa:4"];

impl Methods {
    /// `factor`: the second factor that was shown. `device`: a device of the user's has proven itself by its key.
    pub(super) const fn new(factor: Option<Factor>, device: bool) -> Self {
        Self { factor, device }
    }

    /// `trust` says less than this where a device stood for the factor.
    pub(super) fn of(factor: Option<Factor>, trust: Trust, device: bool) -> Self {
        Self::new(factor, device || trust == Trust::Device)
    }

    /// RFC 8176 §2's names, and Cognito's for codes by mail.
    pub fn amr(self) -> Vec<String> {
        let factor = self.factor.map(|factor| match factor {
            Factor::Sms => "sms",
            Factor::Email => "email_otp",
            Factor::SoftwareToken => "otp",
        });
        let device = self.device.then_some("swk");
        let several = (factor.is_some() || self.device).then_some("mfa");
        ["pwd"].into_iter().chain(factor).chain(device).chain(several).map(str::to_owned).collect()
    }

    /// Cognito: 1 a password, 3 with a code by message, 4 with a software token. A device's key counts as a code does.
    pub fn acr(self) -> &'static str {
        let [password, _, message, token] = CONTEXTS;
        match self.factor {
            Some(Factor::SoftwareToken) => token,
            Some(Factor::Sms | Factor::Email) => message,
            None if self.device => message,
            None => password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_registered_names() {
        let cases = [
            (Methods::default(), "pwd", "urn:cognito:loa:1"),
            (Methods::new(Some(Factor::Sms), false), "pwd sms mfa", "urn:cognito:loa:3"),
            (Methods::new(Some(Factor::Email), false), "pwd email_otp mfa", "urn:cognito:loa:3"),
            (Methods::new(Some(Factor::SoftwareToken), false), "pwd otp mfa", "urn:cognito:loa:4"),
            (Methods::of(None, Trust::Device, false), "pwd swk mfa", "urn:cognito:loa:3"),
            (Methods::new(Some(Factor::SoftwareToken), true), "pwd otp swk mfa", "urn:cognito:loa:4"),
        ];
        for (methods, amr, acr) in cases {
            assert_eq!((methods.amr().join(" ").as_str(), methods.acr()), (amr, acr));
        }
    }
}
