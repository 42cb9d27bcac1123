//! What tokens of a session say beyond Cognito's API sign-ins. It is the same for every token of the session.

use serde::{Deserialize, Serialize};

use crate::clients::oauth::Profile;

/// Kept as JSON in the session's row; that of an API sign-in has none. A new field needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The access token's claim `version`: 2 in those of the hosted flows. Their `origin_jti` is always there, so that edges can end them.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The access token's `aud`: the resources that were asked for (RFC 8707).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    /// The ID token names the browser session (`sid`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Thumbprint of the key that the access tokens are bound to (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// Of the certificate that they are bound to (RFC 8705 §3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
    #[serde(skip_serializing_if = "is_cognito")]
    pub profile: Profile,
}

/// What a client has shown to hold: what its access tokens are bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// Thumbprint of the key of a DPoP proof (RFC 9449).
    pub jkt: Option<String>,
    /// SHA-256 of a certificate (RFC 8705 §3).
    pub x5t: Option<String>,
}

impl Binding {
    /// Tokens of bearers.
    pub const NONE: Self = Self { jkt: None, x5t: None };

    /// `cnf` of a token (RFC 7800 §3.1).
    pub fn confirmation(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        let members = [("jkt", &self.jkt), ("x5t#S256", &self.x5t)];
        let shown = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
        let members: serde_json::Map<_, _> = shown.collect();
        (!members.is_empty()).then_some(members)
    }

    /// `token_type` of an answer with such tokens.
    pub fn token_type(&self) -> &'static str {
        if self.jkt.is_some() { "DPoP" } else { "Bearer" }
    }
}

fn is_cognito(profile: &Profile) -> bool {
    *profile == Profile::Cognito
}

impl Details {
    pub fn binding(&self) -> Binding {
        Binding { jkt: self.jkt.clone(), x5t: self.x5t.clone() }
    }

    /// The same, of tokens that are bound so.
    pub fn bound(self, binding: &Binding) -> Self {
        Self { jkt: binding.jkt.clone(), x5t: binding.x5t.clone(), ..self }
    }

    /// Binds the tokens of a refresh to what was shown with it. A session whose tokens are bound is never refreshed without; `is_public`: and by the very same
    /// key and certificate only, since nothing else says whose the refresh token is (RFC 9449 §5, RFC 8705 §4). `false`: it may not be refreshed so.
    pub fn rebind(&mut self, shown: &Binding, is_public: bool) -> bool {
        let pairs = [(&mut self.jkt, &shown.jkt), (&mut self.x5t, &shown.x5t)];
        for (bound, shown) in pairs {
            let fits = match (&*bound, shown) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(bound), Some(shown)) => !is_public || bound == shown,
            };
            if !fits {
                return false;
            }
            bound.clone_from(shown);
        }
        true
    }

    /// For the row.
    pub(super) fn to_column(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn of_column(text: Option<&str>) -> serde_json::Result<Self> {
        text.map_or(Ok(Self::default()), serde_json::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_them_and_is_absent_where_there_are_none() {
        assert_eq!(Details::default().to_column(), None);
        assert_eq!(Details::of_column(None).unwrap(), Details::default());
        let all = Details {
            version: Some(2),
            aud: vec!["https://api.test".into()],
            sid: true,
            acr: Some("urn:cognito:loa:1".into()),
            amr: vec!["pwd".into()],
            jkt: Some("k".into()),
            x5t: Some("c".into()),
            profile: Profile::Openid,
        };
        assert_eq!(Details::of_column(all.to_column().as_deref()).unwrap(), all);
        assert!(Details::of_column(Some("")).is_err());
    }

    #[test]
    fn a_bound_session_is_refreshed_by_who_holds_what_it_is_bound_to() {
        let key = |name: &str| Binding { jkt: Some(name.into()), x5t: None };
        let certificate = |name: &str| Binding { jkt: None, x5t: Some(name.into()) };
        let cases = [
            (Binding::NONE, Binding::NONE, true, true),
            (Binding::NONE, key("a"), true, true),
            (key("a"), key("a"), true, true),
            (key("a"), key("b"), true, false),
            (key("a"), Binding::NONE, true, false),
            (key("a"), certificate("a"), true, false),
            (key("a"), key("b"), false, true),
            (key("a"), Binding::NONE, false, false),
            (certificate("a"), certificate("b"), true, false),
            (certificate("a"), certificate("b"), false, true),
            (certificate("a"), Binding::NONE, false, false),
        ];
        for (bound, shown, is_public, fits) in cases {
            let mut details = Details::default().bound(&bound);
            assert_eq!(details.rebind(&shown, is_public), fits, "{bound:?} {shown:?} {is_public}");
            assert!(!fits || details == Details::default().bound(&shown), "{bound:?} {shown:?}");
        }
        assert_eq!((Binding::NONE.token_type(), key("a").token_type()), ("Bearer", "DPoP"));
    }
}
