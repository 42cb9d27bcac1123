//! Generates `cognito-model` from botocore's service models: types, validation tables, operations, exceptions.
//!
//! `cargo run -p cognito-codegen` writes `issuer/model/src/generated`, which is committed; a test compares the two.

pub mod emit;
mod error;
mod graph;
mod names;
mod pattern;
mod rustfmt;
mod spec;

use std::path::{Path, PathBuf};

pub use error::Error;

use emit::{File, HEADER, enums, exceptions, operations, structures, tables};
use graph::Graph;
use spec::Spec;

/// The models, as text.
#[derive(Clone, Copy, Debug)]
pub struct Models<'a> {
    pub idp: &'a str,
    pub identity: &'a str,
    pub waf: &'a str,
}

/// What `common::waf` reads: the language of rules, and what is kept and answered as it came.
const RULES: &[&str] = &[
    "ApplicationConfig",
    "AssociationConfig",
    "CaptchaConfig",
    "ChallengeConfig",
    "CustomResponseBodies",
    "DataProtectionConfig",
    "DefaultAction",
    "FieldToMatch",
    "IPSet",
    "MonetizationConfig",
    "OnSourceDDoSProtectionConfig",
    "RegexPatternSet",
    "RuleAction",
    "RuleGroup",
    "Rules",
    "VisibilityConfig",
    "WebACL",
];

/// Patterns of `cognito-idp` that the service itself does not go by: shape, and what it takes. A custom domain is a whole host name, with dots.
const CORRECTED: &[(&str, &str)] = &[("DomainType", r"^[a-z0-9](?:[a-z0-9\-\.]{0,61}[a-z0-9])?$")];

/// All files of `src/generated`, formatted.
pub fn generate(models: Models<'_>) -> Result<Vec<File>, Error> {
    let mut idp = parse("cognito-idp", models.idp)?;
    idp.correct(CORRECTED);
    let identity = parse("cognito-identity", models.identity)?;
    let mut waf = parse("wafv2", models.waf)?;
    waf.leave_to_others(RULES);
    let mut files = vec![
        file("mod.rs", format!("{HEADER}pub mod exception;\npub mod identity;\npub mod idp;\npub mod waf;\n")),
        file("exception.rs", exceptions::file(&[&idp, &identity, &waf])),
    ];
    files.extend(service(&idp, "idp")?);
    files.extend(service(&identity, "identity")?);
    files.extend(service(&waf, "waf")?);
    for file in &mut files {
        file.text = rustfmt::format(&file.text)?;
    }
    Ok(files)
}

/// The folder of the crate that the generated code belongs to.
pub fn model_crate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model")
}

fn parse(service: &'static str, text: &str) -> Result<Spec, Error> {
    serde_json::from_str(text).map_err(|source| Error::Spec { service, source })
}

fn file(path: &str, text: String) -> File {
    File { path: path.into(), text }
}

fn service(spec: &Spec, module: &str) -> Result<Vec<File>, Error> {
    let variant = match spec.metadata.target_prefix.as_str() {
        "AWSCognitoIdentityProviderService" => "Idp",
        "AWSCognitoIdentityService" => "Identity",
        "AWSWAF_20190729" => "Waf",
        other => return Err(Error::UnknownTarget(other.to_owned())),
    };
    let graph = Graph::new(spec)?;
    let types = structures::files(&graph, module)?;
    let tables = tables::files(&graph, module)?;
    let mut type_exports = format!("pub mod enums;\n{}", modules("", &types));
    type_exports.push_str(&enums::exports(&graph));
    type_exports.push_str(&structures::exports(&types));
    let mut files = vec![
        file(&format!("{module}/mod.rs"), format!("{HEADER}pub mod op;\npub(crate) mod tables;\npub mod types;\n")),
        file(&format!("{module}/op.rs"), operations::file(&graph, module, variant)?),
        file(&format!("{module}/types/mod.rs"), format!("{HEADER}{type_exports}")),
        file(&format!("{module}/types/enums.rs"), enums::file(&graph)?),
        file(&format!("{module}/tables/mod.rs"), format!("{HEADER}{}", modules("pub ", &tables))),
    ];
    files.extend(types.into_iter().map(|(name, text)| file(&format!("{module}/types/{name}.rs"), text)));
    files.extend(tables.into_iter().map(|(name, text)| file(&format!("{module}/tables/{name}.rs"), text)));
    Ok(files)
}

fn modules(visibility: &str, files: &[(String, String)]) -> String {
    files.iter().map(|(name, _)| format!("{visibility}mod {name};\n")).collect()
}
