//! The model's patterns are Java's; the service checks them with the `regex` crate.
//!
//! Three differences matter. Java's `\w`, `\d` and `\s` are ASCII, the crate's are Unicode: a pool id in Arabic digits must
//! not pass. Java's `.` stops at more line ends. The crate has no look-around: such a pattern is an error here, which no
//! shape that a request can hold runs into today. Matching is of the whole value (`Matcher.matches()`), whether or not the pattern has anchors.

use crate::error::Error;

const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r" \t\n\x0B\f\r";

/// The pattern in the crate's syntax, anchored at both ends.
pub fn translate(pattern: &str) -> Result<String, Error> {
    let refuse = |reason| Error::Pattern { pattern: pattern.to_owned(), reason };
    let dot_matches_all = pattern.starts_with("(?s)");
    let mut out = String::new();
    let mut in_class = false;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next().ok_or_else(|| refuse("it ends in a backslash"))?;
                out.push_str(&escape(escaped, in_class));
            }
            '[' if in_class => return Err(refuse("a class within a class")),
            '&' | '~' if in_class && letters.peek() == Some(&letter) => return Err(refuse("a set operation")),
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '.' if !in_class && !dot_matches_all => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            '(' if letters.peek() == Some(&'?') => {
                out.push_str(&group(&mut letters).ok_or_else(|| refuse("look-around"))?);
            }
            other => out.push(other),
        }
    }
    Ok(format!(r"\A(?:{out})\z"))
}

fn escape(letter: char, in_class: bool) -> String {
    match (letter, in_class) {
        ('w', true) => WORD.to_owned(),
        ('w', false) => format!("[{WORD}]"),
        ('d', true) => "0-9".to_owned(),
        ('d', false) => "[0-9]".to_owned(),
        ('s', true) => SPACE.to_owned(),
        ('s', false) => format!("[{SPACE}]"),
        ('S', _) => format!("[^{SPACE}]"),
        ('W', _) => format!("[^{WORD}]"),
        ('D', _) => "[^0-9]".to_owned(),
        (other, _) => format!("\\{other}"),
    }
}

/// The opening of a `(?…` group, or nothing if it looks around.
fn group(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    letters.next();
    match letters.next()? {
        ':' => Some("(?:".to_owned()),
        's' if letters.peek() == Some(&')') => Some("(?s".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ascii_as_in_java() {
        assert_eq!(translate(r"[\w-]+_\d*").unwrap(), r"\A(?:[0-9A-Za-z_-]+_[0-9]*)\z");
        assert_eq!(translate(r"[\S]+").unwrap(), r"\A(?:[[^ \t\n\x0B\f\r]]+)\z");
        assert_eq!(translate(r"[\p{L}\s*]*\{####\}").unwrap(), r"\A(?:[\p{L} \t\n\x0B\f\r*]*\{####\})\z");
    }

    #[test]
    fn dots_and_groups() {
        assert_eq!(translate(r"(?s).*").unwrap(), r"\A(?:(?s).*)\z");
        assert_eq!(translate(r"(?:a|.)").unwrap(), r"\A(?:(?:a|[^\n\r\x{85}\x{2028}\x{2029}]))\z");
        assert!(matches!(translate(r"a(?!b)"), Err(Error::Pattern { reason: "look-around", .. })));
    }

    /// What stays untranslated does so for a known reason.
    #[test]
    fn untranslatable_patterns_of_the_models() {
        let mut failed = Vec::new();
        for model in [
            include_str!("../../model/spec/cognito-idp.json"),
            include_str!("../../model/spec/cognito-identity.json"),
            include_str!("../../model/spec/wafv2.json"),
        ] {
            let spec: crate::spec::Spec = serde_json::from_str(model).unwrap();
            let refused = |shape: &crate::spec::Shape| shape.pattern.as_deref().is_some_and(|p| translate(p).is_err());
            failed.extend(spec.shapes.into_iter().filter(|(_, shape)| refused(shape)).map(|(name, _)| name));
        }
        // Look-behind; only DescribeUserPoolDomain's answer holds it.
        assert_eq!(failed, ["S3BucketType"]);
    }
}
