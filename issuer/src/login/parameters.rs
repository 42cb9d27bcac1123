//! The maps `AuthParameters` and `ChallengeResponses`.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::secret::SecretString;

/// Values by name. They may be passwords, so they are not logged.
pub struct Parameters(BTreeMap<String, SecretString>);

/// Cognito's own limit of a password; other values are longer (SRP_A has 768 digits).
const VALUE_LIMIT: usize = 131_072;

impl Parameters {
    pub fn new(given: Option<BTreeMap<String, SecretString>>) -> Result<Self, Fault> {
        let given = given.unwrap_or_default();
        match given.iter().find(|(_, value)| value.expose().len() > VALUE_LIMIT) {
            Some((name, _)) => Err(Fault::invalid_parameter(format!("The value of {name} is too long."))),
            None => Ok(Self(given)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).filter(|value| !value.expose().is_empty())
    }

    /// # Errors
    /// `InvalidParameterException: Missing required parameter …`
    pub fn required(&self, name: &'static str) -> Result<&SecretString, Fault> {
        self.get(name).ok_or_else(|| Fault::invalid_parameter(format!("Missing required parameter {name}")))
    }

    /// Those whose name begins with a prefix, without it.
    pub fn prefixed(&self, prefix: &str) -> BTreeMap<String, String> {
        let named = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
        named.map(|(name, value)| (name.to_owned(), value.expose().to_owned())).collect()
    }
}
