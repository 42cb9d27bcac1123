//! What a request that links names (pure).

use cognito_model::Fault;
use cognito_model::idp::types::{IdentityProviderTypeType, ProviderUserIdentifierType};

use crate::providers::Known;

/// The pool itself, among providers. Cognito's documentation writes it so; clients' settings in capitals.
const COGNITO: &str = "Cognito";
/// What a provider calls a user in any case: `sub`, `id`, `user_id` or NameID.
pub const SUBJECT: &str = "Cognito_Subject";
/// Characters of what a provider calls a user (OpenID Connect Core §2: 255; SAML core §8.3.7: 256).
const LONGEST: usize = 256;

/// A user as one of these requests names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub provider: String,
    pub attribute: Option<String>,
    pub value: String,
}

impl Named {
    /// `whose`: the member, for the words of a refusal.
    pub fn parse(given: ProviderUserIdentifierType, whose: &str) -> Result<Self, Fault> {
        let missing = |name: &str| Fault::invalid_parameter(format!("{whose}.{name} must be given."));
        let provider = given.provider_name.filter(|text| !text.is_empty()).ok_or_else(|| missing("ProviderName"))?;
        let value = given.provider_attribute_value.filter(|text| !text.is_empty());
        let value = value.ok_or_else(|| missing("ProviderAttributeValue"))?;
        let is_text = value.chars().count() <= LONGEST && !value.chars().any(char::is_control);
        if !is_text {
            return Err(Fault::invalid_parameter(format!("{whose}.ProviderAttributeValue is no user's.")));
        }
        let attribute = given.provider_attribute_name.filter(|text| !text.is_empty());
        // Storage takes no NUL.
        if attribute.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(Fault::invalid_parameter(format!("{whose}.ProviderAttributeName is no attribute's.")));
        }
        Ok(Self { provider, attribute, value })
    }

    pub fn is_native(&self) -> bool {
        self.provider.eq_ignore_ascii_case(COGNITO)
    }

    /// The user name: that of a user whom another provider made begins with the provider's.
    pub fn username(&self) -> String {
        if self.is_native() { self.value.clone() } else { format!("{}_{}", self.provider, self.value) }
    }

    /// By which attribute the provider knows the user: the subject, or one that the provider's settings map to.
    ///
    /// # Errors
    /// `InvalidParameterException`
    pub fn attribute_of(&self, provider: &Known) -> Result<String, Fault> {
        use IdentityProviderTypeType::{Oidc, Saml};
        let missing = || Fault::invalid_parameter("ProviderAttributeName must be given.");
        let attribute = self.attribute.clone().ok_or_else(missing)?;
        let is_mapped =
            matches!(provider.kind, Saml | Oidc) && provider.settings.attribute_mapping.contains_key(&attribute);
        if attribute == SUBJECT || is_mapped {
            return Ok(attribute);
        }
        let text = match provider.kind {
            Saml | Oidc => {
                format!("ProviderAttributeName must be {SUBJECT}, or an attribute that {} maps to.", provider.name)
            }
            _ => format!("ProviderAttributeName must be {SUBJECT} for {}.", provider.name),
        };
        Err(Fault::invalid_parameter(text))
    }
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;

    use super::*;
    use crate::providers::Settings;

    fn given(provider: &str, attribute: &str, value: &str) -> ProviderUserIdentifierType {
        ProviderUserIdentifierType {
            provider_name: Some(provider.into()),
            provider_attribute_name: Some(attribute.into()),
            provider_attribute_value: Some(value.into()),
        }
    }

    #[test]
    fn whom_a_request_names() {
        let named = |provider, value| Named::parse(given(provider, SUBJECT, value), "SourceUser");
        assert_eq!(named("Cognito", "jane").unwrap().username(), "jane");
        assert_eq!(named("Google", "108").unwrap().username(), "Google_108");
        for (provider, value) in [("", "a"), ("Google", ""), ("Google", "a\0b"), ("Google", &"ü".repeat(257))] {
            assert!(named(provider, value).is_err(), "{provider} {value}");
        }
        assert!(Named::parse(ProviderUserIdentifierType::default(), "SourceUser").is_err());
    }

    #[test]
    fn attributes_are_the_subject_or_mapped() {
        use IdentityProviderTypeType::{Google, Oidc};
        let provider = |kind| Known {
            name: "Corp".into(),
            kind,
            settings: Settings {
                attribute_mapping: [("email".to_owned(), "mail".to_owned())].into(),
                ..Settings::default()
            },
            created: UnixMillis(0),
            modified: UnixMillis(0),
        };
        for (kind, attribute, good) in [
            (Oidc, SUBJECT, true),
            (Oidc, "email", true),
            (Oidc, "mail", false),
            (Google, SUBJECT, true),
            (Google, "email", false),
        ] {
            let named = Named::parse(given("Corp", attribute, "a"), "SourceUser").unwrap();
            assert_eq!(named.attribute_of(&provider(kind)).is_ok(), good, "{kind} {attribute}");
        }
    }
}
