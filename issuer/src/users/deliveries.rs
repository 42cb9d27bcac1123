//! What is sent to a user: which address, which text (Cognito: VerificationMessageTemplate, InviteMessageTemplate).

use std::time::Duration;

use cognito_model::idp::types::{CodeDeliveryDetailsType, DeliveryMediumType};
use common::clock::UnixMillis;

use super::address::Address;
use super::model::User;
use crate::messages::templates::{
    AUTHENTICATION_BODY, AUTHENTICATION_SUBJECT, INVITATION_BODY, INVITATION_SUBJECT, VERIFICATION_BODY,
    VERIFICATION_SUBJECT, fill, fill_html, is_html,
};
use crate::messages::{Channel, Format, Kind, Message, masked};
use crate::pools::Pool;

/// How long the code for a new password works (Cognito: an hour).
pub const RESET_CODE_LIFE: Duration = Duration::from_secs(3600);
/// How long the code of a second factor works at least (Cognito: AuthSessionValidity, 3 to 15 minutes).
pub const AUTHENTICATION_CODE_LIFE: Duration = Duration::from_secs(180);
/// How long the code of a sign-up or an attribute works (Cognito: 24 hours).
pub const SIGN_UP_CODE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Where a code goes, and which attribute it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub channel: Channel,
    pub to: String,
    pub attribute: &'static str,
}

impl Destination {
    /// `CodeDeliveryDetails` of an answer.
    pub fn describe(&self) -> CodeDeliveryDetailsType {
        CodeDeliveryDetailsType {
            attribute_name: Some(self.attribute.to_owned()),
            delivery_medium: Some(match self.channel {
                Channel::Email => DeliveryMediumType::Email,
                Channel::Sms => DeliveryMediumType::Sms,
            }),
            destination: Some(masked(self.channel, &self.to)),
        }
    }
}

/// Where codes go first.
pub const PREFERRED: [Address; 2] = [Address::PhoneNumber, Address::Email];

/// Where a sign-up's code goes: the phone number before the e-mail address, as far as the pool verifies them.
pub fn to_verify(pool: &Pool, user: &User) -> Option<Destination> {
    let open = PREFERRED.into_iter().filter(|way| way.sends_code(pool) && !user.verified(way.attribute()));
    open.filter_map(|way| Some(way.destination(user.attributes.get(way.attribute())?))).next()
}

/// Where an invitation goes: by the mediums asked for, else wherever there is an address.
pub fn to_invite(user: &User, mediums: Option<&[DeliveryMediumType]>) -> Vec<Destination> {
    let known =
        [(DeliveryMediumType::Sms, Channel::Sms, "phone_number"), (DeliveryMediumType::Email, Channel::Email, "email")];
    let wanted = known.into_iter().filter(|(medium, ..)| mediums.is_none_or(|list| list.contains(medium)));
    wanted
        .filter_map(|(_, channel, attribute)| {
            Some(Destination { channel, to: user.attributes.get(attribute)?.clone(), attribute })
        })
        .collect()
}

/// The message with a sign-up's code.
pub fn verification(pool: &Pool, user: &User, to: &Destination, kind: Kind, code: &str, now: UnixMillis) -> Message {
    let settings = &pool.settings;
    let template = settings.verification_message_template.as_ref();
    let (subject, body) = match to.channel {
        Channel::Email => (
            template.and_then(|t| t.email_subject.clone()).or_else(|| settings.email_verification_subject.clone()),
            template.and_then(|t| t.email_message.clone()).or_else(|| settings.email_verification_message.clone()),
        ),
        Channel::Sms => {
            (None, template.and_then(|t| t.sms_message.clone()).or_else(|| settings.sms_verification_message.clone()))
        }
    };
    let subject = subject.unwrap_or_else(|| VERIFICATION_SUBJECT.to_owned());
    let body = body.unwrap_or_else(|| VERIFICATION_BODY.to_owned());
    message(pool, user, to, Draft { kind, subject, body, code }, now)
}

/// The message with a temporary password.
pub fn invitation(pool: &Pool, user: &User, to: &Destination, password: &str, now: UnixMillis) -> Message {
    let template = pool.settings.admin_create_user_config.as_ref().and_then(|c| c.invite_message_template.as_ref());
    let (subject, body) = match to.channel {
        Channel::Email => {
            (template.and_then(|t| t.email_subject.clone()), template.and_then(|t| t.email_message.clone()))
        }
        Channel::Sms => (None, template.and_then(|t| t.sms_message.clone())),
    };
    let subject = subject.unwrap_or_else(|| INVITATION_SUBJECT.to_owned());
    let body = body.unwrap_or_else(|| INVITATION_BODY.to_owned());
    message(pool, user, to, Draft { kind: Kind::Invitation, subject, body, code: password }, now)
}

/// The message with the code of a second factor, which works from one instant to another (Cognito: EmailMfaConfiguration,
/// SmsAuthenticationMessage).
pub fn authentication(
    pool: &Pool,
    user: &User,
    to: &Destination,
    code: &str,
    (now, until): (UnixMillis, UnixMillis),
) -> Message {
    let email = pool.settings.email_mfa.as_ref();
    let (subject, body) = match to.channel {
        Channel::Email => (email.and_then(|e| e.subject.clone()), email.and_then(|e| e.message.clone())),
        Channel::Sms => (None, pool.settings.sms_authentication_message.clone()),
    };
    let subject = subject.unwrap_or_else(|| AUTHENTICATION_SUBJECT.to_owned());
    let body = body.unwrap_or_else(|| AUTHENTICATION_BODY.to_owned());
    let message = message(pool, user, to, Draft { kind: Kind::Authentication, subject, body, code }, now);
    Message { until: until.0, ..message }
}

struct Draft<'a> {
    kind: Kind,
    subject: String,
    body: String,
    code: &'a str,
}

fn message(pool: &Pool, user: &User, to: &Destination, draft: Draft<'_>, now: UnixMillis) -> Message {
    let by_mail = to.channel == Channel::Email;
    let (format, body) = if by_mail && is_html(&draft.body) {
        (Format::Html, fill_html(&draft.body, draft.code, &user.username))
    } else {
        (Format::Text, fill(&draft.body, draft.code, &user.username))
    };
    Message {
        to: to.to.clone(),
        channel: to.channel,
        kind: draft.kind,
        code: draft.code.to_owned(),
        link: None,
        subject: by_mail.then(|| fill(&draft.subject, draft.code, &user.username)),
        body,
        format,
        from: pool.settings.mail_from().filter(|_| by_mail),
        reply_to: pool.settings.reply_to().filter(|_| by_mail),
        username: user.username.clone(),
        pool_id: pool.id.to_string(),
        at: now.0,
        until: now.plus(life(pool, draft.kind)).0,
    }
}

/// How long what is in a message works: afterwards it is not sent any more.
fn life(pool: &Pool, kind: Kind) -> Duration {
    match kind {
        Kind::SignUp | Kind::ResendCode | Kind::UpdateUserAttribute | Kind::VerifyUserAttribute => SIGN_UP_CODE_LIFE,
        Kind::ForgotPassword => RESET_CODE_LIFE,
        Kind::Authentication => AUTHENTICATION_CODE_LIFE,
        Kind::Invitation => pool.settings.temporary_password_life(),
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types as wire;
    use common::ids::PoolId;

    use super::*;
    use crate::pools::model::Settings;

    fn pool(settings: Settings) -> Pool {
        Pool {
            id: PoolId::parse("eu_a").unwrap(),
            name: "p".into(),
            iss: "https://i/eu_a".into(),
            settings,
            created: UnixMillis(0),
            modified: UnixMillis(0),
        }
    }

    fn mail() -> Destination {
        Destination { channel: Channel::Email, to: "ann@example.com".into(), attribute: "email" }
    }

    #[test]
    fn a_user_name_is_text_in_html() {
        let template = wire::MessageTemplateType {
            email_message: Some("<p>{username}: {####}</p>".into()),
            email_subject: Some("For {username}".into()),
            sms_message: Some("<{username}> {####}".into()),
        };
        let invite = wire::AdminCreateUserConfigType {
            invite_message_template: Some(template),
            ..wire::AdminCreateUserConfigType::default()
        };
        let pool = pool(Settings { admin_create_user_config: Some(invite), ..Settings::default() });
        let user = User { username: "<i>ann</i>".into(), ..User::sample() };
        let by_mail = invitation(&pool, &user, &mail(), "a<1", UnixMillis(0));
        assert_eq!(by_mail.body, "<p>&lt;i&gt;ann&lt;/i&gt;: a&lt;1</p>");
        assert_eq!((by_mail.format, by_mail.subject.as_deref()), (Format::Html, Some("For <i>ann</i>")));
        assert_eq!(by_mail.until, 7 * 86_400_000);
        let phone = Destination { channel: Channel::Sms, to: "+491511234567".into(), attribute: "phone_number" };
        let by_sms = invitation(&pool, &user, &phone, "a<1", UnixMillis(0));
        assert_eq!((by_sms.format, by_sms.body.as_str()), (Format::Text, "<<i>ann</i>> a<1"));
    }

    #[test]
    fn a_pools_sender_goes_with_its_mail() {
        let email = wire::EmailConfigurationType {
            from: Some("Zoo <zoo@example.com>".into()),
            reply_to_email_address: Some("help@example.com".into()),
            ..wire::EmailConfigurationType::default()
        };
        let pool = pool(Settings { email_configuration: Some(email), ..Settings::default() });
        let message = verification(&pool, &User::sample(), &mail(), Kind::SignUp, "123456", UnixMillis(5));
        assert_eq!(message.from.as_deref(), Some("Zoo <zoo@example.com>"));
        assert_eq!(message.reply_to.as_deref(), Some("help@example.com"));
        assert_eq!((message.format, message.until), (Format::Text, 5 + 86_400_000));
    }
}
