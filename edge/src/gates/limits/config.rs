//! `[limits]`, and `limits = [{ name = "per-user", key = ["claim:sub"], rate = "100/1m" }]` of a route.

use std::sync::Arc;
use std::time::Duration;

use common::feed::{FeedName, Scope};
use common::ids::PoolId;
use common::settings::{Section, SettingError, duration};
use common::verify::ClaimPath;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::rates::{Quota, RuleId};
use crate::snapshot::limit::{Limit, LimitMeter, MOST, Missing, Part, RouteLimits, Stage};

/// A million keys and some; see [`crate::rates`].
const MEMORY_BYTES: u64 = 60 << 20;
const MEMORIES: std::ops::RangeInclusive<u64> = 4 << 20..=4 << 30;
const MOST_RATE: u32 = 1_000_000_000;
const MOST_PARTS: usize = 8;
const MOST_NAME: usize = 64;
const V4_BITS: u8 = 32;
/// What one subscriber has at least.
const V6_BITS: u8 = 64;
const KNOWN_PARTS: &str = "`address`, `claim:NAME`, `client_id`, `header:NAME`, `path`, `host`, `method` or `route`";

/// `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For what all limits count; bytes.
    pub memory: u64,
    /// Whom shared limits are shared with.
    pub scope: Scope,
}

/// Reads `[limits]`.
pub fn settings(section: Option<Section>) -> Result<Settings, SettingError> {
    let Some(mut section) = section else { return Ok(Settings { memory: MEMORY_BYTES, scope: Scope::default() }) };
    let memory = section.size("memory")?.unwrap_or(MEMORY_BYTES);
    if !MEMORIES.contains(&memory) {
        return Err(section.error("memory", "must be between \"4MiB\" and \"4GiB\""));
    }
    let scope = match section.text("shared_with")?.as_deref() {
        None | Some("all") => Scope::default(),
        Some(text) => {
            let pool = text.strip_prefix("pool:").and_then(|pool| PoolId::parse(pool).ok());
            let unknown = || format!("\"{text}\" is neither \"all\" nor a pool such as \"pool:us-east-1_AbCdEf123\"");
            Scope(FeedName::Pool(pool.ok_or_else(|| section.error("shared_with", unknown()))?))
        }
    };
    section.finish()?;
    Ok(Settings { memory, scope })
}

/// The route whose limits are read.
#[derive(Clone, Copy, Debug)]
pub struct OfRoute<'r> {
    pub name: &'r str,
    /// Routes of one name differ in them.
    pub methods: &'r [Method],
    pub has_token: bool,
    pub has_feed: bool,
}

/// Reads a route's limits; `meter` makes the counters of one by its name.
pub fn limits(
    sections: Vec<Section>,
    route: OfRoute<'_>,
    meter: impl Fn(&str) -> LimitMeter,
) -> Result<Option<Box<RouteLimits>>, SettingError> {
    let mut limits: Vec<Limit> = Vec::new();
    for section in sections {
        let place = section.place("name");
        if limits.len() == MOST {
            return Err(SettingError::new(place, format!("is one too many: a route has at most {MOST} limits")));
        }
        let limit = limit(section, route, &meter)?;
        if limits.iter().any(|other| other.name == limit.name) {
            return Err(SettingError::new(
                place,
                format!("there are two limits called \"{}\" on this route", limit.name),
            ));
        }
        limits.push(limit);
    }
    let policy = policy(&limits);
    Ok((!limits.is_empty()).then(|| Box::new(RouteLimits { limits: limits.into(), policy })))
}

/// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10 §3). Names have nothing that a string would have to escape.
fn policy(limits: &[Limit]) -> Option<HeaderValue> {
    let told = limits.iter().filter(|limit| !limit.dry_run);
    let items: Vec<String> = told
        .map(|limit| format!("\"{}\";q={};w={}", limit.name, limit.quota.rate(), limit.quota.window().as_secs()))
        .collect();
    HeaderValue::try_from(items.join(", ")).ok().filter(|value| !value.is_empty())
}

fn limit(mut section: Section, route: OfRoute<'_>, meter: &impl Fn(&str) -> LimitMeter) -> Result<Limit, SettingError> {
    let name = section.required_text("name")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > MOST_NAME || !name.bytes().all(is_plain) {
        return Err(section.error("name", "must have 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    let (rate, window) = {
        let text = section.required_text("rate")?;
        rate(&text).map_err(|problem| section.error("rate", format!("\"{text}\" {problem}")))?
    };
    let key = key(&mut section)?;
    let stage = if key.iter().any(|part| part.stage() == Stage::Identity) { Stage::Identity } else { Stage::Request };
    if stage == Stage::Identity && !route.has_token {
        return Err(section.error("key", "counts by what a token says, which needs `token` on the route"));
    }
    let mut methods = Vec::new();
    for text in section.texts("methods")? {
        let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| !text.bytes().any(|b| b.is_ascii_lowercase()));
        methods.push(method.ok_or_else(|| section.error("methods", format!("\"{text}\" is no method in upper case")))?);
    }
    let status = section.integer("status", 400..=599)?.and_then(|status| u16::try_from(status).ok());
    let missing = match section.text("when_missing")?.as_deref() {
        None | Some("skip") => Missing::Skip,
        Some("refuse") => Missing::Refuse,
        Some(other) => {
            return Err(section.error("when_missing", format!("\"{other}\" is neither \"skip\" nor \"refuse\"")));
        }
    };
    let dry_run = section.flag("dry_run")?.unwrap_or(false);
    let shared = section.flag("shared")?.unwrap_or(false);
    if shared && !route.has_feed {
        return Err(section.error("shared", "needs `[feed]`: edges hear of each other by their issuer"));
    }
    let identity = identity(route, &name, &key, (rate, window));
    let quota = Quota::new(RuleId::of(&identity), rate, window).ok_or_else(|| section.error("rate", NO_RATE))?;
    section.finish()?;
    Ok(Limit {
        quota,
        meter: meter(&name),
        name: Arc::from(name),
        key,
        identity,
        stage,
        methods,
        status: status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::TOO_MANY_REQUESTS),
        dry_run,
        missing,
        shared,
    })
}

const NO_RATE: &str = "is no rate such as \"100/1m\"";

/// `100/1m`.
fn rate(text: &str) -> Result<(u32, Duration), &'static str> {
    let (count, window) = text.split_once('/').ok_or(NO_RATE)?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count = count.parse::<u32>().ok().filter(|_| is_number).ok_or(NO_RATE)?;
    if !(1..=MOST_RATE).contains(&count) {
        return Err("must admit between 1 and 1000000000 requests");
    }
    let window = duration(window).ok_or(NO_RATE)?;
    if window.subsec_nanos() > 0 || !(1..=24 * 60 * 60).contains(&window.as_secs()) {
        return Err("must have a window of whole seconds between \"1s\" and \"24h\"");
    }
    Ok((count, window))
}

fn key(section: &mut Section) -> Result<Box<[Part]>, SettingError> {
    let texts = section.texts("key")?;
    if texts.is_empty() || texts.len() > MOST_PARTS {
        let problem = format!("must have 1 to {MOST_PARTS} parts; one limit for all requests is [\"route\"]");
        return Err(section.error("key", problem));
    }
    let by_address = texts.iter().any(|text| text == "address");
    let v4 = bits(section, "ipv4_prefix", V4_BITS, 32, by_address)?;
    let v6 = bits(section, "ipv6_prefix", V6_BITS, 128, by_address)?;
    let mut parts = Vec::new();
    for text in &texts {
        let part = part(text, (v4, v6)).map_err(|problem| section.error("key", format!("\"{text}\" {problem}")))?;
        if parts.contains(&part) {
            return Err(section.error("key", format!("has \"{text}\" twice")));
        }
        parts.push(part);
    }
    Ok(parts.into())
}

fn bits(
    section: &mut Section,
    name: &'static str,
    default: u8,
    most: u64,
    by_address: bool,
) -> Result<u8, SettingError> {
    let given = section.integer(name, 1..=most)?;
    if given.is_some() && !by_address {
        return Err(section.error(name, "needs `address` in `key`"));
    }
    Ok(given.and_then(|bits| u8::try_from(bits).ok()).unwrap_or(default))
}

fn part(text: &str, (v4, v6): (u8, u8)) -> Result<Part, String> {
    if let Some(claim) = text.strip_prefix("claim:") {
        return ClaimPath::parse(claim).map(Part::Claim).map_err(str::to_owned);
    }
    if let Some(name) = text.strip_prefix("header:") {
        return match HeaderName::try_from(name) {
            Ok(name) if name == http::header::HOST => Err("is the host: write \"host\"".to_owned()),
            Ok(name) => Ok(Part::Header(name)),
            Err(_) => Err("names no header".to_owned()),
        };
    }
    match text {
        "address" => Ok(Part::Address { v4, v6 }),
        "client_id" => Ok(Part::ClientId),
        "path" => Ok(Part::Path),
        "host" => Ok(Part::Host),
        "method" => Ok(Part::Method),
        "route" => Ok(Part::Route),
        _ => Err(format!("is no part of a key: {KNOWN_PARTS}")),
    }
}

/// As long as this stays the same, counts go on over a reload.
fn identity(route: OfRoute<'_>, name: &str, key: &[Part], (rate, window): (u32, Duration)) -> Box<str> {
    let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
    let parts: Vec<String> = key.iter().map(ToString::to_string).collect();
    let all = [route.name, &methods.join(","), name, &parts.join("\u{1}"), &format!("{rate}/{}", window.as_secs())];
    all.join("\n").into()
}

#[cfg(test)]
mod tests;
