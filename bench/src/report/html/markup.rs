//! Text inside markup.

use std::fmt;

/// A text of the findings, safe between tags and in a quoted attribute.
pub struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (before, special) = rest.split_at(at);
            f.write_str(before)?;
            let mut characters = special.chars();
            f.write_str(match characters.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// Lines of at most `width` characters, broken at spaces (not at those that do not break); a longer word has a line of its own.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_written_as_text() {
        assert_eq!(
            Text(r#"<a href="x">'R&D' é</a>"#).to_string(),
            "&lt;a href=&quot;x&quot;&gt;&#39;R&amp;D&#39; é&lt;/a&gt;"
        );
        assert_eq!(Text("").to_string(), "");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("Envoy, jwt_authn with its cache", 16), ["Envoy, jwt_authn", "with its cache"]);
        assert_eq!(lines("memory, +5\u{a0}KiB/s", 12), ["memory,", "+5\u{a0}KiB/s"]);
        assert_eq!(lines("unbreakable", 4), ["unbreakable"]);
        assert!(lines("", 4).is_empty());
    }
}
