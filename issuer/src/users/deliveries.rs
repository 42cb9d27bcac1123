//! What is sent to a user: which address, which text (Cognito: VerificationMessageTemplate, InviteMessageTemplate).

use cognito_model::idp::types::{CodeDeliveryDetailsType, DeliveryMediumType};
use common::clock::UnixMillis;

use super::address::Address;
use super::model::User;
use crate::messages::templates::{INVITATION_BODY, INVITATION_SUBJECT, VERIFICATION_BODY, VERIFICATION_SUBJECT, fill};
use crate::messages::{Channel, Kind, Message, masked};
use crate::pools::Pool;

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

struct Draft<'a> {
    kind: Kind,
    subject: String,
    body: String,
    code: &'a str,
}

fn message(pool: &Pool, user: &User, to: &Destination, draft: Draft<'_>, now: UnixMillis) -> Message {
    Message {
        to: to.to.clone(),
        channel: to.channel,
        kind: draft.kind,
        code: draft.code.to_owned(),
        link: None,
        subject: (to.channel == Channel::Email).then(|| fill(&draft.subject, draft.code, &user.username)),
        body: fill(&draft.body, draft.code, &user.username),
        username: user.username.clone(),
        pool_id: pool.id.to_string(),
        at: now.0,
    }
}
