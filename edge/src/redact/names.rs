//! Names that say that a value is secret.

/// Parts of names of headers. Hyphens and underscores are the same.
const IN_HEADERS: [&str; 22] = [
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
];
/// Names that end so.
const HEADER_ENDS: [&str; 4] = ["-key", "-code", "-pin", "-hmac"];
/// Whole names. A subprotocol of WebSockets is where browsers' scripts put tokens; what traces carry along is for who traces.
const HEADERS: [&str; 7] =
    ["sec-websocket-protocol", "tracestate", "baggage", "key", "pin", "code", "x-forwarded-client-cert"];

/// Parts of names of arguments.
const IN_ARGUMENTS: [&str; 19] = [
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
];
const ARGUMENT_ENDS: [&str; 6] = ["-key", "-code", "-pin", "-hmac", "-auth", "-otp"];
/// Whole names: OAuth's codes and states, and what names people on the pages of an issuer.
const ARGUMENTS: [&str; 22] = [
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
    "login-hint",
    "username",
    "user",
    "email",
    "phone",
    "phone-number",
    "sub",
    "device-key",
    "confirmation",
    "answer",
    "ticket",
];

/// Whether a header's value is not told.
pub fn is_secret_header(name: &str) -> bool {
    says_so(name, &HEADERS, &IN_HEADERS, &HEADER_ENDS)
}

/// Whether an argument's value is not told.
pub fn is_secret_argument(name: &str) -> bool {
    says_so(name, &ARGUMENTS, &IN_ARGUMENTS, &ARGUMENT_ENDS)
}

fn says_so(name: &str, whole: &[&str], parts: &[&str], ends: &[&str]) -> bool {
    let name: String =
        name.trim().chars().map(|char| if char == '_' { '-' } else { char.to_ascii_lowercase() }).collect();
    whole.contains(&name.as_str())
        || parts.iter().any(|part| name.contains(part))
        || ends.iter().any(|end| name.ends_with(end))
}
