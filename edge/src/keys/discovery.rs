//! Where an issuer's metadata says that its keys are (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).

use common::jose::json::Object;

use crate::outbound::Address;

/// Metadata is read again after this many fetches of keys, and after one that failed.
const GOOD_FOR: u32 = 6;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Directory {
    found: Option<Address>,
    uses: u32,
    is_current: bool,
}

impl Directory {
    /// The place, while it need not be looked up anew.
    pub(super) fn known(&mut self) -> Option<&Address> {
        self.uses += 1;
        self.found.as_ref().filter(|_| self.is_current && self.uses < GOOD_FOR)
    }

    /// Takes a place that was just found; answers it, and whether it is another than before.
    pub(super) fn remember(&mut self, place: Address) -> (Address, bool) {
        let moved = self.found.as_ref() != Some(&place);
        (self.uses, self.is_current, self.found) = (0, true, Some(place.clone()));
        (place, moved)
    }

    pub(super) fn forget(&mut self) {
        self.is_current = false;
    }

    /// The `jwks_uri` of a document, whose `issuer` must be ours to the letter (SECURITY.md I49). It may lie on another host, as Google's does:
    /// the document came from the issuer's own, by TLS.
    pub(super) fn read(metadata: &Address, text: &str, iss: &str) -> Result<Address, &'static str> {
        let document = Object::parse(text).map_err(|_| "the metadata is no JSON object with one reading")?;
        match document.text("issuer") {
            Ok(Some(issuer)) if issuer == iss => {}
            _ => return Err("the metadata is of another issuer: its `issuer` must be `iss` to the letter"),
        }
        let Ok(Some(address)) = document.text("jwks_uri") else { return Err("the metadata has no `jwks_uri`") };
        metadata.named(&address).map_err(|_| "the metadata's `jwks_uri` is no https URL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text, false).unwrap()
    }

    #[test]
    fn the_document_must_be_of_this_issuer_to_the_letter() {
        let from = address("https://a.example/.well-known/openid-configuration");
        let read = |text: &str| Directory::read(&from, text, "https://a.example");
        let good = r#"{"issuer":"https://a.example","jwks_uri":"https://keys.example/certs","x":[1]}"#;
        assert_eq!(read(good).unwrap(), address("https://keys.example/certs"));
        for (from, to) in [
            ("https://a.example\"", "https://a.example/\""),
            ("https://a.example\"", "https://A.example\""),
            ("https://a.example\"", "https://a.example.evil\""),
            ("https://a.example\"", "https://login.microsoftonline.com/{tenantid}/v2.0\""),
            ("\"issuer\"", "\"isuer\""),
            ("{", "{\"issuer\":\"https://b.example\","),
            ("\"jwks_uri\"", "\"jwks\""),
            ("https://keys", "http://keys"),
            ("https://keys.example/certs", "file:///etc/keys"),
            ("https://keys.example/certs", "http://127.0.0.1:8802/metrics"),
            ("https://keys.example/certs", "/certs"),
            ("[1]", "[1"),
        ] {
            assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_place_is_looked_up_anew_now_and_then_and_after_a_failure() {
        let mut directory = Directory::default();
        assert!(directory.known().is_none());
        assert!(directory.remember(address("https://a.example/1")).1);
        for _ in 1..GOOD_FOR {
            assert!(directory.known().is_some());
        }
        assert!(directory.known().is_none());
        assert!(!directory.remember(address("https://a.example/1")).1);
        directory.forget();
        assert!(directory.known().is_none());
        assert!(directory.remember(address("https://a.example/2")).1);
    }
}
