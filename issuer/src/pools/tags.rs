//! Tags of pools (pure): keys and values as AWS takes them.

use std::collections::BTreeMap;

/// AWS: tags of a resource.
const MOST: usize = 50;
/// Keys that begin so are AWS's own.
const RESERVED: &str = "aws:";

pub type Tags = BTreeMap<String, String>;

/// Checks all the tags that a pool would have.
pub fn check(tags: &Tags) -> Result<(), String> {
    if tags.len() > MOST {
        return Err(format!("A user pool has at most {MOST} tags."));
    }
    if let Some(key) = tags.keys().find(|key| key.to_ascii_lowercase().starts_with(RESERVED)) {
        return Err(format!("Tag key {key} is reserved: keys can't begin with {RESERVED}"));
    }
    let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
    match tags.iter().find(|(key, value)| !allowed(key) || !allowed(value)) {
        Some((key, _)) => Err(format!("Tag {key:?} has an invalid character.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_tag_may_be() {
        for (key, value, good) in [
            ("team", "Zürich / 7", true),
            ("cost:center", "", true),
            ("aws:x", "y", false),
            ("AWS:x", "y", false),
            ("a\0", "y", false),
            ("a", "y\n", false),
            ("a", "<b>", false),
        ] {
            assert_eq!(check(&tags(&[(key, value)])).is_ok(), good, "{key:?} {value:?}");
        }
        let many: Tags = (0..=MOST).map(|n| (n.to_string(), String::new())).collect();
        assert!(check(&many).unwrap_err().contains("50"));
    }
}
