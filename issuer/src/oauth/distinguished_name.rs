//! Distinguished names in the text form of RFC 4514, as clients register the subject of their certificates (`tls_client_auth_subject_dn`).

use std::collections::BTreeSet;

use x509_parser::x509::X509Name;

/// RFC 4514 §3, and two that certificates have, too.
const TYPES: [(&str, &str); 11] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

/// Relative names, the last of the certificate first; each is a set of object identifiers with values, which are compared to the letter.
#[derive(Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<BTreeSet<(String, String)>>);

impl DistinguishedName {
    /// `None` for what is none, for the empty name, and for values that are written as `#` and hex.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = vec![BTreeSet::new()];
        let mut rest = text;
        loop {
            let (kind, after) = rest.split_once('=')?;
            let (value, separator, after) = value(after)?;
            if !names.last_mut()?.insert((identifier(kind.trim_matches(' '))?, value)) {
                return None;
            }
            match separator {
                Some('+') => {}
                Some(_) => names.push(BTreeSet::new()),
                None => return Some(Self(names)),
            }
            rest = after;
        }
    }

    /// `None` where a value is no text, and for the empty name.
    pub fn of(name: &X509Name<'_>) -> Option<Self> {
        let relative = name.iter_rdn().map(|relative| {
            let pair = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
                Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
            };
            relative.iter().map(pair).collect::<Option<BTreeSet<_>>>()
        });
        let mut names = relative.collect::<Option<Vec<_>>>()?;
        names.reverse();
        (!names.is_empty()).then_some(Self(names))
    }
}

fn identifier(kind: &str) -> Option<String> {
    let known = TYPES.iter().find(|(name, _)| kind.eq_ignore_ascii_case(name));
    if let Some((_, identifier)) = known {
        return Some((*identifier).to_owned());
    }
    let is_dotted = kind.contains('.') && kind.split('.').all(|part| part.parse::<u64>().is_ok());
    is_dotted.then(|| kind.to_owned())
}

/// A value, what ends it, and what comes after that. Spaces around it are none of it, unless they are escaped.
fn value(text: &str) -> Option<(String, Option<char>, &str)> {
    let text = text.trim_start_matches(' ');
    if text.starts_with('#') {
        return None;
    }
    let mut bytes = Vec::new();
    // Up to here nothing may be trimmed.
    let mut kept = 0;
    let mut separator = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ',' | '+' => {
                separator = Some(character);
                break;
            }
            '\\' => {
                escaped(&mut characters, &mut bytes)?;
                kept = bytes.len();
            }
            '"' | ';' | '<' | '>' | '\0' => return None,
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    while bytes.len() > kept && bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    let value = String::from_utf8(bytes).ok().filter(|value| !value.is_empty())?;
    Some((value, separator, characters.as_str()))
}

/// After a backslash: a special character, or two hexadecimal digits.
fn escaped(characters: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let first = characters.next()?;
    if matches!(first, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
        bytes.push(u8::try_from(first).ok()?);
        return Some(());
    }
    let digits = [first, characters.next()?].map(|digit| digit.to_digit(16));
    let [Some(high), Some(low)] = digits else { return None };
    bytes.push(u8::try_from(high * 16 + low).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<Vec<(String, String)>>> {
        let name = DistinguishedName::parse(text)?;
        Some(name.0.into_iter().map(|relative| relative.into_iter().collect()).collect())
    }

    fn pair(identifier: &str, value: &str) -> (String, String) {
        (identifier.to_owned(), value.to_owned())
    }

    /// The examples of RFC 4514 §4, and how else they may be written.
    #[test]
    fn names_are_read_as_rfc_4514_writes_them() {
        let jim = vec![
            vec![pair("2.5.4.11", "Sales"), pair("2.5.4.3", "J.  Smith")],
            vec![pair("0.9.2342.19200300.100.1.25", "example")],
            vec![pair("0.9.2342.19200300.100.1.25", "net")],
        ];
        for text in [
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "cn = J.  Smith + ou=Sales , dc=example, 0.9.2342.19200300.100.1.25=net",
        ] {
            assert_eq!(read(text), Some(jim.clone()), "{text}");
        }
        let value = |text: &str| read(text).map(|names| names[0][0].1.clone());
        assert_eq!(value("CN=James \\\"Jim\\\" Smith\\, III,DC=net").unwrap(), "James \"Jim\" Smith, III");
        assert_eq!(value("CN=Before\\0dAfter,DC=net").unwrap(), "Before\rAfter");
        assert_eq!(value("CN=Lu\\C4\\8Di\\C4\\87").unwrap(), "Lučić");
        assert_eq!(value("CN=a\\20 ").unwrap(), "a ");
        assert_eq!(value("CN=\\#1=b").unwrap(), "#1=b");
    }

    #[test]
    fn what_is_no_name_is_none() {
        let none = [
            "",
            "CN",
            "CN=",
            "CN=a,",
            "CN=a,,O=b",
            "CN=a+CN=a",
            "XX=a",
            "=a",
            "CN=#0403",
            "CN=a;O=b",
            "CN=\\",
            "CN=\\4",
            "CN=\\zz",
            "CN=\\ff",
            "1..2=a",
            "12=a",
        ];
        for text in none {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
