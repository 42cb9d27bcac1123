//! Tokens that are bound to their sender (RFC 7800): what a token demands besides itself, and what a sender has shown.

use crate::jose::Thumbprint;
use crate::jose::json::Object;
use crate::reject::Reject;
use crate::verify::verified::Verified;

const KEY: &str = "jkt";
const CERTIFICATE: &str = "x5t#S256";

/// What a token's `cnf` demands. Both, where it names both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// `jkt` (RFC 9449 §6.1): the key whose holder may use the token.
    pub key: Option<Thumbprint>,
    /// `x5t#S256` (RFC 8705 §3.1): the client certificate of the connection.
    pub certificate: Option<Thumbprint>,
}

/// What the sender of a token has shown to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Possession {
    /// The key of a DPoP proof that was checked.
    pub key: Option<Thumbprint>,
    /// The client certificate that this very connection has authenticated by.
    pub certificate: Option<Thumbprint>,
}

/// The answer to a token's confirmation: its sender holds what it demands. Only [`Verified::held_by`] makes one, and nothing admits a token
/// without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held(());

impl Possession {
    /// Nothing but the token: a bearer.
    pub const NONE: Self = Self { key: None, certificate: None };
}

impl Confirmation {
    /// Reads `cnf` out of claims or of an introspection answer (RFC 8705 §3.2, RFC 9449 §6.2).
    ///
    /// RFC 7800 §3.1 lets a recipient ignore members that it does not know. Here they refuse the token: whoever wrote one meant to close
    /// something with it.
    pub fn read(claims: &Object) -> Result<Option<Self>, Reject> {
        let Some(raw) = claims.raw("cnf") else { return Ok(None) };
        let members = Object::parse(raw).map_err(|_| Reject::InvalidClaims)?;
        if members.names().any(|name| name != KEY && name != CERTIFICATE) {
            return Err(Reject::UnknownConfirmation);
        }
        let confirmation = Self { key: thumbprint(&members, KEY)?, certificate: thumbprint(&members, CERTIFICATE)? };
        if confirmation.key.is_none() && confirmation.certificate.is_none() {
            return Err(Reject::InvalidClaims);
        }
        Ok(Some(confirmation))
    }

    fn held_by(&self, possession: &Possession) -> Result<(), Reject> {
        holds(self.key, possession.key, Reject::ProofRequired, Reject::WrongProofKey)?;
        holds(self.certificate, possession.certificate, Reject::CertificateMissing, Reject::WrongCertificate)
    }
}

impl Verified {
    /// Whether who sends this token may: it is not bound, or the sender holds what it is bound to. To be asked at every use.
    pub fn held_by(&self, possession: &Possession) -> Result<Held, Reject> {
        match &self.confirmation {
            None => Ok(Held(())),
            Some(confirmation) => confirmation.held_by(possession).map(|()| Held(())),
        }
    }
}

fn holds(
    asked: Option<Thumbprint>,
    shown: Option<Thumbprint>,
    nothing_shown: Reject,
    another: Reject,
) -> Result<(), Reject> {
    match (asked, shown) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(nothing_shown),
        (Some(asked), Some(shown)) => {
            if asked == shown {
                Ok(())
            } else {
                Err(another)
            }
        }
    }
}

fn thumbprint(members: &Object, name: &str) -> Result<Option<Thumbprint>, Reject> {
    let Some(text) = members.text(name).map_err(|_| Reject::InvalidClaims)? else { return Ok(None) };
    Thumbprint::parse(&text).map(Some).ok_or(Reject::InvalidClaims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const B: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";

    fn read(cnf: &str) -> Result<Option<Confirmation>, Reject> {
        Confirmation::read(&Object::parse(format!(r#"{{"cnf":{cnf}}}"#)).unwrap())
    }

    #[test]
    fn what_can_be_answered_is_read_and_the_rest_is_refused() {
        let a = Thumbprint::parse(A);
        assert_eq!(Confirmation::read(&Object::parse("{}").unwrap()), Ok(None));
        assert_eq!(read(&format!(r#"{{"jkt":"{A}"}}"#)), Ok(Some(Confirmation { key: a, certificate: None })));
        let both = read(&format!(r#"{{"x5t#S256":"{A}","jkt":"{A}"}}"#)).unwrap().unwrap();
        assert_eq!((both.key, both.certificate), (a, a));
        for (cnf, reject) in [
            ("{}", Reject::InvalidClaims),
            ("null", Reject::InvalidClaims),
            ("\"x\"", Reject::InvalidClaims),
            ("[]", Reject::InvalidClaims),
            (r#"{"jkt":null}"#, Reject::InvalidClaims),
            (r#"{"jkt":"x"}"#, Reject::InvalidClaims),
            (r#"{"jkt":["x"]}"#, Reject::InvalidClaims),
            (&format!(r#"{{"jkt":"{A}="}}"#), Reject::InvalidClaims),
            (&format!(r#"{{"jkt":"{A}","x5t#S256":""}}"#), Reject::InvalidClaims),
            (&format!(r#"{{"jkt":"{A}","kid":"k"}}"#), Reject::UnknownConfirmation),
            (r#"{"jwk":{}}"#, Reject::UnknownConfirmation),
            (r#"{"x5t":"x"}"#, Reject::UnknownConfirmation),
        ] {
            assert_eq!(read(cnf), Err(reject), "{cnf}");
        }
    }

    #[test]
    fn both_must_hold_where_both_are_named() {
        let (a, b) = (Thumbprint::of(b"a"), Thumbprint::of(b"b"));
        assert_eq!(Thumbprint::parse(B), None, "stray bits");
        let asks = |key, certificate| Confirmation { key, certificate };
        let shows = |key, certificate| Possession { key, certificate };
        for (asked, shown, outcome) in [
            (asks(Some(a), None), shows(Some(a), None), Ok(())),
            (asks(Some(a), None), shows(Some(a), Some(b)), Ok(())),
            (asks(None, Some(b)), shows(None, Some(b)), Ok(())),
            (asks(Some(a), Some(b)), shows(Some(a), Some(b)), Ok(())),
            (asks(Some(a), None), Possession::NONE, Err(Reject::ProofRequired)),
            (asks(Some(a), None), shows(None, Some(a)), Err(Reject::ProofRequired)),
            (asks(Some(a), None), shows(Some(b), None), Err(Reject::WrongProofKey)),
            (asks(None, Some(a)), Possession::NONE, Err(Reject::CertificateMissing)),
            (asks(None, Some(a)), shows(Some(a), None), Err(Reject::CertificateMissing)),
            (asks(None, Some(a)), shows(None, Some(b)), Err(Reject::WrongCertificate)),
            (asks(Some(a), Some(b)), shows(Some(a), None), Err(Reject::CertificateMissing)),
            (asks(Some(a), Some(b)), shows(None, Some(b)), Err(Reject::ProofRequired)),
            (asks(Some(a), Some(b)), shows(Some(b), Some(a)), Err(Reject::WrongProofKey)),
        ] {
            assert_eq!(asked.held_by(&shown), outcome, "{asked:?} {shown:?}");
        }
    }
}
