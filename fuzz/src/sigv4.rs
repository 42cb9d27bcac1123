//! Signed requests as lines: method, target, then fields `name: value`; after an empty line the body.
//!
//! What must hold: no panic; nothing verifies that its secret's holder did not sign; what is signed over the same request verifies.

use common::clock::UnixMillis;
use common::secret::SecretString;
use common::sigv4::{Accept, Credentials, Request, Scope, body_sha256, sign, verify};

const NOW: UnixMillis = UnixMillis::from_seconds(1_440_938_160);
const ACCEPT: Accept<'static> = Accept { region: "us-east-1", services: &["cognito-idp"] };

pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.split('\n');
    let (method, target) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let headers: Vec<(&str, &[u8])> =
        lines.map(|l| l.split_once(':').unwrap_or((l, ""))).map(|(n, v)| (n, v.trim().as_bytes())).collect();
    let request = Request { method, target, headers: &headers };
    let digest = body_sha256(body.as_bytes());
    let secret = || SecretString::new("a secret that no input was signed with");
    assert!(verify(&request, &digest, |_| Some(secret()), &ACCEPT, NOW).is_err());

    let plain: Vec<(&str, &[u8])> = headers.iter().copied().filter(|(n, _)| is_ordinary(n)).collect();
    let plain: Vec<(&str, &[u8])> = [("host", b"h".as_slice())].into_iter().chain(plain).collect();
    let request = Request { headers: &plain, ..request };
    let credentials =
        Credentials { access_key_id: "AKID".to_owned(), secret_access_key: secret(), session_token: None };
    let scope = Scope { region: "us-east-1", service: "cognito-idp" };
    let signed = sign(&request, &digest, &credentials, scope, NOW);
    let all: Vec<(&str, &[u8])> = plain.iter().copied().chain(signed.iter().map(|(n, v)| (n, v.as_bytes()))).collect();
    let verified = verify(&Request { headers: &all, ..request }, &digest, |_| Some(secret()), &ACCEPT, NOW);
    // More than 64 names or 4 KiB of them are refused by design.
    if plain.len() < 32 && plain.iter().map(|(n, _)| n.len()).sum::<usize>() < 2048 {
        verified.expect("our own signature verifies");
    }
}

/// Names that a client may send and that have no rule of their own.
fn is_ordinary(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
        && !["host", "content-type", "authorization"].iter().any(|n| name.eq_ignore_ascii_case(n))
}
