//! `--seed FILE`: groups and users of the demo pool, made at the first start through the API, and request quotas.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::UpError;
use crate::wire::{Wire, WireError};

/// The file: JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    groups: Vec<Group>,
    users: Vec<User>,
    quotas: Quotas,
}

/// `"quotas": {"user_list": 5}`: requests a second of the issuer's categories; those not named have Cognito's. `{}` has Cognito's
/// for all. Without the key there are no quotas: a newcomer's loop should not meet one by surprise. Unlike the rest it is read at
/// each start.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Quotas(Option<BTreeMap<String, u32>>);

impl Quotas {
    /// The lines of `[quotas]` in the issuer's settings; the issuer refuses names and numbers that it does not know.
    pub fn settings(&self) -> String {
        let Some(rates) = &self.0 else { return "enabled = false\n".to_owned() };
        let lines = rates.iter().map(|(category, rate)| format!("{category:?} = {rate}\n"));
        std::iter::once("enabled = true\n".to_owned()).chain(lines).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    description: Option<String>,
    precedence: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    username: String,
    password: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    groups: Vec<String>,
}

impl Seed {
    /// Reads the file; none is an empty seed.
    pub fn load(path: Option<&Path>) -> Result<Self, UpError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let wrong = |why: String| UpError::Seed { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))
    }

    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Makes what the file lists.
    pub async fn sow(&self, wire: &Wire, issuer: &str, pool: &str) -> Result<(), WireError> {
        for group in &self.groups {
            let mut input = json!({ "UserPoolId": pool, "GroupName": group.name });
            if let (Some(fields), Some(text)) = (input.as_object_mut(), &group.description) {
                fields.insert("Description".into(), json!(text));
            }
            if let (Some(fields), Some(precedence)) = (input.as_object_mut(), group.precedence) {
                fields.insert("Precedence".into(), json!(precedence));
            }
            wire.cognito(issuer, "CreateGroup", &input).await?;
        }
        for user in &self.users {
            create_user(wire, issuer, pool, user).await?;
        }
        Ok(())
    }
}

async fn create_user(wire: &Wire, issuer: &str, pool: &str, user: &User) -> Result<(), WireError> {
    let attributes: Vec<_> =
        user.attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    let create = json!({
        "UserPoolId": pool, "Username": user.username, "MessageAction": "SUPPRESS", "UserAttributes": attributes,
    });
    wire.cognito(issuer, "AdminCreateUser", &create).await?;
    let password = json!({
        "UserPoolId": pool, "Username": user.username, "Password": user.password, "Permanent": true,
    });
    wire.cognito(issuer, "AdminSetUserPassword", &password).await?;
    for group in &user.groups {
        let join = json!({ "UserPoolId": pool, "Username": user.username, "GroupName": group });
        wire.cognito(issuer, "AdminAddUserToGroup", &join).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_read_and_its_mistakes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.json");
        std::fs::write(
            &path,
            r#"{"users":[{"username":"ann","password":"p","groups":["staff"]}],"groups":[{"name":"staff"}]}"#,
        )
        .unwrap();
        let seed = Seed::load(Some(&path)).unwrap();
        assert_eq!((seed.users.len(), seed.groups.len()), (1, 1));
        std::fs::write(&path, r#"{"user":[]}"#).unwrap();
        assert!(Seed::load(Some(&path)).unwrap_err().to_string().contains("unknown field `user`"));
        assert!(Seed::load(None).unwrap().users.is_empty());
    }

    #[test]
    fn quotas_are_off_unless_the_seed_has_them() {
        let settings = |text: &str| serde_json::from_str::<Seed>(text).unwrap().quotas.settings();
        assert_eq!(settings("{}"), "enabled = false\n");
        assert_eq!(settings(r#"{"quotas":{}}"#), "enabled = true\n");
        let some = settings(r#"{"quotas":{"user_list":5,"user_creation":2}}"#);
        assert_eq!(some, "enabled = true\n\"user_creation\" = 2\n\"user_list\" = 5\n");
    }
}
