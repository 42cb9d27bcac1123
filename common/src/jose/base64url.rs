//! Base64url as RFC 7515 §2 wants it: no padding, no white space, and no stray bits in the last character, so that one text
//! has one decoding and one decoding has one text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Text that is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url")]
pub struct InvalidBase64;

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Result<Vec<u8>, InvalidBase64> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidBase64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_text_decodes() {
        assert_eq!(decode("Zg"), Ok(b"f".to_vec()));
        for bad in ["Zg==", "Zh", "Z", "Zm 9v", "Zm9v\n", "Zm+v", "Zm/v", "Zm9v.", "é"] {
            assert_eq!(decode(bad), Err(InvalidBase64), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_text(text in "[A-Za-z0-9_-]{0,40}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
