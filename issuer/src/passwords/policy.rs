//! Cognito's password policy (`PasswordPolicyType`) and the words it refuses with.

use serde::{Deserialize, Serialize};

/// Cognito's symbols. A space counts too, inside the password.
pub const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+=";

const MINIMUM_LENGTHS: std::ops::RangeInclusive<u32> = 6..=99;

/// What a pool asks of its passwords. Length counts Unicode code points; classes are Basic Latin, as in Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyRules", into = "PolicyRules")]
pub struct PasswordPolicy {
    rules: PolicyRules,
}

/// The settings as they come. [`PasswordPolicy`] is the checked form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRules {
    /// 6–99 characters.
    pub minimum_length: u32,
    pub require_uppercase: bool,
    pub require_lowercase: bool,
    pub require_numbers: bool,
    pub require_symbols: bool,
}

/// `MinimumLength` is outside 6–99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the minimum password length must be between 6 and 99")]
pub struct InvalidPolicy;

/// The first rule that a password broke; its text is Cognito's `InvalidPasswordException` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    #[error("Password did not conform with policy: Password not long enough")]
    TooShort,
    #[error("Password did not conform with policy: Password must have uppercase characters")]
    NoUppercase,
    #[error("Password did not conform with policy: Password must have lowercase characters")]
    NoLowercase,
    #[error("Password did not conform with policy: Password must have numeric characters")]
    NoNumber,
    #[error("Password did not conform with policy: Password must have symbol characters")]
    NoSymbol,
}

impl Default for PasswordPolicy {
    /// What CreateUserPool gives a pool that names no policy: eight characters of all four classes.
    fn default() -> Self {
        let rules = PolicyRules {
            minimum_length: 8,
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: true,
        };
        Self { rules }
    }
}

impl PasswordPolicy {
    pub fn rules(&self) -> PolicyRules {
        self.rules
    }

    /// Refuses with the first broken rule, in Cognito's order.
    pub fn check(&self, password: &str) -> Result<(), PolicyViolation> {
        let rules = &self.rules;
        let has = |class: fn(char) -> bool| password.chars().any(class);
        // Counting to 99 is enough.
        let length = password.chars().take(*MINIMUM_LENGTHS.end() as usize).count();
        let broken = [
            (length < rules.minimum_length as usize, PolicyViolation::TooShort),
            (rules.require_uppercase && !has(|c| c.is_ascii_uppercase()), PolicyViolation::NoUppercase),
            (rules.require_lowercase && !has(|c| c.is_ascii_lowercase()), PolicyViolation::NoLowercase),
            (rules.require_numbers && !has(|c| c.is_ascii_digit()), PolicyViolation::NoNumber),
            (rules.require_symbols && !has_symbol(password), PolicyViolation::NoSymbol),
        ];
        broken.into_iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, violation)| Err(violation))
    }
}

fn has_symbol(password: &str) -> bool {
    password.chars().any(|c| SYMBOLS.contains(c)) || password.trim_matches(' ').contains(' ')
}

impl TryFrom<PolicyRules> for PasswordPolicy {
    type Error = InvalidPolicy;

    fn try_from(rules: PolicyRules) -> Result<Self, InvalidPolicy> {
        if MINIMUM_LENGTHS.contains(&rules.minimum_length) { Ok(Self { rules }) } else { Err(InvalidPolicy) }
    }
}

impl From<PasswordPolicy> for PolicyRules {
    fn from(policy: PasswordPolicy) -> Self {
        policy.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_refuses_in_cognitos_order() {
        let cases = [
            ("Aa1!", Err(PolicyViolation::TooShort)),
            ("aaaaaaa1!", Err(PolicyViolation::NoUppercase)),
            ("ÄÖÜaaaa1!", Err(PolicyViolation::NoUppercase)),
            ("AAAAAAA1!", Err(PolicyViolation::NoLowercase)),
            ("AAAAaaaa!", Err(PolicyViolation::NoNumber)),
            ("AAAAaaa٣!", Err(PolicyViolation::NoNumber)),
            ("AAAAaaaa1", Err(PolicyViolation::NoSymbol)),
            ("AAAAaaa1§", Err(PolicyViolation::NoSymbol)),
            (" AAAaaaa1 ", Err(PolicyViolation::NoSymbol)),
            ("AAAA aaa1", Ok(())),
            ("AAAAaaa1!", Ok(())),
            ("Ää1!öüßé\u{1F511}A", Err(PolicyViolation::NoLowercase)),
        ];
        for (password, expected) in cases {
            assert_eq!(PasswordPolicy::default().check(password), expected, "{password}");
        }
    }

    #[test]
    fn every_symbol_of_cognitos_list_counts() {
        assert_eq!(SYMBOLS.chars().count(), 32);
        for symbol in SYMBOLS.chars() {
            assert_eq!(PasswordPolicy::default().check(&format!("AAAaaa11{symbol}")), Ok(()), "{symbol}");
        }
    }

    #[test]
    fn only_what_is_required_is_asked() {
        let mut rules = PasswordPolicy::default().rules();
        (rules.require_uppercase, rules.require_symbols, rules.minimum_length) = (false, false, 6);
        let policy = PasswordPolicy::try_from(rules).unwrap();
        assert_eq!(policy.check("aaaaa1"), Ok(()));
        assert_eq!(policy.check("日本語a1"), Err(PolicyViolation::TooShort), "code points, not bytes");
        assert_eq!(policy.check("日本語 a1"), Ok(()));
    }

    #[test]
    fn lengths_outside_the_model_are_refused() {
        let rules = PasswordPolicy::default().rules();
        for (length, good) in [(5, false), (6, true), (99, true), (100, false)] {
            assert_eq!(PasswordPolicy::try_from(PolicyRules { minimum_length: length, ..rules }).is_ok(), good);
        }
        let long = PasswordPolicy::try_from(PolicyRules { minimum_length: 99, ..rules }).unwrap();
        assert_eq!(long.check(&format!("Aa1!{}", "x".repeat(94))), Err(PolicyViolation::TooShort));
        assert_eq!(long.check(&format!("Aa1!{}", "x".repeat(95))), Ok(()));
    }

    #[test]
    fn the_words_are_cognitos() {
        assert_eq!(
            PolicyViolation::NoUppercase.to_string(),
            "Password did not conform with policy: Password must have uppercase characters"
        );
    }
}
