//! What a user has chosen of second factors (Cognito: SetUserMFAPreference). It lies in the user's row, so whoever reads the user has it.

use std::collections::BTreeSet;

use cognito_model::idp::types::{DeliveryMediumType, MFAOptionType};
use serde::{Deserialize, Serialize};

use crate::pools::mfa::Factor;
use crate::store::Migration;

/// Empty: nothing was ever chosen.
pub const MIGRATION: Migration =
    Migration { version: 800, name: "users_mfa", sql: "ALTER TABLE users ADD COLUMN mfa TEXT NOT NULL DEFAULT '';" };

/// The factors that a user is asked for. A new field needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MfaPreferences {
    pub enabled: BTreeSet<Factor>,
    /// One of those.
    pub preferred: Option<Factor>,
    /// WebAuthnMfaSettings: a passkey counts as a second factor, too.
    pub passkey: bool,
}

impl MfaPreferences {
    /// As the row has it.
    pub fn to_text(&self) -> String {
        if *self == Self::default() { String::new() } else { serde_json::to_string(self).unwrap_or_default() }
    }

    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self::default()) } else { serde_json::from_str(text).ok() }
    }

    /// `UserMFASettingList`; absent where there is none.
    pub fn list(&self) -> Option<Vec<String>> {
        let passkey = self.passkey.then_some("WEB_AUTHN");
        let names: Vec<String> =
            self.enabled.iter().map(|factor| factor.as_str()).chain(passkey).map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    }

    /// `PreferredMfaSetting`
    pub fn preferred_name(&self) -> Option<String> {
        self.preferred.map(|factor| factor.as_str().to_owned())
    }

    /// `MFAOptions`, which know of text messages alone.
    pub fn options(&self) -> Option<Vec<MFAOptionType>> {
        let by_sms = || MFAOptionType {
            attribute_name: Some("phone_number".to_owned()),
            delivery_medium: Some(DeliveryMediumType::Sms),
        };
        self.enabled.contains(&Factor::Sms).then(|| vec![by_sms()])
    }

    /// Without a factor that is no more.
    #[must_use]
    pub fn without(mut self, factor: Factor) -> Self {
        self.enabled.remove(&factor);
        self.preferred = self.preferred.filter(|preferred| *preferred != factor);
        self
    }

    /// With a factor that was just proven.
    #[must_use]
    pub fn with(mut self, factor: Factor) -> Self {
        self.enabled.insert(factor);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_row_and_as_answers_have_it() {
        let none = MfaPreferences::default();
        assert!(none.to_text().is_empty() && none.list().is_none() && none.options().is_none());
        assert_eq!(MfaPreferences::parse(""), Some(none.clone()));
        let both =
            MfaPreferences { preferred: Some(Factor::Sms), ..none.with(Factor::SoftwareToken).with(Factor::Sms) };
        assert_eq!(MfaPreferences::parse(&both.to_text()), Some(both.clone()));
        assert_eq!(both.list().unwrap(), ["SMS_MFA", "SOFTWARE_TOKEN_MFA"]);
        assert_eq!(both.preferred_name().as_deref(), Some("SMS_MFA"));
        let left = both.without(Factor::Sms);
        assert!(left.preferred.is_none() && left.options().is_none());
        assert_eq!(left.list().unwrap(), ["SOFTWARE_TOKEN_MFA"]);
        assert_eq!(MfaPreferences::parse("{"), None);
    }
}
