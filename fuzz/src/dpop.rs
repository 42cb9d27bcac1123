//! Proofs as lines: method, host, target, header in JSON, claims in JSON. They are signed by a key that the fuzzer does not choose, so that what
//! comes after the signature is reached by inputs whose header names that key.
//!
//! What must hold: no panic; an accepted proof says what the request is, by the strict reader as by its own words.

use std::sync::LazyLock;
use std::time::Duration;

use common::canonical::{RequestHead, Url, UrlScheme, Version, canonical_request};
use common::clock::UnixMillis;
use common::dpop::{Demand, Freshness, MAX_JTI_BYTES, NonceKey, Target, check};
use common::jose::json::Object;
use common::jose::{Alg, SigningKey, Thumbprint, base64url_encode};

const NOW: UnixMillis = UnixMillis::from_seconds(1_800_000_000);
const TOKEN: &[u8] = b"token";
/// PKCS#8 of an Ed25519 key whose secret is 32 times `7`.
const KEY_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_pkcs8(Alg::EdDSA, &[&KEY_HEAD[..], &[b'7'; 32]].concat()).expect("a key"));
static NONCES: LazyLock<NonceKey> = LazyLock::new(|| NonceKey::new(b"secret", Duration::from_secs(60)));

pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, host, target, header, claims) = (line(), line(), line(), line(), line());
    let head =
        RequestHead { method, target: target.as_bytes(), version: Version::Http2, authority: Some(host.as_bytes()) };
    let Ok(request) = canonical_request(head, std::iter::empty(), &Default::default()) else { return };
    let token = *Thumbprint::of(TOKEN).as_bytes();
    let demand = Demand {
        method,
        target: Target::received(UrlScheme::Https, &request),
        token: &token,
        algs: &Alg::ALL,
        freshness: Freshness::Within(Duration::from_secs(60)),
        now: NOW,
    };
    let _ = check(claims, &demand);

    let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims));
    let proof = format!("{input}.{}", base64url_encode(KEY.sign(input.as_bytes()).expect("a signature")));
    let with_nonce = check(&proof, &Demand { freshness: Freshness::Nonce(&NONCES), ..demand });
    let Some(proof) = check(&proof, &demand).or(with_nonce).ok() else { return };
    let claims = Object::parse(claims).expect("one reading");
    let said = |name: &str| claims.text(name).expect("a text").expect("there").into_owned();
    assert_eq!(proof.key, KEY.public_jwk().thumbprint_digest());
    assert_eq!((said("htm").as_str(), said("ath")), (method, base64url_encode(token)));
    assert!((1..=MAX_JTI_BYTES).contains(&said("jti").len()));
    let htu = said("htu");
    let htu = Url::parse(&htu).expect("a URL");
    assert_eq!(
        (htu.scheme, htu.host(), htu.path.as_str()),
        (UrlScheme::Https, request.host.name(), request.path.as_str())
    );
    assert_eq!(htu.port(), request.host.port().unwrap_or(443));
    assert!(proof.until >= NOW);
}
