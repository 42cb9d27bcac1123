//! The closed list of signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm;

/// An algorithm whose signatures are verified here. There is no `none` and no `HS*`: a shared secret cannot be told apart
/// from a public key by a verifier, and no key of ours is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    /// With Ed25519 only, so that `Ed25519` (RFC 9864 §2.2) is another name of the same.
    EdDSA,
}

/// What kind of key an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// An algorithm name that is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported signature algorithm")]
pub struct UnsupportedAlg;

impl Alg {
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in `alg` members; case-sensitive (RFC 7515 §4.1.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    pub const fn key_type(self) -> KeyType {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::ES256 => KeyType::P256,
            Self::ES384 => KeyType::P384,
            Self::EdDSA => KeyType::Ed25519,
        }
    }
}

impl FromStr for Alg {
    type Err = UnsupportedAlg;

    fn from_str(name: &str) -> Result<Self, UnsupportedAlg> {
        if name == "Ed25519" {
            return Ok(Self::EdDSA);
        }
        Algorithm::from_str(name).map_err(|_| UnsupportedAlg)?.try_into()
    }
}

impl TryFrom<Algorithm> for Alg {
    type Error = UnsupportedAlg;

    fn try_from(algorithm: Algorithm) -> Result<Self, UnsupportedAlg> {
        match algorithm {
            Algorithm::RS256 => Ok(Self::RS256),
            Algorithm::RS384 => Ok(Self::RS384),
            Algorithm::RS512 => Ok(Self::RS512),
            Algorithm::PS256 => Ok(Self::PS256),
            Algorithm::PS384 => Ok(Self::PS384),
            Algorithm::PS512 => Ok(Self::PS512),
            Algorithm::ES256 => Ok(Self::ES256),
            Algorithm::ES384 => Ok(Self::ES384),
            Algorithm::EdDSA => Ok(Self::EdDSA),
            _ => Err(UnsupportedAlg),
        }
    }
}

impl From<Alg> for Algorithm {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::RS256 => Self::RS256,
            Alg::RS384 => Self::RS384,
            Alg::RS512 => Self::RS512,
            Alg::PS256 => Self::PS256,
            Alg::PS384 => Self::PS384,
            Alg::PS512 => Self::PS512,
            Alg::ES256 => Self::ES256,
            Alg::ES384 => Self::ES384,
            Alg::EdDSA => Self::EdDSA,
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for alg in Alg::ALL {
            assert_eq!(alg.name().parse(), Ok(alg));
            assert_eq!(Alg::try_from(Algorithm::from(alg)), Ok(alg));
        }
    }

    #[test]
    fn ed25519_has_two_names() {
        assert_eq!("Ed25519".parse(), Ok(Alg::EdDSA));
        assert_eq!("Ed448".parse::<Alg>(), Err(UnsupportedAlg));
    }

    #[test]
    fn shared_secrets_none_and_other_spellings_are_not_on_the_list() {
        for name in ["HS256", "HS384", "HS512", "none", "None", "", "rs256", "RS256 ", "ES512", "ES256K", "RSA1_5"] {
            assert_eq!(name.parse::<Alg>(), Err(UnsupportedAlg), "{name}");
        }
    }
}
