//! Which CSS the classic pages take (pure; Cognito developer guide, "Hosted UI (classic) branding"): rules for classes that end in
//! `-customizable`, and none that fetch or apply under conditions.

const CLASS_ENDING: &str = "-customizable";

/// # Errors
/// The first thing that is wrong.
pub fn check(css: &str) -> Result<(), String> {
    if css.contains('\0') {
        return Err("CSS has an invalid character.".into());
    }
    let css = without_comments(css)?;
    if css.contains('@') {
        return Err("CSS can't have @import, @supports, @page, @media or other @ statements.".into());
    }
    if css.contains('<') {
        return Err("CSS can't have HTML tags.".into());
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

fn without_comments(css: &str) -> Result<String, String> {
    let (mut kept, mut rest) = (String::with_capacity(css.len()), css);
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").ok_or("CSS has a comment without end.")?.1;
    }
    kept.push_str(rest);
    Ok(kept)
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
            "/* a < @b */ .submitButton-customizable:hover { color: #fff } /**/",
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
