//! `tollgate admin export-key`

use std::io::Write as _;
use std::path::PathBuf;

use issuer::transfer::ExportKey;

use super::at;
use crate::admin::{AdminError, key_file};

#[derive(Debug, clap::Args)]
pub struct ExportKeyOptions {
    /// The new file with the private key, mode 0600. Whoever has it can read every export that was made for it.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

pub fn run(options: &ExportKeyOptions) -> Result<(), AdminError> {
    let key = ExportKey::generate().map_err(|e| at(&options.output, &e))?;
    let mut file = key_file::create(&options.output)?;
    let public = key.recipient();
    writeln!(file, "# Opens exports that were made for {public}\n{}", key.to_text().expose())?;
    file.sync_all()?;
    println!("{public}");
    Ok(())
}
