//! Message texts: Cognito's placeholders `{####}` and `{username}`, and its default texts.

use common::html::escaped;

pub const VERIFICATION_SUBJECT: &str = "Your verification code";
pub const VERIFICATION_BODY: &str = "Your confirmation code is {####}";
pub const AUTHENTICATION_SUBJECT: &str = "Your authentication code";
pub const AUTHENTICATION_BODY: &str = "Your authentication code is {####}";
pub const INVITATION_SUBJECT: &str = "Your temporary password";
pub const INVITATION_BODY: &str = "Your username is {username} and temporary password is {####}.";

/// Fills a template in. What is put in is not looked at again: a user name `{####}` does not show the code.
pub fn fill(template: &str, code: &str, username: &str) -> String {
    let mut filled = String::with_capacity(template.len() + code.len() + username.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let (value, length) = if from.starts_with("{####}") {
            (code, "{####}".len())
        } else if from.starts_with("{username}") {
            (username, "{username}".len())
        } else {
            ("{", 1)
        };
        filled.push_str(value);
        rest = from.get(length..).unwrap_or_default();
    }
    filled.push_str(rest);
    filled
}

/// Fills a template that has HTML in it: what is put in is text there, whatever characters it has.
pub fn fill_html(template: &str, code: &str, username: &str) -> String {
    fill(template, &escaped(code), &escaped(username))
}

/// Whether a template has HTML in it. It is asked of templates only: no user name makes HTML of a text.
pub fn is_html(template: &str) -> bool {
    let mut after = template.split('<').skip(1);
    after.any(|rest| {
        let name = rest.strip_prefix(['/', '!']).unwrap_or(rest);
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains('>')
    })
}

/// Whether it has both of an invitation's placeholders.
pub fn invites(template: &str) -> bool {
    template.contains("{####}") && template.contains("{username}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        assert_eq!(fill("{username}: {####} {x}", "123", "ann"), "ann: 123 {x}");
        assert_eq!(fill("{username} {####}", "123", "{####}"), "{####} 123");
        assert_eq!(fill("{", "1", "u"), "{");
    }

    #[test]
    fn a_template_decides_what_is_html_and_a_value_never_does() {
        for (template, html) in [
            ("Your code is {####}", false),
            ("a < b and b > c {####}", false),
            ("<p>{####}</p>", true),
            ("line<br>{####}", true),
            ("<!-- x --> {####}", false),
            ("<!doctype html>{####}", true),
            ("x </b> {####}", true),
        ] {
            assert_eq!(is_html(template), html, "{template}");
        }
        let filled = fill_html("<b>{username}</b> {####}", "a<b&", "<script>alert('1')</script>");
        assert_eq!(filled, "<b>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</b> a&lt;b&amp;");
    }
}
