//! Text in HTML.

/// A text for the content of an element, or for an attribute's value in quotes. U+0000, which no page may have, becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\0' => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_an_element_or_a_quoted_attribute() {
        let text = escaped("<a href='x' title=\"y\">&amp;\0");
        assert_eq!(text, "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;\u{fffd}");
    }
}
