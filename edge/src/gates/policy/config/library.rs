//! `[[policy]]`: files of policies, with a schema to check them by and entities for them to know.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use cedar_policy::{Entities, EntityTypeName, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::gates::policy::config::{Known, Library, Loaded, reads};
use common::settings::{Section, SettingError};

/// Bytes of any one file: an edge is no database.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads all sections, and the files that they name.
pub fn library(sections: Vec<Section>, folder: &Path) -> Result<Library, SettingError> {
    let mut sets = HashMap::new();
    for section in sections {
        let place = section.place("name");
        let (name, loaded) = set(section, folder)?;
        if sets.contains_key(&name) {
            return Err(SettingError::new(place, format!("there are two policies called \"{name}\"")));
        }
        sets.insert(name, loaded);
    }
    Ok(Library { sets, slices: 0 })
}

fn set(mut section: Section, folder: &Path) -> Result<(String, Loaded), SettingError> {
    let name = section.required_text("name")?;
    let namespace = namespace(&mut section)?;
    let schema = match section.text("schema")? {
        None => None,
        Some(file) => Some(in_file(&section, "schema", folder, &file, |text| schema(&file, text))?),
    };
    let file = section.required_text("file")?;
    let policies = in_file(&section, "file", folder, &file, |text| policies(&name, text, schema.as_ref()))?;
    let entities = match section.text("entities")? {
        None => schema.as_ref().map_or(Ok(Entities::empty()), Schema::action_entities),
        Some(file) => return with_entities(section, folder, &file, name, (namespace, policies, schema)),
    };
    let entities = entities.map_err(|error| section.error("schema", line(&error)))?;
    section.finish()?;
    Ok((name, Loaded { namespace, policies, entities }))
}

fn with_entities(
    section: Section,
    folder: &Path,
    file: &str,
    name: String,
    (namespace, policies, schema): (String, Vec<Known>, Option<Schema>),
) -> Result<(String, Loaded), SettingError> {
    let entities = in_file(&section, "entities", folder, file, |text| entities(&namespace, text, schema.as_ref()))?;
    section.finish()?;
    Ok((name, Loaded { namespace, policies, entities }))
}

fn namespace(section: &mut Section) -> Result<String, SettingError> {
    let Some(text) = section.text("namespace")? else { return Ok(String::new()) };
    match format!("{text}::User").parse::<EntityTypeName>() {
        Ok(_) => Ok(format!("{text}::")),
        Err(_) => Err(section.error("namespace", format!("\"{text}\" is no namespace such as \"Shop\""))),
    }
}

/// Reads a file and what is in it; what is wrong with it is told with its name.
fn in_file<T>(
    section: &Section,
    key: &str,
    folder: &Path,
    file: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, SettingError> {
    let path = folder.join(file);
    let problem = |problem: String| section.error(key, format!("{}: {problem}", path.display()));
    let bytes = fs::metadata(&path).map_err(|error| problem(error.to_string()))?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(problem("is over 1 MiB".to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|error| problem(error.to_string()))?;
    read(&text).map_err(problem)
}

/// JSON where the file is called so, else Cedar's own form.
fn schema(file: &str, text: &str) -> Result<Schema, String> {
    if file.ends_with(".json") {
        return Schema::from_json_str(text).map_err(|error| line(&error));
    }
    Schema::from_cedarschema_str(text).map(|(schema, _)| schema).map_err(|error| placed(text, &error))
}

/// The policies of a file, called `<set>/<id>`, where the id is their `@id` or their place (`policy0`).
fn policies(set: &str, text: &str, schema: Option<&Schema>) -> Result<Vec<Known>, String> {
    let parsed: PolicySet = text.parse().map_err(|error| placed(text, &error))?;
    if let Some(template) = parsed.templates().next() {
        return Err(format!("policy {} has a slot: only whole policies are supported", template.id()));
    }
    let mut named = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy.annotation("id").filter(|id| !id.is_empty()).map_or(policy.id().to_string(), str::to_owned);
        let renamed = policy.new_id(PolicyId::new(format!("{set}/{id}")));
        named.add(renamed).map_err(|_| format!("two policies are called \"{id}\""))?;
    }
    if let Some(schema) = schema {
        let checked = Validator::new(schema.clone()).validate(&named, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            return Err(line(error));
        }
    }
    let mut policies: Vec<&Policy> = named.policies().collect();
    policies.sort_by(|a, b| a.id().cmp(b.id()));
    policies.into_iter().map(known).collect()
}

fn known(policy: &Policy) -> Result<Known, String> {
    Ok(Known { reads: reads::of(policy)?, names: policy.entity_literals(), policy: policy.clone() })
}

/// Who users are, tokens say: an entity in a file under the name of one would be something that no token vouches for.
fn entities(namespace: &str, text: &str, schema: Option<&Schema>) -> Result<Entities, String> {
    let entities = Entities::from_json_str(text, schema).map_err(|error| line(&error))?;
    let user = format!("{namespace}User");
    let found = entities.iter().map(cedar_policy::Entity::uid).find(|uid| uid.type_name().to_string() == user);
    found.map_or(Ok(entities), |uid| Err(format!("has {uid}: users come from tokens alone")))
}

/// An error with all its causes, in one line.
pub fn line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same, with the line of the file.
fn placed<E: Error + Diagnostic>(text: &str, error: &E) -> String {
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    match at.and_then(|at| text.get(..at)) {
        None => line(error),
        Some(before) => format!("line {}: {}", 1 + before.bytes().filter(|byte| *byte == b'\n').count(), line(error)),
    }
}
