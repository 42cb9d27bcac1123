//! Names that say that a value is secret.

/// Parts of names of headers. Hyphens and underscores are the same, also those that camelCase leaves out.
const IN_HEADERS: [&str; 26] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "passw",
    "pwd",
    "session",
    "credential",
    "apikey",
    "api-key",
    "dpop",
    "jwt",
    "jws",
    "assertion",
    "otp",
    "signature",
    "csrf",
    "xsrf",
    "saml",
    "nonce",
    "bearer",
    "identity",
    "email",
    "username",
    "user-name",
    "phone",
];
/// Names that end so.
const HEADER_ENDS: [&str; 5] = ["-key", "-code", "-pin", "-hmac", "-user"];
/// Whole names. A subprotocol of WebSockets is where browsers' scripts put tokens; what traces carry along is for who traces; `From` is an address of email
/// (RFC 9110 §10.1.2).
const HEADERS: [&str; 8] =
    ["sec-websocket-protocol", "tracestate", "baggage", "key", "pin", "code", "x-forwarded-client-cert", "from"];

/// Parts of names of arguments.
const IN_ARGUMENTS: [&str; 23] = [
    "token",
    "secret",
    "passw",
    "pwd",
    "session",
    "credential",
    "apikey",
    "api-key",
    "dpop",
    "jwt",
    "assertion",
    "signature",
    "csrf",
    "xsrf",
    "saml",
    "authorization",
    "authentication",
    "oauth",
    "verifier",
    "email",
    "username",
    "user-name",
    "phone",
];
const ARGUMENT_ENDS: [&str; 6] = ["-key", "-code", "-pin", "-hmac", "-auth", "-otp"];
/// Whole names: OAuth's codes and states, and what names people on the pages of an issuer.
const ARGUMENTS: [&str; 18] = [
    "auth",
    "otp",
    "code",
    "state",
    "nonce",
    "key",
    "pin",
    "sig",
    "hmac",
    "relaystate",
    "request",
    "user",
    "sub",
    "device-key",
    "confirmation",
    "answer",
    "ticket",
    "login-hint",
];
/// Words of names of arguments: `loginId` and `alternate_mail`, not `mailing`.
const WORDS_OF_ARGUMENTS: [&str; 2] = ["login", "mail"];

/// Whether a header's value is not told.
pub fn is_secret_header(name: &str) -> bool {
    says_so(name, &HEADERS, &IN_HEADERS, &HEADER_ENDS)
}

/// Whether an argument's value is not told. In `user[code]` each of the two names counts.
pub fn is_secret_argument(name: &str) -> bool {
    name.split(['[', ']']).any(|name| {
        says_so(name, &ARGUMENTS, &IN_ARGUMENTS, &ARGUMENT_ENDS)
            || hyphened(name).split('-').any(|word| WORDS_OF_ARGUMENTS.contains(&word))
    })
}

/// As it is written, and with its words parted: `RelayState` is the first, `userName` the second.
fn says_so(name: &str, whole: &[&str], parts: &[&str], ends: &[&str]) -> bool {
    let says = |name: &str| {
        whole.contains(&name)
            || parts.iter().any(|part| name.contains(part))
            || ends.iter().any(|end| name.ends_with(end))
    };
    let (written, parted) = (folded(name), hyphened(name));
    says(&written) || parted != written && says(&parted)
}

fn folded(name: &str) -> String {
    name.trim().chars().map(|char| if char == '_' { '-' } else { char.to_ascii_lowercase() }).collect()
}

/// The same with a hyphen before each word of camelCase.
fn hyphened(name: &str) -> String {
    let mut parted = String::with_capacity(name.len() + 8);
    let mut last = ' ';
    for char in name.trim().chars() {
        if last.is_ascii_lowercase() && char.is_ascii_uppercase() {
            parted.push('-');
        }
        parted.push(char);
        last = char;
    }
    folded(&parted)
}
