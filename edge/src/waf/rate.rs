//! Rate-based statements: who sends how often, over the table of `crate::rates`.

use std::sync::Arc;
use std::time::Duration;

use common::waf::model::{Aggregation, Fallback, ForwardedIp, KeyPart, RateBased, SetPosition};

use crate::rates::{Digester, Key, Moment, Quota, RuleId, Table};
use crate::takeover::Watch;
use crate::waf::condition::{Condition, Scene, Wants};
use crate::waf::inspection::Inspections;
use crate::waf::origin::{Addresses, forwarded, own};
use crate::waf::part::{Part, each_cookie};

/// A rate-based statement, compiled.
#[derive(Debug)]
pub struct RateTest {
    pub quota: Quota,
    keys: Keys,
    /// AWS's names for the parts of the key, and those of headers and the like.
    names: Vec<(&'static str, Option<String>)>,
    pub scope: Option<Condition>,
}

#[derive(Debug)]
enum Keys {
    Address(Option<ForwardedIp>),
    Parts(Vec<KeyOf>),
    Constant,
}

/// A part of a key, with the form in which it is inspected where it has one.
#[derive(Debug)]
enum KeyOf {
    Address(Option<ForwardedIp>),
    Asn,
    Form(usize, Option<Fallback>),
    /// The form of a claim.
    Claim(usize),
    Cookie(String, Vec<common::waf::Transform>),
    Labels(String),
}

/// A part of a key and its value in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// AWS's name for the kind: `HEADER`.
    pub key: &'static str,
    /// Of the header, cookie, argument, namespace or claim.
    pub name: Option<String>,
    pub value: String,
}

/// Where requests are counted.
#[derive(Clone, Copy)]
pub struct Counting<'c> {
    pub table: &'c Table,
    pub digester: &'c Digester,
    /// Who has attempted what.
    pub watch: &'c Watch,
    pub now: Moment,
    /// Nothing is counted: what would be said if it were.
    pub only_looks: bool,
}

impl RateTest {
    /// `name` tells the rule from all others: counts live on for as long as name, rate and window stay the same.
    pub fn new(name: &str, rate: &RateBased, inspections: &mut Inspections, scope: Option<Condition>) -> Option<Self> {
        let window = Duration::from_secs(u64::from(rate.window));
        let id = RuleId::of(&format!("acl {name} {} {} {:?}", rate.limit, rate.window, rate.aggregation));
        let keys = match &rate.aggregation {
            Aggregation::Ip => Keys::Address(None),
            Aggregation::ForwardedIp(header) => Keys::Address(Some(header.clone())),
            Aggregation::Constant => Keys::Constant,
            Aggregation::Keys(parts) => Keys::Parts(parts.iter().map(|part| KeyOf::new(part, inspections)).collect()),
        };
        let names = match &rate.aggregation {
            Aggregation::Keys(parts) => parts.iter().map(name_of).collect(),
            Aggregation::Ip | Aggregation::ForwardedIp(_) | Aggregation::Constant => Vec::new(),
        };
        Some(Self { quota: Quota::new(id, rate.limit, window)?, keys, names, scope })
    }

    /// What it counts by (AWS's `limitKey`).
    pub fn limit_key(&self) -> &'static str {
        match &self.keys {
            Keys::Address(None) => "IP",
            Keys::Address(Some(_)) => "FORWARDED_IP",
            Keys::Parts(_) => "CUSTOMKEYS",
            Keys::Constant => "CONSTANT",
        }
    }

    /// Its keys are addresses, as [`Key::address`] tells them.
    pub fn counts_addresses(&self) -> bool {
        matches!(self.keys, Keys::Address(_))
    }

    /// The address by which it counts a request, where it counts by addresses alone.
    pub(super) fn address_of(&self, scene: &Scene<'_, '_, '_>) -> Option<std::net::IpAddr> {
        match &self.keys {
            Keys::Address(header) => address(scene, header.as_ref()),
            Keys::Parts(_) | Keys::Constant => None,
        }
    }

    /// What the request has where the parts of the key are, as far as that is text and may be told: nothing of labels that may not.
    pub(super) fn values_of(&self, scene: &mut Scene<'_, '_, '_>) -> Vec<KeyValue> {
        let Keys::Parts(parts) = &self.keys else { return Vec::new() };
        let told = parts.iter().zip(&self.names).map(|(part, (key, name))| {
            let value = match part {
                KeyOf::Address(header) => address(scene, header.as_ref()).map(|address| address.to_string()),
                KeyOf::Asn => {
                    let address = address(scene, None);
                    address.map(|address| scene.origins.system(address, scene.locate).to_string())
                }
                KeyOf::Labels(namespace) => {
                    in_namespace(scene.labels.told(), namespace).map(|labels| labels.join(", "))
                }
                other => other.text(scene).map(|text| String::from_utf8_lossy(&text).replace('\0', ", ")),
            };
            KeyValue { key, name: name.clone(), value: value.unwrap_or_default() }
        });
        told.collect()
    }

    /// Counts the request, and says whether its sender sends too often. What is not in the scope, or has no key, is not counted.
    pub fn holds(&self, scene: &mut Scene<'_, '_, '_>, counting: Counting<'_>) -> bool {
        if self.scope.as_ref().is_some_and(|scope| !scope.holds(scene)) {
            return false;
        }
        let Some(key) = self.key(scene, counting.digester) else { return false };
        let verdict = if counting.only_looks {
            counting.table.look(counting.now, &self.quota, key)
        } else {
            counting.table.observe(counting.now, &self.quota, key)
        };
        !verdict.admits
    }

    pub fn reads_claims(&self) -> bool {
        matches!(&self.keys, Keys::Parts(parts) if parts.iter().any(|part| matches!(part, KeyOf::Claim(_))))
    }

    pub fn wants(&self) -> Wants {
        let parts = if let Keys::Parts(parts) = &self.keys { parts.as_slice() } else { &[] };
        let of_parts = parts.iter().map(|part| match part {
            KeyOf::Asn => Wants { systems: true, ..Wants::default() },
            KeyOf::Labels(namespace) => Wants::of_labels(namespace),
            KeyOf::Address(_) | KeyOf::Form(..) | KeyOf::Claim(_) | KeyOf::Cookie(..) => Wants::default(),
        });
        self.scope.iter().map(Condition::wants).chain(of_parts).fold(Wants::default(), |all, one| all | one)
    }

    fn key(&self, scene: &mut Scene<'_, '_, '_>, digester: &Digester) -> Option<Key> {
        match &self.keys {
            Keys::Constant => Some(Key(0)),
            // AWS counts an IPv6 client by its /64 (and an IPv4 client by its address).
            Keys::Address(header) => address(scene, header.as_ref()).map(|address| Key::of_address(address, 32, 64)),
            Keys::Parts(parts) => {
                let mut key = digester.parts();
                for part in parts {
                    key.add(&part.text(scene)?);
                }
                Some(key.key())
            }
        }
    }
}

fn name_of(part: &KeyPart) -> (&'static str, Option<String>) {
    let named = |key, name: &String| (key, Some(name.clone()));
    match part {
        KeyPart::Ip => ("IP", None),
        KeyPart::ForwardedIp(_) => ("FORWARDED_IP", None),
        KeyPart::Asn => ("ASN", None),
        KeyPart::Header(name, _) => named("HEADER", name),
        KeyPart::Cookie(name, _) => named("COOKIE", name),
        KeyPart::QueryArgument(name, _) => named("QUERY_ARGUMENT", name),
        KeyPart::QueryString(_) => ("QUERY_STRING", None),
        KeyPart::UriPath(_) => ("URI_PATH", None),
        KeyPart::Method => ("HTTP_METHOD", None),
        KeyPart::LabelNamespace(namespace) => named("LABEL_NAMESPACE", namespace),
        KeyPart::Ja3(_) => ("JA3_FINGERPRINT", None),
        KeyPart::Ja4(_) => ("JA4_FINGERPRINT", None),
        KeyPart::Claim(path) => named("CLAIM", path),
    }
}

fn address(scene: &Scene<'_, '_, '_>, header: Option<&ForwardedIp>) -> Option<std::net::IpAddr> {
    let request = scene.inspected.request();
    let addresses = match header {
        None => own(request.client),
        Some(header) => forwarded(request.headers, header, SetPosition::First),
    };
    match addresses {
        Addresses::These(these) => these.first().copied(),
        Addresses::Says(_) => None,
    }
}

/// In an order that does not depend on which rule came first.
fn in_namespace<'l>(labels: impl Iterator<Item = &'l Arc<str>>, namespace: &str) -> Option<Vec<&'l str>> {
    let mut labels: Vec<&str> = labels.map(|label| &**label).filter(|label| label.contains(namespace)).collect();
    labels.sort_unstable();
    (!labels.is_empty()).then_some(labels)
}

impl KeyOf {
    fn new(part: &KeyPart, inspections: &mut Inspections) -> Self {
        let plain = |inspections: &mut Inspections, part, chain: &[common::waf::Transform]| {
            Self::Form(inspections.part(part, chain), None)
        };
        match part {
            KeyPart::Ip => Self::Address(None),
            KeyPart::ForwardedIp(header) => Self::Address(Some(header.clone())),
            KeyPart::Asn => Self::Asn,
            KeyPart::Header(name, chain) => plain(inspections, Part::SingleHeader(name.clone()), chain),
            KeyPart::QueryArgument(name, chain) => {
                plain(inspections, Part::SingleQueryArgument(name.clone(), Vec::new()), chain)
            }
            KeyPart::QueryString(chain) => plain(inspections, Part::QueryString, chain),
            KeyPart::UriPath(chain) => plain(inspections, Part::UriPath, chain),
            KeyPart::Method => plain(inspections, Part::Method, &[]),
            KeyPart::Ja3(fallback) => Self::Form(inspections.part(Part::Ja3, &[]), Some(*fallback)),
            KeyPart::Ja4(fallback) => Self::Form(inspections.part(Part::Ja4, &[]), Some(*fallback)),
            KeyPart::Claim(path) => {
                let part = common::verify::ClaimPath::parse(path).map_or(Part::Nothing, Part::Claim);
                Self::Claim(inspections.part(part, &[]))
            }
            KeyPart::Cookie(name, chain) => Self::Cookie(name.clone(), chain.clone()),
            KeyPart::LabelNamespace(namespace) => Self::Labels(namespace.clone()),
        }
    }

    /// What the request has there; None where it has nothing, so that it is not counted.
    fn text(&self, scene: &mut Scene<'_, '_, '_>) -> Option<Vec<u8>> {
        match self {
            Self::Address(header) => {
                let address = address(scene, header.as_ref())?;
                Some(Key::of_address(address, 32, 64).0.to_be_bytes().to_vec())
            }
            Self::Asn => {
                let address = address(scene, None)?;
                Some(scene.origins.system(address, scene.locate).to_be_bytes().to_vec())
            }
            Self::Claim(form) => {
                let values = scene.inspected.values(*form);
                (!values.is_empty()).then(|| values.join(&b"\0"[..]))
            }
            Self::Form(form, fallback) => {
                let values = scene.inspected.values(*form);
                match (values.is_empty(), fallback) {
                    (true, Some(Fallback::Match)) => Some(Vec::new()),
                    (true, _) => None,
                    (false, _) => Some(values.join(&b"\0"[..])),
                }
            }
            Self::Cookie(name, chain) => {
                let headers = scene.inspected.request().headers;
                let (_, value) = each_cookie(headers).find(|(one, _)| *one == name.as_bytes())?;
                Some(chain.iter().fold(value.to_vec(), |value, step| step.apply(&value).into_owned()))
            }
            Self::Labels(namespace) => {
                in_namespace(scene.labels.iter(), namespace).map(|labels| labels.join("\0").into_bytes())
            }
        }
    }
}
