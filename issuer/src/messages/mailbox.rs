//! Addresses of mail: what is one, and in which form it travels.

use lettre::Address;
use lettre::message::Mailbox;

/// Why a text is no address that mail can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no address that mail can go to")]
pub struct NoAddress;

/// A display name and an address, `Ann <ann@example.com>`, or an address alone.
pub fn mailbox(text: &str) -> Result<Mailbox, NoAddress> {
    if has_control(text) {
        return Err(NoAddress);
    }
    let parsed: Mailbox = text.parse().map_err(|_| NoAddress)?;
    Ok(Mailbox::new(parsed.name, in_ascii(&parsed.email)?))
}

/// An address alone. What has control characters is none, whatever quoting would permit: an address is written into commands and headers.
pub fn address(text: &str) -> Result<Address, NoAddress> {
    if has_control(text) {
        return Err(NoAddress);
    }
    in_ascii(&text.parse().map_err(|_| NoAddress)?)
}

/// Whether mail can be sent under this name (EmailConfiguration's `From` and `ReplyToEmailAddress`).
pub fn is_mailbox(text: &str) -> bool {
    mailbox(text).is_ok()
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The domain in its ASCII form (RFC 5890 A-labels), which every server takes. The local part stays as it is: where it has other
/// characters the server must know SMTPUTF8 (RFC 6531).
fn in_ascii(address: &Address) -> Result<Address, NoAddress> {
    let domain = address.domain();
    // No host name has it, and the parser below would decode it.
    if domain.contains('%') {
        return Err(NoAddress);
    }
    if domain.is_ascii() {
        return Ok(address.clone());
    }
    let url::Host::Domain(domain) = url::Host::parse(domain).map_err(|_| NoAddress)? else { return Err(NoAddress) };
    Address::new(address.user(), domain).map_err(|_| NoAddress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_travel_in_ascii_and_local_parts_as_they_are() {
        for (text, want) in [
            ("ann@example.com", "ann@example.com"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
            ("\"ann b\"@example.com", "\"ann b\"@example.com"),
            ("ann+x@[127.0.0.1]", "ann+x@[127.0.0.1]"),
        ] {
            assert_eq!(address(text).map(|a| a.to_string()), Ok(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn nothing_that_ends_a_line_is_an_address() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example.com\r\nRCPT TO:<eve@example.com>",
            "ann\r\n@example.com",
            "\"ann\r\nb\"@example.com",
            "ann@example.com\n",
            "ann@exa mple.com",
            "ann@example.com>, <eve@example.com",
            "ann@a%0d%0ab.example",
        ] {
            assert!(address(text).is_err(), "{text:?}");
        }
        assert!(!is_mailbox("Ann\r\nBcc: eve@example.com <ann@example.com>"));
        assert!(is_mailbox("Ann B. <ann@example.com>"));
        assert!(is_mailbox("ann@example.com"));
    }
}
