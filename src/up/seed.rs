//! `--seed FILE`: groups and users of the demo pool, made at the first start through the API.

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
}
