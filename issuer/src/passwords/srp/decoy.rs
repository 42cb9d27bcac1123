//! Challenges for users who do not exist: the same for the same name at every try, and at the same cost as real ones.

use ring::hmac;

use super::group::ELEMENT_BYTES;
use super::verifier::Verifier;
use crate::envelope::PoolKey;

/// Makes [`Decoy`]s from a secret of the pool.
pub struct Decoys {
    key: hmac::Key,
}

/// What a user who does not exist would have.
pub struct Decoy {
    /// A stable salt, and a v that no password has. Continue with it as with a stored one: no claim verifies.
    pub verifier: Verifier,
    /// A stable `USER_ID_FOR_SRP` and `USERNAME` in the form of a version 4 UUID, for pools whose user names are UUIDs.
    pub user_id: String,
}

impl Decoys {
    pub fn of_pool(key: &PoolKey) -> Self {
        Self { key: key.hmac_key("srp decoys") }
    }

    /// `name` is what the client sent, in the form in which the pool looks names up (folded if the pool folds case): two spellings
    /// that would find one user must get one decoy.
    pub fn decoy(&self, name: &str) -> Decoy {
        let mut value = [0; ELEMENT_BYTES];
        for (index, chunk) in (0u8..).zip(value.chunks_mut(32)) {
            chunk.copy_from_slice(&self.derive(b"verifier", index, name));
        }
        // N begins with 64 set bits: with the first bit clear the value is below it. It need not be a power of g, for B hides it.
        if let Some(first) = value.first_mut() {
            *first &= 0x7f;
        }
        let mut salt = [0; 16];
        let digest = self.derive(b"salt", 0, name);
        salt.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Decoy { verifier: Verifier::from_decoy(salt, value), user_id: self.user_id(name) }
    }

    fn user_id(&self, name: &str) -> String {
        let mut bytes = [0; 16];
        let digest = self.derive(b"user id", 0, name);
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn derive(&self, part: &[u8], index: u8, name: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(part);
        context.update(&[0, index]);
        context.update(name.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use common::ids::{PoolId, Sub};
    use common::secret::SecretString;

    use super::*;
    use crate::envelope::RootKey;

    fn decoys() -> Decoys {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        Decoys::of_pool(&root.new_pool_key(&PoolId::parse("eu_a").unwrap()).unwrap().0)
    }

    #[test]
    fn the_same_name_gets_the_same_decoy() {
        let decoys = decoys();
        let (one, again, other) = (decoys.decoy("nobody"), decoys.decoy("nobody"), decoys.decoy("nobody2"));
        assert_eq!(one.verifier.salt_hex(), again.verifier.salt_hex());
        assert_eq!(one.verifier.to_bytes().expose(), again.verifier.to_bytes().expose());
        assert_eq!(one.user_id, again.user_id);
        assert_ne!(one.verifier.salt_hex(), other.verifier.salt_hex());
        assert_ne!(one.user_id, other.user_id);
        assert_ne!(one.user_id, self::decoys().decoy("nobody").user_id, "another pool");
    }

    #[test]
    fn a_decoy_has_the_shape_of_the_real_thing() {
        for name in ["", "nobody", "nobody@example.com", "ünbekannt"] {
            let decoy = decoys().decoy(name);
            assert!(Sub::parse(decoy.user_id.clone()).is_ok(), "{}", decoy.user_id);
            assert_eq!(decoy.user_id.as_bytes()[14], b'4');
            assert_eq!(decoy.verifier.salt_hex().len(), 32);
            assert!(Verifier::from_bytes(decoy.verifier.to_bytes().expose()).is_ok());
        }
    }
}
