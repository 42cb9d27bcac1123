//! Published signatures, requests signed by real clients, and every way to spoil one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use serde::Deserialize;

use crate::clock::UnixMillis;
use crate::secret::SecretString;
use crate::sigv4::*;

const NOW: UnixMillis = UnixMillis::from_seconds(1_440_938_160); // 20150830T123600Z
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const ACCEPT: Accept<'static> = Accept { region: "us-east-1", services: &["cognito-idp", "cognito-identity"] };
const SCOPE: Scope<'static> = Scope { region: "us-east-1", service: "cognito-idp" };
const BODY: &[u8] = br#"{"PoolName":"demo"}"#;

fn credentials() -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SecretString::new(SECRET),
        session_token: None,
    }
}

/// Appendix of the AWS test suite `aws4_testsuite`, and the IAM example of the signing guide.
#[test]
fn published_signatures() {
    let unreserved = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let form = ("Content-Type", b"application/x-www-form-urlencoded".as_slice());
    let list_users = ("Content-Type", b"application/x-www-form-urlencoded; charset=utf-8".as_slice());
    type Row<'a> = (&'a str, &'a str, &'a str, Option<(&'a str, &'a [u8])>, &'a [u8], &'a str);
    let table: &[Row] = &[
        ("service", "GET", "/", None, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "service",
            "GET",
            "/?Param2=value2&Param1=value1",
            None,
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("service", "GET", unreserved, None, b"", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        ("service", "POST", "/", None, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "service",
            "POST",
            "/",
            Some(("My-Header1", b"value1")),
            b"",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "service",
            "POST",
            "/",
            Some(form),
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "iam",
            "GET",
            "/?Action=ListUsers&Version=2010-05-08",
            Some(list_users),
            b"",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ];
    for (service, method, target, header, body, signature) in table {
        let host = if *service == "iam" { "iam.amazonaws.com" } else { "example.amazonaws.com" };
        let mut headers = vec![("Host", host.as_bytes())];
        headers.extend(*header);
        let request = Request { method, target, headers: &headers };
        let scope = Scope { region: "us-east-1", service };
        let signed = sign(&request, &body_sha256(body), &credentials(), scope, NOW);
        assert!(signed.authorization.ends_with(signature), "{method} {target}: {}", signed.authorization);
        assert_eq!(signed.x_amz_date, "20150830T123600Z");
    }
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
    now: u64,
}

fn vectors(json: &str) -> Vec<Vector> {
    serde_json::from_str(json).unwrap()
}

/// Each vector verifies; with another body, secret or target it does not; signing it again gives the client's signature.
fn check_vectors(vectors: &[Vector]) {
    for v in vectors {
        let headers: Vec<_> = v.headers.iter().map(|(n, value)| (n.as_str(), value.as_bytes())).collect();
        let request = Request { method: &v.method, target: &v.target, headers: &headers };
        let body = BASE64.decode(&v.body).unwrap();
        let (digest, now) = (body_sha256(&body), UnixMillis::from_seconds(v.now));
        let accept = Accept { region: &v.region, services: &[&v.service] };
        let lookup = |id: &str| (id == v.access_key_id).then(|| SecretString::new(v.secret_access_key.as_str()));

        let verified = verify(&request, &digest, lookup, &accept, now).unwrap_or_else(|e| panic!("{}: {e}", v.name));
        assert_eq!((verified.access_key_id, verified.service), (v.access_key_id.as_str(), v.service.as_str()));
        assert_eq!((verified.session_token, verified.signed_at), (v.session_token.as_deref(), now), "{}", v.name);

        let other_body = body_sha256(&[body.as_slice(), b" "].concat());
        assert_eq!(verify(&request, &other_body, lookup, &accept, now), Err(Sigv4Error::Mismatch), "{}", v.name);
        let other_secret = |_: &str| Some(SecretString::new("another"));
        assert_eq!(verify(&request, &digest, other_secret, &accept, now), Err(Sigv4Error::Mismatch), "{}", v.name);
        assert_eq!(verify(&request, &digest, |_| None, &accept, now), Err(Sigv4Error::UnknownKey), "{}", v.name);
        let elsewhere = Request { target: "/elsewhere", ..request };
        assert_eq!(verify(&elsewhere, &digest, lookup, &accept, now), Err(Sigv4Error::Mismatch), "{}", v.name);

        check_signing_again(v, &headers, &digest, now);
    }
}

/// Of the fields that the client had when it signed: those that it signed.
fn check_signing_again(v: &Vector, headers: &[(&str, &[u8])], digest: &[u8; 32], now: UnixMillis) {
    let theirs = v.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("authorization")).unwrap().1.as_str();
    let names = theirs.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
    let signed: Vec<_> =
        headers.iter().copied().filter(|(n, _)| names.split(';').any(|s| s.eq_ignore_ascii_case(n))).collect();
    let request = Request { method: &v.method, target: &v.target, headers: &signed };
    let credentials = Credentials {
        access_key_id: v.access_key_id.clone(),
        secret_access_key: SecretString::new(v.secret_access_key.as_str()),
        session_token: v.session_token.clone().map(SecretString::new),
    };
    let ours = sign(&request, digest, &credentials, Scope { region: &v.region, service: &v.service }, now);
    assert_eq!(ours.authorization, theirs, "{}", v.name);
}

#[test]
fn botocore_and_we_agree() {
    let vectors = vectors(include_str!("../../vectors/sigv4/botocore.json"));
    assert!(vectors.len() >= 210);
    check_vectors(&vectors);
}

#[test]
fn the_javascript_sdk_and_we_agree() {
    let vectors = vectors(include_str!("../../vectors/sigv4/aws-sdk-js.json"));
    assert_eq!(vectors.len(), 8);
    check_vectors(&vectors);
}

/// A good request as owned parts, to be spoilt.
struct Parts {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    now: UnixMillis,
}

impl Parts {
    fn good() -> Self {
        let headers: [(&str, &[u8]); 4] = [
            ("Host", b"127.0.0.1:8700"),
            ("X-Amz-Target", b"AWSCognitoIdentityProviderService.CreateUserPool"),
            ("Content-Type", b"application/x-amz-json-1.1"),
            ("User-Agent", b"test"),
        ];
        let request = Request { method: "POST", target: "/", headers: &headers };
        let signed = sign(&request, &body_sha256(BODY), &credentials(), SCOPE, NOW);
        let own = headers.iter().map(|(n, v)| ((*n).to_owned(), v.to_vec()));
        let added = signed.iter().map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec()));
        Self {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: own.chain(added).collect(),
            body: BODY.to_vec(),
            now: NOW,
        }
    }

    fn with(spoil: impl FnOnce(&mut Self)) -> Result<(), Sigv4Error> {
        let mut parts = Self::good();
        spoil(&mut parts);
        parts.verify()
    }

    fn verify(&self) -> Result<(), Sigv4Error> {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        let request = Request { method: &self.method, target: &self.target, headers: &headers };
        let lookup = |id: &str| (id == "AKIDEXAMPLE").then(|| SecretString::new(SECRET));
        verify(&request, &body_sha256(&self.body), lookup, &ACCEPT, self.now).map(drop)
    }

    fn value(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.into()));
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    fn edit_authorization(&mut self, from: &str, to: &str) {
        let value = self.value("authorization");
        let text = String::from_utf8(value.clone()).unwrap();
        assert!(text.contains(from), "{from} is in {text}");
        *value = text.replacen(from, to, 1).into_bytes();
    }
}

#[test]
fn a_good_request_passes_whatever_proxies_do_to_the_unsigned() {
    assert_eq!(Parts::good().verify(), Ok(()));
    assert_eq!(Parts::with(|p| *p.value("user-agent") = b"other".to_vec()), Ok(()));
    assert_eq!(Parts::with(|p| p.add("X-Forwarded-For", "10.0.0.1")), Ok(()));
    assert_eq!(Parts::with(|p| p.add("X-Amz-Cf-Id", "abc")), Ok(()));
    assert_eq!(Parts::with(|p| p.headers.reverse()), Ok(()));
    assert_eq!(Parts::with(|p| p.edit_authorization(", SignedHeaders", ",SignedHeaders")), Ok(()));
    assert_eq!(Parts::with(|p| p.value("x-amz-target").splice(0..0, *b"  ").for_each(drop)), Ok(()));
}

#[test]
fn what_is_signed_can_not_be_changed() {
    let spoilers: &[fn(&mut Parts)] = &[
        |p| p.method = "PUT".to_owned(),
        |p| p.target = "/x".to_owned(),
        |p| p.target = "/?a".to_owned(),
        |p| p.body.push(b' '),
        |p| p.body.clear(),
        |p| *p.value("host") = b"127.0.0.1:8701".to_vec(),
        |p| *p.value("x-amz-target") = b"AWSCognitoIdentityProviderService.DeleteUserPool".to_vec(),
        |p| *p.value("content-type") = b"text/plain".to_vec(),
        |p| *p.value("x-amz-date") = b"20150830T123601Z".to_vec(),
        |p| p.edit_authorization("/cognito-idp/", "/cognito-identity/"),
        |p| p.edit_authorization(";x-amz-date", ";user-agent;x-amz-date"),
        |p| {
            let signature = p.value("authorization");
            let last = signature.last_mut().unwrap();
            *last = if *last == b'0' { b'1' } else { b'0' };
        },
    ];
    for (at, spoil) in spoilers.iter().enumerate() {
        assert_eq!(Parts::with(spoil), Err(Sigv4Error::Mismatch), "spoiler {at}");
    }
}

#[test]
fn malformed_and_missing_parts() {
    use Incomplete::*;
    let zeros = format!("Signature={}", "0".repeat(64));
    let table: &[(&str, Incomplete)] = &[
        ("", Algorithm),
        ("Bearer abc", Algorithm),
        ("AWS4-HMAC-SHA512 Credential=a", Algorithm),
        ("AWS4-HMAC-SHA256Credential=a/b/c/d/e", Algorithm),
        ("AWS4-HMAC-SHA256", Credential),
        ("AWS4-HMAC-SHA256 Credential", Parameter),
        ("AWS4-HMAC-SHA256 Unknown=1", Parameter),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Credential=a/b/c/d/e", Parameter),
        ("AWS4-HMAC-SHA256 SignedHeaders=host", Credential),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d", CredentialForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f", CredentialForm),
        ("AWS4-HMAC-SHA256 Credential=/b/c/d/e", CredentialForm),
        ("AWS4-HMAC-SHA256 Credential=a'b/b/c/d/e", CredentialForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e", SignedHeaders),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=", SignedHeadersForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=Host", SignedHeadersForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=x-amz-date;host", SignedHeadersForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host;host", SignedHeadersForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host;;x", SignedHeadersForm),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host", Signature),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=ab", SignatureForm),
    ];
    for (value, expected) in table {
        let got = Parts::with(|p| *p.value("authorization") = value.as_bytes().to_vec());
        assert_eq!(got, Err(Sigv4Error::Incomplete(*expected)), "{value}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("h{n:03}")).collect();
    let many = format!("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders={}, {zeros}", many.join(";"));
    let incomplete =
        |spoil: &dyn Fn(&mut Parts), part| assert_eq!(Parts::with(spoil), Err(Sigv4Error::Incomplete(part)));
    incomplete(&|p| *p.value("authorization") = many.clone().into_bytes(), SignedHeadersForm);
    incomplete(&|p| *p.value("authorization") = vec![b'A'; 4097], TooLong);
    incomplete(&|p| *p.value("authorization") = vec![0xff; 20], Algorithm);
    incomplete(&|p| p.remove("x-amz-date"), Date);
    incomplete(&|p| *p.value("x-amz-date") = b"2015-08-30".to_vec(), DateForm);
    incomplete(&|p| *p.value("x-amz-date") = vec![0xff; 16], DateForm);
    for name in ["Authorization", "X-Amz-Date", "X-Amz-Target", "Host", "Content-Type"] {
        incomplete(
            &|p| {
                let v = p.value(name).clone();
                p.headers.push((name.to_owned(), v))
            },
            Repeated,
        );
    }
    assert_eq!(Parts::with(|p| p.remove("authorization")), Err(Sigv4Error::Missing));
}

#[test]
fn scopes_are_named_back() {
    let scope = |from: &str, to: &str| match Parts::with(|p| p.edit_authorization(from, to)) {
        Err(Sigv4Error::Scope(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(scope("/us-east-1/", "/eu-west-1/"), ScopeFault::Region { got: "eu-west-1".to_owned() });
    assert_eq!(scope("/cognito-idp/", "/iam/"), ScopeFault::Service { expected: "cognito-idp".to_owned() });
    assert_eq!(scope("/aws4_request", "/aws4"), ScopeFault::Terminator { got: "aws4".to_owned() });
    assert!(matches!(scope("/20150830/", "/20150831/"), ScopeFault::Date { .. }));
}

#[test]
fn headers_with_a_meaning_must_be_signed() {
    let unsigned = |spoil: &dyn Fn(&mut Parts)| match Parts::with(spoil) {
        Err(Sigv4Error::Unsigned { name }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(unsigned(&|p| p.edit_authorization(";host;", ";")), "host");
    assert_eq!(unsigned(&|p| p.edit_authorization(";x-amz-date;", ";")), "x-amz-date");
    assert_eq!(unsigned(&|p| p.edit_authorization(";x-amz-target", "")), "x-amz-target");
    assert_eq!(unsigned(&|p| p.edit_authorization("content-type;", "")), "content-type");
    assert_eq!(unsigned(&|p| p.edit_authorization("content-type;", "absent;content-type;")), "absent");
    assert_eq!(unsigned(&|p| p.add("X-Amz-Security-Token", "x")), "x-amz-security-token");
    assert_eq!(unsigned(&|p| p.remove("host")), "host");
}

#[test]
fn the_clock_may_be_off_by_five_minutes() {
    let at = |millis: u64| Parts::with(|p| p.now = UnixMillis(millis));
    assert_eq!(at(NOW.0 + 300_000), Ok(()));
    assert_eq!(at(NOW.0 - 300_000), Ok(()));
    assert_eq!(
        at(NOW.0 + 301_000).unwrap_err().to_string(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    );
    assert_eq!(
        at(NOW.0 - 301_000).unwrap_err().to_string(),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
    );
    assert!(matches!(at(NOW.0 + 300_001), Err(Sigv4Error::Expired { .. })));
    assert!(matches!(at(0), Err(Sigv4Error::NotYetCurrent { .. })));
}

#[test]
fn the_payload_is_the_body_whatever_a_header_says() {
    let headers: [(&str, &[u8]); 2] = [("host", b"h"), ("x-amz-content-sha256", b"UNSIGNED-PAYLOAD")];
    let request = Request { method: "POST", target: "/", headers: &headers };
    let signed = sign(&request, &body_sha256(b"a"), &credentials(), SCOPE, NOW);
    let all: Vec<_> = headers.iter().copied().chain(signed.iter().map(|(n, v)| (n, v.as_bytes()))).collect();
    let request = Request { headers: &all, ..request };
    let lookup = |_: &str| Some(SecretString::new(SECRET));
    assert!(verify(&request, &body_sha256(b"a"), lookup, &ACCEPT, NOW).is_ok());
    assert_eq!(verify(&request, &body_sha256(b"b"), lookup, &ACCEPT, NOW), Err(Sigv4Error::Mismatch));
}

proptest! {
    #[test]
    fn what_we_sign_verifies(
        target in "/[a-zA-Z0-9%./?&=_~+ -]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
        names in proptest::collection::btree_set("[xX]-[a-z]{1,6}", 0..5),
        value in "[ -~]{0,30}",
        token in proptest::option::of("[a-zA-Z0-9+/=]{1,40}"),
    ) {
        let mut headers = vec![("Host", b"h:1".as_slice())];
        headers.extend(names.iter().map(|n| (n.as_str(), value.as_bytes())));
        let request = Request { method: "POST", target: &target, headers: &headers };
        let credentials = Credentials { session_token: token.map(SecretString::new), ..credentials() };
        let signed = sign(&request, &body_sha256(&body), &credentials, SCOPE, NOW);
        let all: Vec<_> = headers.iter().copied().chain(signed.iter().map(|(n, v)| (n, v.as_bytes()))).collect();
        let request = Request { headers: &all, ..request };
        let lookup = |_: &str| Some(SecretString::new(SECRET));
        prop_assert!(verify(&request, &body_sha256(&body), lookup, &ACCEPT, NOW).is_ok());
    }

    #[test]
    fn any_authorization_is_judged_without_panic(value in proptest::collection::vec(any::<u8>(), 0..200), date in "\\PC{0,20}") {
        let headers = [("authorization", value.as_slice()), ("x-amz-date", date.as_bytes()), ("host", b"h")];
        let request = Request { method: "POST", target: "/", headers: &headers };
        prop_assert!(verify(&request, &[0; 32], |_| Some(SecretString::new("s")), &ACCEPT, NOW).is_err());
    }
}
