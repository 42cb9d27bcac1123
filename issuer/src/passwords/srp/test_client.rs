//! A client of our own for the tests, written from Cognito's formulas and apart from the server's code: other big-number calls
//! (runtime modulus, variable time), other padding.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{NonZero, Odd, U256, U512, U3072};
use ring::{digest, hmac};

use super::challenge::Challenge;
use super::group::{Element, PublicValue};
use super::identity::Identity;

pub(crate) struct Client {
    a: U256,
    pub(crate) public: U3072,
}

impl Client {
    pub(crate) fn new(a: [u8; 32]) -> Self {
        let a = U256::from_be_slice(&a);
        Self { a, public: pow(&U3072::from_u8(2), &a) }
    }

    pub(crate) fn srp_a(&self) -> String {
        format!("{:x}", self.public).trim_start_matches('0').to_owned()
    }

    pub(crate) fn value(&self) -> PublicValue {
        PublicValue::from_hex(&self.srp_a()).unwrap()
    }

    /// `PASSWORD_CLAIM_SIGNATURE`.
    pub(crate) fn sign(
        &self,
        identity: Identity<'_>,
        password: &[u8],
        challenge: &Challenge,
        timestamp: &str,
    ) -> String {
        let b = number(&challenge.srp_b);
        let u = sha(&[java(&self.public), java(&b)].concat());
        let inner = sha(&[identity.realm.as_bytes(), identity.name.as_bytes(), b":", password].concat());
        let x = U256::from_be_slice(&sha(&[java(&number(&challenge.salt)), inner.to_vec()].concat()));
        let s = self.shared(&b, &U256::from_be_slice(&u), &x);
        let prk = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &java_bytes(&u)), &java(&s));
        let okm = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, prk.as_ref()), b"Caldera Derived Key\x01");
        let block = STANDARD.decode(&challenge.secret_block).unwrap();
        let message = [identity.realm.as_bytes(), identity.name.as_bytes(), &block, timestamp.as_bytes()].concat();
        STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &okm.as_ref()[..16]), &message))
    }

    /// (B − k·g^x)^(a + u·x), the exponent as a plain integer of 513 bits at most.
    fn shared(&self, b: &U3072, u: &U256, x: &U256) -> U3072 {
        let modulus = NonZero::new(modulus()).unwrap();
        let k = U256::from_be_hex("538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6");
        let kgx = monty(&k.resize()).mul(&monty(&pow(&U3072::from_u8(2), x))).retrieve();
        let base = b.sub_mod(&kgx, &modulus);
        let product: U512 = u.concatenating_mul(x);
        let exponent: crypto_bigint::U1024 = product.resize::<16>().wrapping_add(&self.a.resize::<16>());
        pow(&base, &exponent)
    }
}

fn modulus() -> U3072 {
    Element::MODULUS.get()
}

fn monty(value: &U3072) -> FixedMontyForm<{ U3072::LIMBS }> {
    FixedMontyForm::new(value, &FixedMontyParams::new_vartime(Odd::new(modulus()).unwrap()))
}

fn pow<const LIMBS: usize>(base: &U3072, exponent: &crypto_bigint::Uint<LIMBS>) -> U3072 {
    monty(base).pow(exponent).retrieve()
}

fn number(hex: &str) -> U3072 {
    U3072::from_be_hex(&format!("{hex:0>768}"))
}

fn java(value: &U3072) -> Vec<u8> {
    java_bytes(value.to_be_bytes().as_ref())
}

fn java_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while bytes.len() > 1 && bytes[0] == 0 && bytes[1] < 0x80 {
        bytes.remove(0);
    }
    if bytes[0] >= 0x80 {
        bytes.insert(0, 0);
    }
    bytes
}

fn sha(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}
