//! Rate-based statements.

use super::Invalid;
use super::field::{only_fallback, transforms};
use super::node::{Node, Object};
use super::statement::{Standing, forwarded, is_label_char, scope_down};
use crate::waf::Transform;
use crate::waf::model::{Aggregation, ForwardedIp, KeyPart, RateBased};

const WINDOWS: [u64; 4] = [60, 120, 300, 600];
const DEFAULT_WINDOW: u16 = 300;
const MAX_PARTS: usize = 5;

pub fn rate(mut object: Object<'_>, standing: Standing) -> Result<RateBased, Invalid> {
    let limit = object.required("Limit")?.number(10..=2_000_000_000)?;
    let window = match object.optional("EvaluationWindowSec") {
        None => DEFAULT_WINDOW,
        Some(node) => match node.value.as_u64() {
            Some(seconds) if WINDOWS.contains(&seconds) => u16::try_from(seconds).unwrap_or(DEFAULT_WINDOW),
            _ => return Err(node.invalid("must be 60, 120, 300 or 600")),
        },
    };
    let forwarded = forwarded(&mut object)?;
    let keys = object.optional("CustomKeys");
    let scope_down = scope_down(&mut object, standing)?;
    let kind = object.required("AggregateKeyType")?;
    let missing = |what: &str| kind.invalid(format!("needs {what}"));
    let aggregation = match kind.text()? {
        "IP" => Aggregation::Ip,
        "FORWARDED_IP" => Aggregation::ForwardedIp(forwarded.clone().ok_or_else(|| missing("a ForwardedIPConfig"))?),
        "CUSTOM_KEYS" => {
            let list = keys.clone().ok_or_else(|| missing("CustomKeys"))?;
            Aggregation::Keys(parts(list.named("CUSTOM_KEYS"), forwarded.as_ref())?)
        }
        "CONSTANT" if scope_down.is_some() => Aggregation::Constant,
        "CONSTANT" => return Err(missing("a ScopeDownStatement")),
        _ => return Err(kind.invalid("must be IP, FORWARDED_IP, CUSTOM_KEYS or CONSTANT")),
    };
    if let (Some(keys), false) = (&keys, matches!(aggregation, Aggregation::Keys(_))) {
        return Err(keys.invalid("are for AggregateKeyType CUSTOM_KEYS only"));
    }
    object.finish()?;
    Ok(RateBased { limit: u32::try_from(limit).unwrap_or(u32::MAX), window, aggregation, scope_down })
}

fn parts(list: Node<'_>, forwarded: Option<&ForwardedIp>) -> Result<Vec<KeyPart>, Invalid> {
    let parts: Vec<KeyPart> = list.items(1..=MAX_PARTS)?.map(|item| part(item, forwarded)).collect::<Result<_, _>>()?;
    match parts.as_slice() {
        [KeyPart::Ip | KeyPart::ForwardedIp(_)] => Err(list.invalid(
            "an address alone is AggregateKeyType IP or FORWARDED_IP; as a custom key it needs another beside it",
        )),
        _ => Ok(parts),
    }
}

fn part(node: Node<'_>, forwarded: Option<&ForwardedIp>) -> Result<KeyPart, Invalid> {
    let (name, inner) = node.union()?;
    Ok(match name {
        "IP" => empty(inner, KeyPart::Ip)?,
        "HTTPMethod" => empty(inner, KeyPart::Method)?,
        "ASN" => empty(inner, KeyPart::Asn)?,
        "ForwardedIP" => match forwarded {
            Some(forwarded) => empty(inner, KeyPart::ForwardedIp(forwarded.clone()))?,
            None => return Err(inner.invalid("needs a ForwardedIPConfig in the statement")),
        },
        "Header" => named(inner).map(|(name, chain)| KeyPart::Header(name.to_ascii_lowercase(), chain))?,
        "Cookie" => named(inner).map(|(name, chain)| KeyPart::Cookie(name, chain))?,
        "QueryArgument" => {
            named(inner).map(|(name, chain)| KeyPart::QueryArgument(name.to_ascii_lowercase(), chain))?
        }
        "QueryString" => KeyPart::QueryString(chain(inner)?),
        "UriPath" => KeyPart::UriPath(chain(inner)?),
        "LabelNamespace" => {
            let mut object = inner.object()?;
            let node = object.required("Namespace")?;
            let namespace = node.token(1..=1024, is_label_char)?;
            if !namespace.ends_with(':') {
                return Err(node.invalid("a namespace ends in a colon"));
            }
            object.finish()?;
            KeyPart::LabelNamespace(namespace.to_owned())
        }
        "JA3Fingerprint" => KeyPart::Ja3(only_fallback(inner)?),
        "JA4Fingerprint" => KeyPart::Ja4(only_fallback(inner)?),
        "Claim" => {
            let mut object = inner.object()?;
            let name = object.required("Name")?.text_of(1..=512)?.to_owned();
            object.finish()?;
            KeyPart::Claim(name)
        }
        _ => return Err(inner.invalid("is no key")),
    })
}

fn empty(node: Node<'_>, part: KeyPart) -> Result<KeyPart, Invalid> {
    node.nothing_in_it().map(|()| part)
}

fn named(node: Node<'_>) -> Result<(String, Vec<Transform>), Invalid> {
    let mut object = node.object()?;
    let name = object.required("Name")?.text_of(1..=64)?.to_owned();
    let chain = transforms(&object.required("TextTransformations")?)?;
    object.finish()?;
    Ok((name, chain))
}

fn chain(node: Node<'_>) -> Result<Vec<Transform>, Invalid> {
    let mut object = node.object()?;
    let chain = transforms(&object.required("TextTransformations")?)?;
    object.finish()?;
    Ok(chain)
}
