//! What a client that hides who exists is told where no code is sent (SECURITY.md I41).
//!
//! Resending and recovering speak of the same address, whether a code went there or not: a user's own, or one that is made up for a name
//! that is nobody's. If only one of them made something up, the two together would tell who exists.

use cognito_model::idp::types::CodeDeliveryDetailsType;
use ring::hmac;

use super::address::Address;
use super::deliveries::Destination;
use super::login_names;
use super::model::User;
use crate::envelope::PoolKey;
use crate::pools::Pool;
use crate::pools::schema::{is_email, is_phone_number};

/// `CodeDeliveryDetails` for a name, as if a code had been sent by one of `ways`, the preferred first.
pub fn delivery(
    key: &PoolKey,
    pool: &Pool,
    user: Option<&User>,
    name: &str,
    ways: &[Address],
) -> CodeDeliveryDetailsType {
    let own = user.and_then(|user| own_address(user, ways));
    own.unwrap_or_else(|| invented(key, pool, name, ways)).describe()
}

/// Where a code would go: to a verified address first, as a real one does.
fn own_address(user: &User, ways: &[Address]) -> Option<Destination> {
    let verified = ways.iter().filter(|way| user.verified(way.attribute()));
    let mut known = verified.chain(ways);
    known.find_map(|way| Some(way.destination(user.attributes.get(way.attribute())?)))
}

/// The same for the same name, in the form of a real destination. By SMS only where the pool sends codes by nothing else, or the name is
/// a phone number.
fn invented(key: &PoolKey, pool: &Pool, username: &str, ways: &[Address]) -> Destination {
    let usual: Vec<_> = ways.iter().filter(|way| way.sends_code(pool)).copied().collect();
    let ways = if usual.is_empty() { ways } else { &usual };
    let name = login_names::key(pool, username);
    let by_phone = ways.contains(&Address::PhoneNumber) && (is_phone_number(&name) || !ways.contains(&Address::Email));
    let digest = hmac::sign(&key.hmac_key("delivery decoys"), name.as_bytes());
    let mut bytes = digest.as_ref().iter().copied();
    let mut draw = |alphabet: std::ops::RangeInclusive<u8>| {
        let span = alphabet.end() - alphabet.start() + 1;
        char::from(alphabet.start() + bytes.next().unwrap_or_default() % span)
    };
    if by_phone {
        let digits: String = (0..4).map(|_| draw(b'0'..=b'9')).collect();
        let to = if is_phone_number(&name) { name } else { format!("+0{digits}") };
        Address::PhoneNumber.destination(&to)
    } else {
        let letters = (draw(b'a'..=b'z'), draw(b'a'..=b'z'));
        let to = if is_email(&name) { name } else { format!("{}@{}", letters.0, letters.1) };
        Address::Email.destination(&to)
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::VerifiedAttributeType;
    use common::clock::UnixMillis;
    use common::ids::PoolId;
    use common::secret::SecretString;

    use super::*;
    use crate::envelope::RootKey;
    use crate::pools::model::Settings;
    use crate::pools::schema::Attributes;

    const BOTH: [Address; 2] = [Address::PhoneNumber, Address::Email];

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

    fn key() -> PoolKey {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        root.new_pool_key(&PoolId::parse("eu_a").unwrap()).unwrap().0
    }

    #[test]
    fn a_decoy_is_stable_and_of_a_kind_that_the_pool_sends() {
        let key = key();
        let email = pool(&[VerifiedAttributeType::Email]);
        let phone = pool(&[VerifiedAttributeType::PhoneNumber]);
        let to = |pool: &Pool, name: &str| delivery(&key, pool, None, name, &BOTH).destination.unwrap();
        assert_eq!(to(&email, "nobody"), to(&email, "nobody"));
        assert_eq!(to(&email, "nobody").len(), "f***@e***".len());
        assert_eq!(to(&email, "frank@zoo.example"), "f***@z***");
        assert_eq!(to(&phone, "+4915112345678"), "+*******5678");
        assert!(to(&phone, "nobody").strip_prefix("+*******").unwrap().bytes().all(|b| b.is_ascii_digit()));
        let details = delivery(&key, &phone, None, "nobody", &BOTH);
        assert_eq!(details.attribute_name.as_deref(), Some("phone_number"));
    }

    #[test]
    fn decoys_of_two_operations_are_one() {
        let key = key();
        for verifies in [&[][..], &[VerifiedAttributeType::Email], &[VerifiedAttributeType::PhoneNumber]] {
            let pool = pool(verifies);
            let resent: Vec<_> = BOTH.into_iter().filter(|way| way.sends_code(&pool)).collect();
            let resent = if resent.is_empty() { BOTH.to_vec() } else { resent };
            for name in ["nobody", "frank@zoo.example", "+4915112345678"] {
                let masked = |ways: &[Address]| delivery(&key, &pool, None, name, ways).destination;
                assert_eq!(masked(&BOTH), masked(&resent), "{name}");
            }
        }
    }

    #[test]
    fn a_user_has_the_own_address_verified_or_not() {
        let (key, pool) = (key(), pool(&[VerifiedAttributeType::Email]));
        let user = |pairs: &[(&str, &str)]| {
            let attributes: Attributes = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            User { attributes, ..User::sample() }
        };
        let to = |user: &User| delivery(&key, &pool, Some(user), "u", &BOTH).destination.unwrap();
        assert_eq!(to(&user(&[("email", "zoe@mail.example")])), "z***@m***");
        let both = [("email", "zoe@mail.example"), ("phone_number", "+4915112345678")];
        assert_eq!(to(&user(&both)), "+*******5678");
        let proven = [both.as_slice(), &[("email_verified", "true")]].concat();
        assert_eq!(to(&user(&proven)), "z***@m***");
        assert_eq!(to(&user(&[])), delivery(&key, &pool, None, "u", &BOTH).destination.unwrap());
    }
}
