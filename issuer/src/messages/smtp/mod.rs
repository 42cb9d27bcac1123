//! Mail by SMTP (RFC 5321), with lettre's parts: its messages, its connection and its TLS on the one rustls.
//!
//! Its transport is not used: it has one deadline for connecting and none for answers, and does not tell whether a message that
//! failed may have been taken.

mod compose;
mod config;
mod session;

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::secret::SecretString;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

pub use self::config::{Login, SmtpConfig, Tls};
use self::session::{Session, Way};
use super::Message;
use super::mailbox::mailbox;
use super::senders::Failure;

const MAX_PASSWORD_BYTES: u64 = 4096;

/// Why the settings make no sender.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    #[error("{path}: {why}", path = path.display())]
    File { path: PathBuf, why: String },
    #[error("messages.smtp: {0}")]
    Setting(String),
}

/// Sends mail through one server.
pub struct Smtp {
    way: Way,
    from: Mailbox,
    connections: usize,
    /// Sessions that may be used again.
    idle: Mutex<Vec<(Session, Instant)>>,
}

impl Smtp {
    /// Reads the files that the settings name; connects to nothing.
    pub fn open(config: &SmtpConfig) -> Result<Self, SmtpError> {
        let from = mailbox(&config.from).map_err(|e| SmtpError::Setting(format!("from: {e}")))?;
        let credentials = config.login.as_ref().map(credentials).transpose()?;
        let parameters = if config.tls == Tls::None { None } else { Some(tls_parameters(config)?) };
        let way = Way {
            host: config.host.clone(),
            port: config.port,
            tls: config.tls,
            parameters,
            credentials,
            hello: ClientId::Domain(config.hello.clone()),
            timeout: config.timeout,
        };
        Ok(Self { way, from, connections: config.connections, idle: Mutex::default() })
    }

    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Sends one message; `Ok` means that the server took it.
    pub async fn send(&self, id: &str, message: &Message) -> Result<(), Failure> {
        let mail = compose::compose(id, message, &self.from).map_err(|e| Failure::Never(e.to_string()))?;
        let mut session = self.session().await?;
        session.send(&mail.envelope, &mail.bytes).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((session, Instant::now()));
        Ok(())
    }

    /// Ends sessions that nobody has used for `idle`.
    pub async fn rest(&self, idle: Duration) {
        let old: Vec<Session> = {
            let mut sessions = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.extract_if(.., |(_, since)| since.elapsed() >= idle).map(|(session, _)| session).collect()
        };
        for session in old {
            session.end().await;
        }
    }

    async fn session(&self) -> Result<Session, Failure> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((mut session, _)) = kept else { return Session::open(&self.way).await };
            if session.is_alive().await {
                return Ok(session);
            }
        }
    }
}

fn credentials(login: &Login) -> Result<Credentials, SmtpError> {
    let password = password(&login.password_file)?;
    Ok(Credentials::new(login.username.clone(), password.expose().to_owned()))
}

/// The first line of a file that nobody but its owner and group may read.
fn password(path: &Path) -> Result<SecretString, SmtpError> {
    let refused = |why: String| SmtpError::File { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(|e| refused(e.to_string()))?;
    let mode = file.metadata().map_err(|e| refused(e.to_string()))?.mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(refused(format!("has mode {mode:o}; others must not read a password (0600, 0400 or 0440)")));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MAX_PASSWORD_BYTES).read_to_string(&mut text).map_err(|e| refused(e.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::new(line)),
        _ => Err(refused("holds no password".into())),
    }
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, SmtpError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let refused = |why: String| SmtpError::File { path: path.clone(), why };
        let pem = std::fs::read(path).map_err(|e| refused(e.to_string()))?;
        if !pem.windows(11).any(|part| part == b"-----BEGIN ") {
            return Err(refused("holds no PEM certificate".into()));
        }
        let certificate = Certificate::from_pem(&pem).map_err(|e| refused(e.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|e| SmtpError::Setting(format!("host: {e}")))
}
