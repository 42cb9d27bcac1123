use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clock::UnixMillis;
use crate::ids::{EdgeId, PoolId};
use crate::jose::{Alg, JwsError, SigningKey, base64url_decode};

const KEY: &[u8] = include_bytes!("../../vectors/keys/p256-edge.pk8");
const CERTIFICATE: &[u8] = b"not looked at in here";
const NOW: UnixMillis = UnixMillis(1_800_000_000_500);

/// Signed by the key above. It must stay readable: edges of this version say it so.
const GOLDEN: &str = include_str!("golden.jws");

fn signing_key() -> SigningKey {
    SigningKey::from_pkcs8(Alg::ES256, KEY).unwrap()
}

/// The public half: the last 65 bytes of the PKCS#8 document.
fn key() -> EdgeKey {
    EdgeKey::p256(&KEY[KEY.len() - 65..]).unwrap()
}

fn edge() -> EdgeId {
    EdgeId::parse("fra-1").unwrap()
}

fn attestation() -> Attestation<'static> {
    Attestation {
        edge: edge(),
        audience: audience(&[7; 32]).into(),
        issued_at: NOW.seconds(),
        id: Attestation::id_at(NOW, [1; 10]),
        method: "POST".into(),
        host: "login.example.com:8443".into(),
        target: "/?a=%2F".into(),
        fields: Octets([4; 32]),
        body: Octets([2; 32]),
        client: "2001:db8::7".parse().unwrap(),
        tls: Some(ClientTls {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_128_GCM_SHA256".into(),
            alpn: Some("h2".into()),
            sni: Some("login.example.com".into()),
            certificate: Some(Octets([3; 32])),
            ja3: None,
            ja4: Some("t13d1516h2_8daaf6152771_e5627efa2ab1".into()),
        }),
        request_id: "0123456789abcdef0123456789abcdef".into(),
        web_acl: None,
    }
}

fn arrived<'a>(edge: &'a EdgeId, audience: &'a str) -> Arrived<'a> {
    Arrived {
        edge,
        audience,
        now: NOW,
        method: "POST",
        host: "login.example.com:8443",
        target: "/?a=%2F",
        fields: &[[4; 32]],
        body: &[2; 32],
    }
}

fn sign(input: String) -> String {
    let signature = signing_key().sign(input.as_bytes()).unwrap();
    Head::finish(input, &signature)
}

fn encoded(claims: &Attestation<'_>) -> String {
    sign(Head::new(CERTIFICATE).signing_input(claims).unwrap())
}

/// Signed well, whatever header and payload say.
fn forged(head: &str, payload: &str) -> String {
    sign(format!("{}.{}", base64url_encode(head), base64url_encode(payload)))
}

fn verdict(text: &str) -> Result<Attestation<'static>, AttestError> {
    Unverified::parse(text)?.verify(&key(), &arrived(&edge(), &audience(&[7; 32])))
}

fn good_head() -> Value {
    let text = Head::new(CERTIFICATE).signing_input(&attestation()).unwrap();
    let head = base64url_decode(text.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&head).unwrap()
}

#[test]
fn what_an_edge_says_is_read_as_it_was_said() {
    let text = encoded(&attestation());
    assert_eq!(Unverified::parse(&text).unwrap().certificate(), CERTIFICATE);
    assert_eq!(verdict(&text), Ok(attestation()));
    assert_eq!(attestation().made_at(), NOW);
    let plain = Attestation { tls: None, client: "192.0.2.1".parse().unwrap(), ..attestation() };
    assert_eq!(verdict(&encoded(&plain)), Ok(plain));
    let asked = Attestation { web_acl: PoolId::parse("us-east-1_AbC").ok(), ..attestation() };
    assert_eq!(verdict(&encoded(&asked)), Ok(asked));
}

#[test]
fn the_golden_text_is_said_and_read() {
    let golden = GOLDEN.trim_end();
    assert_eq!(verdict(golden), Ok(attestation()));
    let (input, _) = golden.rsplit_once('.').unwrap();
    assert_eq!(Head::new(CERTIFICATE).signing_input(&attestation()).unwrap(), input);
}

#[test]
fn a_request_that_is_another_has_its_own_reason() {
    let text = encoded(&attestation());
    let (edge, audience) = (edge(), audience(&[7; 32]));
    let (other_edge, other_audience) = (EdgeId::parse("fra-2").unwrap(), super::audience(&[8; 32]));
    let good = arrived(&edge, &audience);
    let late = |seconds: u64| UnixMillis::from_seconds(NOW.seconds() + seconds);
    let early = |seconds: u64| UnixMillis::from_seconds(NOW.seconds() - seconds);
    let cases = [
        (Arrived { edge: &other_edge, ..good }, AttestError::Edge),
        (Arrived { audience: &other_audience, ..good }, AttestError::Audience),
        (Arrived { now: late(31), ..good }, AttestError::TooOld),
        (Arrived { now: early(31), ..good }, AttestError::InFuture),
        (Arrived { method: "GET", ..good }, AttestError::Method),
        (Arrived { host: "login.example.com", ..good }, AttestError::Host),
        (Arrived { target: "/?a=/", ..good }, AttestError::Target),
        (Arrived { fields: &[[9; 32]], ..good }, AttestError::Fields),
        (Arrived { body: &[9; 32], ..good }, AttestError::Body),
    ];
    for (arrived, error) in cases {
        assert_eq!(Unverified::parse(&text).unwrap().verify(&key(), &arrived), Err(error));
    }
    for now in [late(30), early(30)] {
        assert!(Unverified::parse(&text).unwrap().verify(&key(), &Arrived { now, ..good }).is_ok());
    }
}

#[test]
fn claims_that_are_missing_strange_or_out_of_bounds() {
    let good = serde_json::to_value(attestation()).unwrap();
    for name in ["iss", "aud", "iat", "jti", "htm", "host", "target", "hsh", "bsh", "ip", "rid"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(verdict(&forged(&good_head().to_string(), &claims.to_string())), Err(AttestError::Claims), "{name}");
        claims[name] = json!(["x"]);
        assert_eq!(verdict(&forged(&good_head().to_string(), &claims.to_string())), Err(AttestError::Claims), "{name}");
    }
    let cases = [
        ("iss", json!("Fra-1")),
        ("aud", json!("a".repeat(129))),
        ("iat", json!(-1)),
        ("iat", json!(1.5)),
        ("jti", json!("AAAA")),
        ("jti", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("iat", json!(NOW.seconds() + 1)),
        ("bsh", json!("AQEBAQEBAQEBAQEBAQEBAQ")),
        ("hsh", json!("AQEB")),
        ("htm", json!("")),
        ("host", json!("a b")),
        ("target", json!(format!("/{}", "a".repeat(MAX_TARGET_BYTES)))),
        ("ip", json!("::ffff:192.0.2.1")),
        ("ip", json!("2001:DB8::7")),
        ("ip", json!("192.0.2.1:80")),
        ("rid", json!("é")),
        ("tls", json!(null)),
        ("tls", json!({ "version": "TLSv1.3" })),
        ("tls", json!({ "version": "TLSv1.3", "cipher": "c", "extra": 1 })),
        ("tls", json!({ "version": "TLSv1.3", "cipher": "c", "cert": "AQEB" })),
        ("tls", json!({ "version": "TLSv1.3", "cipher": "c", "sni": "" })),
        ("exp", json!(4_000_000_000_u64)),
        ("acl", json!(null)),
        ("acl", json!("")),
        ("acl", json!("no pool")),
        ("acl", json!({})),
    ];
    for (name, value) in cases {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let outcome = verdict(&forged(&good_head().to_string(), &claims.to_string()));
        assert_eq!(outcome, Err(AttestError::Claims), "{name}: {value}");
    }
    let twice = good.to_string().replacen('{', r#"{"ip":"192.0.2.9","#, 1);
    assert_eq!(
        verdict(&forged(&good_head().to_string(), &twice)),
        Err(AttestError::Claims),
        "a claim that comes twice"
    );
}

#[test]
fn heads_that_are_refused() {
    let claims = serde_json::to_string(&attestation()).unwrap();
    let changed = |name: &str, value: Value| {
        let mut head = good_head();
        head[name] = value;
        forged(&head.to_string(), &claims)
    };
    let cases = [
        (changed("alg", json!("none")), AttestError::Algorithm),
        (changed("alg", json!("HS256")), AttestError::Algorithm),
        (changed("alg", json!("RS256")), AttestError::Algorithm),
        (changed("alg", json!("ES384")), AttestError::Algorithm),
        (changed("typ", json!("JWT")), AttestError::Type),
        (changed("typ", json!("at+jwt")), AttestError::Type),
        (changed("x5c", json!([])), AttestError::Head),
        (changed("x5c", json!("bm90")), AttestError::Head),
        (changed("x5c", json!(["bm90", "bm90"])), AttestError::Head),
        (changed("x5c", json!(["bm_-"])), AttestError::Head),
        (changed("x5c", json!([""])), AttestError::Head),
        (changed("x5c", json!(["A".repeat(4_000)])), AttestError::Head),
        (changed("kid", json!("k")), AttestError::Head),
        (changed("jwk", json!({ "kty": "EC" })), AttestError::Head),
        (changed("crit", json!(["exp"])), AttestError::Malformed(JwsError::Extension)),
        ("garbage".to_owned(), AttestError::Malformed(JwsError::Parts)),
        ("A".repeat(9_000), AttestError::Malformed(JwsError::TooLong)),
    ];
    for (text, error) in cases {
        assert_eq!(verdict(&text), Err(error));
    }
}

#[test]
fn a_signature_by_another_key_or_over_another_text_is_refused() {
    let text = encoded(&attestation());
    let other = EdgeKey::p256(&[&[4], [5; 64].as_slice()].concat()).unwrap();
    let (edge, audience) = (edge(), audience(&[7; 32]));
    let outcome = Unverified::parse(&text).unwrap().verify(&other, &arrived(&edge, &audience));
    assert_eq!(outcome, Err(AttestError::Signature));
    let (input, signature) = text.rsplit_once('.').unwrap();
    let changed = Attestation { client: IpAddr::from([192, 0, 2, 66]), ..attestation() };
    let changed = Head::new(CERTIFICATE).signing_input(&changed).unwrap();
    assert_eq!(verdict(&format!("{changed}.{signature}")), Err(AttestError::Signature));
    assert_eq!(verdict(&format!("{input}.{}", base64url_encode([0; 64]))), Err(AttestError::Signature));
    assert_eq!(verdict(&format!("{input}.AAAA")), Err(AttestError::Signature));
}

#[test]
fn keys_that_are_no_point_of_p256() {
    for bytes in [&[][..], &[4; 64], &[4; 97], &[2; 65], &[2; 33]] {
        assert_eq!(EdgeKey::p256(bytes), None);
    }
}

#[test]
fn metrics_are_unique() {
    use AttestError as E;
    let all = [
        E::Malformed(JwsError::Parts),
        E::Head,
        E::Type,
        E::Algorithm,
        E::Signature,
        E::Claims,
        E::Edge,
        E::Audience,
        E::TooOld,
        E::InFuture,
        E::Method,
        E::Host,
        E::Target,
        E::Fields,
        E::Body,
    ];
    let names: std::collections::HashSet<_> = all.iter().map(|error| error.metric()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn the_longest_target_still_fits() {
    let claims = Attestation { target: format!("/{}", "a".repeat(MAX_TARGET_BYTES - 1)).into(), ..attestation() };
    let text = sign(Head::new(&[7; 700]).signing_input(&claims).unwrap());
    assert!(Unverified::parse(&text).is_ok(), "{}", text.len());
}

proptest! {
    #[test]
    fn never_panics(text in "[\\PC.]{0,120}", payload in "\\PC{0,80}", flip in 0_usize..1_000, byte in any::<u8>()) {
        let _ = verdict(&text);
        let _ = verdict(&forged(&good_head().to_string(), &payload));
        let mut bytes = encoded(&attestation()).into_bytes();
        let at = flip % bytes.len();
        if bytes[at] != byte {
            bytes[at] = byte;
            if let Ok(changed) = std::str::from_utf8(&bytes) {
                prop_assert!(verdict(changed).is_err());
            }
        }
    }
}
