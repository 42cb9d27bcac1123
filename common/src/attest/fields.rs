//! The header fields that an attestation is about.

use ring::digest::{Context, SHA256};

/// What decides at the issuer which operation is done and by whom, beside target and body: Cognito's calls all are `POST /`. Sorted.
pub const FIELDS: [&str; 5] = ["authorization", "content-type", "cookie", "dpop", "x-amz-target"];

/// What edges of the last release are about.
const FIELDS_BEFORE: [&str; 3] = ["authorization", "content-type", "x-amz-target"];

/// SHA-256 over these fields: for each its name, how many values it has, and each value with its length, in the order of the request. White space around
/// a value is none of it (RFC 9110 §5.5).
pub fn digest_of_fields<'v, V: Iterator<Item = &'v [u8]>>(values: impl Fn(&'static str) -> V) -> [u8; 32] {
    digest(&FIELDS, values)
}

/// What an issuer takes: [`digest_of_fields`], and what edges of the last release say, so that issuers are upgraded first.
pub fn digests_of_fields<'v, V: Iterator<Item = &'v [u8]>>(values: impl Fn(&'static str) -> V) -> [[u8; 32]; 2] {
    [digest(&FIELDS, &values), digest(&FIELDS_BEFORE, &values)]
}

fn digest<'v, V: Iterator<Item = &'v [u8]>>(names: &[&'static str], values: impl Fn(&'static str) -> V) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    let number = |hash: &mut Context, length: usize| hash.update(&(length as u64).to_be_bytes());
    for name in names.iter().copied() {
        let values: Vec<&[u8]> = values(name).map(<[u8]>::trim_ascii).collect();
        hash.update(name.as_bytes());
        number(&mut hash, values.len());
        for value in values {
            number(&mut hash, value.len());
            hash.update(value);
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of(fields: &[(&str, &str)]) -> [u8; 32] {
        digest_of_fields(|name| {
            fields.iter().filter(move |(field, _)| *field == name).map(|(_, value)| value.as_bytes())
        })
    }

    #[test]
    fn each_of_them_counts_and_nothing_else() {
        let requests: [&[(&str, &str)]; 11] = [
            &[],
            &[("x-amz-target", "A.GetUser")],
            &[("x-amz-target", "A.DeleteUser")],
            &[("x-amz-target", "")],
            &[("x-amz-target", "A.GetUser"), ("x-amz-target", "A.DeleteUser")],
            &[("x-amz-target", "A.DeleteUser"), ("x-amz-target", "A.GetUser")],
            &[("content-type", "A.GetUser")],
            &[("authorization", "A.GetUser")],
            &[("cookie", "A.GetUser")],
            &[("dpop", "A.GetUser")],
            &[("x-amz-target", "A.GetUser"), ("authorization", "a")],
        ];
        assert_eq!(requests.iter().map(|fields| of(fields)).collect::<HashSet<_>>().len(), requests.len());
        assert_eq!(of(&[("x-amz-target", " A.GetUser\t"), ("accept", "x")]), of(requests[1]));
    }

    #[test]
    fn an_edge_of_the_last_release_is_understood() {
        let values = |name: &str| (name == "x-amz-target").then_some(b"A".as_slice()).into_iter();
        let with_cookie = |name: &str| (name != "dpop").then_some(b"A".as_slice()).into_iter();
        assert_eq!(digests_of_fields(values)[0], digest_of_fields(values));
        assert_eq!(digests_of_fields(values)[1], digest(&FIELDS_BEFORE, values));
        assert_ne!(digests_of_fields(with_cookie)[0], digests_of_fields(with_cookie)[1]);
    }
}
