//! Who may import whom. Circles can't arise where every module has one place in an order and imports only what stands before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules of a crate, lowest first; those on one level don't import each other.
type Order = &'static [&'static [&'static str]];

const COMMON: Order = &[
    &["ids", "clock", "secret", "settings", "reject", "canonical", "html", "waf", "ways"],
    &["refresh"],
    &["jose", "sigv4", "networks"],
    &["claims", "dpop", "forwarded"],
    &["verify", "feed", "attest"],
    &["cognito"],
];

/// Mechanisms know no feature; features know those before them; the assembly knows all.
const ISSUER: Order = &[
    &["entropy", "metrics"],
    &["store"],
    &["outbox", "envelope", "audit"],
    &["codes", "cors", "html", "keys", "limits", "passwords", "messages", "outbound", "sampled"],
    &["config"],
    &["services"],
    &["signing"],
    &["aws_json"],
    &["access"],
    &["pools"],
    &["providers", "resource_servers"],
    &["clients"],
    &["domains", "imports", "provisioned", "replicas", "risk", "terms"],
    &["appearance"],
    &["waf"],
    &["users"],
    &["linking", "events"],
    &["schema_changes"],
    &["signup"],
    &["recovery"],
    &["sessions"],
    &["devices"],
    &["factors"],
    &["signin"],
    &["tokens"],
    &["login"],
    &["oauth"],
    &["pages"],
    &["erasure"],
    &["publish"],
    &["vouching"],
    &["purge"],
    &["backup", "transfer"],
    &["devmode"],
    &["router", "admin", "migrations", "reports"],
    &["serve"],
    &["app"],
];

const EDGE: Order = &[
    &["files", "outbound", "rates", "uplink", "redact"],
    &["takeover"],
    &["waf"],
    &["geo", "samples"],
    &["waf_log"],
    &["snapshot", "replay"],
    &["facts", "challenge", "tenant"],
    &["gates", "routes", "forward", "attest", "reply", "cors", "observe", "resource", "tls"],
    &["feed", "keys", "introspection", "sign_in"],
    &["gateway"],
    &["front"],
    &["config"],
    &["admin"],
    &["app"],
    &["explain"],
];

const BENCH: Order = &[
    &["measure", "cluster", "corpus"],
    &["finding", "clean"],
    &["load", "peers", "feed", "limit"],
    &["scenario"],
    &["report"],
];

/// Which of our crates each may depend on. Issuer, edge and bench share `common` and the network, nothing else.
const CRATES: &[(&str, &[&str])] = &[
    ("common", &[]),
    ("issuer/model", &["common"]),
    ("issuer/codegen", &[]),
    ("issuer", &["common", "cognito-model"]),
    ("edge", &["common"]),
    ("bench", &["common"]),
    (".", &["common", "issuer", "edge", "bench"]),
];

const OURS: [&str; 6] = ["common", "cognito-model", "cognito-codegen", "issuer", "edge", "bench"];
/// `common` has no async runtime, no SQL, no HTTP framework.
const NOT_IN_COMMON: [&str; 8] = ["tokio", "hyper", "axum", "http", "rusqlite", "tokio-postgres", "quinn", "pingora"];

/// A source file as (path below src, text).
type Source = (PathBuf, String);

#[test]
fn modules_import_only_what_stands_before_them() {
    for (name, order) in [("common", COMMON), ("issuer", ISSUER), ("edge", EDGE), ("bench", BENCH)] {
        let found = violations(order, &sources(name));
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

#[test]
fn crates_depend_only_in_the_allowed_directions() {
    for (folder, allowed) in CRATES {
        let manifest = root().join(folder).join("Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
        for kind in ["dependencies", "build-dependencies"] {
            let used = manifest.get(kind).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
            let wrong: Vec<_> =
                used.filter(|used| OURS.contains(&used.as_str()) && !allowed.contains(&used.as_str())).collect();
            assert!(wrong.is_empty(), "{folder} depends on {wrong:?}");
        }
        if *folder == "common" {
            let used = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap();
            assert!(NOT_IN_COMMON.iter().all(|heavy| !used.contains_key(*heavy)), "common stays light");
        }
    }
}

#[test]
fn gates_know_neither_pingora_nor_the_feed() {
    let gates = sources("edge").into_iter().filter(|(path, _)| path.starts_with("gates"));
    for (path, text) in gates {
        let text = production(&text).0;
        for word in ["pingora", "crate::feed", "crate::gateway", "tokio"] {
            assert!(!text.contains(word), "edge/src/{}: {word}", path.display());
        }
    }
}

/// A name in a token is looked up in a set and nowhere else (SECURITY.md T08): what judges tokens has no way to a file, a host or a program.
#[test]
fn what_judges_tokens_opens_nothing() {
    let judges = ["jose", "claims", "verify", "canonical"];
    let of_common =
        sources("common").into_iter().filter(|(path, _)| judges.iter().any(|judge| path.starts_with(judge)));
    let of_edge =
        sources("edge").into_iter().filter(|(path, _)| path.starts_with("gates") && !path.ends_with("config.rs"));
    let mut looked_at = 0;
    // Tests, and what reads settings before anything is judged.
    let is_apart =
        |path: &Path| path.iter().any(|part| ["tests", "tests.rs", "config"].iter().any(|name| part == *name));
    for (path, text) in of_common.chain(of_edge).filter(|(path, _)| !is_apart(path)) {
        let text = production(&text).0;
        for word in [
            "std::fs",
            "std::process",
            "std::env",
            "File::open",
            "TcpStream",
            "UdpSocket",
            "ToSocketAddrs",
            "Command::new",
        ] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        looked_at += 1;
    }
    assert!(looked_at > 30, "{looked_at}");
}

#[test]
fn features_do_not_write_the_dialect_of_an_engine() {
    for (path, text) in sources("issuer").into_iter().filter(|(path, _)| !path.starts_with("store")) {
        let text = production(&text).0;
        for word in ["rusqlite", "tokio_postgres", "deadpool_postgres"] {
            assert!(!text.contains(word), "issuer/src/{}: {word}", path.display());
        }
    }
}

#[test]
fn an_import_that_is_turned_round_is_found() {
    const ORDER: Order = &[&["low"], &["left", "right"], &["high"]];
    let check = |path: &str, text: &str| violations(ORDER, &[(PathBuf::from(path), text.to_owned())]);
    let good = [
        ("high/mod.rs", "use crate::low::a;\nuse crate::{left, right::{b, c}};"),
        ("left.rs", "use crate::left::x;\n// crate::high\nfn f() { crate::low::g() }"),
        ("low/deep/er.rs", "use super::super::other;"),
        ("low.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::high::fixture;\n}"),
        ("lib.rs", "mod low;\npub use crate::high::start;"),
    ];
    for (path, text) in good {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}");
    }
    let turned = [
        ("low/mod.rs", "use crate::high::rows;"),
        ("low/rows.rs", "fn f() -> crate::high::Thing {}"),
        ("left.rs", "use crate::{low, right};"),
        ("left.rs", "use crate::{\n    low,\n    right::{self, x},\n};"),
        ("left/mod.rs", "use super::right::x;"),
        ("left/ops/one.rs", "use super::super::super::high;"),
        ("low.rs", "#[cfg(test)]\nuse crate::low::t;\nuse crate::high::x;"),
        ("unplaced.rs", "use crate::low;"),
    ];
    for (path, text) in turned {
        assert_eq!(check(path, text).len(), 1, "{path}: {text}");
    }
}

/// One line for each import that goes the wrong way, and for each module without a place.
fn violations(order: Order, sources: &[Source]) -> Vec<String> {
    let mut level: BTreeMap<&str, usize> = BTreeMap::new();
    for (height, modules) in order.iter().enumerate() {
        for module in *modules {
            assert!(level.insert(module, height).is_none(), "{module} has two places");
        }
    }
    let test_only: BTreeSet<PathBuf> =
        sources.iter().flat_map(|(path, text)| test_modules(path, &production(text).1)).collect();
    let mut found = Vec::new();
    for (path, text) in sources {
        let module = module_path(path);
        let is_test = path.ancestors().any(|part| test_only.contains(&part.with_extension("")));
        let Some(top) = module.first().filter(|_| !is_test) else { continue };
        let Some(own) = level.get(top.as_str()) else {
            found.push(format!("{}: {top} has no place in the order", path.display()));
            continue;
        };
        for import in imports(&module, &production(text).0) {
            let height = level.get(import.as_str());
            if import != *top && height.is_some_and(|height| height >= own) {
                found.push(format!("{}: {top} imports {import}", path.display()));
            }
        }
    }
    found
}

/// `tokens/ops/mod.rs` is the module `tokens::ops`; `lib.rs` is the root.
fn module_path(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> = path.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Paths, without extension, of modules that are compiled for tests only.
fn test_modules(parent: &Path, names: &[String]) -> Vec<PathBuf> {
    let folder: PathBuf = module_path(parent).iter().collect();
    names.iter().map(|name| folder.join(name)).collect()
}

/// The text without comments and without what is compiled for tests only, and the names of files that are.
fn production(text: &str) -> (String, Vec<String>) {
    let (mut kept, mut files) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let item = lines.by_ref().find(|line| !line.trim().starts_with("#[")).unwrap_or_default();
            if let Some(name) = item.trim().split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';')) {
                files.push(name.to_owned());
            } else if !item.ends_with(';') {
                let indent = item.len() - item.trim_start().len();
                let last = format!("{}}}", " ".repeat(indent));
                lines.by_ref().find(|line| line.trim_end() == last);
            }
            continue;
        }
        let code = if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or_default() };
        kept.push_str(code);
        kept.push('\n');
    }
    (kept, files)
}

/// The top-level modules of its own crate that a text names.
fn imports(module: &[String], text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            found.extend(first_names(&text[at + "crate::".len()..]));
        }
    }
    let to_root = "super::".repeat(module.len());
    for (at, _) in text.match_indices(&to_root) {
        let rest = &text[at + to_root.len()..];
        if !text[..at].ends_with("super::") && !rest.starts_with("super::") {
            found.extend(first_names(rest));
        }
    }
    found
}

/// `a::b` names a; `{a, b::{c, d}}` names a and b.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0_usize, 0_usize);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(name: &str) -> Vec<Source> {
    let src = root().join(name).join("src");
    let (mut folders, mut found) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&src).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 5, "{name} has no sources");
    found
}
