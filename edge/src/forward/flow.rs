//! What a `[[route]]` says about bodies and time.

use std::time::Duration;

use common::settings::{Section, SettingError};

use crate::forward::upstream::duration_or_never;
use crate::snapshot::flow::Flow;

/// Reads the keys of a route that bound its bodies and its time.
pub fn read(section: &mut Section) -> Result<Flow, SettingError> {
    let usual = Flow::default();
    let flow = Flow {
        max_body: section.size("max_body")?,
        body_timeout: duration_or_never(section, "body_timeout", usual.body_timeout)?,
        min_body_rate: section.size("min_body_rate")?.filter(|rate| *rate > 0),
        send_timeout: duration_or_never(section, "send_timeout", usual.send_timeout)?,
        timeout: duration_or_never(section, "timeout", usual.timeout)?,
        read_timeout: section.duration("read_timeout")?.map(|span| Some(span).filter(|span| !span.is_zero())),
        tunnel_timeout: duration_or_never(section, "tunnel_timeout", usual.tunnel_timeout)?,
    };
    let day = Duration::from_secs(86_400);
    if flow.timeout.is_some_and(|timeout| timeout > day * 365) {
        return Err(section.error("timeout", "is over a year"));
    }
    Ok(flow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Flow, String> {
        let mut root = common::settings::parse(text, [], &[]).unwrap();
        read(&mut root).map_err(|error| error.to_string())
    }

    #[test]
    fn zero_is_without_a_limit() {
        assert_eq!(read_text("").unwrap(), Flow::default());
        let flow = read_text(
            "max_body = \"1MiB\"\nbody_timeout = \"0s\"\nsend_timeout = \"0s\"\ntimeout = \"0s\"\nread_timeout = \"0s\"\n\
             tunnel_timeout = \"0s\"\nmin_body_rate = \"0B\"",
        );
        let expected = Flow {
            max_body: Some(1 << 20),
            body_timeout: None,
            min_body_rate: None,
            send_timeout: None,
            timeout: None,
            read_timeout: Some(None),
            tunnel_timeout: None,
        };
        assert_eq!(flow.unwrap(), expected);
        assert_eq!(read_text("max_body = \"0B\"").unwrap().max_body, Some(0), "no body at all");
        assert!(read_text("max_body = 5").is_err());
    }
}
