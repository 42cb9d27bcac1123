//! The header fields that an attestation is about.

use ring::digest::{Context, SHA256};

/// What decides at the issuer which operation is done and by whom, beside target and body: Cognito's calls all are `POST /`. Sorted.
pub const FIELDS: [&str; 3] = ["authorization", "content-type", "x-amz-target"];

/// SHA-256 over these fields: for each its name, how many values it has, and each value with its length, in the order of the request. White space around
/// a value is none of it (RFC 9110 §5.5).
pub fn digest_of_fields<'v, V: Iterator<Item = &'v [u8]>>(values: impl Fn(&'static str) -> V) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    let number = |hash: &mut Context, length: usize| hash.update(&(length as u64).to_be_bytes());
    for name in FIELDS {
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

    fn digest(fields: &[(&str, &str)]) -> [u8; 32] {
        digest_of_fields(|name| {
            fields.iter().filter(move |(field, _)| *field == name).map(|(_, value)| value.as_bytes())
        })
    }

    #[test]
    fn each_of_them_counts_and_nothing_else() {
        let requests: [&[(&str, &str)]; 9] = [
            &[],
            &[("x-amz-target", "A.GetUser")],
            &[("x-amz-target", "A.DeleteUser")],
            &[("x-amz-target", "")],
            &[("x-amz-target", "A.GetUser"), ("x-amz-target", "A.DeleteUser")],
            &[("x-amz-target", "A.DeleteUser"), ("x-amz-target", "A.GetUser")],
            &[("content-type", "A.GetUser")],
            &[("authorization", "A.GetUser")],
            &[("x-amz-target", "A.GetUser"), ("authorization", "a")],
        ];
        assert_eq!(requests.iter().map(|fields| digest(fields)).collect::<HashSet<_>>().len(), requests.len());
        assert_eq!(digest(&[("x-amz-target", " A.GetUser\t"), ("accept", "x")]), digest(requests[1]));
    }
}
