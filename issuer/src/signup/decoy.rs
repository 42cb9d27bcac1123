//! Where a code would go for a user of whom nothing may be told: the same for the same name, in the form of a real destination.

use cognito_model::idp::types::{CodeDeliveryDetailsType, VerifiedAttributeType};
use ring::hmac;

use crate::envelope::PoolKey;
use crate::messages::Channel;
use crate::pools::Pool;
use crate::pools::schema::{is_email, is_phone_number};
use crate::users::deliveries::Destination;
use crate::users::login_names;

/// `CodeDeliveryDetails` for a name. By SMS only where the pool sends codes by nothing else, or the name is a phone number.
pub fn delivery(key: &PoolKey, pool: &Pool, username: &str) -> CodeDeliveryDetailsType {
    let name = login_names::key(pool, username);
    let by_phone = pool.settings.verifies(&VerifiedAttributeType::PhoneNumber)
        && (is_phone_number(&name) || !pool.settings.verifies(&VerifiedAttributeType::Email));
    let invented = hmac::sign(&key.hmac_key("delivery decoys"), name.as_bytes());
    let mut bytes = invented.as_ref().iter().copied();
    let mut draw = |alphabet: std::ops::RangeInclusive<u8>| {
        let span = alphabet.end() - alphabet.start() + 1;
        char::from(alphabet.start() + bytes.next().unwrap_or_default() % span)
    };
    let destination = if by_phone {
        let digits: String = (0..4).map(|_| draw(b'0'..=b'9')).collect();
        let to = if is_phone_number(&name) { name } else { format!("+0{digits}") };
        Destination { channel: Channel::Sms, to, attribute: "phone_number" }
    } else {
        let letters = (draw(b'a'..=b'z'), draw(b'a'..=b'z'));
        let to = if is_email(&name) { name } else { format!("{}@{}", letters.0, letters.1) };
        Destination { channel: Channel::Email, to, attribute: "email" }
    };
    destination.describe()
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;
    use common::ids::PoolId;
    use common::secret::SecretString;

    use super::*;
    use crate::envelope::RootKey;
    use crate::pools::model::Settings;

    fn pool(verifies: &[VerifiedAttributeType]) -> Pool {
        Pool {
            id: PoolId::parse("eu_a").unwrap(),
            name: "p".into(),
            iss: "https://i/eu_a".into(),
            settings: Settings { auto_verified_attributes: verifies.to_vec(), ..Settings::default() },
            created: UnixMillis(0),
            modified: UnixMillis(0),
        }
    }

    #[test]
    fn a_decoy_is_stable_and_of_a_kind_that_the_pool_sends() {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let key = root.new_pool_key(&PoolId::parse("eu_a").unwrap()).unwrap().0;
        let email = pool(&[VerifiedAttributeType::Email]);
        let phone = pool(&[VerifiedAttributeType::PhoneNumber]);
        let to = |pool: &Pool, name: &str| delivery(&key, pool, name).destination.unwrap();
        assert_eq!(to(&email, "nobody"), to(&email, "nobody"));
        assert_eq!(to(&email, "nobody").len(), "f***@e***".len());
        assert_eq!(to(&email, "frank@zoo.example"), "f***@z***");
        assert_eq!(to(&phone, "+4915112345678"), "+*******5678");
        assert!(to(&phone, "nobody").strip_prefix("+*******").unwrap().bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(delivery(&key, &phone, "nobody").attribute_name.as_deref(), Some("phone_number"));
    }
}
