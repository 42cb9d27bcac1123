//! The server's two steps: a challenge for SRP_A, and the check of the claim that answers it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::{SecretBytes, constant_time_eq};
use crypto_bigint::{CtSelect, U256, U3072};
use subtle::Choice;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::group::{ELEMENT_BYTES, Element, PublicValue, element_bytes, hash, multiplier, pad, power_of_g, to_hex};
use super::identity::Identity;
use super::session_key::SessionKey;
use super::timestamp::Timestamp;
use super::verifier::Verifier;
use crate::entropy::{self, NoEntropy};

const SECRET_BLOCK_BYTES: usize = 64;
const STATE_BYTES: usize = 1 + 32 + 2 * ELEMENT_BYTES + SECRET_BLOCK_BYTES;

/// Why a sign-in by SRP did not go on. All but `NoEntropy` and `StoredState` are one `NotAuthorizedException` outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrpError {
    #[error("the timestamp is malformed or too far from now")]
    Timestamp,
    #[error("the secret block is not the one of this sign-in")]
    SecretBlock,
    #[error("the signature is wrong")]
    Signature,
    #[error("the stored state of this sign-in is damaged")]
    StoredState,
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// What goes to the client in `ChallengeParameters`, beside `USERNAME` and `USER_ID_FOR_SRP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `SALT`, hexadecimal.
    pub salt: String,
    /// `SRP_B`, hexadecimal.
    pub srp_b: String,
    /// `SECRET_BLOCK`, base64 of 64 random bytes.
    pub secret_block: String,
}

/// What the client answers in `ChallengeResponses`, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// `PASSWORD_CLAIM_SECRET_BLOCK`.
    pub secret_block: &'a str,
    /// `PASSWORD_CLAIM_SIGNATURE`.
    pub signature: &'a str,
    /// `TIMESTAMP`.
    pub timestamp: &'a str,
}

/// The server's side of one exchange. Stored enveloped with the sign-in attempt, so that it survives a restart; single use, so
/// checking a claim consumes it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PendingChallenge {
    negative: u8,
    b: [u8; 32],
    client_public: [u8; ELEMENT_BYTES],
    server_public: [u8; ELEMENT_BYTES],
    secret_block: [u8; SECRET_BLOCK_BYTES],
}

impl PendingChallenge {
    /// Draws b and answers A. The same work for a [`super::Decoy`]'s verifier as for a real one: one exponentiation, about 1 ms.
    pub fn begin(client: PublicValue, verifier: &Verifier) -> Result<(Self, Challenge), NoEntropy> {
        loop {
            let [coin] = entropy::bytes()?;
            let pending = Self::with_secrets(client, verifier, entropy::bytes()?, coin & 1, entropy::bytes()?);
            // Zero for B or u has probability 2⁻²⁵⁶ and less; clients give up on either.
            if pending.server_public != [0; ELEMENT_BYTES] && pending.scrambler() != [0; 32] {
                let challenge = pending.challenge(verifier);
                return Ok((pending, challenge));
            }
        }
    }

    pub(super) fn with_secrets(
        client: PublicValue,
        verifier: &Verifier,
        b: [u8; 32],
        negative: u8,
        secret_block: [u8; SECRET_BLOCK_BYTES],
    ) -> Self {
        let blind = signed_element(power_of_g(&U256::from_be_slice(&b)), negative);
        let server = multiplier().mul(&verifier.element()).add(&blind);
        let (client_public, server_public) = (client.to_bytes(), element_bytes(&server));
        Self { negative, b, client_public, server_public, secret_block }
    }

    pub(super) fn challenge(&self, verifier: &Verifier) -> Challenge {
        Challenge {
            salt: verifier.salt_hex(),
            srp_b: to_hex(&self.server_public),
            secret_block: STANDARD.encode(self.secret_block),
        }
    }

    /// Checks the claim: the secret block, the timestamp's form and age, the signature. `verifier` is read anew from the user's
    /// row (or made anew for a decoy), so that a password that changed in between no longer passes. Two exponentiations, 2 ms.
    ///
    /// Every check is made before any result is looked at: the time does not tell which one failed.
    pub fn verify(
        self,
        now: UnixMillis,
        identity: Identity<'_>,
        verifier: &Verifier,
        claim: Claim<'_>,
    ) -> Result<(), SrpError> {
        let fresh = Timestamp::parse(claim.timestamp).is_ok_and(|timestamp| timestamp.is_near(now));
        let block = constant_time_eq(STANDARD.encode(self.secret_block).as_bytes(), claim.secret_block.as_bytes());
        let signed = self.signed(identity, verifier, claim).ok_or(SrpError::StoredState)?;
        match (fresh, block, bool::from(signed)) {
            (false, _, _) => Err(SrpError::Timestamp),
            (_, false, _) => Err(SrpError::SecretBlock),
            (_, _, false) => Err(SrpError::Signature),
            (true, true, true) => Ok(()),
        }
    }

    /// S = (A · v^u)^b, and −S where B was made with −g^b (see the module's words on the sign). Both are always tried.
    fn signed(&self, identity: Identity<'_>, verifier: &Verifier, claim: Claim<'_>) -> Option<Choice> {
        let client = PublicValue::from_integer(U3072::from_be_slice(&self.client_public)).ok()?.element();
        let u = self.scrambler();
        let mixed = client.mul(&verifier.element().pow(&U256::from_be_slice(&u)));
        let plus = mixed.pow(&U256::from_be_slice(&self.b));
        let minus = signed_element(plus, self.negative);
        let matches = |s: &Element| {
            let key = SessionKey::derive(s, &u)?;
            Some(key.signed(identity, &self.secret_block, claim.timestamp, claim.signature))
        };
        Some(matches(&plus)? | matches(&minus)?)
    }

    /// u = H(pad(A) ‖ pad(B)).
    fn scrambler(&self) -> [u8; 32] {
        hash(&[&pad(&self.client_public), &pad(&self.server_public)])
    }

    /// For storage, enveloped.
    pub fn to_bytes(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(STATE_BYTES);
        out.push(self.negative);
        for part in [self.b.as_slice(), &self.client_public, &self.server_public, &self.secret_block] {
            out.extend_from_slice(part);
        }
        SecretBytes::new(out)
    }

    pub fn from_bytes(stored: &[u8]) -> Result<Self, SrpError> {
        Self::read(stored).ok_or(SrpError::StoredState)
    }

    fn read(stored: &[u8]) -> Option<Self> {
        let (&negative, rest) = stored.split_first()?;
        let (b, rest) = rest.split_first_chunk()?;
        let (client_public, rest) = rest.split_first_chunk()?;
        let (server_public, rest) = rest.split_first_chunk()?;
        let secret_block = rest.try_into().ok()?;
        let known = negative <= 1;
        known.then_some(Self {
            negative,
            b: *b,
            client_public: *client_public,
            server_public: *server_public,
            secret_block,
        })
    }
}

/// The element, or its negative if `negative` is 1, in constant time.
fn signed_element(element: Element, negative: u8) -> Element {
    Element::ct_select(&element, &element.neg(), crypto_bigint::Choice::from(negative & 1))
}

/// The realm that Cognito's clients use for users of a pool.
impl<'a> Identity<'a> {
    pub fn of_user(pool: &'a PoolId, user_id_for_srp: &'a str) -> Self {
        Self { realm: pool.suffix(), name: user_id_for_srp }
    }
}
