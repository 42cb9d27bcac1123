//! Messages to users: codes and invitations.
//!
//! A message is a row of the batch that made it necessary, with its content enveloped; a [`Courier`] delivers it and deletes the
//! row. So no acknowledged operation loses its message, and a crash between delivery and deletion repeats it at worst.

mod courier;
mod outbox_folder;
pub mod rows;
pub mod templates;

use serde::{Deserialize, Serialize};

pub use self::courier::Courier;
pub use self::outbox_folder::OutboxFolder;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Email,
    Sms,
}

/// Why a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    SignUp,
    ResendCode,
    /// A forgotten password, or one that an administrator reset.
    ForgotPassword,
    Invitation,
}

/// One message, as it is stored and as the outbox folder shows it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    pub to: String,
    pub channel: Channel,
    pub kind: Kind,
    /// The one-time code or temporary password.
    pub code: String,
    pub link: Option<String>,
    pub subject: Option<String>,
    pub body: String,
    pub username: String,
    pub pool_id: String,
    /// Milliseconds since the epoch.
    pub at: u64,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({:?} by {:?})", self.kind, self.channel)
    }
}

/// The masked form in which a destination is shown: of fixed width, so that it tells no length (Cognito: `f***@e***`).
pub fn masked(channel: Channel, to: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    match channel {
        Channel::Email => {
            let (local, domain) = to.rsplit_once('@').unwrap_or((to, ""));
            format!("{}***@{}***", first(local), first(domain))
        }
        Channel::Sms => {
            let last: String = to.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
            format!("+*******{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_masked() {
        assert_eq!(masked(Channel::Email, "frank@example.com"), "f***@e***");
        assert_eq!(masked(Channel::Email, "f@e.x"), "f***@e***");
        assert_eq!(masked(Channel::Sms, "+4915112345678"), "+*******5678");
    }
}
