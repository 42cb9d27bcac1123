//! The list that becomes one zero-sized type an operation, and the table of all of them.

use std::fmt::Write;

use crate::emit::HEADER;
use crate::error::Error;
use crate::graph::Graph;
use crate::names;
use crate::spec::Operation;

/// Not marked unsigned in the model, but their documentation says that IAM is not evaluated, or that the client's own id
/// and secret serve instead.
const SIGNED_OR_CLIENT: &[&str] = &["GetClientToken", "GetDerivedToken"];

/// The file `op.rs`. The list is a macro call in braces, which rustfmt leaves alone: one entry is a few lines, not thirty.
pub fn file(graph: &Graph<'_>, module: &str, service: &str) -> Result<String, Error> {
    let some_have_none = graph.spec.operations.values().any(|operation| operation.output.is_none());
    let used = if some_have_none { "{NoOutput, operations}" } else { "operations" };
    let mut out = format!(
        "{HEADER}use crate::generated::{module}::tables::requests;\nuse crate::generated::{module}::types;\n\
         use crate::operation::{used};\n\noperations! {{\n    {service}\n"
    );
    for operation in graph.spec.operations.values() {
        let input = operation.input.shape.as_str();
        let (reply, output) = match &operation.output {
            Some(output) => ("Json", format!("types::{}", output.shape)),
            None => ("Empty", "NoOutput".to_owned()),
        };
        let (name, auth, table) = (&operation.name, auth(graph, operation)?, names::constant(input));
        let _ = writeln!(out, "    {name} ({auth}, {reply}, requests::{table}) types::{input} => {output}");
        out.push_str(&errors(operation));
    }
    out.push_str("}\n");
    Ok(out)
}

fn errors(operation: &Operation) -> String {
    const WIDTH: usize = 110;
    let mut lines = vec!["        [".to_owned()];
    for error in &operation.errors {
        let name = exception(&error.shape);
        if lines.last().is_some_and(|line| line.len() + name.len() > WIDTH) {
            lines.push("        ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(name);
            line.push_str(", ");
        }
    }
    let text: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("{}]\n", text.join("\n").trim_end_matches(','))
}

/// `UserNotFoundException` becomes `UserNotFound`.
pub fn exception(name: &str) -> &str {
    name.strip_suffix("Exception").unwrap_or(name)
}

/// GetDevice and ForgetDevice do not require their `AccessToken`, though nothing else says whose the device is. (Where it may stay away, a
/// `Session` stands in for it.)
fn auth(graph: &Graph<'_>, operation: &Operation) -> Result<&'static str, Error> {
    let unsigned = operation.authtype.as_deref() == Some("none");
    let input = graph.shape(&operation.input.shape)?;
    let required = input.required.iter().any(|member| member == "AccessToken");
    let needs_token = required || (input.members.contains_key("AccessToken") && !input.members.contains_key("Session"));
    Ok(match (unsigned, needs_token) {
        (true, true) => "AccessToken",
        (true, false) => "None",
        (false, _) if SIGNED_OR_CLIENT.contains(&operation.name.as_str()) => "SigV4OrClient",
        (false, _) => "SigV4",
    })
}
