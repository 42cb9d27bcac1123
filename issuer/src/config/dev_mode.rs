//! `[dev_mode]`: an issuer for test suites, which takes every access key. `tollgate up --dev-mode` writes the section and is the only one who may.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use common::settings::{Section, SettingError};

use super::{Engine, From, Listen, Public};
use crate::messages;

/// What developer mode works with.
#[derive(Clone, Debug)]
pub struct DevMode {
    /// The token of `/dev`: mode 0600.
    pub token_file: PathBuf,
    /// A backup of the database as it was after the first start: what a reset goes back to.
    pub baseline: PathBuf,
    /// Where messages lie.
    pub outbox: PathBuf,
}

/// The settings that must not be a production's for it.
pub(super) struct Around<'a> {
    pub(super) listen: &'a Listen,
    pub(super) public: &'a Public,
    pub(super) storage: &'a Engine,
    pub(super) messages: &'a messages::Config,
}

/// Relative paths are relative to `folder`.
///
/// # Errors
/// Nobody but this machine may reach such an issuer, directly or by a proxy, and nothing of it may reach people.
pub(super) fn read(mut section: Section, folder: &Path, around: &Around<'_>) -> Result<DevMode, SettingError> {
    let token_file = folder.join(section.required_text("token_file")?);
    let baseline = folder.join(section.required_text("baseline")?);
    let sockets = |listen: &Listen| [listen.http, listen.admin, listen.feed];
    let is_outside = |address: &SocketAddr| !address.ip().is_loopback();
    if let Some(outside) = sockets(around.listen).iter().find(|address| is_outside(address)) {
        let why = format!("developer mode takes every access key, so it listens on loopback only, not on {outside}");
        return Err(section.error("token_file", why));
    }
    if around.public.from != From::Anyone || !around.public.trusted_proxies.is_empty() {
        return Err(section.error("token_file", "developer mode stands behind no edge and no proxy of its own"));
    }
    if !matches!(around.storage, Engine::Sqlite(_)) {
        return Err(section.error("token_file", "developer mode has a database of its own: `storage.sqlite`"));
    }
    let outbox = around.messages.outbox.clone().filter(|_| around.messages.smtp.is_none());
    let outbox =
        outbox.ok_or_else(|| section.error("token_file", "developer mode sends to `messages.outbox` alone"))?;
    section.finish()?;
    Ok(DevMode { token_file, baseline, outbox })
}
