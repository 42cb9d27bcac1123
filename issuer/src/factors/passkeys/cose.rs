//! Public keys of authenticators (RFC 9052 §7, RFC 9053 §7): those that signatures of passkeys can be verified by.

use ciborium::Value;

use super::error::PasskeyError;

/// COSE algorithms in the order of preference (IANA "COSE Algorithms"): ES256, RS256, EdDSA.
pub const ALGORITHMS: [i64; 3] = [ES256, RS256, EDDSA];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

const KTY: i64 = 1;
const ALG: i64 = 3;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P_256: i64 = 1;
const ED25519: i64 = 6;
/// Bytes of an RSA modulus: 2,048 to 4,096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// Whether it is a key of one of [`ALGORITHMS`], with all that belongs to it.
pub fn check(key: &Value) -> Result<(), PasskeyError> {
    let not_supported = PasskeyError::NotSupported("The credential's key or algorithm is not supported.");
    let map = key.as_map().ok_or(PasskeyError::Malformed("Credential: the public key can't be read."))?;
    let member = |label: i64| {
        let mut found = map.iter().filter(|(key, _)| integer(key) == Some(label)).map(|(_, value)| value);
        // One that comes twice could be read in two ways.
        found.next().filter(|_| found.next().is_none())
    };
    let number = |label| member(label).and_then(integer);
    let bytes = |label: i64, length: std::ops::RangeInclusive<usize>| {
        member(label).and_then(Value::as_bytes).is_some_and(|bytes| length.contains(&bytes.len()))
    };
    let good = match (number(KTY), number(ALG)) {
        (Some(EC2), Some(ES256)) => number(-1) == Some(P_256) && bytes(-2, 32..=32) && bytes(-3, 32..=32),
        (Some(OKP), Some(EDDSA)) => number(-1) == Some(ED25519) && bytes(-2, 32..=32),
        (Some(RSA), Some(RS256)) => bytes(-1, MODULUS) && bytes(-2, 3..=4),
        _ => false,
    };
    if good { Ok(()) } else { Err(not_supported) }
}

fn integer(value: &Value) -> Option<i64> {
    value.as_integer().and_then(|number| i64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(members: &[(i64, Value)]) -> Value {
        Value::Map(members.iter().map(|(label, value)| (Value::from(*label), value.clone())).collect())
    }

    #[test]
    fn keys_of_three_kinds() {
        let bytes = |length: usize| Value::Bytes(vec![7; length]);
        let ec = vec![(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, bytes(32)), (-3, bytes(32))];
        let okp = vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, bytes(32))];
        let rsa = vec![(1, 3.into()), (3, (-257).into()), (-1, bytes(256)), (-2, bytes(3))];
        for good in [&ec, &okp, &rsa] {
            assert_eq!(check(&key(good)), Ok(()));
            for at in 0..good.len() {
                let mut cut = good.clone();
                cut.remove(at);
                assert!(check(&key(&cut)).is_err(), "without {at}");
                let mut twice = good.clone();
                twice.push(good[at].clone());
                assert!(check(&key(&twice)).is_err(), "{at} twice");
            }
        }
        let other_curve = vec![(1, 2.into()), (3, (-7).into()), (-1, 2.into()), (-2, bytes(32)), (-3, bytes(32))];
        let other_algorithm = vec![(1, 2.into()), (3, (-35).into()), (-1, 2.into()), (-2, bytes(48)), (-3, bytes(48))];
        let short = vec![(1, 3.into()), (3, (-257).into()), (-1, bytes(128)), (-2, bytes(3))];
        for bad in [&other_curve, &other_algorithm, &short] {
            assert!(matches!(check(&key(bad)), Err(PasskeyError::NotSupported(_))));
        }
        assert!(matches!(check(&Value::Null), Err(PasskeyError::Malformed(_))));
    }
}
