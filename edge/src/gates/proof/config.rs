//! `[dpop]`, and `token.dpop` of a route.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::canonical::Url;
use common::dpop::NonceKey;
use common::jose::Alg;
use common::settings::{Section, SettingError};
use ring::rand::{SecureRandom, SystemRandom};

use crate::snapshot::route::ProofRule;

const REPLAY_BYTES: u64 = 16 << 20;
const LEAST_REPLAY_BYTES: u64 = 64 << 10;
const NONCE_PERIOD: Duration = Duration::from_secs(180);
const NONCE_PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);
const WINDOWS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
const LEAST_KEY_BYTES: usize = 32;

/// What all routes share.
#[derive(Clone, Debug)]
pub struct ProofSettings {
    /// Memory for used proofs; bytes. It is read at the start.
    pub replay_bytes: u64,
    pub nonces: Arc<NonceKey>,
    /// How clients write this edge, for routes that don't say.
    pub public_url: Option<Url<'static>>,
}

/// Reads `[dpop]`, absent or not. Without a key file nonces are made with a key that is new at each reading.
pub fn settings(section: Option<Section>, folder: &Path) -> Result<ProofSettings, SettingError> {
    let Some(mut section) = section else {
        let random = random().ok_or_else(|| SettingError::new("dpop", "the operating system gave no random bytes"))?;
        let nonces = Arc::new(NonceKey::new(&random, NONCE_PERIOD));
        return Ok(ProofSettings { replay_bytes: REPLAY_BYTES, nonces, public_url: None });
    };
    let replay_bytes = section.size("replay_memory")?.unwrap_or(REPLAY_BYTES);
    if replay_bytes < LEAST_REPLAY_BYTES {
        return Err(section.error("replay_memory", "must be at least \"64KiB\""));
    }
    let period = section.duration("nonce_period")?.unwrap_or(NONCE_PERIOD);
    if !NONCE_PERIODS.contains(&period) {
        return Err(section.error("nonce_period", "must be between \"10s\" and \"1h\""));
    }
    let secret = match section.file("nonce_key_file")? {
        Some(file) => secret(folder.join(file)).map_err(|problem| section.error("nonce_key_file", problem))?,
        None => random()
            .ok_or_else(|| section.error("nonce_key_file", "the operating system gave no random bytes"))?
            .to_vec(),
    };
    let public_url = public_url(&mut section)?;
    section.finish()?;
    Ok(ProofSettings { replay_bytes, nonces: Arc::new(NonceKey::new(&secret, period)), public_url })
}

/// Reads a route's `dpop`.
pub fn rule(section: Option<Section>, shared: &ProofSettings) -> Result<ProofRule, SettingError> {
    let default = ProofRule { public_url: shared.public_url.clone(), ..ProofRule::default() };
    let Some(mut section) = section else { return Ok(default) };
    let window = section.duration("window")?.unwrap_or(default.window);
    if !WINDOWS.contains(&window) {
        return Err(section.error("window", "must be between \"1s\" and \"10m\""));
    }
    let rule = ProofRule {
        offered: true,
        required: section.flag("required")?.unwrap_or(false),
        algs: algs(&mut section)?.unwrap_or(default.algs),
        window,
        nonces: section.flag("nonce")?.unwrap_or(false).then(|| Arc::clone(&shared.nonces)),
        forward: section.flag("forward")?.unwrap_or(false),
        public_url: public_url(&mut section)?.or(default.public_url),
        certificate_bound: false,
    };
    section.finish()?;
    Ok(rule)
}

fn algs(section: &mut Section) -> Result<Option<Vec<Alg>>, SettingError> {
    if !section.has("algs") {
        return Ok(None);
    }
    let mut algs = Vec::new();
    for name in section.texts("algs")? {
        let known = || Alg::ALL.map(Alg::name).join(", ");
        let alg = name.parse().map_err(|_| section.error("algs", format!("\"{name}\" is none of {}", known())))?;
        if !algs.contains(&alg) {
            algs.push(alg);
        }
    }
    if algs.is_empty() { Err(section.error("algs", "needs at least one algorithm")) } else { Ok(Some(algs)) }
}

fn public_url(section: &mut Section) -> Result<Option<Url<'static>>, SettingError> {
    let Some(text) = section.text("public_url")? else { return Ok(None) };
    match Url::parse(&text) {
        Some(url) if url.rest.is_empty() => Ok(Some(url.into_owned())),
        _ => Err(section.error("public_url", format!("\"{text}\" is no URL such as \"https://api.example.com\""))),
    }
}

/// The file's bytes, without white space at its end. Who could read it could make nonces.
fn secret(file: PathBuf) -> Result<Vec<u8>, String> {
    let told = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let mode = std::fs::metadata(&file).map_err(|error| told(&error))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(told(&"others may read or write it: chmod 640, or stricter"));
    }
    let secret = std::fs::read(&file).map_err(|error| told(&error))?.trim_ascii_end().to_vec();
    if secret.len() < LEAST_KEY_BYTES {
        return Err(told(&"holds less than 32 bytes: openssl rand -hex 32"));
    }
    Ok(secret)
}

fn random() -> Option<[u8; LEAST_KEY_BYTES]> {
    let mut bytes = [0; LEAST_KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| bytes)
}
