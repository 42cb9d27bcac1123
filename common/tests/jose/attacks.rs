//! The attack catalogue, row by row (SECURITY.md §2): how each row's tokens fare. Every table states how many it holds.

use common::jose::{Alg, Jwk, Jwks, KeySet, base64url_decode, base64url_encode};
use common::reject::Reject;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::*;

fn refusal(token: &str) -> Option<Reject> {
    check(&rsa_a(Alg::RS256), token).err()
}

fn parts(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", base64url_encode(header), base64url_encode(payload))
}

/// T01: `alg: none` in every case, with an empty, a garbage and a genuine signature.
#[test]
fn t01_none() {
    let genuine = token(&rsa_a(Alg::RS256), &access_claims());
    let genuine_signature = genuine.rsplit('.').next().unwrap();
    let mut tried = 0;
    for case in 0..16_u8 {
        let name: String = "none"
            .chars()
            .enumerate()
            .map(|(i, c)| if case >> i & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        for signature in ["", "Z2FyYmFnZQ", genuine_signature] {
            let header = format!(r#"{{"alg":"{name}","kid":"{}"}}"#, rsa_a(Alg::RS256).kid());
            let refused = refusal(&parts(&header, &access_claims().to_string(), signature));
            assert_eq!(refused, Some(Reject::UnsupportedAlg), "{name} {signature}");
            tried += 1;
        }
    }
    assert_eq!(tried, 48);
}

#[test]
fn t01_a_real_header_without_a_signature() {
    let genuine = token(&rsa_a(Alg::RS256), &access_claims());
    let unsigned = &genuine[..=genuine.rfind('.').unwrap()];
    assert_eq!(refusal(unsigned), Some(Reject::BadSignature));
}

/// T02: HMAC with every form of the public key as the secret.
#[test]
fn t02_the_public_key_as_a_shared_secret() {
    let key = rsa_a(Alg::RS256);
    let jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    let n = base64url_decode(jwk["n"].as_str().unwrap()).unwrap();
    let pkcs1 = der(0x30, &[der(0x02, &[vec![0], n.clone()].concat()), der(0x02, &[1, 0, 1])].concat());
    let rsa_oid = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let bits = der(0x03, &[vec![0], pkcs1.clone()].concat());
    let spki = der(0x30, &[der(0x30, &rsa_oid), bits].concat());
    let mut secrets: Vec<Vec<u8>> = vec![
        vec![],
        n,
        jwk["n"].as_str().unwrap().into(),
        key.public_jwk().to_json().into_bytes(),
        pem("PUBLIC KEY", &spki),
        pem("RSA PUBLIC KEY", &pkcs1),
        spki,
        pkcs1,
    ];
    for base in secrets.clone() {
        for (before, after) in [("", "\n"), ("", "\r\n"), (" ", ""), ("", " "), ("\n", "\n")] {
            secrets.push([before.as_bytes(), &base, after.as_bytes()].concat());
        }
    }
    let algs = [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for secret in &secrets {
        for (name, mac) in algs {
            // Both under the name of the list's enemy, and posing as RS256.
            for alg in [name, "RS256"] {
                let header = format!(r#"{{"alg":"{alg}","kid":"{}"}}"#, key.kid());
                let input = parts(&header, &access_claims().to_string(), "");
                let tag = hmac::sign(&hmac::Key::new(mac, secret), input.trim_end_matches('.').as_bytes());
                let expected = if alg == "RS256" { Reject::BadSignature } else { Reject::UnsupportedAlg };
                assert_eq!(refusal(&format!("{input}{}", base64url_encode(tag))), Some(expected));
            }
        }
    }
    assert_eq!(secrets.len(), 48);
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        n @ 0..=127 => vec![n as u8],
        n @ 128..=255 => vec![0x81, n as u8],
        n => vec![0x82, (n >> 8) as u8, n as u8],
    };
    [&[tag], length.as_slice(), content].concat()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n")).into_bytes()
}

/// T03: keys whose JWK names no algorithm. Each algorithm signs for each key; only the pinned pair passes.
#[test]
fn t03_the_token_does_not_choose_the_algorithm() {
    let (mut tried, mut passed) = (0, vec![]);
    for pinned in [Alg::RS256, Alg::ES256, Alg::ES384, Alg::EdDSA] {
        let key = signing_key(pinned);
        let bare = Jwk::named("k".into(), key.public_jwk().key().clone(), None).unwrap();
        assert_eq!(bare.alg(), None);
        let keys = KeySet::new(ISS, Jwks::new(vec![bare]).unwrap()).unwrap();
        for alg in Alg::ALL {
            let header = format!(r#"{{"alg":"{alg}","kid":"k"}}"#);
            let other = signing_key(alg);
            let signer = if alg == pinned { &key } else { &other };
            let text = token_of(signer, header, access_claims().to_string());
            tried += 1;
            match common::verify::verify(&text, &keys, &policy(), NOW) {
                Ok(_) => passed.push((pinned, alg)),
                Err(reject) => assert_eq!(reject, Reject::UnsupportedAlg, "{pinned} {alg}"),
            }
        }
    }
    assert_eq!(tried, 36);
    assert_eq!(passed, [Alg::RS256, Alg::ES256, Alg::ES384, Alg::EdDSA].map(|alg| (alg, alg)));
}

/// T05: encrypted tokens and tokens in tokens.
#[test]
fn t05_jwe_and_nesting() {
    let key = rsa_a(Alg::RS256);
    let genuine = token(&key, &access_claims());
    let unsigned = parts(r#"{"alg":"none"}"#, &access_claims().to_string(), "");
    let kid = key.kid();
    for text in [
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.a2V5.aXY.Y2lwaGVy.dGFn".to_owned(),
        format!("{genuine}.{genuine}"),
        format!("{}.{}", base64url_encode(r#"{"alg":"dir","enc":"A128GCM"}"#), "..YQ.YQ"),
        token_of(&key, format!(r#"{{"alg":"RS256","kid":"{kid}","cty":"JWT"}}"#), &unsigned),
        token_of(&key, format!(r#"{{"alg":"RS256","kid":"{kid}","cty":"JWT"}}"#), &genuine),
        access_claims().to_string(),
    ] {
        assert_eq!(refusal(&text), Some(Reject::Malformed), "{text}");
    }
}

/// T08: key names that would hurt whoever looked them up anywhere but in the set.
#[test]
fn t08_key_names() {
    let key = rsa_a(Alg::RS256);
    for kid in ["../../../../dev/null", "' OR 1=1 --", "http://169.254.169.254/", "a\nb", "", "%00", "kid-\u{202e}"] {
        let header = json!({"alg": "RS256", "kid": kid}).to_string();
        let refused = refusal(&token_of(&key, header, access_claims().to_string()));
        assert_eq!(refused, Some(Reject::UnknownKey), "{kid}");
    }
    for kid in ["k".repeat(257), "k".repeat(1_000_000)] {
        let header = json!({"alg": "RS256", "kid": kid}).to_string();
        assert_eq!(refusal(&token_of(&key, header, access_claims().to_string())), Some(Reject::Malformed));
    }
}

/// T09: a token that brings its own key.
#[test]
fn t09_keys_in_the_header() {
    let (ours, theirs) = (rsa_a(Alg::RS256), rsa_b(Alg::RS256));
    let own: Value = serde_json::from_str(&theirs.public_jwk().to_json()).unwrap();
    for (kid, expected) in [(theirs.kid(), Reject::UnknownKey), (ours.kid(), Reject::BadSignature)] {
        let header = json!({"alg": "RS256", "kid": kid, "jwk": own, "jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/"});
        let text = token_of(&theirs, header.to_string(), access_claims().to_string());
        assert_eq!(refusal(&text), Some(expected));
    }
}

/// T14: critical extensions, known to others or to no one.
#[test]
fn t14_critical_extensions() {
    let key = rsa_a(Alg::RS256);
    for extra in [
        r#""crit":["x"],"x":1"#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
    ] {
        let header = format!(r#"{{"alg":"RS256","kid":"{}",{extra}}}"#, key.kid());
        let refused = refusal(&token_of(&key, header, access_claims().to_string()));
        assert_eq!(refused, Some(Reject::Malformed), "{extra}");
    }
}

/// T15: times of every wrong type and range.
#[test]
fn t15_typed_times() {
    let key = rsa_a(Alg::RS256);
    let odd = [
        json!((NOW_S + 60).to_string()),
        json!("never"),
        json!(""),
        json!(null),
        json!(1e308),
        json!(-1),
        json!(-1e-3),
        json!(true),
        json!([NOW_S]),
        json!({"v": NOW_S}),
        json!(253_402_300_800_u64),
        json!(u64::MAX),
    ];
    for name in ["exp", "nbf", "iat", "auth_time"] {
        for value in &odd {
            let refused = refusal(&token(&key, &with(access_claims(), name, value.clone())));
            assert_eq!(refused, Some(Reject::InvalidClaims), "{name} {value}");
        }
    }
    for name in ["exp", "iat", "sub", "iss", "client_id", "token_use"] {
        assert_eq!(refusal(&token(&key, &without(access_claims(), name))), Some(Reject::InvalidClaims), "{name}");
    }
    for number in ["1e999", "0x10", "+1", "01", "NaN", "Infinity", "1."] {
        let payload = access_claims().to_string().replace(&(NOW_S + 3600).to_string(), number);
        let header = serde_json::to_string(&key.header()).unwrap();
        assert_eq!(refusal(&token_of(&key, header, payload)), Some(Reject::Malformed), "{number}");
    }
}

/// T16: payloads that two parsers read in two ways, all under a genuine signature.
#[test]
fn t16_parser_differentials() {
    let key = rsa_a(Alg::RS256);
    let claims = access_claims().to_string();
    let inside = &claims[1..claims.len() - 1];
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let payloads: Vec<Vec<u8>> = vec![
        format!(r#"{{{inside},"sub":"eve"}}"#).into(),
        format!(r#"{{"sub":"eve",{inside}}}"#).into(),
        format!(r#"{{{inside},"\u0073ub":"eve"}}"#).into(),
        format!(r#"{{{inside},"exp":9999999999}}"#).into(),
        format!(r#"{{{inside},"x":{{"a":1,"a":2}}}}"#).into(),
        format!(r#"{{{inside},"x":[{{"a":1,"\u0061":2}}]}}"#).into(),
        format!(r#"{{{inside},"x\u0000y":1}}"#).into(),
        format!(r#"{{{inside},"x":"a\u0000b"}}"#).into(),
        format!("{{{inside},\"x\":\"a\0b\"}}").into(),
        format!("{{{inside},\"x\":\"a\nb\"}}").into(),
        format!(r#"{{{inside},"x":{deep}}}"#).into(),
        format!(r#"{{{inside},"x":"\ud800"}}"#).into(),
        format!(r#"{{{inside},"x":"\udc00\ud800"}}"#).into(),
        format!(r#"{{{inside},"\ud800":1}}"#).into(),
        format!("\u{feff}{claims}").into(),
        claims.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        claims.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        [b"{\"x\":\"\xff\",".as_slice(), inside.as_bytes(), b"}"].concat(),
        [b"{\"x\":\"\xc0\x80\",".as_slice(), inside.as_bytes(), b"}"].concat(),
        [b"{\"x\":\"\xed\xa0\x80\",".as_slice(), inside.as_bytes(), b"}"].concat(),
        format!("{claims}{claims}").into(),
        format!("{claims},").into(),
        format!("{claims}\0").into(),
        format!("[{claims}]").into(),
        format!("{{{inside},}}").into(),
        format!("{{{inside},'x':1}}").into(),
        format!("{{{inside},x:1}}").into(),
        format!("{{{inside}/* */}}").into(),
        format!("{{{inside},\"x\":NaN}}").into(),
        format!(r#"{{{inside},"x":"\x41"}}"#).into(),
        format!(r#"{{{inside},"x":"\u00"}}"#).into(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"".to_vec(),
    ];
    assert_eq!(payloads.len(), 34);
    let header = serde_json::to_string(&key.header()).unwrap();
    assert_eq!(refusal(&token_of(&key, &header, &claims)), None, "the base is good");
    for payload in payloads {
        let refused = refusal(&token_of(&key, &header, &payload));
        assert_eq!(refused, Some(Reject::Malformed), "{}", String::from_utf8_lossy(&payload));
    }
    for header in [
        format!(r#"{{"alg":"none","alg":"RS256","kid":"{}"}}"#, key.kid()),
        format!(r#"{{"alg":"RS256","kid":"x","kid":"{}"}}"#, key.kid()),
        format!("\u{feff}{header}"),
    ] {
        assert_eq!(refusal(&token_of(&key, &header, &claims)), Some(Reject::Malformed), "{header}");
    }
}

/// T17: size is looked at before anything else.
#[test]
fn t17_floods() {
    for text in [".".repeat(1_000_000), "a".repeat(1_000_000), ".".repeat(8 * 1024), "{".repeat(8 * 1024)] {
        assert_eq!(refusal(&text), Some(Reject::Malformed));
    }
}

/// T18: the JSON serialisations (RFC 7515 §7.2) of a genuine token.
#[test]
fn t18_json_serialisation() {
    let genuine = token(&rsa_a(Alg::RS256), &access_claims());
    let [protected, payload, signature] = genuine.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let signatures = json!([{"protected": protected, "signature": signature}]);
    for text in [
        json!({"protected": protected, "payload": payload, "signature": signature}).to_string(),
        json!({"payload": payload, "signatures": signatures}).to_string(),
        format!("\"{genuine}\""),
        format!("{genuine} "),
        format!(" {genuine}"),
        format!("{protected}\n.{payload}.{signature}"),
        format!("{protected}=.{payload}.{signature}"),
        format!("{protected}.{payload}.{signature}=="),
    ] {
        assert_eq!(refusal(&text), Some(Reject::Malformed), "{text}");
    }
}
