//! Writes `issuer/model/src/generated`.

use std::fs;
use std::process::ExitCode;

use cognito_codegen::{Error, Models, generate, model_crate};

fn main() -> ExitCode {
    match write() {
        Ok(count) => {
            println!("{count} files written");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cognito-codegen: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Replaces the whole folder, so that nothing stale stays.
fn write() -> Result<usize, Error> {
    let model = model_crate();
    let idp = fs::read_to_string(model.join("spec/cognito-idp.json"))?;
    let identity = fs::read_to_string(model.join("spec/cognito-identity.json"))?;
    let waf = fs::read_to_string(model.join("spec/wafv2.json"))?;
    let files = generate(Models { idp: &idp, identity: &identity, waf: &waf })?;
    let folder = model.join("src/generated");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for file in &files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, &file.text)?;
    }
    Ok(files.len())
}
