//! Rust names for the model's names.

/// Runs of capitals that the word rule would cut in the wrong place.
const WORDS: &[(&str, &str)] = &[
    ("OAuth", "Oauth"),
    ("URLs", "Urls"),
    ("ARNs", "Arns"),
    ("IPs", "Ips"),
    ("WebAuthn", "Webauthn"),
    ("WebACLs", "WebAcls"),
    ("DDoS", "Ddos"),
];

const KEYWORDS: &[&str] = &["type", "match", "use", "ref", "move", "where", "mod", "static", "final", "override"];

/// `AllowedOAuthFlows` becomes `allowed_oauth_flows`; a keyword gets its `r#`.
pub fn field(name: &str) -> String {
    let snake = snake(name);
    if KEYWORDS.contains(&snake.as_str()) { format!("r#{snake}") } else { snake }
}

/// `SignUpRequest` becomes `SIGN_UP_REQUEST`.
pub fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}

/// `USER_SRP_AUTH` becomes `UserSrpAuth`, `NoRisk` stays, `V1_0` stays: an underscore between digits carries meaning.
pub fn variant(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
        if starts_with_digit && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
        let shouted = !word.contains(|c: char| c.is_ascii_lowercase());
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        let rest = letters.as_str();
        out.push_str(&if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() });
    }
    out
}

/// What serde's `rename_all = "PascalCase"` makes of a field name.
pub fn serde_pascal(field: &str) -> String {
    let words = field.trim_start_matches("r#").split('_');
    words.map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn snake(name: &str) -> String {
    let name = WORDS.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(at + 1);
        let word_starts = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let run_ends = before.is_some_and(char::is_ascii_uppercase) && after.is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (word_starts || run_ends) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (name, expected) in [
            ("UserPoolId", "user_pool_id"),
            ("MFAOptions", "mfa_options"),
            ("CallbackURLs", "callback_urls"),
            ("AllowedOAuthFlowsUserPoolClient", "allowed_oauth_flows_user_pool_client"),
            ("CSS", "css"),
            ("SMSMfaSettings", "sms_mfa_settings"),
            ("UserMFASettingList", "user_mfa_setting_list"),
            ("headerName", "header_name"),
            ("Type", "r#type"),
        ] {
            assert_eq!(field(name), expected);
        }
        assert_eq!(constant("GetUICustomizationRequest"), "GET_UI_CUSTOMIZATION_REQUEST");
    }

    #[test]
    fn variants() {
        for (value, expected) in [
            ("USER_SRP_AUTH", "UserSrpAuth"),
            ("NoRisk", "NoRisk"),
            ("V1_0", "V1_0"),
            ("TLS_V1_2_2021", "TlsV1_2_2021"),
            ("PBKDF2_SHA256", "Pbkdf2Sha256"),
            ("code", "Code"),
            ("verified_email", "VerifiedEmail"),
            ("SAML2", "Saml2"),
        ] {
            assert_eq!(variant(value), expected);
        }
    }

    #[test]
    fn serde_renames() {
        assert_eq!(serde_pascal("user_pool_id"), "UserPoolId");
        assert_eq!(serde_pascal("r#type"), "Type");
    }
}
