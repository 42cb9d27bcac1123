//! One connection to the server, step by step, so that each failure is told apart by what it means for the message.

use std::future::Future;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};

use super::config::Tls;
use crate::messages::senders::Failure;

/// What the server has to say about the whole message. RFC 5321 §4.5.3.2.6: ten minutes, since whoever gives up earlier sends a
/// message again that was taken.
const LAST_STEP: Duration = Duration::from_secs(600);
const GOODBYE: Duration = Duration::from_secs(1);
/// Answers to MAIL that mean the session, not the message: authentication or encryption is asked for (RFC 4954 §6).
const NOT_LET_IN: [u16; 4] = [530, 534, 535, 538];

/// All that a connection needs.
pub struct Way {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// For every kind but none.
    pub parameters: Option<TlsParameters>,
    pub credentials: Option<Credentials>,
    pub hello: ClientId,
    pub timeout: Duration,
}

/// A connection that has said hello, is encrypted where it must be, and is logged in where it must be.
pub struct Session {
    connection: AsyncSmtpConnection,
    timeout: Duration,
}

impl Session {
    /// # Errors
    /// [`Failure::Server`]: nothing was said about any message yet.
    pub async fn open(way: &Way) -> Result<Self, Failure> {
        let implicit = if way.tls == Tls::Implicit { way.parameters.clone() } else { None };
        let address = (way.host.as_str(), way.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(address, Some(way.timeout), &way.hello, implicit, None);
        let connection = step(way.timeout, connecting).await.map_err(|e| e.server("connection"))?;
        let mut session = Self { connection, timeout: way.timeout };
        if way.tls == Tls::Starttls {
            let parameters = way.parameters.clone().ok_or_else(|| Failure::Server("TLS is not set up".into()))?;
            if !session.connection.can_starttls() {
                session.end().await;
                return Err(Failure::Server("the server offers no STARTTLS".into()));
            }
            let upgrading = session.connection.starttls(parameters, &way.hello);
            step(way.timeout, upgrading).await.map_err(|e| e.server("STARTTLS"))?;
        }
        if let Some(credentials) = &way.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let login = session.connection.auth(&mechanisms, credentials);
            step(way.timeout, login).await.map_err(|e| e.server("login"))?;
        }
        Ok(session)
    }

    /// Sends one message. After a failure the session is of no further use.
    pub async fn send(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<(), Failure> {
        let mut parameters = Vec::new();
        if envelope.from().into_iter().chain(envelope.to()).any(|address| !address.to_string().is_ascii()) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::Never("the address needs SMTPUTF8, which the server does not have".into()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(envelope.from().cloned(), parameters);
        step(self.timeout, self.connection.command(mail)).await.map_err(|e| e.of_sender())?;
        for to in envelope.to() {
            let recipient = Rcpt::new(to.clone(), Vec::new());
            step(self.timeout, self.connection.command(recipient)).await.map_err(|e| e.message("recipient"))?;
        }
        step(self.timeout, self.connection.command(Data)).await.map_err(|e| e.message("DATA"))?;
        step(LAST_STEP, self.connection.message(bytes)).await.map_err(|e| e.message("message"))?;
        Ok(())
    }

    /// Whether the server is still there.
    pub async fn is_alive(&mut self) -> bool {
        tokio::time::timeout(self.timeout, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Says goodbye, if there is somebody to say it to.
    pub async fn end(mut self) {
        let _answer = tokio::time::timeout(GOODBYE, self.connection.quit()).await;
    }
}

/// How a step failed.
enum StepError {
    Timeout,
    Smtp(Error),
}

async fn step<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, StepError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(StepError::Smtp),
        Err(_) => Err(StepError::Timeout),
    }
}

impl StepError {
    fn server(&self, step: &str) -> Failure {
        Failure::Server(self.text(step))
    }

    fn of_sender(&self) -> Failure {
        match self.code() {
            Some(code) if NOT_LET_IN.contains(&code) => self.server("sender"),
            _ => self.message("sender"),
        }
    }

    fn message(&self, step: &str) -> Failure {
        match self {
            Self::Smtp(error) if error.is_permanent() => Failure::Never(self.text(step)),
            _ => Failure::Later(self.text(step)),
        }
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Smtp(error) => error.status().map(u16::from),
            Self::Timeout => None,
        }
    }

    /// The step, and the server's reply code with its enhanced status (RFC 3463), but none of its words: they repeat addresses.
    fn text(&self, step: &str) -> String {
        let Self::Smtp(error) = self else { return format!("{step}: the server did not answer in time") };
        let Some(code) = self.code() else { return format!("{step}: {}", broken(error)) };
        let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        match enhanced_status(&words) {
            Some(status) => format!("{step}: {code} {status}"),
            None => format!("{step}: {code}"),
        }
    }
}

fn broken(error: &Error) -> &'static str {
    if error.is_tls() {
        return "TLS failed: the certificate is not trusted, or not for this host";
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::ConnectionRefused => "connection refused",
                std::io::ErrorKind::TimedOut => "timed out",
                // rustls' failures come as this kind of I/O error.
                std::io::ErrorKind::InvalidData => "TLS failed: the certificate is not trusted, or not for this host",
                _ => "the connection broke",
            };
        }
        source = cause.source();
    }
    if error.is_client() { "the server lacks what this needs" } else { "the connection broke" }
}

fn enhanced_status(words: &str) -> Option<&str> {
    let first = words.split([' ', '\n', '\r']).next()?;
    let mut parts = first.split('.');
    let class = parts.next()?;
    let short = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let shaped = matches!(class, "4" | "5") && parts.next().is_some_and(short) && parts.next().is_some_and(short);
    (shaped && parts.next().is_none()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_stay_out() {
        for (words, want) in [
            ("5.1.1 <ann@example.com>: no such user", Some("5.1.1")),
            ("4.7.0 later", Some("4.7.0")),
            ("<ann@example.com>: no such user", None),
            ("2.1.1 fine", None),
            ("5.1.1.1 x", None),
            ("5.1234.1", None),
            ("", None),
        ] {
            assert_eq!(enhanced_status(words), want, "{words}");
        }
    }
}
