//! Text that is safe in a page.

use common::html;

/// Markup: made of constants of ours and of escaped text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Safe(String);

impl Safe {
    /// Markup of ours.
    pub fn constant(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// Anything, for the content of an element or for the value of an attribute in double quotes.
    pub fn text(text: &str) -> Self {
        Self(html::escaped(text))
    }

    /// `<input type="hidden">`; both are escaped.
    pub fn hidden(name: &str, value: &str) -> Self {
        Self::constant("<input type=\"hidden\" name=\"")
            .and(Self::text(name))
            .and(Self::constant("\" value=\""))
            .and(Self::text(value))
            .and(Self::constant("\">"))
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_an_element_or_a_quoted_attribute() {
        let text = Safe::text("<a href='x' title=\"y\">&amp;\0");
        assert_eq!(text.as_str(), "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;\u{fffd}");
        let hidden = Safe::hidden("state", "\"><script>");
        assert_eq!(hidden.as_str(), "<input type=\"hidden\" name=\"state\" value=\"&quot;&gt;&lt;script&gt;\">");
    }
}
