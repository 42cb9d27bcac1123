//! `SECRET_HASH`: how a client with a secret proves it on an unsigned call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::ids::ClientId;
use common::secret::{SecretString, constant_time_eq};
use ring::hmac;

/// `base64(HMAC-SHA256(client_secret, username ‖ client_id))`, as Cognito's `SECRET_HASH`. In challenge answers and on refresh,
/// `username` is the immutable user name.
pub fn secret_hash(secret: &SecretString, username: &str, client: &ClientId) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(username.as_bytes());
    context.update(client.as_str().as_bytes());
    STANDARD.encode(context.sign())
}

/// Whether `claimed` is the hash for this secret, user name and client. The time does not depend on how much of it is right.
pub fn verify_secret_hash(secret: &SecretString, username: &str, client: &ClientId, claimed: &str) -> bool {
    // The texts are compared: decoding first would accept several spellings of one hash.
    constant_time_eq(secret_hash(secret, username, client).as_bytes(), claimed.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T71: omitted, short, of another client, user or secret.
    #[test]
    fn only_the_exact_hash_passes() {
        let secret = SecretString::new("9s8d7f6g5h4j3k2l1qwertyuiopasdfghjklzxcvbnm12345678");
        let client = ClientId::parse("1h57kf5cpq17m0eml12EXAMPLE").unwrap();
        let other = ClientId::parse("2h57kf5cpq17m0eml12EXAMPLE").unwrap();
        // openssl dgst -sha256 -hmac "$secret" -binary | base64
        let good = "5jrO+p3O57jyF7FN/dgeHxjnXhX8BUVW9N/hLkXIudI=";
        assert_eq!(secret_hash(&secret, "jané6@example.com", &client), good);
        assert!(verify_secret_hash(&secret, "jané6@example.com", &client, good));

        let of = |secret: &SecretString, user: &str, client: &ClientId| secret_hash(secret, user, client);
        let wrong = [
            ("omitted", String::new()),
            ("cut", good[..43].to_owned()),
            ("cut to one character", good[..1].to_owned()),
            ("padded", format!("{good}=")),
            ("with white space", format!("{good}\n")),
            ("of another client", of(&secret, "jané6@example.com", &other)),
            ("of another user", of(&secret, "jane6@example.com", &client)),
            ("of another secret", of(&SecretString::new("x"), "jané6@example.com", &client)),
            ("of an empty secret", of(&SecretString::new(""), "jané6@example.com", &client)),
            ("with client and user exchanged", {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
                STANDARD.encode(hmac::sign(&key, format!("{client}jané6@example.com").as_bytes()))
            }),
            ("in hex", {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
                let tag = hmac::sign(&key, format!("jané6@example.com{client}").as_bytes());
                tag.as_ref().iter().map(|b| format!("{b:02x}")).collect()
            }),
            ("url-safe", good.replace('+', "-").replace('/', "_")),
        ];
        for (what, claimed) in wrong {
            assert!(!verify_secret_hash(&secret, "jané6@example.com", &client, &claimed), "{what}");
        }
    }
}
