//! The certificate gate: a client that has shown a certificate at the TLS handshake. The listener has verified it; the token gate asks whether a token
//! is bound to it.

pub mod config;

use common::reject::Reject;

use crate::gates::{Outcome, RequestView};

/// Demands a client certificate where the route says so.
pub fn check(request: RequestView<'_>) -> Outcome {
    if !request.route.certificate.required {
        return Outcome::Continue;
    }
    let shown = request.connection.tls.as_ref().is_some_and(|tls| tls.certificate.is_some());
    if shown { Outcome::Continue } else { Outcome::Reject(Reject::CertificateRequired) }
}
