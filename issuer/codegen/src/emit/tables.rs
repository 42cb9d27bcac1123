//! The static tables that requests are checked against before they become typed.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::emit::HEADER;
use crate::error::Error;
use crate::graph::Graph;
use crate::names;
use crate::pattern;
use crate::spec::{Kind, Shape, ShapeRef};

/// (file name, text) for each file of `tables`: patterns, values, and the two kinds of structure.
pub fn files(graph: &Graph<'_>, module: &str) -> Result<Vec<(String, String)>, Error> {
    let patterns = patterns(graph)?;
    let (mut requests, mut nested, mut values) = (String::new(), String::new(), String::new());
    for name in &graph.read {
        let shape = graph.shape(name)?;
        match (shape.is_structure(), graph.requests.contains_key(name)) {
            (true, true) => requests.push_str(&request(graph, name, shape)?),
            (true, false) => nested.push_str(&structure(graph, name, shape)?),
            (false, _) => values.push_str(&value(graph, name, shape, &patterns)?),
        }
    }
    let tables = format!("use crate::generated::{module}::tables");
    let request_tables = if requests.contains("nested::") { "{nested, values}" } else { "values" };
    Ok(vec![
        (
            "nested".to_owned(),
            format!("{HEADER}{tables}::values;\nuse crate::shape::{{Member, Shape, Structure}};\n\n{nested}"),
        ),
        ("patterns".to_owned(), pattern_file(&patterns)?),
        (
            "requests".to_owned(),
            format!("{HEADER}{tables}::{request_tables};\nuse crate::shape::{{Member, Structure}};\n\n{requests}"),
        ),
        (
            "values".to_owned(),
            format!(
                "{HEADER}{tables}::{{nested, patterns, values}};\nuse crate::generated::{module}::types;\n\
                 use crate::shape::{{Bounds, Shape}};\n\n{values}"
            ),
        ),
    ])
}

/// Each distinct pattern once, under the constant of the first shape that has it.
fn patterns<'a>(graph: &Graph<'a>) -> Result<BTreeMap<&'a str, String>, Error> {
    let mut patterns = BTreeMap::new();
    for name in &graph.read {
        if let Some(pattern) = &graph.shape(name)?.pattern {
            patterns.entry(pattern.as_str()).or_insert_with(|| names::constant(name));
        }
    }
    Ok(patterns)
}

fn pattern_file(patterns: &BTreeMap<&str, String>) -> Result<String, Error> {
    let mut out = format!("{HEADER}use crate::pattern::Pattern;\n\n");
    let mut by_name: Vec<(&String, &&str)> = patterns.iter().map(|(pattern, name)| (name, pattern)).collect();
    by_name.sort();
    for (name, pattern) in &by_name {
        let translated = pattern::translate(pattern)?;
        let _ = writeln!(out, "pub static {name}: Pattern = Pattern::new(r\"{pattern}\", r\"{translated}\");");
    }
    let all: Vec<String> = by_name.iter().map(|(name, _)| format!("&{name}")).collect();
    let _ = writeln!(out, "\n/// Every pattern of the model that a request can meet.");
    let _ = writeln!(out, "#[cfg(test)]\npub static ALL: &[&Pattern] = &[{}];", all.join(", "));
    Ok(out)
}

/// A whole request: the bare structure.
fn request(graph: &Graph<'_>, name: &str, shape: &Shape) -> Result<String, Error> {
    Ok(format!("pub static {}: Structure = {};\n\n", names::constant(name), members(graph, shape, "nested::")?))
}

/// A structure within a request: members point at it as a shape.
fn structure(graph: &Graph<'_>, name: &str, shape: &Shape) -> Result<String, Error> {
    let members = members(graph, shape, "")?;
    Ok(format!("pub static {}: Shape = Shape::structure(&{members}){};\n\n", names::constant(name), hidden(shape)))
}

fn members(graph: &Graph<'_>, shape: &Shape, nested: &str) -> Result<String, Error> {
    let mut members = String::new();
    for (member, target) in &shape.members {
        let kind = if shape.required.contains(member) { "required" } else { "optional" };
        let home = if graph.shape(&target.shape)?.is_structure() { nested } else { "values::" };
        let _ = writeln!(members, "Member::{kind}(\"{member}\", &{home}{}),", names::constant(&target.shape));
    }
    Ok(format!("Structure {{ members: &[{members}] }}"))
}

fn value(graph: &Graph<'_>, name: &str, shape: &Shape, patterns: &BTreeMap<&str, String>) -> Result<String, Error> {
    let bounds = bounds(shape);
    let part = |part: &Option<ShapeRef>| {
        let part = part.as_ref().ok_or_else(|| Error::IncompleteShape(name.to_owned()))?;
        let home = if graph.shape(&part.shape)?.is_structure() { "nested" } else { "values" };
        Ok::<String, Error>(format!("&{home}::{}", names::constant(&part.shape)))
    };
    let made = match shape.kind {
        Kind::String if shape.is_enum() => format!("one_of(types::{name}::VALUES)"),
        Kind::String => match shape.pattern.as_deref().and_then(|pattern| patterns.get(pattern)) {
            Some(pattern) => format!("matching({bounds}, &patterns::{pattern})"),
            None => format!("text({bounds})"),
        },
        Kind::Integer => format!("integer({bounds})"),
        Kind::Long => format!("long({bounds})"),
        Kind::Boolean => "boolean()".to_owned(),
        Kind::Timestamp => "timestamp()".to_owned(),
        Kind::Blob => format!("blob({bounds})"),
        Kind::List => format!("list({bounds}, {})", part(&shape.member)?),
        Kind::Map => format!("map({bounds}, {}, {})", part(&shape.key)?, part(&shape.value)?),
        Kind::Structure => "document()".to_owned(),
        // Answers have some, no request does.
        Kind::Double => return Err(Error::IncompleteShape(name.to_owned())),
    };
    Ok(format!("pub static {}: Shape = Shape::{made}{};\n", names::constant(name), hidden(shape)))
}

fn hidden(shape: &Shape) -> &'static str {
    if shape.sensitive { ".hidden()" } else { "" }
}

fn bounds(shape: &Shape) -> String {
    match (shape.min, shape.max) {
        (None, None) => "Bounds::NONE".to_owned(),
        (Some(min), None) => format!("Bounds::at_least({min})"),
        (None, Some(max)) => format!("Bounds::at_most({max})"),
        (Some(min), Some(max)) => format!("Bounds::between({min}, {max})"),
    }
}
