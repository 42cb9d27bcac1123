//! Requests that are wrong in one place, made from a good one: for tests over every operation.
//!
//! What the tables know to be wrong has a [`Verdict`]; what is merely strange (a text with a NUL in it, the largest number, the longest list) may be
//! taken or refused, but in order.

use serde_json::{Map, Value, json};

use crate::shape::{Bounds, Kind, Member, Presence, Shape, Structure, TextRule};
use crate::specimens::{self, fits};

/// A request and what must become of it.
#[derive(Clone, Debug)]
pub struct Spoilt {
    /// Where and how: `/UserAttributes/0/Name: too long`.
    pub what: String,
    pub verdict: Verdict,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// `SerializationException`: no JSON, or another type.
    Serialization,
    /// The service's exception for broken limits.
    Violation,
    /// Whatever the good request gets: a member that nobody knows changes nothing.
    Ignored,
    /// Success, or an exception that the operation may raise.
    Orderly,
}

/// Nesting that no reader may follow.
pub const DEEP: usize = 100_000;
/// Where the model has no maximum, in code points or items.
const LONG_TEXT: usize = 100_000;
const LONG_LIST: usize = 1_000;
/// Stands for bytes that no value has.
const MARK: &str = "\u{1}spoilt\u{1}";

/// Texts that storage, patterns, case folding, queries, mails or logs may stumble over.
const STRANGE: &[&str] = &[
    "\0",
    "a\0b",
    " ",
    "a b\n",
    "\t",
    "'; DROP TABLE users; --",
    "%00%s%n",
    "../../../etc/passwd",
    "{####}",
    "${jndi:ldap://x}",
    "\u{202e}abc",
    "e\u{301}",
    "İıßſ",
    "\u{feff}",
    "😀",
    "\u{10ffff}",
    "\u{1f}",
    "a/b",
    "\\",
    "\"",
    "-1",
    "null",
    "٣",
    "us-east-1_NoSuchPool",
    "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_NoSuchPool",
    "https://",
    "http://[::1",
    "a@b@c",
];

const NUMBERS: &[&str] = &["1e400", "-1e400", "1e-400", "9223372036854775808", "-9223372036854775809", "0.1", "-0"];

/// Every request that differs from `good` in one place.
pub fn spoilt(structure: &Structure, good: &Map<String, Value>) -> Vec<Spoilt> {
    let mut out = Out(Vec::new());
    let root = Value::Object(good.clone());
    bodies(&root, &mut out);
    members(&root, "", structure, &mut out);
    out.0
}

struct Out(Vec<Spoilt>);

impl Out {
    /// `root` with other bytes at `pointer`.
    fn raw(&mut self, root: &Value, pointer: &str, how: &str, verdict: Verdict, bytes: &[u8]) {
        let mut root = root.clone();
        let Some(place) = root.pointer_mut(pointer) else { return };
        *place = MARK.into();
        let (body, mark) = (text_of(&root).into_bytes(), text_of(&json!(MARK)).into_bytes());
        let Some(at) = body.windows(mark.len()).position(|window| window == mark) else { return };
        let (before, rest) = body.split_at(at);
        let after = rest.get(mark.len()..).unwrap_or_default();
        self.0.push(Spoilt { what: format!("{pointer}: {how}"), verdict, body: [before, bytes, after].concat() });
    }

    fn value(&mut self, root: &Value, pointer: &str, how: &str, verdict: Verdict, value: &Value) {
        self.raw(root, pointer, how, verdict, text_of(value).as_bytes());
    }

    fn whole(&mut self, how: &str, verdict: Verdict, body: impl Into<Vec<u8>>) {
        self.0.push(Spoilt { what: how.to_owned(), verdict, body: body.into() });
    }
}

fn text_of(value: &Value) -> String {
    value.to_string()
}

fn bodies(root: &Value, out: &mut Out) {
    let good = text_of(root);
    let refused: [(&str, Vec<u8>); 14] = [
        ("nothing", Vec::new()),
        ("an open brace", b"{".to_vec()),
        ("words", b"nonsense".to_vec()),
        ("a list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("a text", b"\"text\"".to_vec()),
        ("a number", b"1".to_vec()),
        ("twice", format!("{good}{good}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("compressed", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        ("deep lists", [vec![b'['; DEEP], vec![b']'; DEEP]].concat()),
        ("deep lists without an end", vec![b'['; DEEP]),
        ("deep objects", [b"{\"a\":".repeat(DEEP), b"1".to_vec(), vec![b'}'; DEEP]].concat()),
    ];
    for (how, body) in refused {
        out.whole(how, Verdict::Serialization, body);
    }
    let unknown = |value: &str| {
        let separator = if good.len() > 2 { "," } else { "" };
        format!("{{\"NoSuchMember\":{value}{separator}{}", good.get(1..).unwrap_or_default())
    };
    let deep = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    out.whole("an unknown member, deep", Verdict::Serialization, unknown(&deep));
    out.whole("an unknown member, a lone surrogate", Verdict::Serialization, unknown("\"\\ud800\""));
    out.whole("an unknown member, a number too large", Verdict::Serialization, unknown("1e400"));
    out.whole("an unknown member", Verdict::Ignored, unknown("{\"a\":[1,null,\"x\"]}"));
    out.whole("an unknown member, null", Verdict::Ignored, unknown("null"));
    out.whole("white space", Verdict::Ignored, format!("{}{good}\n\n", " ".repeat(LONG_TEXT)));
}

fn members(root: &Value, at: &str, structure: &Structure, out: &mut Out) {
    for member in structure.members {
        let pointer = format!("{at}/{}", escaped(member.name));
        let root = with(root, at, member);
        let absent = without(&root, at, member.name);
        let broken = if member.presence == Presence::Required { Verdict::Violation } else { Verdict::Orderly };
        out.whole(&format!("{pointer}: missing"), broken, text_of(&absent));
        out.value(&root, &pointer, "null", broken, &Value::Null);
        if let Some(value) = root.pointer(&pointer).map(text_of) {
            let twice = format!("{value},\"{}\":{value}", member.name);
            out.raw(&root, &pointer, "twice", Verdict::Serialization, twice.as_bytes());
        }
        place(&root, &pointer, member.shape, out);
    }
    if !at.is_empty() && root.pointer(at).is_some_and(Value::is_object) {
        let mut more = root.clone();
        if let Some(Value::Object(members)) = more.pointer_mut(at) {
            members.insert("NoSuchMember".to_owned(), json!({ "a": [1] }));
        }
        out.whole(&format!("{at}: an unknown member"), Verdict::Orderly, text_of(&more));
    }
}

fn place(root: &Value, pointer: &str, shape: &Shape, out: &mut Out) {
    wrong_types(root, pointer, &shape.kind, out);
    let here = root.pointer(pointer).cloned().unwrap_or_default();
    match &shape.kind {
        Kind::Text { length, rule } => texts(root, pointer, (*length, rule), here.as_str().unwrap_or_default(), out),
        Kind::Integer(bounds) => numbers(root, pointer, *bounds, (i32::MIN.into(), i32::MAX.into()), out),
        Kind::Long(bounds) => numbers(root, pointer, *bounds, (i64::MIN, i64::MAX), out),
        Kind::Boolean => {
            let flipped = json!(!here.as_bool().unwrap_or_default());
            out.value(root, pointer, "the other value", Verdict::Orderly, &flipped);
        }
        Kind::Timestamp => timestamps(root, pointer, out),
        Kind::Blob(length) => blobs(root, pointer, *length, out),
        Kind::Document => {
            for (how, text) in [("deep", "[".repeat(40) + &"]".repeat(40)), ("a text", "\"\\u0000\"".to_owned())] {
                out.raw(root, pointer, how, Verdict::Orderly, text.as_bytes());
            }
        }
        Kind::List { length, item } => list(root, pointer, (*length, item), &here, out),
        Kind::Map { length, key, value } => map(root, pointer, *length, (key, value), &here, out),
        Kind::Structure(structure) => {
            out.value(root, pointer, "empty", Verdict::Orderly, &json!({}));
            members(root, pointer, structure, out);
        }
    }
}

fn wrong_types(root: &Value, pointer: &str, kind: &Kind, out: &mut Out) {
    let all = [json!(true), json!(7), json!(1.5), json!("x"), json!([]), json!({})];
    let fits = |value: &Value| match kind {
        Kind::Text { .. } | Kind::Blob(_) => value.is_string(),
        Kind::Integer(_) | Kind::Long(_) => value.is_i64(),
        Kind::Timestamp => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::List { .. } => value.is_array(),
        Kind::Map { .. } | Kind::Structure(_) => value.is_object(),
        Kind::Document => true,
    };
    for wrong in all.iter().filter(|value| !fits(value)) {
        out.value(root, pointer, &format!("{wrong} instead"), Verdict::Serialization, wrong);
    }
    let deep = "[".repeat(DEEP) + &"]".repeat(DEEP);
    out.raw(root, pointer, "deep lists instead", Verdict::Serialization, deep.as_bytes());
}

fn texts(root: &Value, pointer: &str, (length, rule): (Bounds, &TextRule), here: &str, out: &mut Out) {
    let mut tried = |how: &str, text: &str| {
        let verdict = if fits(text, length, rule) { Verdict::Orderly } else { Verdict::Violation };
        out.value(root, pointer, how, verdict, &json!(text));
    };
    if let TextRule::OneOf(values) = rule {
        values.iter().filter(|value| **value != here).for_each(|value| tried("another value", value));
        for unknown in ["", "NO_SUCH_VALUE", &here.to_lowercase(), &format!("{here} ")] {
            tried("an unknown value", unknown);
        }
    } else {
        let bound = |bound: Option<i64>| bound.and_then(|bound| usize::try_from(bound).ok());
        if let Some(min) = bound(length.min) {
            tried("the shortest", &stretched(here, min));
            tried("too short", &stretched(here, min.saturating_sub(1)));
        }
        match bound(length.max) {
            Some(max) => {
                tried("the longest", &stretched(here, max));
                tried("too long", &stretched(here, max.saturating_add(1)));
            }
            None => tried("long", &stretched(here, LONG_TEXT)),
        }
        STRANGE.iter().for_each(|text| tried(&format!("{text:?}"), text));
        tried("strange in the midst", &format!("{here}\0"));
    }
    for (how, bytes) in [("a lone surrogate", b"\"\\ud800\"".as_slice()), ("invalid UTF-8", b"\"\xff\"")] {
        out.raw(root, pointer, how, Verdict::Serialization, bytes);
    }
}

/// The text, cut or prolonged by its last letter.
fn stretched(text: &str, letters: usize) -> String {
    let last = text.chars().last().unwrap_or('a');
    text.chars().chain(std::iter::repeat(last)).take(letters).collect()
}

fn numbers(root: &Value, pointer: &str, bounds: Bounds, (least, most): (i64, i64), out: &mut Out) {
    let all = [
        bounds.min,
        bounds.max,
        bounds.min.map(|min| min.saturating_sub(1)),
        bounds.max.map(|max| max.saturating_add(1)),
    ];
    for number in all.into_iter().flatten().chain([least, most, -1, 0]) {
        let within = bounds.min.is_none_or(|min| number >= min) && bounds.max.is_none_or(|max| number <= max);
        let verdict = if within { Verdict::Orderly } else { Verdict::Violation };
        out.value(root, pointer, &number.to_string(), verdict, &json!(number));
    }
    for text in NUMBERS.iter().copied().chain(["1".repeat(10_000).as_str()]) {
        let verdict = if text == "-0" { Verdict::Orderly } else { Verdict::Serialization };
        out.raw(root, pointer, text.get(..24).unwrap_or(text), verdict, text.as_bytes());
    }
}

fn timestamps(root: &Value, pointer: &str, out: &mut Out) {
    for text in ["0", "-1", "1e18", "-1e18", "1e308", "-1e308", "9223372036854775807", "18446744073709551615", "0.0001"]
    {
        out.raw(root, pointer, text, Verdict::Orderly, text.as_bytes());
    }
    for text in ["1e400", "\"2026-01-01T00:00:00Z\"", "NaN"] {
        out.raw(root, pointer, text, Verdict::Serialization, text.as_bytes());
    }
}

fn blobs(root: &Value, pointer: &str, length: Bounds, out: &mut Out) {
    for wrong in ["AAA", "not base64!", "AAH_", "=", "AAH/\n"] {
        out.value(root, pointer, &format!("{wrong:?}"), Verdict::Serialization, &json!(wrong));
    }
    for (how, text) in [("empty", ""), ("a few bytes", "/wD+"), ("text", "PHN2Zz4=")] {
        out.value(root, pointer, how, Verdict::Orderly, &json!(text));
    }
    let most = length.max.and_then(|max| usize::try_from(max).ok());
    if let Some(groups) = most.map(|max| max / 3 + 1) {
        out.value(root, pointer, "too long", Verdict::Violation, &json!("AAAA".repeat(groups)));
    }
}

fn list(root: &Value, pointer: &str, (length, item): (Bounds, &Shape), here: &Value, out: &mut Out) {
    let first = here.get(0).cloned().unwrap_or_else(|| specimens::value(item, &[Presence::Required]));
    let bound = |bound: Option<i64>| bound.and_then(|bound| usize::try_from(bound).ok());
    let verdict = |count: usize| {
        let within =
            bound(length.min).is_none_or(|min| count >= min) && bound(length.max).is_none_or(|max| count <= max);
        if within { Verdict::Orderly } else { Verdict::Violation }
    };
    let mut counts = vec![0, 2];
    counts.push(bound(length.max).map_or(LONG_LIST, |max| max.saturating_add(1)));
    counts.extend(bound(length.max));
    for count in counts {
        let many = Value::Array(vec![first.clone(); count]);
        out.value(root, pointer, &format!("{count} of the same"), verdict(count), &many);
    }
    out.value(root, pointer, "a null", Verdict::Violation, &json!([null]));
    let mut root = root.clone();
    if let Some(value) = root.pointer_mut(pointer).filter(|value| value.get(0).is_none()) {
        *value = json!([first]);
    }
    place(&root, &format!("{pointer}/0"), item, out);
}

fn map(root: &Value, pointer: &str, length: Bounds, (key, value): (&Shape, &Shape), here: &Value, out: &mut Out) {
    let sample = || {
        let name = specimens::value(key, &[Presence::Required]);
        (name.as_str().unwrap_or_default().to_owned(), specimens::value(value, &[Presence::Required]))
    };
    let first = here.as_object().and_then(|entries| entries.iter().next());
    let (name, entry) = first.map_or_else(sample, |(name, entry)| (name.clone(), entry.clone()));
    let most = length.max.and_then(|max| usize::try_from(max).ok());
    let many = most.map_or(LONG_LIST, |max| max.saturating_add(1));
    let verdict = if most.is_some() { Verdict::Violation } else { Verdict::Orderly };
    let entries: Map<String, Value> = (0..many).map(|nth| (format!("{name}{nth}"), entry.clone())).collect();
    out.value(root, pointer, &format!("{many} entries"), verdict, &Value::Object(entries));
    out.value(root, pointer, "empty", Verdict::Orderly, &json!({}));
    out.value(root, pointer, "a null", Verdict::Orderly, &json!({ name.as_str(): null }));
    for strange in STRANGE.iter().map(|text| (*text).to_owned()).chain([stretched(&name, LONG_TEXT)]) {
        let verdict = match &key.kind {
            Kind::Text { length, rule } if !fits(&strange, *length, rule) => Verdict::Violation,
            _ => Verdict::Orderly,
        };
        let how = format!("the key {:?}", strange.chars().take(24).collect::<String>());
        out.value(root, pointer, &how, verdict, &json!({ strange: entry }));
    }
    let mut root = root.clone();
    if let Some(Value::Object(entries)) = root.pointer_mut(pointer) {
        entries.entry(name.clone()).or_insert(entry);
    }
    place(&root, &format!("{pointer}/{}", escaped(&name)), value, out);
}

/// The request with a value of the member, where it had none.
fn with(root: &Value, at: &str, member: &Member) -> Value {
    let mut root = root.clone();
    if let Some(Value::Object(members)) = root.pointer_mut(at) {
        let value = members.entry(member.name.to_owned()).or_insert(Value::Null);
        if value.is_null() {
            *value = specimens::value(member.shape, &[Presence::Required]);
        }
    }
    root
}

fn without(root: &Value, at: &str, name: &str) -> Value {
    let mut root = root.clone();
    if let Some(Value::Object(members)) = root.pointer_mut(at) {
        members.remove(name);
    }
    root
}

/// A name as a part of a JSON pointer (RFC 6901 §4).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Service;

    /// Every verdict is what the checks of the tables say, for every operation of all services.
    #[test]
    fn verdicts_are_those_of_the_tables() {
        let decoders = crate::idp::op::DECODERS.iter().chain(crate::identity::op::DECODERS);
        let (mut made, mut kinds) = (0, std::collections::BTreeMap::new());
        for decoder in decoders {
            let good = specimens::request((decoder.shape)(), &[Presence::Required]);
            for spoilt in spoilt((decoder.shape)(), &good) {
                made += 1;
                *kinds.entry(spoilt.verdict).or_insert(0) += 1;
                let found = (decoder.decode)(&spoilt.body).map_err(|fault| fault.exception);
                let right = match spoilt.verdict {
                    Verdict::Serialization => found == Err(crate::Exception::Serialization),
                    Verdict::Violation => found == Err(decoder.service.violation()),
                    Verdict::Ignored => found.is_ok(),
                    Verdict::Orderly => true,
                };
                assert!(right, "{}: {}: {:?}: {found:?}", decoder.name, spoilt.what, spoilt.verdict);
            }
        }
        println!("{made}: {kinds:?}");
        assert!(kinds.len() == 4 && made > 20_000, "{made} {kinds:?}");
        assert!(Service::Idp.operations().iter().all(|operation| !operation.shape.members.is_empty()));
    }
}
