//! Temporary passwords for AdminCreateUser and resets.

use common::secret::SecretString;

use super::policy::PasswordPolicy;
use crate::entropy::{self, NoEntropy};

/// Without the letters and digits that people mix up, as these are read from messages and typed.
const UPPERCASE: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWERCASE: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
const NUMBERS: &[u8] = b"23456789";
/// Symbols that need no quoting in mail, HTML or a shell's double quotes.
const SYMBOLS: &[u8] = b"@#%*-_=+.?";

/// At least about 90 bits.
const MINIMUM_CHARACTERS: usize = 16;

/// A random password that meets every rule of the policy: all four classes, at least 16 characters.
pub fn temporary_password(policy: &PasswordPolicy) -> Result<SecretString, NoEntropy> {
    let length = MINIMUM_CHARACTERS.max(policy.rules().minimum_length as usize);
    let everything = [UPPERCASE, LOWERCASE, NUMBERS, SYMBOLS].concat();
    let mut characters = Vec::with_capacity(length);
    for class in [UPPERCASE, LOWERCASE, NUMBERS, SYMBOLS] {
        characters.push(pick(class)?);
    }
    while characters.len() < length {
        characters.push(pick(&everything)?);
    }
    shuffle(&mut characters)?;
    Ok(characters.into_iter().collect::<String>().into())
}

fn pick(from: &[u8]) -> Result<char, NoEntropy> {
    let index = entropy::below(from.len() as u32)? as usize;
    Ok(from.get(index).copied().map_or('?', char::from))
}

/// Fisher and Yates: every order is equally likely, so the places of the four fixed classes tell nothing.
fn shuffle(characters: &mut [char]) -> Result<(), NoEntropy> {
    for last in (1..characters.len()).rev() {
        characters.swap(last, entropy::below(last as u32 + 1)? as usize);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::passwords::PolicyRules;

    #[test]
    fn every_password_meets_the_policy_and_no_two_are_alike() {
        let policy = PasswordPolicy::default();
        let drawn: HashSet<String> =
            (0..500).map(|_| temporary_password(&policy).unwrap().expose().to_owned()).collect();
        assert_eq!(drawn.len(), 500);
        for password in drawn {
            assert_eq!(policy.check(&password), Ok(()));
            assert_eq!(password.len(), 16);
        }
    }

    #[test]
    fn a_longer_policy_gives_a_longer_password() {
        let rules = PolicyRules { minimum_length: 99, ..PasswordPolicy::default().rules() };
        let policy = PasswordPolicy::try_from(rules).unwrap();
        assert_eq!(temporary_password(&policy).unwrap().expose().len(), 99);
    }
}
