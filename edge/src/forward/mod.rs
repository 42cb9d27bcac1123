//! What goes upstream: no identity from outside, the verified one from the facts, and to which server.

pub mod balance;
pub mod config;
pub mod cookies;
pub mod flow;
pub mod retry;
pub mod upstream;

use common::canonical::{IdentityHeaders, InvalidIdentityHeader};
use common::waf::model::InsertedHeader;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::facts::{Presented, TokenScheme};
use crate::snapshot::identity::Identity;
use crate::snapshot::route::{Piece, Route};

/// Headers that the edge alone says, on every route, besides those that routes add. What a client sends under these names, or
/// names that an origin could take for them, never goes upstream: some frameworks let them replace the address, the method or
/// the path that the edge judged (SECURITY.md T19, T21).
const OWN_HEADERS: &[&str] = &[
    "x-request-id",
    "forwarded",
    "x-real-ip",
    "client-ip",
    "x-client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-originating-ip",
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-original-method",
    "x-original-forwarded-for",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-tollgate-attestation",
    "client-cert",
    "client-cert-chain",
    "ssl-client-cert",
    "ssl-client-verify",
    "x-client-cert",
    "x-ssl-client-cert",
    "x-ssl-client-dn",
    "x-ssl-client-verify",
];

/// The same for every name that begins so: proxies say address, scheme, user and certificate under a growing number of them.
const OWN_FAMILIES: &[&str] = &["x-forwarded-", INSERTED];
/// How the names of headers begin that rules of web ACLs add (AWS WAFv2 `CustomRequestHandling`).
const INSERTED: &str = "x-amzn-waf-";

/// All names that clients can't use: the edge's own, and what routes add.
///
/// # Errors
/// When a name is none that a header can have.
pub fn own_names<'n>(added: impl Iterator<Item = &'n str>) -> Result<IdentityHeaders, InvalidIdentityHeader> {
    Ok(IdentityHeaders::new(OWN_HEADERS.iter().copied().chain(added))?.and_families(OWN_FAMILIES))
}

/// Every name under which `headers` could smuggle an identity.
pub fn identity_aliases(own: &IdentityHeaders, headers: &HeaderMap) -> Vec<HeaderName> {
    headers.keys().filter(|name| own.is_alias(name.as_str().as_bytes())).cloned().collect()
}

/// Whether a proof stays here: it is for this edge, which has checked it. A bearer's stray one goes on where the route does not speak of DPoP.
pub fn holds_proof_back(route: &Route, presented: &Presented) -> bool {
    let Some(rule) = &route.token else { return false };
    !rule.proof.forward && (rule.proof.offered || presented.scheme == Some(TokenScheme::Dpop))
}

/// Adds the headers of this route for this identity. A header whose template names a claim that the token lacks is left out.
///
/// What was rendered for a known token is kept with it: reading claims and joining lists costs more than all the gates.
pub fn add_headers(route: &Route, identity: Option<&Identity>, headers: &mut HeaderMap) {
    if route.headers.is_empty() {
        return;
    }
    match identity {
        Some(identity) => {
            let rendered = || rendered(route, Some(identity)).collect();
            identity
                .headers
                .with(route.number, rendered, |(name, value)| drop(headers.insert(name.clone(), value.clone())));
        }
        None => rendered(route, None).for_each(|(name, value)| drop(headers.insert(name, value))),
    }
}

/// Adds what rules of the web ACL say; of one name the last stands.
pub fn add_inserted(inserted: &[InsertedHeader], headers: &mut HeaderMap) {
    for InsertedHeader { name, value } in inserted {
        let name = HeaderName::try_from(format!("{INSERTED}{}", name.to_ascii_lowercase()));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn rendered<'r>(
    route: &'r Route,
    identity: Option<&'r Identity>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> + 'r {
    route.headers.iter().filter_map(move |header| Some((header.name.clone(), render(&header.template, identity)?)))
}

fn render(template: &[Piece], identity: Option<&Identity>) -> Option<HeaderValue> {
    if let [Piece::Claim(path)] = template {
        return HeaderValue::from_str(&identity?.token.claim_text_at(path)?).ok();
    }
    let mut text = String::new();
    for piece in template {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Claim(path) => text.push_str(&identity?.token.claim_text_at(path)?),
        }
    }
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests;
