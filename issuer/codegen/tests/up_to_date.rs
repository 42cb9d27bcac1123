//! The committed code is what the generator makes of the committed models.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cognito_codegen::{Models, generate, model_crate};

#[test]
fn generated_code_is_up_to_date() {
    let model = model_crate();
    let read = |name: &str| fs::read_to_string(model.join("spec").join(name)).unwrap();
    let (idp, identity) = (read("cognito-idp.json"), read("cognito-identity.json"));
    let waf = read("wafv2.json");
    let files = generate(Models { idp: &idp, identity: &identity, waf: &waf }).unwrap();
    let made: BTreeMap<PathBuf, String> = files.into_iter().map(|file| (file.path, file.text)).collect();
    let folder = model.join("src/generated");
    let mut committed = BTreeMap::new();
    collect(&folder, &folder, &mut committed);
    assert_eq!(made.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (path, text) in &made {
        assert!(committed[path] == *text, "{} is stale: cargo run -p cognito-codegen", path.display());
        assert!(text.lines().count() < 2000, "{} has grown too long", path.display());
    }
}

#[allow(clippy::unwrap_used)] // a helper of the test above
fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
        }
    }
}
