//! Request heads as lines: version digit, method, target, authority, then fields `name: value`. `\x1f` stands for a line break
//! inside a value.
//!
//! What must hold: no panic; an accepted head is its own canonical form; its path decodes once and no further.

use common::canonical::{CanonicalPath, IdentityHeaders, Policy, RequestHead, Version, canonical_request};

pub fn one(data: &[u8]) {
    let data: Vec<u8> = data.to_vec();
    let mut lines = data.split(|&b| b == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let version = match line() {
        b"0" => Version::Http10,
        b"2" => Version::Http2,
        _ => Version::Http11,
    };
    let Ok(method) = std::str::from_utf8(line()) else { return };
    let target = line();
    let authority = Some(line()).filter(|a| !a.is_empty());
    let unfolded: Vec<(Vec<u8>, Vec<u8>)> = lines
        .map(|field| {
            let mut parts = field.splitn(2, |&b| b == b':');
            let name = parts.next().unwrap_or_default().to_vec();
            let value = parts.next().unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            (name, value.iter().map(|&b| if b == 0x1f { b'\n' } else { b }).collect())
        })
        .collect();
    let headers = || unfolded.iter().map(|(n, v)| (n.as_slice(), v.as_slice()));
    let policy = Policy { identity: IdentityHeaders::new(["x-user-id", "x-groups"]).unwrap(), ..Policy::default() };
    let head = RequestHead { method, target, version, authority };
    let Ok(request) = canonical_request(head, headers(), &policy) else { return };

    let (target, host) = (request.target(), request.host.header_value());
    let forwarded = RequestHead { target: target.as_bytes(), version: Version::Http11, authority: None, ..head };
    let again = canonical_request(forwarded, [(b"host".as_slice(), host.as_bytes())], &policy).expect("canonical");
    assert_eq!((&again.path, again.query, &again.host), (&request.path, request.query, &request.host));

    let decoded = request.path.decoded();
    assert!(!decoded.contains("//") && !decoded.contains(['\\', ';', '\0']));
    assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."));
    if let Ok(twice) = CanonicalPath::parse(decoded.as_bytes()) {
        assert_eq!(twice.decoded(), decoded);
    }
}
