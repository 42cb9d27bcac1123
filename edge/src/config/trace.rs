//! `[trace]`: where spans go, and which requests leave one.

use std::path::{Path, PathBuf};

use common::settings::{Section, SettingError};
use http::{HeaderName, HeaderValue};

use crate::observe::trace::Accept;
use crate::outbound::{Address, Authorities};

const DEFAULT_RATIO: f64 = 0.01;

/// Settings of traces, read at the start.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The collector's OTLP address.
    pub endpoint: Address,
    pub authorities: Authorities,
    /// What the collector wants to be told besides, such as a key.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Share of the traces that begin here which is sampled.
    pub ratio: f64,
    pub accept: Accept,
    /// `service.name`.
    pub service: String,
}

pub fn read(mut section: Section, folder: &Path) -> Result<TraceSettings, SettingError> {
    let text = section.required_text("endpoint")?;
    let allow_http = section.flag("allow_http")?.unwrap_or(false);
    let endpoint =
        Address::parse(&text, allow_http).map_err(|error| section.error("endpoint", format!("\"{text}\" {error}")))?;
    let file = |file: PathBuf| folder.join(file);
    let authorities = match section.file("ca_file")?.map(file) {
        None => Authorities::public().map_err(|problem| section.error("ca_file", problem.to_string()))?,
        Some(file) => Authorities::read(&file)
            .map_err(|problem| section.error("ca_file", format!("{}: {problem}", file.display())))?,
    };
    let headers = match section.file("headers_file")?.map(file) {
        None => Vec::new(),
        Some(file) => headers(&file).map_err(|problem| section.error("headers_file", problem))?,
    };
    let accept = match section.flag_or_text("accept")? {
        None => Accept::Nobody,
        Some(Ok(false)) => Accept::Nobody,
        Some(Ok(true)) => Accept::Everybody,
        Some(Err(text)) if text == "trusted" => Accept::Trusted,
        Some(Err(_)) => return Err(section.error("accept", "must be true, false or \"trusted\"")),
    };
    let settings = TraceSettings {
        endpoint,
        authorities,
        headers,
        ratio: section.share("ratio")?.unwrap_or(DEFAULT_RATIO),
        accept,
        service: section.text("service")?.unwrap_or_else(|| "tollgate-edge".to_owned()),
    };
    section.finish()?;
    Ok(settings)
}

/// `name: value`, one a line; values are secrets, and no error shows one.
fn headers(file: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let wrong = || format!("{}: line {} is no header such as \"api-key: …\"", file.display(), number + 1);
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(value.trim()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_shown_nowhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "api-key: s3cret\n\nX-Team : a:b \n").unwrap();
        let read = headers(file.path()).unwrap();
        assert_eq!((read[0].0.as_str(), read[0].1.to_str().unwrap()), ("api-key", "s3cret"));
        assert_eq!((read[1].0.as_str(), read[1].1.to_str().unwrap()), ("x-team", "a:b"));
        assert!(!format!("{read:?}").contains("s3cret"));
        for bad in ["s3cret", "a b: s3cret", "a: s3\u{7}cret"] {
            std::fs::write(file.path(), format!("x: y\n{bad}")).unwrap();
            let error = headers(file.path()).unwrap_err();
            assert!(error.contains("line 2 is no header") && !error.contains("s3"), "{error}");
        }
    }
}
