//! The model's closed sets of strings as Rust enums.
//!
//! A value outside the set never gets this far from the wire: validation refuses it first, with Cognito's text.

/// Declares an enum whose variants have fixed texts: `VALUES`, `ALL`, `as_str`, `parse`, `Display` and serde by the text.
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// Every variant, in the model's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The text of every variant, in the model's order.
            pub const VALUES: &'static [&'static str] = &[$($text,)+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The variant with this text, if there is one.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text_enum::deserialize(deserializer, Self::parse)
            }
        }
    };
}

pub(crate) use text_enum;

/// The shared half of every `Deserialize`: the text, then its variant.
pub fn deserialize<'de, D, T>(deserializer: D, parse: fn(&str) -> Option<T>) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom("a value outside the enumeration"))
}

#[cfg(test)]
mod tests {
    use crate::idp::types::AuthFlowType;

    #[test]
    fn texts_and_variants_correspond() {
        assert_eq!(AuthFlowType::UserSrpAuth.as_str(), "USER_SRP_AUTH");
        for (variant, text) in AuthFlowType::ALL.iter().zip(AuthFlowType::VALUES) {
            assert_eq!(AuthFlowType::parse(text), Some(*variant));
            assert_eq!(serde_json::to_value(variant).unwrap(), *text);
            assert_eq!(serde_json::from_value::<AuthFlowType>((*text).into()).unwrap(), *variant);
        }
        assert_eq!(AuthFlowType::parse("user_srp_auth"), None);
        assert!(serde_json::from_value::<AuthFlowType>("x".into()).is_err());
    }
}
