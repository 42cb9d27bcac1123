//! JSON log lines on standard error; `RUST_LOG` chooses what (default: `info`).

use tracing_subscriber::EnvFilter;

pub fn to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _set_once = tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_env_filter(filter).try_init();
}
