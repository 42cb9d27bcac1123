//! The challenge of the scheme `DPoP` (RFC 9449 §7.1, §9).

use common::reject::Reject;
use http::HeaderName;

use crate::facts::TokenScheme;
use crate::reply::Asked;
use crate::reply::challenge::Challenge;

/// The nonce to use from now on (RFC 9449 §8).
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// None where the route does not speak of DPoP and neither does the request, nor the token that it brought.
pub fn challenge(reject: Reject, asked: Asked<'_>) -> Option<String> {
    let rule = &asked.token?.proof;
    let under_it = asked.presented.scheme == Some(TokenScheme::Dpop);
    if !rule.offered && !under_it && reject != Reject::ProofRequired {
        return None;
    }
    let mut challenge = Challenge::new("DPoP", asked.realm);
    challenge.add("algs", &rule.alg_names().join(" "));
    Some(challenge.told(if has_the_error(asked) { reject } else { Reject::MissingToken }, asked))
}

/// Whether a token without a proof could pass.
pub fn takes_bearers(asked: Asked<'_>) -> bool {
    asked.token.is_none_or(|rule| !rule.proof.required)
}

/// Whether the refusal is about what came under this scheme: each scheme's challenge has its own error (RFC 9449 §7.2).
pub fn has_the_error(asked: Asked<'_>) -> bool {
    asked.presented.scheme == Some(TokenScheme::Dpop) || !takes_bearers(asked)
}
