//! A client of SRP as Cognito speaks it: its public value, and the claim that answers a challenge.
//!
//! ```text
//! H = SHA-256, pad = shortest big-endian bytes with a clear sign bit (Java's BigInteger)
//! A = g^a    k = H(pad(N), pad(g))    u = H(pad(A), pad(B))    x = H(pad(salt), H(pool, user, ":", password))
//! S = (B - k g^x)^(a + u x)           key = HKDF-SHA256(pad(S), salt pad(u), "Caldera Derived Key"), 16 bytes
//! claim = HMAC-SHA256(key, pool, user, secret block, timestamp)
//! ```
//!
//! What depends on user and salt alone is computed once, so that the load generator does not spend more on a sign-in than the issuer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U256, U512, U1024, U3072, const_monty_params};
use ring::digest::{Context, SHA256};
use ring::{hkdf, hmac};

// RFC 3526 §4, with g = 2.
const_monty_params!(
    Modulus,
    U3072,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    "The 3072-bit MODP prime."
);

type Element = ConstMontyForm<Modulus, { U3072::LIMBS }>;

const INFO: &[u8] = b"Caldera Derived Key";
const KEY_BYTES: usize = 16;
/// Of a + u·x, none of which has more than 256 bits.
const EXPONENT_BITS: u32 = 513;

/// Parameters of a challenge, as they came.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// `USER_ID_FOR_SRP`.
    pub user: &'a str,
    pub salt: &'a str,
    pub srp_b: &'a str,
    pub secret_block: &'a str,
}

/// A client with one secret for all its sign-ins.
pub struct Client {
    /// Name of the pool: what follows `_` in its id.
    pool: String,
    password: String,
    a: U256,
    public: Element,
    known: Option<Known>,
}

/// What belongs to a user and a salt.
struct Known {
    user: String,
    salt: String,
    x: U256,
    k_g_x: Element,
}

impl Client {
    pub fn new(pool_id: &str, password: &str, a: [u8; 32]) -> Self {
        let pool = pool_id.split_once('_').map_or(pool_id, |(_, name)| name).to_owned();
        let a = U256::from_be_slice(&a);
        Self { pool, password: password.to_owned(), a, public: power_of_g(&a), known: None }
    }

    /// `SRP_A`.
    pub fn srp_a(&self) -> String {
        let digits = bytes(&self.public).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        digits.trim_start_matches('0').to_owned()
    }

    /// `PASSWORD_CLAIM_SIGNATURE`; `None` for a challenge that is none.
    pub fn claim(&mut self, challenge: &Challenge<'_>, timestamp: &str) -> Option<String> {
        let server = number(challenge.srp_b)?;
        let block = STANDARD.decode(challenge.secret_block).ok()?;
        let u = scrambler(&self.public, &server);
        self.learn(challenge)?;
        let known = self.known.as_ref()?;
        let product: U512 = U256::from_be_slice(&u).concatenating_mul(&known.x);
        let exponent = product.resize::<{ U1024::LIMBS }>().wrapping_add(&self.a.resize());
        let s = server.sub(&known.k_g_x).pow_bounded_exp(&exponent, EXPONENT_BITS);
        sign(&s, &u, &[self.pool.as_bytes(), challenge.user.as_bytes(), &block, timestamp.as_bytes()])
    }

    fn learn(&mut self, challenge: &Challenge<'_>) -> Option<()> {
        let same = |known: &Known| known.user == challenge.user && known.salt == challenge.salt;
        if !self.known.as_ref().is_some_and(same) {
            let (user, salt) = (challenge.user.to_owned(), challenge.salt.to_owned());
            let x = secret(&self.pool, &user, &self.password, &number(&salt)?);
            self.known = Some(Known { user, salt, x, k_g_x: multiplier().mul(&power_of_g(&x)) });
        }
        Some(())
    }
}

fn power_of_g(exponent: &U256) -> Element {
    Element::new(&U3072::from_u8(2)).pow(exponent)
}

/// Hexadecimal of any length up to that of N.
fn number(hex: &str) -> Option<Element> {
    U3072::from_str_radix_vartime(hex, 16).ok().map(|number| Element::new(&number))
}

fn multiplier() -> Element {
    let k = hash(&[&pad(Element::MODULUS.get().to_be_bytes().as_ref()), &[2]]);
    Element::new(&U256::from_be_slice(&k).resize())
}

fn secret(pool: &str, user: &str, password: &str, salt: &Element) -> U256 {
    let inner = hash(&[pool.as_bytes(), user.as_bytes(), b":", password.as_bytes()]);
    U256::from_be_slice(&hash(&[&pad(&bytes(salt)), &inner]))
}

fn scrambler(client: &Element, server: &Element) -> [u8; 32] {
    hash(&[&pad(&bytes(client)), &pad(&bytes(server))])
}

/// The signature under the key that `s` and `u` make, in base64.
fn sign(s: &Element, u: &[u8; 32], parts: &[&[u8]]) -> Option<String> {
    let mut key = [0; KEY_BYTES];
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &pad(u)).extract(&pad(&bytes(s)));
    secret.expand(&[INFO], KeyLength).and_then(|made| made.fill(&mut key)).ok()?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    parts.iter().for_each(|part| context.update(part));
    Some(STANDARD.encode(context.sign()))
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

fn bytes(element: &Element) -> Vec<u8> {
    element.retrieve().to_be_bytes().as_ref().to_vec()
}

/// Without leading zeros, but with one zero byte before a set top bit.
fn pad(big_endian: &[u8]) -> Vec<u8> {
    let digits = big_endian.iter().copied().skip_while(|byte| *byte == 0);
    let signed = digits.clone().next().is_none_or(|first| first >= 0x80);
    signed.then_some(0).into_iter().chain(digits).collect()
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests;
