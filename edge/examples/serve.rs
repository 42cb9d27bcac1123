//! Runs the edge alone, for measuring: `serve CONFIG`. The product is the `tollgate` binary.

use std::path::Path;
use std::process::ExitCode;

use edge::{Shutdown, Start, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Some(config) = std::env::args().nth(1) else {
        eprintln!("usage: serve CONFIG");
        return ExitCode::from(64);
    };
    match run(Path::new(&config), Start::Fresh, Shutdown::at_signals(), |_| ()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
