//! Which CSS the classic pages take (pure; Cognito developer guide, "Hosted UI (classic) branding"): rules for classes that end in
//! `-customizable`, and none that fetch or apply under conditions.

const CLASS_ENDING: &str = "-customizable";

/// # Errors
/// The first thing that is wrong.
pub fn check(css: &str) -> Result<(), String> {
    if css.contains('\0') {
        return Err("CSS has an invalid character.".into());
    }
    // In comments too: it will stand in a page.
    if css.contains('<') {
        return Err("CSS can't have HTML tags.".into());
    }
    let css = without_comments(css)?;
    if css.contains('@') {
        return Err("CSS can't have @import, @supports, @page, @media or other @ statements.".into());
    }
    let mut rest = css.as_str();
    while let Some((selectors, after)) = rest.split_once('{') {
        selectors.split(',').try_for_each(|selector| check_selector(selector.trim()))?;
        let (body, after) = after.split_once('}').ok_or("CSS has a block without end.")?;
        if body.contains('{') {
            return Err("CSS has a block within a block.".into());
        }
        rest = after;
    }
    if rest.trim().is_empty() { Ok(()) } else { Err("CSS has text outside of rules.".into()) }
}

fn check_selector(selector: &str) -> Result<(), String> {
    let refused = || format!("Class name {selector} is not customizable.");
    let (class, state) = selector.split_once(':').unwrap_or((selector, "hover"));
    let name = class.strip_prefix('.').and_then(|class| class.strip_suffix(CLASS_ENDING)).ok_or_else(refused)?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain(name) && plain(state) { Ok(()) } else { Err(refused()) }
}

/// Comments are where a browser sees them: not in strings, and not in what `url(` begins without quotes (CSS Syntax 3, §4.3).
fn without_comments(css: &str) -> Result<String, String> {
    let (mut kept, mut rest) = (String::with_capacity(css.len()), css);
    while let Some(at) = rest.find(['/', '"', '\'', '(']) {
        let (before, special) = rest.split_at(at);
        kept.push_str(before);
        let length = match special.as_bytes() {
            [b'/', b'*', comment @ ..] => {
                let end = comment.windows(2).position(|two| two == b"*/").ok_or("CSS has a comment without end.")?;
                rest = special.get(end + 4..).unwrap_or_default();
                continue;
            }
            [b'(', inner @ ..] if ends_with_url(&kept) && !begins_with_quote(inner) => {
                1 + inner.iter().position(|byte| *byte == b')').ok_or("CSS has a url() without end.")?
            }
            [quote @ (b'"' | b'\''), string @ ..] => {
                2 + end_of_string(string, *quote).ok_or("CSS has a string without end.")?
            }
            _ => 1,
        };
        let (taken, after) = special.split_at_checked(length).ok_or("CSS has an invalid character.")?;
        kept.push_str(taken);
        rest = after;
    }
    kept.push_str(rest);
    Ok(kept)
}

fn ends_with_url(kept: &str) -> bool {
    kept.len().checked_sub(3).and_then(|at| kept.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("url"))
}

fn begins_with_quote(inner: &[u8]) -> bool {
    matches!(inner.trim_ascii_start(), [b'"' | b'\'', ..])
}

/// How many bytes there are before the quote that ends it. A line ends none.
fn end_of_string(string: &[u8], quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in string.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' | b'\r' | b'\x0c' => return None,
            byte if *byte == quote => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_classes_of_the_pages() {
        for good in [
            "",
            " \n",
            ".logo-customizable {\n\tmax-width: 60%;\n}\n.banner-customizable { padding: 25px 0px; }",
            ".logo-customizable { color: rgb(1, 2, 3) } /* \"one\" (two) */ .label-customizable { content: \"/*\"; }",
            "/* a @b */ .submitButton-customizable:hover { color: #fff } /**/",
            ".label-customizable, .inputField-customizable:focus {}",
            ".passwordCheck-notValid-customizable { color: red; }",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("@import url(x);", "@"),
            ("@media print { .logo-customizable {} }", "@"),
            ("body { color: red }", "body"),
            (".logo { color: red }", ".logo"),
            (r#".a-customizable{content:"/*"} body{display:none} .b-customizable{content:"*/"}"#, "body"),
            (".a-customizable{background:url(/*)} body{x:y} .b-customizable{x:url(*/)}", "body"),
            ("/*</style><script>*/", "HTML"),
            (".a-customizable{content:\"x}", "string without end"),
            (".-customizable {}", "not customizable"),
            (".logo-customizable .banner-customizable {}", "not customizable"),
            (".logo-customizable { a: b; ", "without end"),
            (".logo-customizable { a { b } }", "within"),
            (".logo-customizable {} }", "outside"),
            ("/* .logo-customizable {}", "comment"),
            (".logo-customizable { content: '</style>' }", "HTML"),
            ("a\0", "invalid character"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }
}
