//! What a pool says about its messages: templates, and whom mail comes from (pure). Lengths, and `{####}` in the texts with codes, are the
//! model's patterns.
//!
//! Mail goes through the issuer's SMTP server, not through Amazon SES: of EmailConfiguration the names are honoured, and what only SES
//! understands (ConfigurationSet) is kept. So is SmsConfiguration: it is how a pool says that it may send texts.

use cognito_model::idp::types::{
    CreateUserPoolRequest, EmailConfigurationType, EmailSendingAccountType, MessageTemplateType,
};

use crate::messages::is_mailbox;
use crate::messages::templates::invites;

/// The first thing that is wrong, in the words of the refusal.
pub fn check(request: &CreateUserPoolRequest) -> Result<(), String> {
    let invitation = request.admin_create_user_config.as_ref().and_then(|c| c.invite_message_template.as_ref());
    invitation.map_or(Ok(()), check_invitation)?;
    request.email_configuration.as_ref().map_or(Ok(()), check_email)
}

/// The identity in an SES ARN (`arn:aws:ses:<region>:<account>:identity/<address or domain>`) where it is an address.
pub fn identity(arn: &str) -> Option<&str> {
    ses_identity(arn).filter(|identity| identity.contains('@'))
}

/// An invitation without the name or the password is of no use (Cognito's text, and which one it is).
fn check_invitation(template: &MessageTemplateType) -> Result<(), String> {
    let bodies = [("EmailMessage", &template.email_message), ("SMSMessage", &template.sms_message)];
    match bodies.into_iter().find(|(_, body)| body.as_deref().is_some_and(|body| !invites(body))) {
        Some((name, _)) => {
            Err(format!("The message is invalid. InviteMessageTemplate.{name} must contain {{username}} and {{####}}."))
        }
        None => Ok(()),
    }
}

fn check_email(email: &EmailConfigurationType) -> Result<(), String> {
    if email.from.as_deref().is_some_and(|from| !is_mailbox(from)) {
        return Err("EmailConfiguration.From is no valid email address.".into());
    }
    if email.reply_to_email_address.as_deref().is_some_and(|address| !is_mailbox(address)) {
        return Err("EmailConfiguration.ReplyToEmailAddress is no valid email address.".into());
    }
    match (&email.source_arn, &email.from) {
        (Some(arn), from) => check_source(arn, from.as_deref()),
        (None, None) if email.email_sending_account == Some(EmailSendingAccountType::Developer) => {
            Err("EmailSendingAccount DEVELOPER needs SourceArn or From.".into())
        }
        _ => Ok(()),
    }
}

/// The sender must be of the identity, as SES would have it.
fn check_source(arn: &str, from: Option<&str>) -> Result<(), String> {
    let identity = ses_identity(arn).filter(|identity| !identity.is_empty());
    let identity = identity.ok_or("EmailConfiguration.SourceArn is no SES identity.")?.to_ascii_lowercase();
    let sender =
        from.map(|from| from.rsplit('<').next().unwrap_or(from).trim_end_matches('>').trim().to_ascii_lowercase());
    let matches = match (&sender, identity.contains('@')) {
        (None, by_address) => by_address && is_mailbox(&identity),
        (Some(sender), true) => *sender == identity,
        (Some(sender), false) => sender
            .rsplit_once('@')
            .is_some_and(|(_, domain)| domain == identity || domain.ends_with(&format!(".{identity}"))),
    };
    if matches {
        Ok(())
    } else {
        Err("EmailConfiguration.From must be an address of the identity in SourceArn.".into())
    }
}

fn ses_identity(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let resource = parts.nth(2)?;
    (prefix == "arn" && service == "ses").then_some(resource)?.strip_prefix("identity/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_says_who_and_by_which_password() {
        let template = |mail: Option<&str>, sms: Option<&str>| MessageTemplateType {
            email_message: mail.map(str::to_owned),
            email_subject: None,
            sms_message: sms.map(str::to_owned),
        };
        for (template, fault) in [
            (template(None, None), None),
            (template(Some("{username} {####}"), Some("{####}{username}")), None),
            (template(Some("Welcome {####}"), None), Some("EmailMessage")),
            (template(Some("{username} {####}"), Some("Welcome {username}")), Some("SMSMessage")),
        ] {
            let refused = check_invitation(&template).err();
            assert_eq!(refused.is_some(), fault.is_some(), "{template:?}");
            if let (Some(text), Some(fault)) = (refused, fault) {
                assert!(text.starts_with("The message is invalid.") && text.contains(fault), "{text}");
            }
        }
    }

    #[test]
    fn the_sender_is_an_address_of_the_identity() {
        const ADDRESS: &str = "arn:aws:ses:us-east-1:123456789012:identity/no-reply@example.com";
        const DOMAIN: &str = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
        let email = |arn: Option<&str>, from: Option<&str>| EmailConfigurationType {
            source_arn: arn.map(str::to_owned),
            from: from.map(str::to_owned),
            email_sending_account: Some(EmailSendingAccountType::Developer),
            ..EmailConfigurationType::default()
        };
        for (email, good) in [
            (email(Some(ADDRESS), None), true),
            (email(Some(ADDRESS), Some("Zoo <No-Reply@example.com>")), true),
            (email(Some(ADDRESS), Some("zoo@example.com")), false),
            (email(Some(DOMAIN), Some("zoo@example.com")), true),
            (email(Some(DOMAIN), Some("Zoo <zoo@mail.example.com>")), true),
            (email(Some(DOMAIN), Some("zoo@anexample.com")), false),
            (email(Some(DOMAIN), None), false),
            (email(Some("arn:aws:sns:us-east-1:123456789012:identity/a@b.example"), None), false),
            (email(None, Some("zoo@example.com")), true),
            (email(None, Some("zoo")), false),
            (email(None, None), false),
        ] {
            assert_eq!(check_email(&email).is_ok(), good, "{email:?}");
        }
        assert_eq!(identity(ADDRESS), Some("no-reply@example.com"));
        assert_eq!(identity(DOMAIN), None);
    }

    #[test]
    fn an_answer_goes_to_one_address() {
        let reply = EmailConfigurationType {
            reply_to_email_address: Some("a@b.example\r\nBcc: x".into()),
            ..EmailConfigurationType::default()
        };
        assert!(check_email(&reply).unwrap_err().contains("ReplyToEmailAddress"));
    }
}
