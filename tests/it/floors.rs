//! The bans and version floors of deny.toml, held against Cargo.lock without any tool or network.

use std::collections::BTreeSet;

use toml::{Table, Value};

type Version = [u64; 3];

struct Package {
    name: String,
    version: Version,
    source: Option<String>,
    dependencies: Vec<String>,
}

/// A line of `[bans] deny`.
struct Ban {
    name: String,
    below: Option<Version>,
    one_version: bool,
    /// The only packages that may depend on it.
    wrappers: Vec<String>,
}

#[test]
fn the_lockfile_keeps_the_bans_and_floors_of_deny_toml() {
    let packages = packages(&read("Cargo.lock"));
    let bans = bans(&read("deny.toml"));
    assert!(packages.len() > 100 && bans.len() > 10);
    let broken: Vec<String> = bans.iter().filter_map(|ban| broken(ban, &packages)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn packages_come_from_crates_io() {
    for package in packages(&read("Cargo.lock")) {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(package.source.as_deref().is_none_or(|source| source == registry), "{}", package.name);
    }
}

#[test]
fn a_package_below_its_floor_is_found() {
    let lock = |version: &str| {
        format!(
            "[[package]]\nname = \"h2\"\nversion = \"{version}\"\n[[package]]\nname = \"ring\"\nversion = \"0.17.1\"\n"
        )
    };
    let deny = "[bans]\ndeny = [{ crate = \"h2:<0.4.11\" }, { crate = \"openssl\" }, { crate = \"ring\", deny-multiple-versions = true }]";
    let count = |lock: &str| {
        let packages = packages(&lock.parse().unwrap());
        bans(&deny.parse().unwrap()).iter().filter_map(|ban| broken(ban, &packages)).count()
    };
    assert_eq!(count(&lock("0.4.11")), 0);
    assert_eq!(count(&lock("0.4.10")), 1);
    assert_eq!(count(&format!("{}[[package]]\nname = \"openssl\"\nversion = \"1.0.0\"\n", lock("0.5.0"))), 1);
    assert_eq!(count(&format!("{}[[package]]\nname = \"ring\"\nversion = \"0.16.0\"\n", lock("0.5.0"))), 1);
}

#[test]
fn a_package_of_anybody_but_its_wrapper_is_found() {
    let deny = "[bans]\ndeny = [{ crate = \"aws-lc-rs\", wrappers = [\"common\"] }]";
    let count = |name: &str| {
        let lock = format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\"aws-lc-rs\"]\n");
        let packages = packages(&lock.parse().unwrap());
        bans(&deny.parse().unwrap()).iter().filter_map(|ban| broken(ban, &packages)).count()
    };
    assert_eq!((count("common"), count("rustls")), (0, 1));
}

fn broken(ban: &Ban, packages: &[Package]) -> Option<String> {
    let found: Vec<&Package> = packages.iter().filter(|package| package.name == ban.name).collect();
    if ban.one_version {
        let versions: BTreeSet<Version> = found.iter().map(|package| package.version).collect();
        return (versions.len() > 1).then(|| format!("{}: {versions:?}; one is allowed", ban.name));
    }
    if !ban.wrappers.is_empty() {
        let depends =
            |package: &&Package| package.dependencies.contains(&ban.name) && !ban.wrappers.contains(&package.name);
        let stranger = packages.iter().find(depends)?;
        return Some(format!("{} depends on {}, which is for {:?} (deny.toml)", stranger.name, ban.name, ban.wrappers));
    }
    let wrong = found.iter().find(|package| ban.below.is_none_or(|floor| package.version < floor))?;
    Some(format!("{} {:?} is banned (deny.toml)", wrong.name, wrong.version))
}

fn packages(lock: &Table) -> Vec<Package> {
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let packages = lock.get("package").and_then(Value::as_array).unwrap();
    let read = packages.iter().map(|package| Package {
        name: text(package, "name").unwrap(),
        version: version(&text(package, "version").unwrap()),
        source: text(package, "source"),
        dependencies: texts(package, "dependencies"),
    });
    read.collect()
}

fn bans(deny: &Table) -> Vec<Ban> {
    let bans = deny.get("bans").and_then(|bans| bans.get("deny")).and_then(Value::as_array).unwrap();
    let read = bans.iter().map(|ban| {
        let spec = ban.get("crate").and_then(Value::as_str).unwrap();
        let (name, range) = spec.split_once(':').map_or((spec, None), |(name, range)| (name, Some(range)));
        let below = range.map(|range| version(range.strip_prefix('<').expect("a floor is written name:<version")));
        let one_version = ban.get("deny-multiple-versions").and_then(Value::as_bool).unwrap_or_default();
        Ban { name: name.to_owned(), below, one_version, wrappers: texts(ban, "wrappers") }
    });
    read.collect()
}

/// Without the versions that Cargo.lock adds to names that are there twice.
fn texts(table: &Value, key: &str) -> Vec<String> {
    let texts = table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| text.split(' ').next()).map(str::to_owned).collect()
}

/// Pre-release and build parts don't matter for floors.
fn version(text: &str) -> Version {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| part.parse().unwrap());
    [parts.next().unwrap(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default()]
}

fn read(name: &str) -> Table {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}
