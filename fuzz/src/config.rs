//! An edge's settings, in a folder with the files that the seeds name.
//!
//! What must hold: no panic; an error is one line; what is accepted is accepted again. Inputs that would look a name up, or read files elsewhere, are
//! left out: they are not wrong, but slow.

use std::path::Path;

pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if leads_elsewhere(text) {
        return;
    }
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/files"));
    match edge::check_text(text, folder) {
        Ok(()) => assert!(edge::check_text(text, folder).is_ok()),
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty() && said.len() < 16 * 1024, "{said}");
        }
    }
}

fn leads_elsewhere(text: &str) -> bool {
    let Ok(root) = text.parse::<toml::Table>() else { return text.contains("/dev/") };
    fn any(value: &toml::Value, found: &dyn Fn(&str) -> bool) -> bool {
        match value {
            toml::Value::String(text) => found(text),
            toml::Value::Array(all) => all.iter().any(|value| any(value, found)),
            toml::Value::Table(all) => all.values().any(|value| any(value, found)),
            _ => false,
        }
    }
    let names_a_host = |text: &str| {
        text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
            && text.parse::<std::net::SocketAddr>().is_err()
    };
    any(&toml::Value::Table(root), &|text| text.starts_with('/') || text.contains("..") || names_a_host(text))
}
