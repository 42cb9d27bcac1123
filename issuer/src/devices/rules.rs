//! Rules about devices (pure).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cognito_model::idp::types::{DeviceConfigurationType, DeviceSecretVerifierConfigType};
use ring::{digest, hmac};

use crate::envelope::PoolKey;
use crate::passwords::srp::Verifier;
use crate::users::User;

/// Devices of a user. One more, and the one that was used longest ago is not known any more: browsers that keep nothing make a new device
/// of each sign-in, and must not shut their user out.
pub const MOST: u64 = 500;

/// What a sign-in must still be true of for a device to be trusted.
pub type Ground = [u8; 16];

/// Clients pad their base64 or don't.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// v has 384 bytes and a sign byte.
const LONGEST_TEXT: usize = 1_024;

/// The digest of what the user's present password is stored as: salted, so it changes with every new password, be it the old one again.
pub fn ground(user: &User) -> Ground {
    let hash = user.credentials.as_ref().map_or("", |credentials| credentials.password_hash.as_str());
    let text = [b"tollgate device trust 1 ".as_slice(), hash.as_bytes()].concat();
    let mut out = Ground::default();
    out.iter_mut().zip(digest::digest(&digest::SHA256, &text).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// The key of the group that all devices of a pool are in, like `-v7w9UcY6`. It is not secret.
pub fn group_key(key: &PoolKey) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let tag = hmac::sign(&key.hmac_key("device group"), b"");
    let letters = tag.as_ref().iter().take(8);
    let letters = letters.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
    std::iter::once('-').chain(letters.map(|byte| char::from(*byte))).collect()
}

/// Whether a device is remembered as soon as it is confirmed.
pub fn remembers_at_once(configuration: &DeviceConfigurationType) -> bool {
    !configuration.device_only_remembered_on_user_prompt.unwrap_or_default()
}

/// Whether a remembered device stands for a second factor.
pub fn stands_for_factor(configuration: &DeviceConfigurationType) -> bool {
    configuration.challenge_required_on_new_device.unwrap_or_default()
}

/// What the device computed: salt and verifier, each big-endian, in base64.
///
/// # Errors
/// The words of the refusal.
pub fn verifier(given: &DeviceSecretVerifierConfigType) -> Result<Verifier, &'static str> {
    const REFUSAL: &str = "Invalid device secret verifier given.";
    let bytes = |text: &Option<String>| {
        let text = text.as_ref().filter(|text| text.len() <= LONGEST_TEXT).ok_or(REFUSAL)?;
        BASE64.decode(text).map_err(|_| REFUSAL)
    };
    Verifier::from_parts(&bytes(&given.salt)?, &bytes(&given.password_verifier)?).map_err(|_| REFUSAL)
}

#[cfg(test)]
mod tests {
    use common::ids::PoolId;
    use common::secret::SecretString;

    use super::*;
    use crate::envelope::RootKey;
    use crate::users::model::Credentials;

    #[test]
    fn the_group_of_a_pool_stays_the_same() {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let pool = PoolId::parse("eu_a").unwrap();
        let (key, other) = (root.new_pool_key(&pool).unwrap().0, root.new_pool_key(&pool).unwrap().0);
        assert_eq!(group_key(&key), group_key(&key));
        assert_ne!(group_key(&key), group_key(&other));
        assert_eq!((group_key(&key).len(), group_key(&key).starts_with('-')), (9, true));
    }

    #[test]
    fn trust_goes_with_the_password() {
        let with = |hash: &str| User {
            credentials: Some(Credentials { password_hash: hash.into(), sealed_srp_verifier: None }),
            ..User::sample()
        };
        assert_eq!(ground(&with("a")), ground(&with("a")));
        assert_ne!(ground(&with("a")), ground(&with("b")));
        assert_ne!(ground(&with("a")), ground(&User::sample()));
    }

    #[test]
    fn verifiers_come_padded_or_not() {
        let with = |salt: Option<&str>, verifier: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            self::verifier(&DeviceSecretVerifierConfigType { salt: own(salt), password_verifier: own(verifier) })
        };
        // The documentation's example is not padded.
        assert!(with(Some("TXlTUlBTYWx0"), Some("TXlWZXJpZmllclN0cmluZw")).is_ok());
        assert!(with(Some("TXlTUlBTYWx0"), Some("TXlWZXJpZmllclN0cmluZw==")).is_ok());
        let long = "A".repeat(LONGEST_TEXT + 1);
        for (salt, verifier) in [
            (None, Some("TXk")),
            (Some("TXk"), None),
            (Some(""), Some("TXk")),
            (Some("TXk"), Some("")),
            (Some("TXk"), Some("AAAA")),
            (Some("***"), Some("TXk")),
            (Some("TXk"), Some(long.as_str())),
        ] {
            assert!(with(salt, verifier).is_err(), "{salt:?} {verifier:?}");
        }
    }
}
