//! Which sender a message goes to: e-mail to the SMTP server where one is configured, everything else to the outbox folder where there
//! is one. Senders are few and known, so they are an enum's worth of fields, not a trait.

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::settings::{Section, SettingError};

use super::outbox_folder::OutboxFolder;
use super::smtp::{Smtp, SmtpConfig, SmtpError};
use super::{Channel, Message};

/// How many files of the outbox folder are written at a time.
const FILES: usize = 16;

/// The settings of `[messages]`. With neither sender messages wait, and fail at their end.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Folder that gets one JSON file a message, for development.
    pub outbox: Option<PathBuf>,
    pub smtp: Option<SmtpConfig>,
}

/// Why a message was not delivered. The text is stored and shown to operators: no address, no code, nothing that a server wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The way to the server is closed; it says nothing about the message.
    #[error("{0}")]
    Server(String),
    /// It may work later.
    #[error("{0}")]
    Later(String),
    /// It will not.
    #[error("{0}")]
    Never(String),
}

/// What messages are handed to.
pub struct Senders {
    smtp: Option<Smtp>,
    outbox: Option<OutboxFolder>,
}

impl Config {
    /// Relative paths are relative to `folder`.
    pub fn read(mut section: Section, folder: &Path) -> Result<Self, SettingError> {
        let config = Self {
            outbox: section.file("outbox")?.map(|path| folder.join(path)),
            smtp: section.section("smtp")?.map(|smtp| SmtpConfig::read(smtp, folder)).transpose()?,
        };
        section.finish()?;
        Ok(config)
    }
}

impl Senders {
    /// Reads what the settings name: password and CA files.
    ///
    /// # Errors
    /// The settings must change first.
    pub fn open(config: &Config) -> Result<Self, SmtpError> {
        let smtp = config.smtp.as_ref().map(Smtp::open).transpose()?;
        Ok(Self { smtp, outbox: config.outbox.clone().map(OutboxFolder::new) })
    }

    /// How many messages may be on their way at a time.
    pub(super) fn width(&self) -> usize {
        self.smtp.as_ref().map_or(FILES, Smtp::connections)
    }

    /// `id` names the message: the same one again is the same file, or has the same `Message-ID`.
    pub(super) async fn deliver(&self, id: &str, message: &Message) -> Result<(), Failure> {
        match (message.channel, &self.smtp, &self.outbox) {
            (Channel::Email, Some(smtp), _) => smtp.send(id, message).await,
            (_, _, Some(outbox)) => {
                outbox.deliver(id, message).map_err(|e| Failure::Later(format!("the outbox folder: {}", e.kind())))
            }
            (channel, ..) => Err(Failure::Later(format!("no sender is configured for {}", channel.as_str()))),
        }
    }

    /// Ends connections that nobody has used for `idle`.
    pub(super) async fn rest(&self, idle: Duration) {
        if let Some(smtp) = &self.smtp {
            smtp.rest(idle).await;
        }
    }
}
