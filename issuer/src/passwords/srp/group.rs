//! The group: integers modulo the 3072-bit prime of RFC 3526 §4, g = 2, and the two ways Cognito writes its numbers.

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U256, U3072, const_monty_params};
use ring::digest::{Context, SHA256};

const_monty_params!(
    Modulus,
    U3072,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    "The 3072-bit MODP prime."
);

pub(super) type Element = ConstMontyForm<Modulus, { U3072::LIMBS }>;

pub(super) const ELEMENT_BYTES: usize = 384;

/// The longest text that is read as a number: room for leading zeros, and no more.
const MAX_HEX_DIGITS: usize = 2 * ELEMENT_BYTES + 64;

/// Why a client's public value (`SRP_A`) is refused. Every reason is the client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicValue {
    #[error("not a hexadecimal number")]
    NotHex,
    #[error("too long")]
    TooLong,
    /// Zero modulo N: with it, S would be 0 for any password.
    #[error("zero modulo N")]
    Zero,
    /// At least N. No honest client sends a number that it has not reduced.
    #[error("not below N")]
    NotReduced,
}

/// A client's public value, 0 < A < N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicValue(U3072);

impl PublicValue {
    /// Reads `SRP_A`: hexadecimal of either case, of even or odd length, with or without leading zeros.
    pub fn from_hex(text: &str) -> Result<Self, InvalidPublicValue> {
        if text.len() > MAX_HEX_DIGITS {
            return Err(InvalidPublicValue::TooLong);
        }
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidPublicValue::NotHex);
        }
        let digits = text.trim_start_matches('0');
        if digits.len() > 2 * ELEMENT_BYTES {
            return Err(InvalidPublicValue::TooLong);
        }
        let padded = format!("{digits:0>width$}", width = 2 * ELEMENT_BYTES);
        Self::from_integer(U3072::from_be_hex(&padded))
    }

    /// The client's values are public: comparing them may take what time it takes.
    pub(super) fn from_integer(value: U3072) -> Result<Self, InvalidPublicValue> {
        let modulus = Element::MODULUS.get();
        if value == U3072::ZERO || value == modulus {
            Err(InvalidPublicValue::Zero)
        } else if value > modulus {
            Err(InvalidPublicValue::NotReduced)
        } else {
            Ok(Self(value))
        }
    }

    pub(super) fn element(&self) -> Element {
        Element::new(&self.0)
    }

    pub(super) fn to_bytes(self) -> [u8; ELEMENT_BYTES] {
        bytes(&self.0)
    }
}

/// g^exponent in constant time.
pub(super) fn power_of_g(exponent: &U256) -> Element {
    Element::new(&U3072::from_u8(2)).pow(exponent)
}

/// The multiplier k = H(pad(N) ‖ pad(g)).
pub(super) fn multiplier() -> Element {
    let modulus = pad(&bytes(&Element::MODULUS.get()));
    widen(&hash(&[&modulus, &[2]]))
}

/// A 256-bit number as an element.
fn widen(number: &[u8; 32]) -> Element {
    let mut wide = [0; ELEMENT_BYTES];
    if let Some(low) = wide.last_chunk_mut::<32>() {
        *low = *number;
    }
    Element::new(&U3072::from_be_slice(&wide))
}

pub(super) fn element_bytes(element: &Element) -> [u8; ELEMENT_BYTES] {
    bytes(&element.retrieve())
}

fn bytes(value: &U3072) -> [u8; ELEMENT_BYTES] {
    let encoded = value.to_be_bytes();
    let mut out = [0; ELEMENT_BYTES];
    out.copy_from_slice(encoded.as_ref());
    out
}

/// Java's `BigInteger.toByteArray()` of a non-negative number: no leading zeros, but one zero byte before a set top bit.
pub(super) fn pad(big_endian: &[u8]) -> Vec<u8> {
    let digits = big_endian.get(leading_zeros(big_endian)..).unwrap_or_default();
    let mut out = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|&first| first >= 0x80) {
        out.push(0);
    }
    out.extend_from_slice(digits);
    out
}

/// Java's `BigInteger.toString(16)`: lower case, no leading zeros.
pub(super) fn to_hex(big_endian: &[u8]) -> String {
    let text: String = big_endian.iter().map(|byte| format!("{byte:02x}")).collect();
    match text.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

fn leading_zeros(big_endian: &[u8]) -> usize {
    big_endian.iter().take_while(|&&byte| byte == 0).count()
}

pub(super) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn n() -> String {
        to_hex(&bytes(&Element::MODULUS.get()))
    }

    fn two_n() -> String {
        let modulus = bytes(&Element::MODULUS.get());
        let mut doubled = vec![1];
        doubled.extend(modulus.iter().zip(modulus.iter().skip(1).chain([&0])).map(|(high, low)| high << 1 | low >> 7));
        to_hex(&doubled)
    }

    /// T69: values that would make S known, and spellings that hide them.
    #[test]
    fn values_that_fix_s_are_refused() {
        let cases = [
            (String::new(), InvalidPublicValue::NotHex),
            ("0".into(), InvalidPublicValue::Zero),
            ("00".into(), InvalidPublicValue::Zero),
            ("0".repeat(768), InvalidPublicValue::Zero),
            (n(), InvalidPublicValue::Zero),
            (n().to_uppercase(), InvalidPublicValue::Zero),
            (format!("000{}", n()), InvalidPublicValue::Zero),
            (two_n(), InvalidPublicValue::TooLong),
            (format!("{}0", n()), InvalidPublicValue::TooLong),
            ("f".repeat(768), InvalidPublicValue::NotReduced),
            ("f".repeat(769), InvalidPublicValue::TooLong),
            ("0".repeat(100_000), InvalidPublicValue::TooLong),
            ("-1".into(), InvalidPublicValue::NotHex),
            ("+1".into(), InvalidPublicValue::NotHex),
            ("0x1".into(), InvalidPublicValue::NotHex),
            (" 1".into(), InvalidPublicValue::NotHex),
            ("1\n".into(), InvalidPublicValue::NotHex),
            ("１".into(), InvalidPublicValue::NotHex),
        ];
        for (text, reason) in cases {
            assert_eq!(PublicValue::from_hex(&text), Err(reason), "{}", &text.chars().take(20).collect::<String>());
        }
        assert_eq!(two_n().len(), 769, "2N has one digit more than N");
    }

    #[test]
    fn one_number_has_many_spellings() {
        let plain = PublicValue::from_hex("abc").unwrap();
        for same in ["ABC", "0abc", "00000abc", "aBc"] {
            assert_eq!(PublicValue::from_hex(same).unwrap(), plain, "{same}");
        }
        assert_eq!(pad(&plain.to_bytes()), [0x0a, 0xbc]);
    }

    #[test]
    fn padding_is_javas() {
        let cases: [(&[u8], &[u8]); 6] = [
            (&[], &[0]),
            (&[0, 0], &[0]),
            (&[0x7f], &[0x7f]),
            (&[0x80], &[0, 0x80]),
            (&[0, 0, 0x80, 1], &[0, 0x80, 1]),
            (&[0, 0x14], &[0x14]),
        ];
        for (bytes, padded) in cases {
            assert_eq!(pad(bytes), padded, "{bytes:?}");
        }
    }

    #[test]
    fn the_multiplier_is_cognitos() {
        let k = element_bytes(&multiplier());
        assert_eq!(to_hex(&k), "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6");
    }

    proptest! {
        #[test]
        fn hex_round_trips(value in proptest::collection::vec(any::<u8>(), 1..=384)) {
            let text = to_hex(&value);
            prop_assert!(text == "0" || !text.starts_with('0'));
            if let Ok(parsed) = PublicValue::from_hex(&text) {
                prop_assert_eq!(to_hex(&parsed.to_bytes()), text);
                prop_assert_eq!(pad(&parsed.to_bytes()), pad(&value));
            }
        }
    }
}
