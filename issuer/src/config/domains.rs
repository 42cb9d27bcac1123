//! `[domains]`: the host names at which the domains of pools answer.

use common::canonical::Host;
use common::settings::{Section, SettingError};
use url::Url;

use super::Deployment;

/// Every URL that a pool's domain may have comes from here or from the domain's row, none from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainSettings {
    /// What stands behind a prefix and a dot. None: `auth.` and the host of `public_url`.
    pub suffix: Option<String>,
    /// The domain, by its name, that answers at [`DomainSettings::default_urls`].
    pub default_domain: Option<String>,
    /// Origins such as `http://localhost:8700`, the preferred one first.
    pub default_urls: Vec<String>,
}

impl Deployment {
    /// What stands behind a pool's prefix: `auth.id.example.com`. None: `public_url` has no host.
    pub fn domain_suffix(&self) -> Option<String> {
        let of_url = || Some(format!("auth.{}", Url::parse(&self.public_url).ok()?.host_str()?));
        self.domains.suffix.clone().or_else(of_url)
    }
}

pub fn read(mut section: Section) -> Result<DomainSettings, SettingError> {
    let settings = DomainSettings {
        suffix: section.text("suffix")?,
        default_domain: section.text("default_domain")?,
        default_urls: section.texts("default_urls")?,
    };
    if let Some(suffix) = &settings.suffix {
        let canonical = Host::parse(suffix.as_bytes()).ok().filter(|host| host.port().is_none());
        if canonical.is_none_or(|host| host.name() != suffix) {
            return Err(section.error("suffix", "must be a lower-case host name without a port"));
        }
    }
    if settings.default_domain.is_some() == settings.default_urls.is_empty() {
        return Err(section.error("default_domain", "`default_domain` and `default_urls` need each other"));
    }
    if let Some(url) = settings.default_urls.iter().find(|url| !is_origin(url)) {
        return Err(
            section.error("default_urls", format!("\"{url}\" is no origin such as \"https://login.example.com\""))
        );
    }
    section.finish()?;
    Ok(settings)
}

/// In the one form that it has: what follows the port, and a default port, would never be matched.
fn is_origin(url: &str) -> bool {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.is_some_and(|parsed| parsed.origin().ascii_serialization() == url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<DomainSettings, String> {
        let mut root = common::settings::parse(&format!("[domains]\n{text}"), [], &[]).unwrap();
        read(root.section("domains").unwrap().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_origins_have_one_form() {
        assert_eq!(read_text("").unwrap(), DomainSettings::default());
        let good = read_text(
            "suffix = \"auth.example.com\"\ndefault_domain = \"demo\"\ndefault_urls = [\"http://localhost:8700\"]",
        );
        assert_eq!(good.unwrap().default_urls, ["http://localhost:8700"]);
        for (text, want) in [
            ("suffix = \"Auth.example.com\"", "domains.suffix: "),
            ("suffix = \"auth.example.com:1\"", "domains.suffix: "),
            ("suffix = \".example.com\"", "domains.suffix: "),
            ("default_domain = \"demo\"", "domains.default_domain: "),
            ("default_urls = [\"https://a.test\"]", "domains.default_domain: "),
            ("default_domain = \"demo\"\ndefault_urls = [\"https://a.test/\"]", "domains.default_urls: "),
            ("default_domain = \"demo\"\ndefault_urls = [\"https://a.test:443\"]", "domains.default_urls: "),
            ("default_domain = \"demo\"\ndefault_urls = [\"ftp://a.test\"]", "domains.default_urls: "),
            ("default = \"demo\"", "domains.default"),
        ] {
            let refused = read_text(text).unwrap_err();
            assert!(refused.starts_with(want), "{text}: {refused}");
        }
    }
}
