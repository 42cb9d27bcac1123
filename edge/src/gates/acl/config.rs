//! `[[acl]]`: web ACLs in AWS's JSON, and what they refer to.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use common::settings::{Entry, Section, SettingError, Value};
use common::waf::SearchStrings;
use common::waf::model::Logging;
use common::waf::read::{self, Dialect};

use crate::challenge::config::DIFFICULTIES;
use crate::gates::acl::Terms;
use crate::geo::Databases;
use crate::snapshot::acl::{AclLog, AclMeter, AclRule, EncodedBodies, OF_POOLS};
use crate::waf::{Acl, DryRun, Library, Wants, compile};
use crate::waf_log::LogRules;

/// A file with a web ACL, or with a set or group; bytes.
const MAX_BYTES: u64 = 8 << 20;

/// The web ACLs of a configuration by their names.
pub type Acls = HashMap<String, Arc<AclRule>>;

/// Reads all `[[acl]]`. Relative paths are relative to `folder`; `meter` gives counters to a web ACL of that name.
pub fn acls(
    sections: Vec<Section>,
    folder: &Path,
    terms: &Terms,
    meter: impl Fn(&str, &Acl) -> AclMeter,
) -> Result<Acls, SettingError> {
    let mut acls = Acls::new();
    for mut section in sections {
        let name = section.required_text("name")?;
        let place = section.place("name");
        if name.starts_with(OF_POOLS) {
            return Err(section.error("name", format!("must not begin with \"{OF_POOLS}\", as those of pools do")));
        }
        let acl = acl(&mut section, folder, terms.usual)?;
        let encoded = match section.text("encoded_bodies")?.as_deref() {
            None | Some("refuse") => EncodedBodies::Refuse,
            Some("inspect") => EncodedBodies::Inspect,
            Some(_) => return Err(section.error("encoded_bodies", "must be \"refuse\" or \"inspect\"")),
        };
        let logs = match section.text("log")?.as_deref() {
            None | Some("matched") => AclLog::Matched,
            Some("refused") => AclLog::Refused,
            Some(_) => return Err(section.error("log", "must be \"matched\" or \"refused\"")),
        };
        let logging = logging(&mut section, folder, terms)?;
        section.finish()?;
        let meter = meter(&name, &acl);
        let mut rule = terms.rule(&name, acl, meter, encoded, logs);
        rule.tells.log = logging.map(|logging| LogRules::new(logging, &rule.acl));
        if acls.insert(name.clone(), Arc::new(rule)).is_some() {
            return Err(SettingError::new(place, format!("there are two web ACLs called \"{name}\"")));
        }
    }
    Ok(acls)
}

/// Rules that must know what this edge does not. They are no mistake: a database may come later, and until then they see nobody.
pub fn warnings(acls: &Acls, databases: &Databases, has_tls: bool) -> Vec<String> {
    let mut names: Vec<_> = acls.keys().collect();
    names.sort();
    let mut warnings = Vec::new();
    for (name, rule) in names.into_iter().filter_map(|name| Some((name, acls.get(name)?))) {
        if rule.acl.reads_fingerprints && !has_tls {
            let problem = "there is no TLS listener: rules about JA3 and JA4 go by their FallbackBehavior";
            warnings.push(format!("acl {name}: {problem}"));
        }
        warnings.extend(about_nobody(name, &rule.acl, databases));
    }
    warnings
}

/// The same of one web ACL, about what databases say.
pub fn about_nobody(name: &str, acl: &Acl, databases: &Databases) -> Vec<String> {
    let countries = rule_wants(|wants| wants.countries, databases.knows_countries());
    let regions = rule_wants(|wants| wants.regions, databases.knows_regions());
    let systems = rule_wants(|wants| wants.systems, databases.knows_systems());
    let missing = [
        (countries, "country", "`country` or `city`"),
        (regions, "region", "`city`"),
        (systems, "autonomous system", "`asn`"),
    ];
    let warning = |(wants, what, key)| {
        let rules = acl.wanting(wants).join(", ");
        let problem = format!("nobody's {what} is known to the rules {rules}: there is no {key} in [geo]");
        (!rules.is_empty()).then(|| format!("acl {name}: {problem}"))
    };
    missing.into_iter().filter_map(warning).collect()
}

/// What a rule wants, unless it is known.
fn rule_wants(wants: fn(Wants) -> bool, is_known: bool) -> fn(Wants) -> bool {
    if is_known { |_| false } else { wants }
}

fn acl(section: &mut Section, folder: &Path, usual: (u8, u8)) -> Result<Acl, SettingError> {
    let search_strings = match section.text("search_strings")?.as_deref() {
        None | Some("base64") => SearchStrings::Base64,
        Some("text") => SearchStrings::Text,
        Some(_) => return Err(section.error("search_strings", "must be \"base64\" or \"text\"")),
    };
    let dialect = Dialect { search_strings };
    let mut library = Library::with_managed_groups();
    let references = section.texts("references")?;
    for reference in references {
        let json = json(section, "references", &folder.join(&reference))?;
        add(&mut library, &json, dialect)
            .map_err(|problem| section.error("references", format!("{reference}: {problem}")))?;
    }
    let file = section.required_text("file")?;
    let json = json(section, "file", &folder.join(&file))?;
    let in_file = |problem: String| section.error("file", format!("{file}: {problem}"));
    let model = read::web_acl(&json, dialect).map_err(|invalid| in_file(invalid.to_string()))?;
    let mut acl = compile(&model, &library).map_err(|error| in_file(error.to_string()))?;
    let named = difficulties(section)?;
    let asks_nothing =
        |name| section.error("difficulty", format!("no rule {name} in {file} asks for a challenge or a captcha"));
    acl.set_difficulty(usual, &named).map_err(asks_nothing)?;
    let dry_run = match section.value("dry_run") {
        None | Some(Value::Boolean(false)) => DryRun::None,
        Some(Value::Boolean(true)) => DryRun::All,
        Some(Value::Array(names)) => {
            let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
            DryRun::Rules(names.ok_or_else(|| section.error("dry_run", "must be true, or a list of names of rules"))?)
        }
        Some(_) => return Err(section.error("dry_run", "must be true, or a list of names of rules")),
    };
    acl.only_count(&dry_run).map_err(|name| section.error("dry_run", format!("there is no rule {name} in {file}")))?;
    Ok(acl)
}

/// `logging`: a file with a `LoggingConfiguration`, or that all is logged.
fn logging(section: &mut Section, folder: &Path, terms: &Terms) -> Result<Option<Logging>, SettingError> {
    let file = match section.flag_or_text("logging")? {
        None | Some(Ok(false)) => return Ok(None),
        _ if !terms.logs => return Err(section.error("logging", "needs a `[waf_log]` that says where to write")),
        Some(Ok(true)) => return Ok(Some(Logging::default())),
        Some(Err(file)) => file,
    };
    let json = json(section, "logging", &folder.join(&file))?;
    let logging = read::logging(&json).map_err(|invalid| section.error("logging", format!("{file}: {invalid}")))?;
    Ok(Some(logging))
}

/// `difficulty`: a number for rules by their names.
fn difficulties(section: &mut Section) -> Result<Vec<(String, u8)>, SettingError> {
    let Some(table) = section.section("difficulty")? else { return Ok(Vec::new()) };
    let (least, most) = (DIFFICULTIES.start(), DIFFICULTIES.end());
    let problem =
        |name: &str| section.error("difficulty", format!("{name} must be a number between {least} and {most}"));
    let number = |entry| match entry {
        Entry::Value(Value::Integer(number)) => {
            u8::try_from(number).ok().filter(|number| DIFFICULTIES.contains(number))
        }
        _ => None,
    };
    let named = table.entries().into_iter();
    named.map(|(name, entry)| number(entry).ok_or_else(|| problem(&name)).map(|number| (name, number))).collect()
}

/// A set or a group, by what it is.
fn add(library: &mut Library, json: &serde_json::Value, dialect: Dialect) -> Result<(), String> {
    let is = |wrapper: &str, member: &str| json.get(wrapper).is_some() || json.get(member).is_some();
    let added = if is("IPSet", "Addresses") {
        library.add_ip_set(&read::ip_set(json).map_err(|invalid| invalid.to_string())?)
    } else if is("RegexPatternSet", "RegularExpressionList") {
        library.add_regex_set(read::regex_set(json).map_err(|invalid| invalid.to_string())?)
    } else if is("RuleGroup", "Rules") {
        library.add_group(read::rule_group(json, dialect).map_err(|invalid| invalid.to_string())?)
    } else {
        return Err("is neither an IP set, a regex pattern set nor a rule group".to_owned());
    };
    if added { Ok(()) } else { Err("has no ARN, or another reference has the same".to_owned()) }
}

fn json(section: &Section, key: &str, path: &Path) -> Result<serde_json::Value, SettingError> {
    let error = |problem: String| section.error(key, format!("{}: {problem}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|problem| error(problem.to_string()))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|problem| error(problem.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(error(format!("is larger than {MAX_BYTES} bytes")));
    }
    serde_json::from_str(&text).map_err(|problem| error(format!("is no JSON: {problem}")))
}
