//! The edge's word for a request that it forwards to the issuer: a JWS by the key of its feed certificate ([`common::attest`]).

pub mod config;

use std::borrow::Cow;

use arc_swap::ArcSwapOption;
use common::attest::{Attestation, ClientTls, Head, Octets, audience};
use common::clock::UnixMillis;
use common::ids::{EdgeId, PoolId};
use common::jose::{Alg, SignError, SigningKey};
use http::{HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

/// See [`common::attest::HEADER`].
pub const HEADER: HeaderName = HeaderName::from_static(common::attest::HEADER);

/// The attester of this edge: empty until it has joined, replaced when its certificate is renewed.
pub type Slot = ArcSwapOption<Attester>;

/// Signs as one edge by one certificate.
pub struct Attester {
    edge: EdgeId,
    audience: String,
    head: Head,
    key: SigningKey,
    random: SystemRandom,
}

/// The request as it goes to the issuer.
#[derive(Clone, Debug)]
pub struct Request<'r> {
    pub method: &'r str,
    /// The value of `Host`.
    pub host: &'r str,
    /// Path and query.
    pub target: &'r str,
    /// [`common::attest::digest_of_fields`].
    pub fields: [u8; 32],
    /// SHA-256.
    pub body: [u8; 32],
    pub client: std::net::IpAddr,
    pub tls: Option<ClientTls<'r>>,
    pub id: &'r str,
    /// The pool whose web ACL has let it pass.
    pub web_acl: Option<&'r PoolId>,
}

impl Attester {
    /// `key` is PKCS#8, `certificate` DER, `authority` the SHA-256 of the SubjectPublicKeyInfo of the deployment's authority.
    ///
    /// # Errors
    /// When the key is not one of P-256.
    pub fn new(edge: &EdgeId, key: &[u8], certificate: &[u8], authority: &[u8; 32]) -> Result<Self, SignError> {
        Ok(Self {
            edge: edge.clone(),
            audience: audience(authority),
            head: Head::new(certificate),
            key: SigningKey::from_pkcs8(Alg::ES256, key)?,
            random: SystemRandom::new(),
        })
    }

    /// The header's value: good once, and around `now`. `None` when the system has no random bytes.
    pub fn attest(&self, now: UnixMillis, request: Request<'_>) -> Option<HeaderValue> {
        let mut random = [0; 10];
        self.random.fill(&mut random).ok()?;
        let input = self.head.signing_input(&Attestation {
            edge: self.edge.clone(),
            audience: Cow::Borrowed(&self.audience),
            issued_at: now.seconds(),
            id: Attestation::id_at(now, random),
            method: Cow::Borrowed(request.method),
            host: Cow::Borrowed(request.host),
            target: Cow::Borrowed(request.target),
            fields: Octets(request.fields),
            body: Octets(request.body),
            client: request.client.to_canonical(),
            tls: request.tls,
            request_id: Cow::Borrowed(request.id),
            web_acl: request.web_acl.cloned(),
        })?;
        let signature = self.key.sign(input.as_bytes()).ok()?;
        HeaderValue::try_from(Head::finish(input, &signature)).ok()
    }
}

#[cfg(test)]
mod tests {
    use common::attest::{Arrived, EdgeKey, Unverified};

    use super::*;

    const KEY: &[u8] = include_bytes!("../../../common/vectors/keys/p256-edge.pk8");
    const RSA_KEY: &[u8] = include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8");
    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn each_attestation_verifies_and_is_another() {
        let edge = EdgeId::parse("fra-1").unwrap();
        let attester = Attester::new(&edge, KEY, b"certificate", &[7; 32]).unwrap();
        let request = Request {
            method: "POST",
            host: "login.test",
            target: "/",
            fields: [4; 32],
            body: [2; 32],
            client: "::ffff:192.0.2.1".parse().unwrap(),
            tls: None,
            id: "r",
            web_acl: None,
        };
        let key = EdgeKey::p256(&KEY[KEY.len() - 65..]).unwrap();
        let audience = audience(&[7; 32]);
        let verify = |value: &HeaderValue| {
            let text = value.to_str().unwrap().to_owned();
            let arrived = Arrived {
                edge: &edge,
                audience: &audience,
                now: NOW,
                method: "POST",
                host: "login.test",
                target: "/",
                fields: &[[4; 32]],
                body: &[2; 32],
            };
            Unverified::parse(&text).unwrap().verify(&key, &arrived).unwrap()
        };
        let [one, two] = [(); 2].map(|()| verify(&attester.attest(NOW, request.clone()).unwrap()));
        assert_ne!(one.id, two.id);
        assert_eq!(one.client.to_string(), "192.0.2.1", "an IPv4 address is told as one");
    }

    #[test]
    fn keys_of_another_kind_sign_nothing() {
        let edge = EdgeId::parse("fra-1").unwrap();
        assert!(Attester::new(&edge, RSA_KEY, b"certificate", &[7; 32]).is_err());
        assert!(Attester::new(&edge, b"", b"certificate", &[7; 32]).is_err());
    }
}
