//! `[[upstream]]`: which servers, and how they are asked.

mod checks;
mod servers;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::canonical::Host;
use common::settings::{Section, SettingError};
use http::{HeaderName, HeaderValue};

pub use self::servers::addresses_of;
use crate::snapshot::upstream::settings::{
    Balance, HashKey, HostHeader, Http2, Limits, Protocol, Settings, Timeouts, WhenNoneHealthy,
};
use crate::snapshot::upstream::{Upstream, UpstreamMeter};

const USUAL_RESOLVE: Duration = Duration::from_secs(30);

/// Reads one `[[upstream]]`, with the files that it names; names are resolved for the first time. `folder` is where relative paths
/// begin, `meter` makes the counters for its name.
pub fn read(
    mut section: Section,
    folder: &Path,
    meter: impl FnOnce(&str) -> UpstreamMeter,
) -> Result<Arc<Upstream>, SettingError> {
    let name = section.required_text("name")?;
    let targets = servers::targets(&mut section)?;
    let tls = section.section("tls")?.map(|tls| tls::read(tls, folder)).transpose()?;
    let resolve = duration_or_never(&mut section, "resolve", Some(USUAL_RESOLVE))?;
    let outlier = section.section("outlier")?.map(checks::outlier).transpose()?;
    let health = section.section("health")?.map(checks::health).transpose()?;
    let retries = section.section("retries")?.map(checks::retries).transpose()?;
    let settings = Settings {
        protocol: protocol(&mut section, tls.is_some())?,
        tls,
        host: host(&mut section)?,
        timeouts: timeouts(&mut section)?,
        h2: section.section("h2")?.map(h2).transpose()?.unwrap_or_default(),
        balance: balance(&mut section)?,
        resolve,
        health,
        outlier,
        limits: Limits {
            requests: count(&mut section, "max_requests")?,
            requests_per_server: count(&mut section, "max_requests_per_server")?,
        },
        retries: retries.unwrap_or_default(),
        when_none_healthy: when_none_healthy(&mut section)?,
    };
    let has_name = |section: &Section| section.error("tls", "needs `server_name` for a UNIX socket");
    if settings.tls.as_ref().is_some_and(|tls| tls.server_name.is_none()) && targets.iter().any(servers::is_unix) {
        return Err(has_name(&section));
    }
    let addresses = servers::first_addresses(&targets, resolve.is_some())
        .map_err(|server| section.error("servers", format!("\"{server}\" cannot be resolved")))?;
    section.finish()?;
    let meter = meter(&name);
    let found = addresses.iter().map(Vec::len).sum();
    let settings = match retries {
        Some(_) => settings,
        None => Settings { retries: crate::snapshot::upstream::settings::Retries::usual(found), ..settings },
    };
    Ok(Arc::new(Upstream::new(name.into(), targets, settings, meter, &addresses)))
}

/// A duration of which zero means: never, or as long as it takes.
pub fn duration_or_never(
    section: &mut Section,
    key: &'static str,
    usual: Option<Duration>,
) -> Result<Option<Duration>, SettingError> {
    Ok(match section.duration(key)? {
        None => usual,
        Some(Duration::ZERO) => None,
        some => some,
    })
}

fn timeouts(section: &mut Section) -> Result<Timeouts, SettingError> {
    let usual = Timeouts::default();
    let timeouts = Timeouts {
        connect: section.duration("connect_timeout")?.unwrap_or(usual.connect),
        read: duration_or_never(section, "read_timeout", usual.read)?,
        write: duration_or_never(section, "write_timeout", usual.write)?,
        idle: section.duration("idle_timeout")?.unwrap_or(usual.idle),
    };
    if timeouts.connect.is_zero() {
        return Err(section.error("connect_timeout", "must be more than nothing"));
    }
    Ok(timeouts)
}

fn protocol(section: &mut Section, tls: bool) -> Result<Protocol, SettingError> {
    match section.text("protocol")?.as_deref() {
        None | Some("http1") => Ok(Protocol::Http1),
        Some("http2") => Ok(Protocol::Http2),
        Some("auto") if tls => Ok(Protocol::Auto),
        Some("auto") => {
            Err(section.error("protocol", "\"auto\" needs `tls`: without it nothing is negotiated; say \"http2\""))
        }
        Some(_) => Err(section.error("protocol", "must be \"http1\", \"http2\" or \"auto\"")),
    }
}

fn host(section: &mut Section) -> Result<HostHeader, SettingError> {
    match section.text("host")?.as_deref() {
        None | Some("pass") => Ok(HostHeader::Pass),
        Some("server") => Ok(HostHeader::Server),
        Some(name) => {
            let host = Host::parse(name.as_bytes())
                .map_err(|_| section.error("host", format!("\"{name}\" is neither \"pass\", \"server\" nor a host")))?;
            let value = HeaderValue::from_str(&host.header_value())
                .map_err(|_| section.error("host", format!("\"{name}\" is no host")))?;
            Ok(HostHeader::Fixed(value))
        }
    }
}

fn h2(mut section: Section) -> Result<Http2, SettingError> {
    let usual = Http2::default();
    let streams = section.integer("max_streams", 1..=Http2::MOST_STREAMS)?;
    let window = section.size("stream_window")?;
    if window.is_some_and(|bytes| !(64 << 10..=16 << 20).contains(&bytes)) {
        return Err(section.error("stream_window", "must be between 64KiB and 16MiB"));
    }
    let settings = Http2 {
        max_streams: streams.and_then(|streams| usize::try_from(streams).ok()).unwrap_or(usual.max_streams),
        stream_window: window.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(usual.stream_window),
        ping: duration_or_never(&mut section, "ping", usual.ping)?,
    };
    section.finish()?;
    Ok(settings)
}

fn balance(section: &mut Section) -> Result<Balance, SettingError> {
    let key = section.text("hash")?;
    match (section.text("balance")?.as_deref(), key) {
        (None | Some("round_robin"), None) => Ok(Balance::RoundRobin),
        (Some("least_requests"), None) => Ok(Balance::LeastRequests),
        (Some("hash"), Some(key)) => hash_key(&key)
            .map(Balance::Hash)
            .ok_or_else(|| section.error("hash", format!("\"{key}\" is no \"header:…\", \"claim:…\" or \"client\""))),
        (Some("hash"), None) => Err(section.error("hash", "is missing: by what?")),
        (_, Some(_)) => Err(section.error("hash", "needs `balance = \"hash\"`")),
        (Some(_), None) => Err(section.error("balance", "must be \"round_robin\", \"least_requests\" or \"hash\"")),
    }
}

fn hash_key(text: &str) -> Option<HashKey> {
    match text.split_once(':') {
        None if text == "client" => Some(HashKey::Client),
        Some(("header", name)) => HeaderName::try_from(name).ok().map(HashKey::Header),
        Some(("claim", name)) if !name.is_empty() => Some(HashKey::Claim(name.to_owned())),
        _ => None,
    }
}

fn when_none_healthy(section: &mut Section) -> Result<WhenNoneHealthy, SettingError> {
    match section.text("when_none_healthy")?.as_deref() {
        None | Some("refuse") => Ok(WhenNoneHealthy::Refuse),
        Some("try_all") => Ok(WhenNoneHealthy::TryAll),
        Some(_) => Err(section.error("when_none_healthy", "must be \"refuse\" or \"try_all\"")),
    }
}

fn count(section: &mut Section, key: &'static str) -> Result<Option<usize>, SettingError> {
    Ok(section.integer(key, 1..=1_000_000)?.and_then(|count| usize::try_from(count).ok()))
}

#[cfg(test)]
mod tests;
