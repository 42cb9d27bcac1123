//! Messages to users: codes and invitations.
//!
//! A message is a row of the batch that made it necessary, with its content enveloped. Whoever delivers it takes it by a lease, hands
//! it to the sender of its channel, and records what came of it before it takes another; so several issuers on one database share
//! the queue. The row stays for some days as status, without the content.
//!
//! Invariants: no acknowledged operation loses its message before the message's own end; what was recorded as delivered is never sent
//! again. A process that is killed after a server took a message and before that was recorded sends it again after its lease, under the
//! same `Message-ID`: between two systems without a common transaction it is that or a loss. No status, log line or metric has an
//! address, a code or what a server wrote beyond its reply codes.

mod courier;
mod dispatch;
mod mailbox;
mod outbox_folder;
mod pace;
pub mod rows;
mod senders;
pub mod smtp;
pub mod status;
#[cfg(test)]
mod suite;
pub mod templates;

use serde::{Deserialize, Serialize};

pub use self::courier::{Courier, Parts};
pub use self::mailbox::is_mailbox;
pub use self::senders::{Config, Senders};

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
    /// An address was changed.
    UpdateUserAttribute,
    /// A user asked for a code.
    VerifyUserAttribute,
    /// A second factor.
    Authentication,
}

/// What the body is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Text,
    Html,
}

/// One message, as it is stored and as the outbox folder shows it. A new field needs a default: what waits was written by an older build.
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
    #[serde(default)]
    pub format: Format,
    /// The sender's mailbox, where the pool has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    pub username: String,
    pub pool_id: String,
    /// Milliseconds since the epoch.
    pub at: u64,
    /// When the code ends, and the message's worth with it; milliseconds since the epoch.
    #[serde(default)]
    pub until: u64,
}

impl Channel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::SignUp,
        Self::ResendCode,
        Self::ForgotPassword,
        Self::Invitation,
        Self::UpdateUserAttribute,
        Self::VerifyUserAttribute,
        Self::Authentication,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::ResendCode => "resend_code",
            Self::ForgotPassword => "forgot_password",
            Self::Invitation => "invitation",
            Self::UpdateUserAttribute => "update_user_attribute",
            Self::VerifyUserAttribute => "verify_user_attribute",
            Self::Authentication => "authentication",
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({:?} by {:?})", self.kind, self.channel)
    }
}

#[cfg(test)]
impl Message {
    pub(crate) fn sample() -> Self {
        Self {
            to: "ann@example.com".into(),
            channel: Channel::Email,
            kind: Kind::SignUp,
            code: "123456".into(),
            link: None,
            subject: Some("Your verification code".into()),
            body: "Your confirmation code is 123456".into(),
            format: Format::Text,
            from: None,
            reply_to: None,
            username: "ann".into(),
            pool_id: "eu_a".into(),
            at: 1_000,
            until: 3_600_000,
        }
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

    #[test]
    fn what_an_older_build_queued_is_read() {
        let old = r#"{"to":"a@b.c","channel":"email","kind":"sign_up","code":"1","link":null,"subject":"s","body":"b","username":"u",
                      "pool_id":"eu_a","at":5}"#;
        let message: Message = serde_json::from_str(old).unwrap();
        assert_eq!((message.format, message.until, message.from), (Format::Text, 0, None));
    }

    #[test]
    fn names_are_those_of_the_stored_form() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
        for channel in [Channel::Email, Channel::Sms] {
            assert_eq!(serde_json::to_string(&channel).unwrap(), format!("\"{}\"", channel.as_str()));
        }
    }
}
