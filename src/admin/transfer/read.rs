//! `tollgate admin export-read`

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use issuer::transfer;

use super::{at, open, read_key};
use crate::admin::AdminError;

#[derive(Debug, clap::Args)]
pub struct ExportRead {
    /// The export.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the private key, from `tollgate admin export-key`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub fn run(options: &ExportRead) -> Result<(), AdminError> {
    let key = read_key(&options.key)?;
    // First all of it: what is printed is whole.
    transfer::check(open(&options.file)?, &key, |_| None, &mut |_| {}).map_err(|e| at(&options.file, &e))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    transfer::print(open(&options.file)?, &key, &mut out).map_err(|e| at(&options.file, &e))?;
    Ok(out.flush()?)
}
