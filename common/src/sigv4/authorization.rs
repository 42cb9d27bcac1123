//! The `Authorization` header, taken apart.

use crate::sigv4::error::Incomplete;
use crate::sigv4::{ALGORITHM, hex};

const MAX_BYTES: usize = 4096;
const MAX_SIGNED_HEADERS: usize = 64;

/// `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=<a;b>, Signature=<hex>`: well-formed,
/// nothing checked.
#[derive(Clone, Debug)]
pub(super) struct Authorization<'a> {
    pub access_key_id: &'a str,
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    pub terminator: &'a str,
    /// Lower-case, sorted, distinct.
    pub signed_headers: Vec<&'a str>,
    pub signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    pub fn parse(value: &'a [u8]) -> Result<Self, Incomplete> {
        if value.len() > MAX_BYTES {
            return Err(Incomplete::TooLong);
        }
        let text = std::str::from_utf8(value).map_err(|_| Incomplete::Algorithm)?;
        let parameters = text.trim().strip_prefix(ALGORITHM).ok_or(Incomplete::Algorithm)?;
        if !parameters.is_empty() && !parameters.starts_with([' ', '\t']) {
            return Err(Incomplete::Algorithm);
        }
        let [credential, names, signature] = named(parameters, ["Credential", "SignedHeaders", "Signature"])?;
        let mut elements = credential.ok_or(Incomplete::Credential)?.split('/');
        let mut element = || elements.next().filter(|e| is_plain(e)).ok_or(Incomplete::CredentialForm);
        let (access_key_id, date, region, service, terminator) =
            (element()?, element()?, element()?, element()?, element()?);
        if elements.next().is_some() {
            return Err(Incomplete::CredentialForm);
        }
        let signed_headers = names_in_order(names.ok_or(Incomplete::SignedHeaders)?)?;
        let signature = hex::decode_32(signature.ok_or(Incomplete::Signature)?).ok_or(Incomplete::SignatureForm)?;
        Ok(Self { access_key_id, date, region, service, terminator, signed_headers, signature })
    }
}

/// The values of exactly these parameters, each at most once, in any order.
fn named<'a, const N: usize>(parameters: &'a str, names: [&str; N]) -> Result<[Option<&'a str>; N], Incomplete> {
    let mut values = [None; N];
    for parameter in parameters.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or(Incomplete::Parameter)?;
        let slot = names.iter().zip(&mut values).find(|(own, _)| **own == name).ok_or(Incomplete::Parameter)?.1;
        if slot.replace(value).is_some() {
            return Err(Incomplete::Parameter);
        }
    }
    Ok(values)
}

/// Sorted and distinct, as every client sends them; other orders would only give one request several signatures.
fn names_in_order(list: &str) -> Result<Vec<&str>, Incomplete> {
    let names: Vec<&str> = list.split(';').take(MAX_SIGNED_HEADERS + 1).collect();
    let lower = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
    let in_order = names.iter().zip(names.iter().skip(1)).all(|(a, b)| a < b);
    if names.len() <= MAX_SIGNED_HEADERS && names.iter().all(lower) && in_order {
        Ok(names)
    } else {
        Err(Incomplete::SignedHeadersForm)
    }
}

/// What access key ids, dates, regions and services are made of.
fn is_plain(element: &str) -> bool {
    (1..=128).contains(&element.len())
        && element.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
