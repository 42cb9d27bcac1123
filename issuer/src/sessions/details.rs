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

fn is_cognito(profile: &Profile) -> bool {
    *profile == Profile::Cognito
}

impl Details {
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
}
