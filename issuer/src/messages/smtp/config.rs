//! The settings of `[messages.smtp]`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::settings::{Section, SettingError};

use crate::messages::mailbox::mailbox;

const TIMEOUT: Duration = Duration::from_secs(30);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);
const CONNECTIONS: usize = 4;

/// Where mail goes and as whom.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// PEM certificates that may vouch for the server, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    pub login: Option<Login>,
    /// The mailbox that mail comes from where the pool has none of its own.
    pub from: String,
    /// The name in EHLO.
    pub hello: String,
    /// For each step but the last, which has ten minutes.
    pub timeout: Duration,
    pub connections: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain at first; nothing is said before the connection is encrypted (RFC 3207).
    Starttls,
    /// From the first byte (RFC 8314).
    Implicit,
    None,
}

#[derive(Clone, Debug)]
pub struct Login {
    pub username: String,
    pub password_file: PathBuf,
}

impl SmtpConfig {
    pub fn read(mut section: Section, folder: &Path) -> Result<Self, SettingError> {
        let host = section.required_text("host")?;
        let tls = tls(&mut section)?;
        let port = section.integer("port", 1..=65_535)?.and_then(|port| u16::try_from(port).ok());
        let allow_plaintext = section.flag("allow_plaintext")?.unwrap_or(false);
        let ca_file = section.file("ca_file")?.map(|path| folder.join(path));
        let login = login(&mut section, folder)?;
        let from = section.required_text("from")?;
        let sender = mailbox(&from).map_err(|why| section.error("from", why.to_string()))?;
        let hello = section.text("hello")?.unwrap_or_else(|| sender.email.domain().to_owned());
        let timeout = section.duration("timeout")?.unwrap_or(TIMEOUT);
        let connections = section.integer("connections", 1..=64)?;
        let connections = connections.and_then(|n| usize::try_from(n).ok()).unwrap_or(CONNECTIONS);
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)) {
            return Err(section.error("host", "must be a host name or an IP address"));
        }
        if hello.is_empty() || !hello.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b)) {
            return Err(section.error("hello", "must be a host name"));
        }
        if !(SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
            return Err(section.error("timeout", "must be between 100ms and 10m"));
        }
        if tls == Tls::None && !is_loopback(&host) {
            if !allow_plaintext {
                let why = "is permitted to this machine only; set `allow_plaintext = true` to send codes in the clear";
                return Err(section.error("tls", format!("\"none\" {why}")));
            }
            if login.is_some() {
                return Err(section.error("username", "a password is not sent without TLS"));
            }
        }
        if tls == Tls::None && ca_file.is_some() {
            return Err(section.error("ca_file", "needs `tls`"));
        }
        section.finish()?;
        let port = port.unwrap_or(tls.port());
        Ok(Self { host, port, tls, ca_file, login, from, hello, timeout, connections })
    }
}

impl Tls {
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

fn tls(section: &mut Section) -> Result<Tls, SettingError> {
    match section.text("tls")?.as_deref() {
        None | Some("starttls") => Ok(Tls::Starttls),
        Some("implicit") => Ok(Tls::Implicit),
        Some("none") => Ok(Tls::None),
        Some(other) => {
            Err(section.error("tls", format!("\"{other}\" is none of \"starttls\", \"implicit\", \"none\"")))
        }
    }
}

fn login(section: &mut Section, folder: &Path) -> Result<Option<Login>, SettingError> {
    match (section.text("username")?, section.file("password_file")?) {
        (None, None) => Ok(None),
        (Some(username), Some(file)) => Ok(Some(Login { username, password_file: folder.join(file) })),
        (Some(_), None) => Err(section.missing("password_file")),
        (None, Some(_)) => Err(section.missing("username")),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SmtpConfig, String> {
        let root = common::settings::parse(text, [], &[]).unwrap();
        SmtpConfig::read(root, Path::new("/etc/tollgate")).map_err(|e| e.to_string())
    }

    #[test]
    fn little_is_enough_and_safe() {
        let config = read("host = \"mail.example.com\"\nfrom = \"Example <no-reply@example.com>\"").unwrap();
        assert_eq!((config.tls, config.port, config.connections), (Tls::Starttls, 587, CONNECTIONS));
        assert_eq!(config.hello, "example.com");
        let config = read("host = \"h\"\ntls = \"implicit\"\nfrom = \"a@b.example\"").unwrap();
        assert_eq!(config.port, 465);
    }

    #[test]
    fn mistakes_are_named() {
        let from = "from = \"a@b.example\"\n";
        for (text, want) in [
            ("host = \"h\"", "from: is missing"),
            ("host = \"h\"\nfrom = \"nobody\"", "from: it is no address"),
            ("host = \"h\"\nfrom = \"a@b.example\\r\\nX: y\"", "from: it is no address"),
            (
                &format!("{from}host = \"mail.example.com\"\ntls = \"none\""),
                "tls: \"none\" is permitted to this machine",
            ),
            (
                &format!(
                    "{from}host = \"10.0.0.1\"\ntls = \"none\"\nallow_plaintext = true\nusername = \"u\"\npassword_file = \"p\""
                ),
                "username: a password is not sent without TLS",
            ),
            (&format!("{from}host = \"h\"\nusername = \"u\""), "password_file: is missing"),
            (&format!("{from}host = \"h\"\ntls = \"yes\""), "tls: \"yes\" is none of"),
            (&format!("{from}host = \"h h\""), "host: must be"),
            (&format!("{from}host = \"h\"\nconections = 3"), "conections: unknown key; did you mean `connections`?"),
            (&format!("{from}host = \"h\"\ntimeout = \"1ms\""), "timeout: must be between"),
        ] {
            let got = read(text).unwrap_err();
            assert!(got.starts_with(want), "{got}");
        }
    }

    #[test]
    fn plain_is_for_this_machine_unless_it_is_allowed() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            let text = format!("host = \"{host}\"\ntls = \"none\"\nfrom = \"a@b.example\"");
            assert_eq!(read(&text).unwrap().port, 25);
        }
        assert!(read("host = \"10.0.0.1\"\ntls = \"none\"\nallow_plaintext = true\nfrom = \"a@b.example\"").is_ok());
    }
}
