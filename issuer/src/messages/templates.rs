//! Message texts: Cognito's placeholders `{####}` and `{username}`, and its default texts.

pub const VERIFICATION_SUBJECT: &str = "Your verification code";
pub const VERIFICATION_BODY: &str = "Your confirmation code is {####}";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        assert_eq!(fill("{username}: {####} {x}", "123", "ann"), "ann: 123 {x}");
        assert_eq!(fill("{username} {####}", "123", "{####}"), "{####} 123");
        assert_eq!(fill("{", "1", "u"), "{");
    }
}
