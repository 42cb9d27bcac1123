//! The closed list of exceptions: the models' and the protocol's own.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::emit::HEADER;
use crate::emit::operations::exception;
use crate::spec::Spec;

/// What every AWS JSON service can answer beyond its model: (variant, name on the wire, HTTP status).
const PROTOCOL: &[(&str, &str, u16)] = &[
    ("AccessDenied", "AccessDeniedException", 400),
    ("IncompleteSignature", "IncompleteSignatureException", 400),
    ("InvalidSignature", "InvalidSignatureException", 400),
    ("MissingAuthenticationToken", "MissingAuthenticationTokenException", 400),
    ("RequestEntityTooLarge", "RequestEntityTooLargeException", 413),
    ("Serialization", "SerializationException", 400),
    ("Throttling", "ThrottlingException", 400),
    ("Unavailable", "InternalErrorException", 503),
    ("UnknownOperation", "UnknownOperationException", 400),
    ("UnrecognizedClient", "UnrecognizedClientException", 400),
    ("Validation", "ValidationException", 400),
];

/// The file `exception.rs`.
pub fn file(specs: &[&Spec]) -> String {
    let mut all: BTreeMap<String, (String, u16)> = BTreeMap::new();
    let mut capital = Vec::new();
    for (name, shape) in specs.iter().flat_map(|spec| &spec.shapes).filter(|(_, shape)| shape.exception) {
        let status = if shape.fault { 500 } else { 400 };
        if shape.members.contains_key("Message") {
            capital.push(format!("Self::{}", exception(name)));
        }
        all.insert(exception(name).to_owned(), (name.clone(), status));
    }
    for (variant, name, status) in PROTOCOL {
        all.insert((*variant).to_owned(), ((*name).to_owned(), *status));
    }
    let mut out = format!(
        "{HEADER}/// Every exception that the issuer can answer with: those of the service models and those of the protocol.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum Exception {{\n"
    );
    for (variant, (name, status)) in &all {
        let _ = writeln!(out, "/// `{name}`, {status}.\n{variant},");
    }
    out.push_str("}\n\nimpl Exception {\n/// All of them, by name.\npub const ALL: &'static [Self] = &[");
    for variant in all.keys() {
        let _ = write!(out, "Self::{variant}, ");
    }
    out.push_str("];\n\n/// The name on the wire: `__type` of the body.\npub const fn name(self) -> &'static str {\nmatch self {\n");
    for (variant, (name, _)) in &all {
        let _ = writeln!(out, "Self::{variant} => \"{name}\",");
    }
    out.push_str("}\n}\n\n/// The HTTP status.\npub const fn status(self) -> u16 {\nmatch self {\n");
    for status in [413, 500, 503] {
        let variants: Vec<String> =
            all.iter().filter(|(_, (_, s))| *s == status).map(|(variant, _)| format!("Self::{variant}")).collect();
        let _ = writeln!(out, "{} => {status},", variants.join(" | "));
    }
    out.push_str("_ => 400,\n}\n}\n\n/// The member of the body that has the text.\n");
    let _ = writeln!(
        out,
        "pub const fn text_member(self) -> &'static str {{\nmatch self {{\n{} => \"Message\",",
        capital.join(" | ")
    );
    out.push_str("_ => \"message\",\n}\n}\n}\n");
    out
}
