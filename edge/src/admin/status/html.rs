//! HTML as text that can't be broken out of: markup is what stands in this program, everything else is escaped.

/// A document under way.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup: a literal, so nothing from outside can be it.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, or the value of an attribute in double quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // They could turn the text around them round, or hide in it.
                c if c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
                {
                    self.0.push('\u{fffd}');
                }
                c => self.0.push(c),
            }
        }
        self
    }

    /// A heading that begins a section; `id` names it.
    pub fn section(&mut self, id: &'static str, heading: &'static str) -> &mut Self {
        self.raw("<section aria-labelledby=\"").raw(id).raw("\"><h2 id=\"").raw(id).raw("\">").raw(heading).raw("</h2>")
    }

    /// A table. `columns` are its headings; a heading that begins with `#` is that of numbers.
    pub fn table(
        &mut self,
        caption: &'static str,
        columns: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) -> &mut Self {
        self.raw("<table role=\"table\"><caption>")
            .raw(caption)
            .raw("</caption><thead role=\"rowgroup\"><tr role=\"row\">");
        for column in columns {
            self.raw("<th role=\"columnheader\" scope=\"col\"")
                .raw(class_of(column))
                .raw(">")
                .raw(bare(column))
                .raw("</th>");
        }
        self.raw("</tr></thead><tbody role=\"rowgroup\">");
        for row in rows {
            self.raw("<tr role=\"row\">");
            for (number, (cell, column)) in row.into_iter().zip(columns).enumerate() {
                let (begin, end) = if number == 0 {
                    ("<th role=\"rowheader\" scope=\"row\"", "</th>")
                } else {
                    ("<td role=\"cell\"", "</td>")
                };
                self.raw(begin)
                    .raw(class_of(column))
                    .raw(" data-label=\"")
                    .raw(bare(column))
                    .raw("\">")
                    .cell(&cell)
                    .raw(end);
            }
            self.raw("</tr>");
        }
        self.raw("</tbody></table>")
    }

    fn cell(&mut self, cell: &Cell) -> &mut Self {
        match cell {
            Cell::Text(text) => self.raw("<span>").text(text).raw("</span>"),
            Cell::Code(text) => self.raw("<code>").text(text).raw("</code>"),
            Cell::None => self.raw("<span class=\"none\">–</span>"),
            Cell::Good(text) => self.raw("<span class=\"good\">").text(text).raw("</span>"),
            Cell::Bad(text) => self.raw("<span class=\"bad\">").text(text).raw("</span>"),
            Cell::Lines(lines) => {
                self.raw("<span>");
                for (number, line) in lines.iter().enumerate() {
                    self.raw(if number == 0 { "" } else { "<br>" }).text(line);
                }
                self.raw("</span>")
            }
        }
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Code(String),
    Lines(Vec<String>),
    Good(String),
    Bad(String),
    None,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    /// A count that is bad news unless it is zero.
    pub fn worry(count: u64) -> Self {
        let text = super::units::count(count);
        if count == 0 { Self::Text(text) } else { Self::Bad(text) }
    }
}

fn bare(column: &'static str) -> &'static str {
    column.strip_prefix('#').unwrap_or(column)
}

fn class_of(column: &'static str) -> &'static str {
    if column.starts_with('#') { " class=\"number\"" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        let mut html = Html::default();
        html.text("<script>&\"'\u{202e}\n</script>");
        assert_eq!(html.finish(), "&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}&lt;/script&gt;");
    }

    #[test]
    fn every_cell_knows_its_heading() {
        let mut html = Html::default();
        html.table(
            "C",
            &["Name", "#Count"],
            [vec![Cell::code("a<"), Cell::worry(7)], vec![Cell::None, Cell::worry(0)]],
        );
        let html = html.finish();
        assert!(html.contains("<caption>C</caption>"));
        assert!(html.contains("<th role=\"columnheader\" scope=\"col\" class=\"number\">Count</th>"), "{html}");
        assert!(html.contains("data-label=\"Name\"><code>a&lt;</code></th><td role=\"cell\" class=\"number\" data-label=\"Count\"><span class=\"bad\">7</span></td>"));
    }
}
