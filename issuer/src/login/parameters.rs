//! The maps `AuthParameters` and `ChallengeResponses`.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::secret::SecretString;

use crate::signin::Named;

/// Values by name. They may be passwords, so they are not logged.
pub struct Parameters(BTreeMap<String, SecretString>);

/// Cognito's own limit of a password; other values are longer (SRP_A has 768 digits).
const VALUE_LIMIT: usize = 131_072;
/// The longest attribute value that can be an alias, in code points.
const NAME_LIMIT: usize = 2_048;

impl Parameters {
    pub fn new(given: Option<BTreeMap<String, SecretString>>) -> Result<Self, Fault> {
        let given = given.unwrap_or_default();
        match given.iter().find(|(_, value)| value.expose().len() > VALUE_LIMIT) {
            Some((name, _)) => Err(Fault::invalid_parameter(format!("The value of {name} is too long."))),
            None => Ok(Self(given)),
        }
    }

    /// Those of a page.
    ///
    /// # Errors
    /// `InvalidParameterException` for a value that is too long.
    pub fn of(pairs: impl IntoIterator<Item = (impl Into<String>, SecretString)>) -> Result<Self, Fault> {
        Self::new(Some(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }

    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).filter(|value| !value.expose().is_empty())
    }

    /// # Errors
    /// `InvalidParameterException: Missing required parameter …`
    pub fn required(&self, name: &'static str) -> Result<&SecretString, Fault> {
        self.get(name).ok_or_else(|| Fault::invalid_parameter(format!("Missing required parameter {name}")))
    }

    /// `USERNAME`: a user name or alias. What nobody can be called is refused before it is looked up or stored.
    pub fn username(&self) -> Result<&str, Fault> {
        let name = self.required("USERNAME")?.expose();
        if name.contains('\0') || name.chars().count() > NAME_LIMIT {
            return Err(Fault::invalid_parameter("USERNAME is not a user name."));
        }
        Ok(name)
    }

    /// `DEVICE_KEY`.
    pub fn device(&self) -> Named {
        Named::now(self.get("DEVICE_KEY").map(SecretString::expose))
    }

    /// Those whose name begins with a prefix, without it.
    pub fn prefixed(&self, prefix: &str) -> BTreeMap<String, String> {
        let named = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
        named.map(|(name, value)| (name.to_owned(), value.expose().to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_are_refused() {
        let with = |name: &str| {
            Parameters::new(Some(BTreeMap::from([("USERNAME".to_owned(), SecretString::new(name))]))).unwrap()
        };
        assert_eq!(with("jane").username().unwrap(), "jane");
        assert!(with(&"ü".repeat(NAME_LIMIT)).username().is_ok());
        for bad in ["", "a\0b", &"x".repeat(NAME_LIMIT + 1)] {
            assert_eq!(with(bad).username().err().map(|fault| fault.status()), Some(400), "{bad:?}");
        }
    }
}
