//! `health`, `outlier` and `retries` of an upstream.

use std::ops::RangeInclusive;
use std::time::Duration;

use common::canonical::CanonicalPath;
use common::settings::{Section, SettingError};

use crate::snapshot::upstream::settings::{HealthCheck, Outlier, Retries};

/// Checks come no closer than that.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
const USUAL_ATTEMPTS: usize = 2;
const USUAL_BUDGET: u8 = 20;

pub fn health(mut section: Section) -> Result<HealthCheck, SettingError> {
    let path = section.text("path")?;
    if let Some(path) = &path {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let wrong = |problem: String| section.error("path", problem);
        CanonicalPath::parse(path.as_bytes()).map_err(|problem| wrong(problem.to_string()))?;
    }
    if path.as_ref().is_some_and(|path| path.bytes().any(|byte| !(b'!'..=b'~').contains(&byte))) {
        return Err(section.error("path", "has characters that no target may have"));
    }
    let interval = section.duration("interval")?.unwrap_or(Duration::from_secs(5));
    if interval < LEAST_INTERVAL {
        return Err(section.error("interval", format!("must be at least {LEAST_INTERVAL:?}")));
    }
    let timeout = section.duration("timeout")?.unwrap_or(Duration::from_secs(2));
    if timeout.is_zero() {
        return Err(section.error("timeout", "must be more than nothing"));
    }
    let texts = section.texts("expect_status")?;
    if !texts.is_empty() && path.is_none() {
        return Err(section.error("expect_status", "needs a `path` to ask for"));
    }
    let mut expect_status = Vec::new();
    for text in &texts {
        let status = statuses(text);
        let wrong = || section.error("expect_status", format!("\"{text}\" is no \"200\", \"2xx\" or \"200-299\""));
        expect_status.push(status.ok_or_else(wrong)?);
    }
    if expect_status.is_empty() {
        expect_status.push(200..=299);
    }
    let health = HealthCheck {
        path,
        interval,
        timeout,
        healthy_after: times(&mut section, "healthy_after", 2)?,
        unhealthy_after: times(&mut section, "unhealthy_after", 3)?,
        expect_status,
        required: section.flag("required")?.unwrap_or(false),
    };
    section.finish()?;
    Ok(health)
}

pub fn outlier(mut section: Section) -> Result<Outlier, SettingError> {
    let base = section.duration("eject_for")?.unwrap_or(Duration::from_secs(30));
    let most = section.duration("eject_for_most")?.unwrap_or(Duration::from_secs(300).max(base));
    if base.is_zero() || most < base {
        return Err(section.error("eject_for", "must be more than nothing, and at most `eject_for_most`"));
    }
    let outlier = Outlier {
        consecutive: times(&mut section, "consecutive", 5)?,
        base,
        most,
        max_ejected: percent(&mut section, "max_ejected")?.unwrap_or(50),
    };
    section.finish()?;
    Ok(outlier)
}

pub fn retries(mut section: Section) -> Result<Retries, SettingError> {
    let attempts = section.integer("attempts", 0..=Retries::MOST as u64)?;
    let on = section.texts("on")?;
    let wrong = |word: &String| !matches!(word.as_str(), "connect" | "reset" | "status");
    if let Some(word) = on.iter().find(|word| wrong(word)) {
        return Err(section.error("on", format!("\"{word}\" is none of \"connect\", \"reset\", \"status\"")));
    }
    let has = |word: &str| on.iter().any(|on| on == word);
    let per_try_timeout = section.duration("per_try_timeout")?;
    if per_try_timeout.is_some_and(|span| span.is_zero()) {
        return Err(section.error("per_try_timeout", "must be more than nothing"));
    }
    if per_try_timeout.is_some() && !has("reset") {
        return Err(section.error(
            "per_try_timeout",
            "needs \"reset\" in `on`: a server that is silent is asked no second time without it",
        ));
    }
    let retries = Retries {
        attempts: attempts.and_then(|attempts| usize::try_from(attempts).ok()).unwrap_or(USUAL_ATTEMPTS),
        on_connect: on.is_empty() || has("connect"),
        on_reset: has("reset"),
        on_status: has("status"),
        budget: Some(percent(&mut section, "budget")?.unwrap_or(USUAL_BUDGET)),
        per_try_timeout,
    };
    section.finish()?;
    Ok(retries)
}

fn times(section: &mut Section, key: &'static str, usual: u32) -> Result<u32, SettingError> {
    Ok(section.integer(key, 1..=1_000)?.and_then(|times| u32::try_from(times).ok()).unwrap_or(usual))
}

/// `"20%"`.
fn percent(section: &mut Section, key: &'static str) -> Result<Option<u8>, SettingError> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok()).filter(|number| *number <= 100);
    number.map(Some).ok_or_else(|| section.error(key, format!("\"{text}\" is no share such as \"20%\"")))
}

/// `200`, `2xx` or `200-299`.
fn statuses(text: &str) -> Option<RangeInclusive<u16>> {
    let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
    if let Some(class) = text.strip_suffix("xx") {
        let first = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class))? * 100;
        return Some(first..=first + 99);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first)?, status(last)?);
    (first <= last).then_some(first..=last)
}
