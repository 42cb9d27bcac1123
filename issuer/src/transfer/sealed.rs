//! Who can read an export: HPKE (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! The first frame of an export is sealed in HPKE's base mode: anyone who knows the public key could have made it. It carries a secret, and all
//! later frames are sealed in PSK mode under that: only who made the first one, or can read it, can make another that belongs to it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::secret::{SecretBytes, SecretString};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable};
use ring::digest::{SHA256, digest};
use zeroize::Zeroize;

use crate::entropy::{self, NoEntropy};

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

const PUBLIC: &str = "tollgate-export-public:";
const PRIVATE: &str = "tollgate-export-private:";
const CHAIN: &[u8] = b"tollgate pool export chain";
const KEY_BYTES: usize = 32;
const CHECK_BYTES: usize = 4;

/// The text is no key for exports: another kind of key, or mistyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no {0} key for exports, or it was mistyped")]
pub struct NoKey(&'static str);

/// The key, the place in the file or a bit is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed part does not open")]
pub struct NotOpened;

/// Whom an export is sealed to: a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// What opens an export.
#[derive(Clone)]
pub struct ExportKey(PrivateKey);

impl Recipient {
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let key = decode(text, PUBLIC).and_then(|bytes| PublicKey::from_bytes(bytes.expose()).ok());
        // With a few points nothing can be agreed: those are no keys.
        let probe = Part { info: b"", place: b"", chain: None };
        key.map(Self).filter(|key| key.seal(&probe, b"").is_ok()).ok_or(NoKey("public"))
    }

    /// Seals one part: the encapsulated key, then the ciphertext.
    ///
    /// # Errors
    /// None for a key that [`Recipient::parse`] took.
    pub fn seal(&self, part: &Part<'_>, plain: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let mode = match part.chain {
            None => OpModeS::Base,
            Some(chain) => OpModeS::Psk(PskBundle::new(chain, CHAIN).map_err(|_| NotOpened)?),
        };
        let (key, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &mode, &self.0, part.info, plain, part.place,
        )
        .map_err(|_| NotOpened)?;
        Ok([key.to_bytes().as_slice(), &sealed].concat())
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(PUBLIC, &self.0.to_bytes()))
    }
}

impl ExportKey {
    pub fn generate() -> Result<Self, NoEntropy> {
        let mut seed = entropy::bytes::<KEY_BYTES>()?;
        let (key, _) = X25519HkdfSha256::derive_keypair(&seed);
        seed.zeroize();
        Ok(Self(key))
    }

    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let key = decode(text, PRIVATE).and_then(|bytes| PrivateKey::from_bytes(bytes.expose()).ok());
        key.map(Self).ok_or(NoKey("private"))
    }

    pub fn to_text(&self) -> SecretString {
        SecretString::new(encode(PRIVATE, &self.0.to_bytes()))
    }

    pub fn recipient(&self) -> Recipient {
        Recipient(X25519HkdfSha256::sk_to_pk(&self.0))
    }

    /// Opens what [`Recipient::seal`] made for the same part.
    pub fn open(&self, part: &Part<'_>, sealed: &[u8]) -> Result<SecretBytes, NotOpened> {
        let mode = match part.chain {
            None => OpModeR::Base,
            Some(chain) => OpModeR::Psk(PskBundle::new(chain, CHAIN).map_err(|_| NotOpened)?),
        };
        let (key, sealed) = sealed.split_at_checked(KEY_BYTES).ok_or(NotOpened)?;
        let key = Encapsulated::from_bytes(key).map_err(|_| NotOpened)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &mode, &self.0, &key, part.info, sealed, part.place,
        );
        plain.map(SecretBytes::new).map_err(|_| NotOpened)
    }
}

/// What a sealed part is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What it is a part of.
    pub info: &'a [u8],
    /// Where in it.
    pub place: &'a [u8],
    /// The secret of the first part, for all later ones.
    pub chain: Option<&'a [u8]>,
}

fn encode(prefix: &str, key: &[u8]) -> String {
    let mut bytes = [key, check(prefix, key).as_slice()].concat();
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(&bytes));
    bytes.zeroize();
    text
}

fn decode(text: &str, prefix: &str) -> Option<SecretBytes> {
    let bytes = SecretBytes::new(URL_SAFE_NO_PAD.decode(text.trim().strip_prefix(prefix)?).ok()?);
    let (key, checked) = bytes.expose().split_at_checked(KEY_BYTES)?;
    (checked == check(prefix, key)).then(|| SecretBytes::new(key))
}

/// Shows what was mistyped.
fn check(prefix: &str, key: &[u8]) -> [u8; CHECK_BYTES] {
    let sum = digest(&SHA256, &[prefix.as_bytes(), key].concat());
    let mut check = [0; CHECK_BYTES];
    check.iter_mut().zip(sum.as_ref()).for_each(|(to, from)| *to = *from);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Part<'static> = Part { info: b"file", place: b"1", chain: None };

    #[test]
    fn what_is_sealed_opens_at_its_place_alone() {
        let key = ExportKey::generate().unwrap();
        let sealed = key.recipient().seal(&PART, b"secret").unwrap();
        assert_eq!(key.open(&PART, &sealed).unwrap().expose(), b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        for other in
            [Part { info: b"fils", ..PART }, Part { place: b"2", ..PART }, Part { chain: Some(&[7; 32]), ..PART }]
        {
            assert!(key.open(&other, &sealed).is_err(), "{other:?}");
        }
        assert!(ExportKey::generate().unwrap().open(&PART, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 0x40;
            assert!(key.open(&PART, &flipped).is_err() && key.open(&PART, &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn who_does_not_know_the_chain_makes_no_part_of_it() {
        let key = ExportKey::generate().unwrap();
        let chained = Part { chain: Some(&[7; 32]), ..PART };
        let sealed = key.recipient().seal(&chained, b"x").unwrap();
        assert!(key.open(&chained, &sealed).is_ok());
        for chain in [None, Some([8; 32].as_slice())] {
            let forged = key.recipient().seal(&Part { chain, ..PART }, b"x").unwrap();
            assert!(key.open(&chained, &forged).is_err(), "{chain:?}");
        }
    }

    #[test]
    fn keys_as_text() {
        let key = ExportKey::generate().unwrap();
        let (private, public) = (key.to_text(), key.recipient().to_string());
        let sealed = Recipient::parse(&format!(" {public}\n")).unwrap().seal(&PART, b"x").unwrap();
        assert!(ExportKey::parse(private.expose()).unwrap().open(&PART, &sealed).is_ok());
        assert!(Recipient::parse(private.expose()).is_err() && ExportKey::parse(&public).is_err());
        let mistyped = format!("{}A{}", &public[..30], &public[31..]);
        assert!(mistyped == public || Recipient::parse(&mistyped).is_err());
        let nothing = encode(PUBLIC, &[0; KEY_BYTES]);
        for odd in ["", PUBLIC, &nothing, &public[..public.len() - 2]] {
            assert!(Recipient::parse(odd).is_err(), "{odd}");
        }
    }
}
