//! What an exchange is asked to give (pure).

use std::collections::BTreeSet;

use cognito_model::Fault;
use cognito_model::idp::types::{GetDerivedTokenRequest, IssuedTokenTypeIdentifierType};

use crate::tokens::mint::API_SCOPE;

/// The token that is wanted.
pub struct Asked {
    pub issues: IssuedTokenTypeIdentifierType,
    /// `None`: those of the subject token.
    pub scopes: Option<BTreeSet<String>>,
    pub target: Option<Target>,
}

/// The service that it is for: its `aud`.
pub enum Target {
    /// A resource server of the pool, which must be there.
    Resource(String),
    Audience(String),
}

impl Asked {
    /// # Errors
    /// `InvalidParameterException` for both kinds of target, and for an ID token with a target: its audience is the client (OpenID Connect Core
    /// §2), and one with another's would sign a user in there.
    pub fn new(input: &GetDerivedTokenRequest) -> Result<Self, Fault> {
        let first = |list: &Option<Vec<String>>| list.as_ref().and_then(|list| list.first().cloned());
        let target = match (first(&input.resources), first(&input.audiences)) {
            (Some(_), Some(_)) => {
                return Err(Fault::invalid_parameter("Audiences and Resources can't both be requested."));
            }
            (Some(resource), None) => Some(Target::Resource(resource)),
            (None, Some(audience)) => Some(Target::Audience(audience)),
            (None, None) => None,
        };
        let issues = input.requested_token_type.unwrap_or(IssuedTokenTypeIdentifierType::AccessToken);
        if issues == IssuedTokenTypeIdentifierType::IdToken && target.is_some() {
            return Err(Fault::invalid_parameter(
                "An ID token is for the client that requests it: Audiences and Resources are of access tokens.",
            ));
        }
        let scopes = input.scopes.as_ref().filter(|scopes| !scopes.is_empty());
        Ok(Self { issues, scopes: scopes.map(|scopes| scopes.iter().cloned().collect()), target })
    }

    /// The scopes that are granted, in the subject token's order: all of it, or what it has of those that are asked for and that the client may
    /// have.
    pub fn granted<'a>(&self, held: impl Iterator<Item = &'a str>, allowed: &[String]) -> Vec<String> {
        // The issuer's own scope is for the issuer, and for nobody else whom the token names.
        let own = |scope: &str| scope == API_SCOPE && self.target.is_some();
        let is_granted = |scope: &&str| {
            !own(scope)
                && match &self.scopes {
                    Some(asked) => asked.contains(*scope) && allowed.iter().any(|one| one == *scope),
                    None => true,
                }
        };
        held.filter(is_granted).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::TokenTypeIdentifierType;
    use common::secret::SecretString;

    use super::*;

    fn list(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    fn asked(change: impl FnOnce(&mut GetDerivedTokenRequest)) -> Result<Asked, Fault> {
        let mut input = GetDerivedTokenRequest {
            actor_token: None,
            actor_token_provider_name: None,
            actor_token_type: None,
            audiences: None,
            client_id: "c".into(),
            client_secret: None,
            requested_token_type: None,
            resources: None,
            scopes: None,
            subject_token: SecretString::new("t"),
            subject_token_provider_name: None,
            subject_token_type: TokenTypeIdentifierType::AccessToken,
        };
        change(&mut input);
        Asked::new(&input)
    }

    #[test]
    fn scopes_only_narrow() {
        let allowed = ["a/read".to_owned(), "a/write".to_owned()];
        let granted = |scopes: &[&str]| {
            asked(|input| input.scopes = list(scopes)).unwrap().granted(["a/read", "openid"].into_iter(), &allowed)
        };
        assert_eq!(granted(&[]), ["a/read", "openid"]);
        assert_eq!(granted(&["a/read", "a/write", "a/read"]), ["a/read"]);
        assert_eq!(granted(&["openid"]), [] as [&str; 0], "the client may not have it");
    }

    #[test]
    fn one_target_and_none_for_id_tokens() {
        assert!(matches!(asked(|i| i.resources = list(&["a"])).unwrap().target, Some(Target::Resource(_))));
        assert!(matches!(asked(|i| i.audiences = list(&["a"])).unwrap().target, Some(Target::Audience(_))));
        assert!(asked(|i| (i.audiences, i.resources) = (list(&["a"]), list(&["b"]))).is_err());
        let id = |i: &mut GetDerivedTokenRequest| i.requested_token_type = Some(IssuedTokenTypeIdentifierType::IdToken);
        assert!(asked(id).is_ok());
        assert!(asked(|i| (id(i), i.audiences = list(&["a"])).1).is_err());
    }
}
