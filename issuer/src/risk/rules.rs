//! What the model's limits don't say (pure).

use std::net::IpAddr;

use cognito_model::idp::types::{AccountTakeoverRiskConfigurationType, NotifyConfigurationType};
use ipnet::IpNet;

use super::model::Parts;
use crate::messages::is_mailbox;

pub fn check(parts: &Parts) -> Result<(), String> {
    parts.account_takeover.as_ref().map_or(Ok(()), check_takeover)?;
    let Some(exceptions) = &parts.exceptions else { return Ok(()) };
    let lists = [
        ("BlockedIPRangeList", &exceptions.blocked_ip_range_list),
        ("SkippedIPRangeList", &exceptions.skipped_ip_range_list),
    ];
    for (name, list) in lists {
        if let Some(wrong) = list.iter().flatten().find(|range| !is_range(range)) {
            let shown: String = wrong.chars().take(64).collect();
            return Err(format!("{name} has an invalid IP range: {shown}"));
        }
    }
    Ok(())
}

fn check_takeover(takeover: &AccountTakeoverRiskConfigurationType) -> Result<(), String> {
    let actions = [&takeover.actions.low_action, &takeover.actions.medium_action, &takeover.actions.high_action];
    let notifies = actions.into_iter().flatten().any(|action| action.notify);
    match &takeover.notify_configuration {
        None if notifies => Err("An action that notifies needs a NotifyConfiguration.".into()),
        None => Ok(()),
        Some(notify) => check_notify(notify),
    }
}

fn check_notify(notify: &NotifyConfigurationType) -> Result<(), String> {
    for (name, address) in [("From", &notify.from), ("ReplyTo", &notify.reply_to)] {
        if address.as_deref().is_some_and(|address| !is_mailbox(address)) {
            return Err(format!("NotifyConfiguration.{name} is no valid email address."));
        }
    }
    Ok(())
}

/// CIDR notation; a bare address is a range of one.
fn is_range(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{
        AccountTakeoverActionType, AccountTakeoverActionsType, AccountTakeoverEventActionType,
        RiskExceptionConfigurationType,
    };

    use super::*;

    #[test]
    fn ranges() {
        for (range, good) in [
            ("192.0.2.0/24", true),
            ("2001:db8::/32", true),
            ("192.0.2.1", true),
            ("192.0.2.0/33", false),
            ("x", false),
        ] {
            let exceptions = RiskExceptionConfigurationType {
                blocked_ip_range_list: None,
                skipped_ip_range_list: Some(vec![range.to_owned()]),
            };
            let parts = Parts { exceptions: Some(exceptions), ..Parts::default() };
            assert_eq!(check(&parts).is_ok(), good, "{range}");
        }
    }

    #[test]
    fn who_notifies_says_how() {
        let takeover = |notify_configuration| {
            let action =
                AccountTakeoverActionType { event_action: AccountTakeoverEventActionType::Block, notify: true };
            let actions =
                AccountTakeoverActionsType { high_action: Some(action), low_action: None, medium_action: None };
            let account_takeover = Some(AccountTakeoverRiskConfigurationType { actions, notify_configuration });
            check(&Parts { account_takeover, ..Parts::default() })
        };
        assert!(takeover(None).unwrap_err().contains("NotifyConfiguration"));
        assert!(takeover(Some(NotifyConfigurationType::default())).is_ok());
        let from = NotifyConfigurationType { from: Some("a@b.example\r\nBcc: x".into()), ..Default::default() };
        assert!(takeover(Some(from)).unwrap_err().contains("From"));
    }
}
