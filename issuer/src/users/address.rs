//! The two attributes that messages go to, and that a code can prove.

use cognito_model::idp::types::{UsernameAttributeType, VerifiedAttributeType};

use super::deliveries::Destination;
use crate::messages::Channel;
use crate::pools::Pool;

/// An attribute that is an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    Email,
    PhoneNumber,
}

impl Address {
    pub const ALL: [Self; 2] = [Self::Email, Self::PhoneNumber];

    /// By the name of the attribute.
    pub fn named(attribute: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|address| address.attribute() == attribute)
    }

    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
        }
    }

    /// The attribute that says whether its owner has proven it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Email => "email_verified",
            Self::PhoneNumber => "phone_number_verified",
        }
    }

    pub fn destination(self, to: &str) -> Destination {
        let channel = match self {
            Self::Email => Channel::Email,
            Self::PhoneNumber => Channel::Sms,
        };
        Destination { channel, to: to.to_owned(), attribute: self.attribute() }
    }

    /// AutoVerifiedAttributes: a change of it sends a code.
    pub fn sends_code(self, pool: &Pool) -> bool {
        pool.settings.verifies(&self.verified_type())
    }

    /// `UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate`: the old value stays until the new one is proven.
    pub fn is_proven_first(self, pool: &Pool) -> bool {
        let settings = pool.settings.user_attribute_update_settings.as_ref();
        settings
            .and_then(|settings| settings.attributes_require_verification_before_update.as_ref())
            .is_some_and(|list| list.contains(&self.verified_type()))
    }

    /// UsernameAttributes: people sign in by it in place of a user name.
    pub fn is_username(self, pool: &Pool) -> bool {
        pool.settings.signs_in_by(match self {
            Self::Email => &UsernameAttributeType::Email,
            Self::PhoneNumber => &UsernameAttributeType::PhoneNumber,
        })
    }

    const fn verified_type(self) -> VerifiedAttributeType {
        match self {
            Self::Email => VerifiedAttributeType::Email,
            Self::PhoneNumber => VerifiedAttributeType::PhoneNumber,
        }
    }
}
