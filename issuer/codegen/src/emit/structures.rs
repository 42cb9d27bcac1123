//! Rust structures for the model's structures.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::emit::{GROUPS, HEADER, group};
use crate::error::Error;
use crate::graph::Graph;
use crate::names;
use crate::spec::{Kind, Shape};

/// Text that must neither be logged nor stay in memory. Wider than the model's `sensitive` mark (which misses the
/// confirmation code) and narrower (it also marks user names, client ids and attribute values, which handlers compare).
const SECRETS: &[&str] = &[
    "ClientSecretType",
    "ConfirmationCodeType",
    "GetDerivedTokenTokenModelType",
    "IdentityProviderToken",
    "OIDCToken",
    "PasswordType",
    "SecretCodeType",
    "SecretHashType",
    "SecretKeyString",
    "SessionTokenString",
    "SessionType",
    "SoftwareTokenMFAUserCodeType",
    "TokenModelType",
];

/// (file name, text) for each file of `types`.
pub fn files(graph: &Graph<'_>, module: &str) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    for wanted in GROUPS {
        let in_group = |shape: &str| {
            let operation = graph.requests.get(shape).or_else(|| graph.responses.get(shape));
            operation.is_some_and(|operation| group(operation) == *wanted)
        };
        let whole: Vec<&str> = graph.spec.shapes.keys().map(String::as_str).filter(|name| in_group(name)).collect();
        if !whole.is_empty() {
            files.push(((*wanted).to_owned(), file(graph, module, &whole)?));
        }
    }
    let nested: Vec<&str> = graph.nested().map(|(name, _)| name).collect();
    files.push(("nested".to_owned(), file(graph, module, &nested)?));
    Ok(files)
}

/// Names of the structures in each file, for the re-exports of `types`.
pub fn exports(files: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, text) in files {
        let types: Vec<&str> = text.lines().filter_map(declared).collect();
        if !types.is_empty() {
            let _ = writeln!(out, "pub use {name}::{{{}}};", types.join(", "));
        }
    }
    out
}

fn declared(line: &str) -> Option<&str> {
    line.strip_prefix("pub struct ")?.split([' ', ';', '{']).next()
}

fn file(graph: &Graph<'_>, module: &str, names: &[&str]) -> Result<String, Error> {
    let mut body = String::new();
    let mut used = BTreeSet::new();
    for name in names {
        body.push_str(&structure(graph, name, &mut used)?);
    }
    used.retain(|name| !names.contains(name));
    Ok(format!("{HEADER}{}{body}", imports(module, &body, &used)))
}

/// The standard library, then other crates, then this one.
fn imports(module: &str, body: &str, types: &BTreeSet<&str>) -> String {
    let when = |token: &str, line: &str| if body.contains(token) { format!("{line}\n") } else { String::new() };
    let derives = derives_in(body).map(|derives| format!("use serde::{derives};\n")).unwrap_or_default();
    let names: Vec<&str> = types.iter().copied().collect();
    let types = match names.is_empty() {
        true => String::new(),
        false => format!("use crate::generated::{module}::types::{{{}}};\n", names.join(", ")),
    };
    [
        when("BTreeMap<", "use std::collections::BTreeMap;\n"),
        when("SecretString", "use common::secret::SecretString;"),
        format!("{derives}\n"),
        when("Blob>", "use crate::blob::Blob;"),
        types,
        when("Timestamp>", "use crate::timestamp::Timestamp;"),
        "\n".to_owned(),
    ]
    .concat()
}

fn derives_in(body: &str) -> Option<&'static str> {
    match (body.contains("Deserialize"), body.contains("Serialize)")) {
        (true, true) => Some("{Deserialize, Serialize}"),
        (true, false) => Some("Deserialize"),
        (false, true) => Some("Serialize"),
        (false, false) => None,
    }
}

fn structure<'a>(graph: &Graph<'a>, name: &str, used: &mut BTreeSet<&'a str>) -> Result<String, Error> {
    let shape = graph.shape(name)?;
    let mut derives = vec!["Clone", "Debug"];
    if graph.has_default(name)? {
        derives.push("Default");
    }
    let (request, response) = (graph.requests.get(name), graph.responses.get(name));
    if request.is_some() || response.is_none() {
        derives.push("Deserialize");
    }
    if response.is_some() || request.is_none() {
        derives.push("Serialize");
    }
    let mut out = String::new();
    match (request, response) {
        (Some(operation), None) => writeln!(out, "/// Input of `{operation}`."),
        (None, Some(operation)) => writeln!(out, "/// Output of `{operation}`."),
        _ => writeln!(out, "/// `{name}` of the service model."),
    }
    .unwrap_or_default();
    let _ = writeln!(out, "#[derive({})]", derives.join(", "));
    if shape.members.is_empty() {
        let _ = writeln!(out, "pub struct {name} {{}}\n");
        return Ok(out);
    }
    let _ = writeln!(out, "#[serde(rename_all = \"PascalCase\")]\npub struct {name} {{");
    for (member, target) in &shape.members {
        let required = shape.required.contains(member);
        out.push_str(&field(
            member,
            &rust_type(graph, &target.shape, used)?,
            required,
            response.is_some() || request.is_none(),
        ));
    }
    out.push_str("}\n\n");
    Ok(out)
}

fn field(member: &str, rust_type: &str, required: bool, written: bool) -> String {
    let name = names::field(member);
    let mut attributes = Vec::new();
    if names::serde_pascal(&name) != member {
        attributes.push(format!("rename = \"{member}\""));
    }
    if written && !required {
        attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    let rust_type = if required { rust_type.to_owned() } else { format!("Option<{rust_type}>") };
    let attribute = match attributes.is_empty() {
        true => String::new(),
        false => format!("#[serde({})]\n", attributes.join(", ")),
    };
    format!("{attribute}pub {name}: {rust_type},\n")
}

fn rust_type<'a>(graph: &Graph<'a>, name: &'a str, used: &mut BTreeSet<&'a str>) -> Result<String, Error> {
    let shape = graph.shape(name)?;
    let part = |part: &'a Option<crate::spec::ShapeRef>| {
        part.as_ref().map(|part| part.shape.as_str()).ok_or_else(|| Error::IncompleteShape(name.to_owned()))
    };
    Ok(match shape.kind {
        Kind::Structure if shape.document => "serde_json::Value".to_owned(),
        Kind::Structure => {
            used.insert(name);
            name.to_owned()
        }
        Kind::List => format!("Vec<{}>", rust_type(graph, part(&shape.member)?, used)?),
        Kind::Map => format!("BTreeMap<String, {}>", map_value(graph, shape, part(&shape.value)?, used)?),
        Kind::String if shape.is_enum() => {
            used.insert(name);
            name.to_owned()
        }
        Kind::String if SECRETS.contains(&name) => "SecretString".to_owned(),
        Kind::String => "String".to_owned(),
        Kind::Integer => "i32".to_owned(),
        Kind::Long => "i64".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::Double => "f64".to_owned(),
        Kind::Timestamp => "Timestamp".to_owned(),
        Kind::Blob => "Blob".to_owned(),
    })
}

/// A sensitive map (`AuthParameters`) holds passwords and tokens under some of its keys.
fn map_value<'a>(
    graph: &Graph<'a>,
    map: &Shape,
    value: &'a str,
    used: &mut BTreeSet<&'a str>,
) -> Result<String, Error> {
    if map.sensitive { Ok("SecretString".to_owned()) } else { rust_type(graph, value, used) }
}
