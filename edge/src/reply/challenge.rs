//! `WWW-Authenticate`: what would have been accepted (RFC 9110 §11.6.1). One function a scheme; nothing in it comes from the request.

use std::fmt::Write;

use common::reject::Reject;
use http::HeaderValue;

use crate::reply::{Asked, dpop};
use crate::snapshot::route::TokenRule;

/// The challenges of a refusal; none where another token would not help.
pub fn challenges(reject: Reject, asked: Asked<'_>) -> Vec<HeaderValue> {
    if !reject.is_challenge() {
        return Vec::new();
    }
    let schemes = [bearer(reject, asked), dpop::challenge(reject, asked)];
    schemes.into_iter().flatten().filter_map(|text| HeaderValue::try_from(text).ok()).collect()
}

/// None where only tokens with proofs pass.
fn bearer(reject: Reject, asked: Asked<'_>) -> Option<String> {
    let told = if dpop::has_the_error(asked) { Reject::MissingToken } else { reject };
    dpop::takes_bearers(asked).then(|| Challenge::new("Bearer", asked.realm).told(told, asked))
}

/// A scope that opens the route: all that it asks, and of those of which one will do the first.
fn needed_scope(rule: &TokenRule) -> String {
    let any = rule.scopes_any.first().filter(|first| !rule.scopes_all.contains(first));
    let needed: Vec<&str> = rule.scopes_all.iter().chain(any).map(String::as_str).collect();
    needed.join(" ")
}

/// A challenge on its way: the scheme and its parameters so far.
pub(super) struct Challenge(String);

impl Challenge {
    pub fn new(scheme: &str, realm: &str) -> Self {
        Self(format!("{scheme} realm=\"{}\"", quotable(realm)))
    }

    /// With what all schemes say. RFC 6750 §3: the scope that is needed where the scope is what is missing, or where no token came, which gets no
    /// error code. RFC 9470 §3: how the user must authenticate, where that is what is missing. RFC 9728 §5.1: where the resource describes itself.
    pub fn told(mut self, reject: Reject, asked: Asked<'_>) -> String {
        if reject != Reject::MissingToken {
            self.add("error", reject.wire_code());
            self.add("error_description", reject.description());
        }
        match (reject, asked.token) {
            (Reject::MissingToken | Reject::InsufficientScope, Some(rule)) => {
                self.add_unless_empty("scope", &needed_scope(rule));
            }
            (Reject::AuthenticationTooWeak | Reject::AuthenticationTooOld, Some(rule)) => {
                self.add_unless_empty("acr_values", &rule.acr_any.join(" "));
                if let Some(max_age) = rule.max_age {
                    self.add("max_age", &max_age.as_secs().to_string());
                }
            }
            _ => {}
        }
        self.add_unless_empty("resource_metadata", asked.resource.map_or("", |resource| resource.metadata.as_str()));
        self.0
    }

    pub fn add(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, ", {name}=\"{}\"", quotable(value)); // writing to a String does not fail
    }

    fn add_unless_empty(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }
}

/// What may stand in a quoted-string without escapes (RFC 9110 §5.6.4).
fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::Presented;
    use crate::reply::Form;

    fn asked<'r>(request_id: &'r HeaderValue, rule: Option<&'r TokenRule>, presented: &'r Presented) -> Asked<'r> {
        Asked { realm: "api", request_id, form: Form::Json, token: rule, resource: None, presented, spent: None }
    }

    fn challenge(reject: Reject, rule: Option<&TokenRule>) -> String {
        let id = HeaderValue::from_static("1");
        let presented = Presented::default();
        let asked = asked(&id, rule, &presented);
        let all: Vec<String> = challenges(reject, asked).iter().map(|one| one.to_str().unwrap().to_owned()).collect();
        all.join("\n")
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn rule() -> TokenRule {
        TokenRule {
            scopes_all: texts(&["orders/read", "openid"]),
            scopes_any: texts(&["eu", "us"]),
            acr_any: texts(&["urn:gold", "urn:silver"]),
            max_age: Some(Duration::from_secs(900)),
            ..TokenRule::fixture(vec![0])
        }
    }

    #[test]
    fn every_challenge_to_the_letter() {
        let step_up = "acr_values=\"urn:gold urn:silver\", max_age=\"900\"";
        for (reject, expected) in [
            (Reject::MissingToken, "Bearer realm=\"api\", scope=\"orders/read openid eu\"".to_owned()),
            (
                Reject::InsufficientScope,
                "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"insufficient scope\", \
                 scope=\"orders/read openid eu\""
                    .to_owned(),
            ),
            (
                Reject::AuthenticationTooOld,
                format!(
                    "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                     error_description=\"more recent authentication is required\", {step_up}"
                ),
            ),
            (
                Reject::AuthenticationTooWeak,
                format!(
                    "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                     error_description=\"stronger authentication is required\", {step_up}"
                ),
            ),
            (
                Reject::ClaimNotHeld,
                "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"claim not held\"".to_owned(),
            ),
            (
                Reject::GroupNotHeld,
                "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"group not held\"".to_owned(),
            ),
            (
                Reject::PolicyDenied,
                "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"denied by policy\"".to_owned(),
            ),
            (
                Reject::Expired,
                "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"expired\"".to_owned(),
            ),
            (Reject::NoRoute, String::new()),
            (Reject::RevocationStale, String::new()),
        ] {
            assert_eq!(challenge(reject, Some(&rule())), expected, "{reject:?}");
        }
    }

    #[test]
    fn what_a_route_does_not_ask_is_not_named() {
        let any = TokenRule::fixture(vec![0]);
        assert_eq!(challenge(Reject::MissingToken, Some(&any)), "Bearer realm=\"api\"");
        assert_eq!(challenge(Reject::MissingToken, None), "Bearer realm=\"api\"");
        let amr = TokenRule { amr_any: texts(&["mfa"]), ..any };
        let told = challenge(Reject::AuthenticationTooWeak, Some(&amr));
        assert!(told.ends_with("error_description=\"stronger authentication is required\""), "{told}");
    }

    #[test]
    fn no_value_breaks_out_of_its_quotes() {
        let id = HeaderValue::from_static("1");
        let presented = Presented::default();
        let asked = Asked { realm: "a\"b\\\r\nc", ..asked(&id, None, &presented) };
        assert_eq!(challenges(Reject::MissingToken, asked), ["Bearer realm=\"abc\""]);
    }
}
