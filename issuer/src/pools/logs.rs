//! Where a pool's logs are to go (pure; Cognito: SetLogDeliveryConfiguration). Nothing is delivered yet.

use cognito_model::idp::types::{EventSourceName, LogConfigurationType, LogLevel};

/// One destination for each kind of events, and for errors of messages only CloudWatch Logs.
pub fn check(configurations: &[LogConfigurationType]) -> Result<(), String> {
    let twice = configurations
        .iter()
        .enumerate()
        .any(|(at, one)| configurations.iter().take(at).any(|other| other.event_source == one.event_source));
    if twice {
        return Err("An EventSource can have one log configuration.".into());
    }
    configurations.iter().try_for_each(check_one)
}

fn check_one(one: &LogConfigurationType) -> Result<(), String> {
    let source = one.event_source;
    let wanted = match source {
        EventSourceName::UserNotification => LogLevel::Error,
        EventSourceName::UserAuthEvents => LogLevel::Info,
    };
    if one.log_level != wanted {
        return Err(format!("LogLevel of {source} must be {wanted}."));
    }
    let log_group = one.cloud_watch_logs_configuration.as_ref().map(|c| c.log_group_arn.is_some());
    let stream = one.firehose_configuration.as_ref().map(|c| c.stream_arn.is_some());
    let bucket = one.s3_configuration.as_ref().map(|c| c.bucket_arn.is_some());
    let given: Vec<bool> = [log_group, stream, bucket].into_iter().flatten().collect();
    if given != [true] {
        return Err(format!("{source} must have one destination, with its ARN."));
    }
    if source == EventSourceName::UserNotification && log_group.is_none() {
        return Err(format!("{source} can only be delivered to CloudWatch Logs."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{CloudWatchLogsConfigurationType, FirehoseConfigurationType, S3ConfigurationType};

    use super::*;

    fn to(source: EventSourceName, level: LogLevel, destinations: &[&str]) -> LogConfigurationType {
        let has = |name: &str| destinations.contains(&name);
        let arn = Some("arn:aws:x:eu-1:000000000000:y".to_owned());
        LogConfigurationType {
            cloud_watch_logs_configuration: has("logs")
                .then(|| CloudWatchLogsConfigurationType { log_group_arn: arn.clone() }),
            event_source: source,
            firehose_configuration: has("firehose").then(|| FirehoseConfigurationType { stream_arn: arn.clone() }),
            log_level: level,
            s3_configuration: has("s3").then(|| S3ConfigurationType { bucket_arn: arn.clone() }),
        }
    }

    #[test]
    fn each_kind_has_its_level_and_one_destination() {
        use EventSourceName::{UserAuthEvents, UserNotification};
        for (one, good) in [
            (to(UserNotification, LogLevel::Error, &["logs"]), true),
            (to(UserNotification, LogLevel::Info, &["logs"]), false),
            (to(UserNotification, LogLevel::Error, &["s3"]), false),
            (to(UserAuthEvents, LogLevel::Info, &["s3"]), true),
            (to(UserAuthEvents, LogLevel::Info, &["firehose"]), true),
            (to(UserAuthEvents, LogLevel::Error, &["logs"]), false),
            (to(UserAuthEvents, LogLevel::Info, &["logs", "s3"]), false),
            (to(UserAuthEvents, LogLevel::Info, &[]), false),
        ] {
            assert_eq!(check(std::slice::from_ref(&one)).is_ok(), good, "{one:?}");
        }
        let one = to(UserAuthEvents, LogLevel::Info, &["s3"]);
        assert!(check(&[one.clone(), one]).unwrap_err().contains("one log configuration"));
    }
}
