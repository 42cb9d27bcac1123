//! Grant types and response types, and what of the settings they are (RFC 7591 §2.1).

use cognito_model::idp::types::OAuthFlowType;

use super::wire::{GrantType, Metadata};
use super::{MetadataError, refused};
use crate::clients::oauth::{Grant, ResponseType};

/// The ways by which a client gets tokens.
pub(super) struct Ways {
    pub(super) flows: Vec<OAuthFlowType>,
    pub(super) response_types: Vec<ResponseType>,
    pub(super) grants: Vec<Grant>,
    pub(super) refresh: bool,
}

impl Ways {
    pub(super) fn of(metadata: &Metadata) -> Result<Self, MetadataError> {
        let grants = metadata.grant_types.clone().unwrap_or_else(|| vec![GrantType::AuthorizationCode]);
        let has = |grant: GrantType| grants.contains(&grant);
        let usual = || if has(GrantType::AuthorizationCode) { vec!["code".to_owned()] } else { Vec::new() };
        let (mut code, mut token) = (false, false);
        let mut response_types = Vec::new();
        for text in metadata.response_types.clone().unwrap_or_else(usual) {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.sort_unstable();
            let (needs_code, needs_implicit, hybrid) = match words.as_slice() {
                ["code"] => (true, false, None),
                ["token"] => (false, true, None),
                ["id_token"] => (false, true, Some(ResponseType::IdToken)),
                ["id_token", "token"] => (false, true, Some(ResponseType::IdTokenToken)),
                ["code", "id_token"] => (true, true, Some(ResponseType::CodeIdToken)),
                ["code", "token"] => (true, true, Some(ResponseType::CodeToken)),
                ["code", "id_token", "token"] => (true, true, Some(ResponseType::CodeIdTokenToken)),
                _ => return Err(refused("response_types: one is not supported")),
            };
            if (needs_code && !has(GrantType::AuthorizationCode)) || (needs_implicit && !has(GrantType::Implicit)) {
                return Err(refused(format!("response_types: {text} needs a grant that grant_types does not have")));
            }
            code |= hybrid.is_none() && needs_code;
            token |= hybrid.is_none() && needs_implicit;
            response_types.extend(hybrid.filter(|hybrid| !response_types.contains(hybrid)));
        }
        if has(GrantType::AuthorizationCode) && !code && response_types.is_empty() {
            return Err(refused("response_types: grant_types has authorization_code, and nothing gives a code"));
        }
        let flows = [
            (code, OAuthFlowType::Code),
            (token, OAuthFlowType::Implicit),
            (has(GrantType::ClientCredentials), OAuthFlowType::ClientCredentials),
        ];
        Ok(Self {
            flows: flows.into_iter().filter_map(|(has, flow)| has.then_some(flow)).collect(),
            response_types,
            grants: if has(GrantType::DeviceCode) { vec![Grant::DeviceCode] } else { Vec::new() },
            refresh: has(GrantType::RefreshToken),
        })
    }

    /// Whether the terms have all of them. What a browser brings back beside a code counts as the implicit flow, a device's grant as that of a code.
    pub(super) fn check(&self, allowed: &[OAuthFlowType]) -> Result<(), MetadataError> {
        let by_code = |kind: &ResponseType| !matches!(kind, ResponseType::IdToken | ResponseType::IdTokenToken);
        let code = self.response_types.iter().any(by_code) || !self.grants.is_empty();
        let needed = self.flows.iter().copied();
        let needed = needed.chain((!self.response_types.is_empty()).then_some(OAuthFlowType::Implicit));
        let mut needed = needed.chain(code.then_some(OAuthFlowType::Code));
        match needed.find(|flow| !allowed.contains(flow)) {
            Some(flow) => Err(refused(format!("grant_types: the pool registers no client for {}", flow.as_str()))),
            None => Ok(()),
        }
    }

    pub(super) fn need_redirect(&self) -> bool {
        self.flows.iter().any(|flow| *flow != OAuthFlowType::ClientCredentials) || !self.response_types.is_empty()
    }
}
