//! What the model's limits don't say (pure).

use std::collections::BTreeSet;

use cognito_model::idp::types::ResourceServerScopeType;

/// Scopes that every pool has.
pub const STANDARD_SCOPES: [&str; 5] = ["phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"];
/// Who has an access token with it may register clients (Cognito: dynamic client registration). It is a client's own, of no resource server.
pub const REGISTER_SCOPE: &str = "aws.cognito/dcr/register";
/// In a pool (Cognito's quota at its highest).
pub const MOST: u64 = 300;
/// Cognito keeps [`REGISTER_SCOPE`] and the like for itself.
const RESERVED: &str = "aws.cognito";

pub fn check_identifier(identifier: &str) -> Result<(), String> {
    let reserved =
        identifier.strip_prefix(RESERVED).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']));
    if reserved { Err(format!("Identifier {identifier} is reserved.")) } else { Ok(()) }
}

pub fn check_scopes(scopes: &[ResourceServerScopeType]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match scopes.iter().find(|scope| !names.insert(scope.scope_name.as_str())) {
        Some(twice) => Err(format!("Duplicate scope name {}.", twice.scope_name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cognito_are_its_own() {
        for reserved in ["aws.cognito", "aws.cognito/dcr", "aws.cognito.signin"] {
            assert!(check_identifier(reserved).is_err(), "{reserved}");
        }
        for free in ["https://api.example.com", "orders", "aws.cognitive", "aws"] {
            assert_eq!(check_identifier(free), Ok(()));
        }
    }

    #[test]
    fn scopes_have_different_names() {
        let scope = |name: &str| ResourceServerScopeType { scope_name: name.into(), scope_description: "d".into() };
        assert_eq!(check_scopes(&[scope("read"), scope("Read")]), Ok(()));
        assert!(check_scopes(&[scope("read"), scope("write"), scope("read")]).unwrap_err().contains("read"));
    }
}
