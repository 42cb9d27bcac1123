//! From a message to mail (RFC 5322, MIME): pure, and the same each time but for MIME's boundaries.
//!
//! A text is `text/plain`. A body that has HTML in its template is `multipart/alternative`, with the text that is in it first: Cognito
//! sends HTML alone. Bodies travel in 7 bits (quoted-printable or base64), so that every server takes them.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::messages::mailbox::{address, mailbox};
use crate::messages::{Format, Message};

/// Mail that is ready to be sent.
pub struct Mail {
    pub envelope: Envelope,
    pub bytes: Vec<u8>,
}

/// What is wrong with a message; it will not get better.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("the recipient's address is none that mail can go to")]
    Recipient,
    #[error("the message can't be written as mail")]
    Form,
}

/// `from` is the mailbox for messages whose pool has none; its domain is that of every `Message-ID`, so that this stays the same
/// whatever happens to the pool.
pub fn compose(id: &str, message: &Message, from: &Mailbox) -> Result<Mail, ComposeError> {
    let to = address(&message.to).map_err(|_| ComposeError::Recipient)?;
    // A pool of an earlier build may name what is no mailbox: then mail comes from the issuer's.
    let own = message.from.as_deref().and_then(|text| mailbox(text).ok());
    let sender = own.unwrap_or_else(|| from.clone());
    let reply_to = message.reply_to.as_deref().and_then(|text| mailbox(text).ok());
    let envelope = envelope(&sender.email, &to)?;
    let mut draft = lettre::Message::builder()
        .from(sender)
        .to(Mailbox::new(None, to))
        .subject(one_line(message.subject.as_deref().unwrap_or_default()))
        .date(UNIX_EPOCH + Duration::from_secs(message.at / 1000))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        // RFC 3834: no vacation notices in answer, please.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .envelope(envelope.clone());
    if let Some(reply_to) = reply_to {
        draft = draft.reply_to(reply_to);
    }
    let whole = match message.format {
        Format::Text => draft.singlepart(SinglePart::plain(message.body.clone())),
        Format::Html => {
            draft.multipart(MultiPart::alternative_plain_html(text_of(&message.body), message.body.clone()))
        }
    };
    let bytes = whole.map_err(|_| ComposeError::Form)?.formatted();
    Ok(Mail { envelope, bytes })
}

fn envelope(from: &Address, to: &Address) -> Result<Envelope, ComposeError> {
    Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(|_| ComposeError::Form)
}

/// Subjects of pools may have line breaks (Cognito's pattern permits white space); a header has none.
fn one_line(subject: &str) -> String {
    subject.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// The text in a piece of HTML: without tags, with line ends where blocks end, and with its character references resolved.
fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = if from.starts_with('<') { skip_tag(from, &mut text) } else { resolve(from, &mut text) };
    }
    text.push_str(rest);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

fn skip_tag<'a>(from: &'a str, text: &mut String) -> &'a str {
    let Some(end) = from.find('>') else {
        text.push_str(from);
        return "";
    };
    let (tag, rest) = from.split_at(end + 1);
    let name: String = tag.chars().skip(1).skip_while(|c| *c == '/').take_while(char::is_ascii_alphanumeric).collect();
    match name.to_ascii_lowercase().as_str() {
        "br" | "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "table" => text.push('\n'),
        // What is in these is for no reader.
        hidden @ ("style" | "script" | "head") if !tag.starts_with("</") => {
            let close = format!("</{hidden}");
            let end = rest.to_ascii_lowercase().find(&close);
            return end.and_then(|at| rest.get(at..)).unwrap_or_default();
        }
        _ => {}
    }
    rest
}

fn resolve<'a>(from: &'a str, text: &mut String) -> &'a str {
    const REFERENCES: [(&str, char); 7] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#39;", '\''),
        ("&nbsp;", ' '),
        ("&#x2F;", '/'),
    ];
    for (reference, character) in REFERENCES {
        if let Some(rest) = from.strip_prefix(reference) {
            text.push(character);
            return rest;
        }
    }
    text.push('&');
    from.strip_prefix('&').unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(message: &Message) -> String {
        let from = mailbox("Example <no-reply@example.org>").unwrap();
        String::from_utf8(compose("id-1", message, &from).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_pools_sender_that_is_no_mailbox_is_not_used() {
        let message = Message {
            from: Some("a\r\nBcc: x@y.z <a@b.c>".into()),
            reply_to: Some("nobody".into()),
            ..Message::sample()
        };
        let mail = composed(&message);
        assert!(mail.contains("From: Example <no-reply@example.org>\r\n"), "{mail}");
        assert!(!mail.contains("Bcc") && !mail.contains("Reply-To"), "{mail}");
    }

    #[test]
    fn a_text_is_plain_mail_under_a_stable_id() {
        let mail = composed(&Message::sample());
        for want in [
            "From: Example <no-reply@example.org>\r\n",
            "To: ann@example.com\r\n",
            "Subject: Your verification code\r\n",
            "Message-ID: <id-1@example.org>\r\n",
            "Date: Thu, 01 Jan 1970 00:00:01 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "\r\nYour confirmation code is 123456",
        ] {
            assert!(mail.contains(want), "{want}: {mail}");
        }
        assert_eq!(mail, composed(&Message::sample()), "the same message is the same mail");
    }

    #[test]
    fn a_pools_own_mailboxes_are_used() {
        let message = Message {
            from: Some("Zoo <zoo@bücher.example>".into()),
            reply_to: Some("help@zoo.example".into()),
            ..Message::sample()
        };
        let from = mailbox("no-reply@example.org").unwrap();
        let mail = compose("id-1", &message, &from).unwrap();
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.contains("From: Zoo <zoo@xn--bcher-kva.example>\r\n"), "{text}");
        assert!(text.contains("Reply-To: help@zoo.example\r\n"), "{text}");
        assert!(text.contains("Message-ID: <id-1@example.org>\r\n"), "{text}");
        assert_eq!(mail.envelope.from().unwrap().to_string(), "zoo@xn--bcher-kva.example");
    }

    #[test]
    fn html_comes_with_its_text() {
        let body = "<p>Hello &lt;ann&gt;,</p><br>your code is <b>123456</b>.".to_owned();
        let mail = composed(&Message { body, format: Format::Html, ..Message::sample() });
        let plain = mail.find("Content-Type: text/plain").unwrap();
        let html = mail.find("Content-Type: text/html").unwrap();
        assert!(mail.contains("multipart/alternative") && plain < html, "{mail}");
        assert!(mail.contains("your code is 123456."), "{mail}");
    }

    #[test]
    fn the_text_of_html() {
        for (html, want) in [
            ("a<br/>b", "a\nb"),
            ("<style>p { x }</style>a &amp;amp; b", "a &amp; b"),
            ("1 < 2", "1 < 2"),
            ("a&b", "a&b"),
            ("<div>a</div><div>b</div>", "a\n\nb"),
            ("<script>x", ""),
        ] {
            assert_eq!(text_of(html), want, "{html}");
        }
    }

    #[test]
    fn no_value_makes_a_header_of_its_own() {
        let evil = "Code\r\nBcc: eve@example.com\r\n\r\nhello\u{2028}x";
        let mail = composed(&Message { subject: Some(evil.into()), ..Message::sample() });
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        let long = "é".repeat(140);
        let mail = composed(&Message { subject: Some(long), ..Message::sample() });
        assert!(mail.lines().all(|line| line.len() <= 998));
        let message = Message { to: "ann@example.com\r\nBcc: x@y.z".into(), ..Message::sample() };
        let from = mailbox("no-reply@example.org").unwrap();
        assert_eq!(compose("id-1", &message, &from).err(), Some(ComposeError::Recipient));
    }
}
