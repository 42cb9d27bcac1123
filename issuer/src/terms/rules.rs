//! What the model's patterns don't say of links (pure).

use std::collections::BTreeMap;

const DEFAULT: &str = "cognito:default";

/// There is a link for every language that has none, and each leads to a page.
pub fn links(given: Option<BTreeMap<String, String>>) -> Result<BTreeMap<String, String>, String> {
    let links = given.unwrap_or_default();
    if !links.contains_key(DEFAULT) {
        return Err(format!("Links must contain {DEFAULT}."));
    }
    let is_page =
        |link: &str| url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    match links.iter().find(|(_, link)| !is_page(link)) {
        Some((language, _)) => Err(format!("The link for {language} is no URL of a page.")),
        None => Ok(links),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_and_one_is_for_all() {
        let given = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(language, link)| ((*language).to_owned(), (*link).to_owned()));
            links(Some(pairs.collect()))
        };
        assert_eq!(given(&[(DEFAULT, "https://example.com/terms")]).unwrap().len(), 1);
        assert!(links(None).is_err());
        assert!(given(&[("cognito:english", "https://example.com/terms")]).unwrap_err().contains(DEFAULT));
        for wrong in ["terms", "javascript:alert(1)", "mailto:a@b.example", "https://"] {
            assert!(given(&[(DEFAULT, wrong)]).unwrap_err().contains("no URL"), "{wrong}");
        }
    }
}
