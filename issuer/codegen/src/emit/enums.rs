//! Rust enums for the model's closed sets of strings.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::emit::HEADER;
use crate::error::Error;
use crate::graph::Graph;
use crate::names;

/// Values that the service takes by its documentation, and the model leaves out.
const UNLISTED: &[(&str, &str)] = &[("ExplicitAuthFlowsType", "ALLOW_CLIENT_TOKEN_AUTH")];

/// The file `types/enums.rs`.
pub fn file(graph: &Graph<'_>) -> Result<String, Error> {
    let mut out = format!("{HEADER}use crate::text_enum::text_enum;\n\n");
    for (name, shape) in graph.spec.shapes.iter().filter(|(_, shape)| shape.is_enum()) {
        let mut seen = BTreeSet::new();
        let _ = writeln!(out, "text_enum! {{\n    pub enum {name} {{");
        let unlisted = UNLISTED.iter().filter(|(of, _)| of == name).map(|(_, value)| *value);
        for value in shape.values.iter().map(String::as_str).chain(unlisted) {
            let variant = names::variant(value);
            let _ = writeln!(out, "        {variant} = \"{value}\",");
            if !seen.insert(variant) {
                return Err(Error::NameCollision(format!("{name}::{value}")));
            }
        }
        out.push_str("    }\n}\n\n");
    }
    Ok(out)
}

/// The re-export in `types`.
pub fn exports(graph: &Graph<'_>) -> String {
    let names: Vec<&str> =
        graph.spec.shapes.iter().filter(|(_, shape)| shape.is_enum()).map(|(name, _)| name.as_str()).collect();
    format!("pub use enums::{{{}}};\n", names.join(", "))
}
