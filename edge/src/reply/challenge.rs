//! `WWW-Authenticate`: what would have been accepted (RFC 9110 §11.6.1).

use common::reject::Reject;
use http::HeaderValue;

use crate::reply::Asked;

/// The challenges of a refusal; none where another token would not help.
pub fn challenges(reject: Reject, asked: Asked<'_>) -> Vec<HeaderValue> {
    reject.www_authenticate(asked.realm).and_then(|text| HeaderValue::try_from(text).ok()).into_iter().collect()
}
