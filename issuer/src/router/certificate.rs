//! The certificate that a client showed at its TLS handshake, by the word of whoever ended that: `Client-Cert` (RFC 9440).

use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::jose::Thumbprint;

use crate::aws_json::Certificate;

const FIELD: &str = "client-cert";

/// Who sends a request, and may say which certificate its client showed.
#[derive(Clone, Copy, Debug)]
pub enum Teller {
    /// An edge, whose word has this SHA-256 of the certificate.
    Edge(Option<[u8; 32]>),
    /// A proxy that the operator trusts.
    Proxy,
    Nobody,
}

/// Takes the field off the request; what it says goes into the extensions where it counts. An edge's word counts without the field, too, but then nobody knows
/// more of the certificate than its digest.
pub fn take(head: &mut Parts, teller: Teller) {
    let shown = told(&head.headers);
    head.headers.remove(FIELD);
    let known = match (teller, shown) {
        (Teller::Edge(Some(digest)), shown) => {
            let der = shown.filter(|der| *Thumbprint::of(der).as_bytes() == digest);
            Some(Certificate { digest, der: der.map(Into::into) })
        }
        (Teller::Proxy, Some(der)) => {
            Some(Certificate { digest: *Thumbprint::of(&der).as_bytes(), der: Some(der.into()) })
        }
        _ => None,
    };
    if let Some(certificate) = known {
        head.extensions.insert(certificate);
    }
}

/// A byte sequence of structured fields (RFC 9440 §2.2), once.
fn told(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut fields = headers.get_all(FIELD).iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    let text = field.to_str().ok()?.trim().strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(text).ok().filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn taken(fields: &[&str], teller: Teller) -> Option<([u8; 32], Option<Vec<u8>>)> {
        let mut request = Request::builder();
        for field in fields {
            request = request.header(FIELD, *field);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        take(&mut head, teller);
        assert!(!head.headers.contains_key(FIELD), "it goes no further");
        head.extensions.get::<Certificate>().map(|known| (known.digest, known.der.as_deref().map(<[u8]>::to_vec)))
    }

    #[test]
    fn a_certificate_counts_by_the_word_of_who_may_say_it() {
        let digest = *Thumbprint::of(b"abc").as_bytes();
        let whole = Some((digest, Some(b"abc".to_vec())));
        assert_eq!(taken(&[":YWJj:"], Teller::Proxy), whole);
        assert_eq!(taken(&[":YWJj:"], Teller::Edge(Some(digest))), whole);
        assert_eq!(
            taken(&[":eHl6:"], Teller::Edge(Some(digest))),
            Some((digest, None)),
            "another than the edge vouches for"
        );
        assert_eq!(taken(&[], Teller::Edge(Some(digest))), Some((digest, None)));
        for (fields, teller) in [
            (&[":YWJj:"][..], Teller::Nobody),
            (&[":YWJj:"][..], Teller::Edge(None)),
            (&[][..], Teller::Proxy),
            (&[":YWJj:", ":YWJj:"][..], Teller::Proxy),
            (&[":YWJj:, :YWJj:"][..], Teller::Proxy),
            (&["YWJj"][..], Teller::Proxy),
            (&["::"][..], Teller::Proxy),
            (&[":"][..], Teller::Proxy),
            (&[":YWJ:"][..], Teller::Proxy),
        ] {
            assert_eq!(taken(fields, teller), None, "{fields:?} {teller:?}");
        }
    }
}
