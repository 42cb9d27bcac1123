//! `[challenge]`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::settings::{Section, SettingError};

use super::keys::Keys;

/// Work that can be asked for: 2^difficulty hashes on average. 8 is nothing, 24 some seconds on a desktop and half a minute on a phone.
pub const DIFFICULTIES: RangeInclusive<u8> = 8..=24;

/// The file of the state folder that has the key where none is named.
const KEY_FILE: &str = "challenge.key";
const LIVES: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3_600);
const WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(60);
const LEAST_MEMORY: u64 = 64 << 10;

/// What is asked of clients, and how long it counts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub keys: KeySource,
    /// Of challenges, where a rule does not say.
    pub difficulty: u8,
    /// Of captchas, where a rule does not say.
    pub captcha_difficulty: u8,
    /// From giving a captcha out to taking its solution.
    pub captcha_wait: Duration,
    /// In which a puzzle must be solved.
    pub life: Duration,
    /// How people pass whose browsers run no scripts; none: they don't.
    pub unscripted: Option<Unscripted>,
    /// Memory for solutions that were used; bytes. It is read at the start.
    pub memory: u64,
}

/// A form instead of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unscripted {
    /// How long the person waits before it is taken.
    pub wait: Duration,
    /// How many pass in ten minutes from one network.
    pub limit: u32,
}

/// Where the keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    Given(Keys),
    /// A file that is made when it is missing.
    State(PathBuf),
    /// A key of this process.
    Own,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: KeySource::Own,
            difficulty: 18,
            captcha_difficulty: 20,
            captcha_wait: Duration::from_secs(2),
            life: Duration::from_secs(600),
            unscripted: Some(Unscripted { wait: Duration::from_secs(10), limit: 10 }),
            memory: 8 << 20,
        }
    }
}

/// Reads `[challenge]`, absent or not. Relative paths are relative to `folder`; `state_dir` is where a key is made.
pub fn settings(section: Option<Section>, folder: &Path, state_dir: Option<&Path>) -> Result<Settings, SettingError> {
    let default = Settings::default();
    let in_state = state_dir.map_or(KeySource::Own, |dir| KeySource::State(dir.join(KEY_FILE)));
    let Some(mut section) = section else { return Ok(Settings { keys: in_state, ..default }) };
    let keys = match section.file("key_file")? {
        None => in_state,
        Some(file) => {
            let file = folder.join(file);
            let problem = |error| section.error("key_file", format!("{}: {error}", file.display()));
            KeySource::Given(Keys::read(&file).map_err(problem)?)
        }
    };
    let settings = Settings {
        keys,
        difficulty: difficulty(&mut section, "difficulty")?.unwrap_or(default.difficulty),
        captcha_difficulty: difficulty(&mut section, "captcha_difficulty")?.unwrap_or(default.captcha_difficulty),
        captcha_wait: span(&mut section, "captcha_wait", &WAITS)?.unwrap_or(default.captcha_wait),
        life: span(&mut section, "puzzle_life", &LIVES)?.unwrap_or(default.life),
        unscripted: unscripted(&mut section, default.unscripted)?,
        memory: section.size("solution_memory")?.unwrap_or(default.memory),
    };
    if settings.memory < LEAST_MEMORY {
        return Err(section.error("solution_memory", "must be at least \"64KiB\""));
    }
    section.finish()?;
    Ok(settings)
}

/// A whole number of [`DIFFICULTIES`].
pub fn difficulty(section: &mut Section, key: &'static str) -> Result<Option<u8>, SettingError> {
    let bounds = u64::from(*DIFFICULTIES.start())..=u64::from(*DIFFICULTIES.end());
    Ok(section.integer(key, bounds)?.and_then(|number| u8::try_from(number).ok()))
}

fn unscripted(section: &mut Section, default: Option<Unscripted>) -> Result<Option<Unscripted>, SettingError> {
    let wanted = section.flag("without_scripts")?.unwrap_or(true);
    let wait = span(section, "without_scripts_wait", &WAITS)?;
    let limit = section.integer("without_scripts_limit", 1..=10_000)?;
    let Some(default) = default.filter(|_| wanted) else {
        return match (wait, limit) {
            (None, None) => Ok(None),
            _ => Err(section.error("without_scripts", "is false: nobody waits without scripts")),
        };
    };
    let limit = limit.map_or(default.limit, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    Ok(Some(Unscripted { wait: wait.unwrap_or(default.wait), limit }))
}

fn span(
    section: &mut Section,
    key: &'static str,
    bounds: &RangeInclusive<Duration>,
) -> Result<Option<Duration>, SettingError> {
    let span = section.duration(key)?;
    if span.is_some_and(|span| !bounds.contains(&span)) {
        let (least, most) = (bounds.start().as_secs(), bounds.end().as_secs());
        return Err(section.error(key, format!("must be between \"{least}s\" and \"{most}s\"")));
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(text: &str, folder: &Path) -> Result<Settings, String> {
        let mut root = common::settings::parse(text, [], &[]).unwrap();
        settings(root.section("challenge").unwrap(), folder, Some(Path::new("/state"))).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let folder = Path::new("/");
        for text in ["", "[challenge]"] {
            let settings = read(text, folder).unwrap();
            assert!(matches!(settings.keys, KeySource::State(path) if path == Path::new("/state/challenge.key")));
            assert_eq!((settings.difficulty, settings.captcha_difficulty), (18, 20));
            assert_eq!(settings.unscripted.map(|unscripted| unscripted.limit), Some(10));
        }
        let text = "[challenge]\ndifficulty = 20\nwithout_scripts = false\npuzzle_life = \"5m\"";
        let settings = read(text, folder).unwrap();
        assert_eq!((settings.difficulty, settings.unscripted), (20, None));
        assert_eq!(settings.life, Duration::from_secs(300));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("open.key");
        fs::write(&key, "a".repeat(64)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        for (text, problem) in [
            ("difficulty = 7", "challenge.difficulty: must be between 8 and 24"),
            ("captcha_difficulty = 25", "challenge.captcha_difficulty: must be between 8 and 24"),
            ("captcha_wait = \"2m\"", "challenge.captcha_wait: must be between \"0s\" and \"60s\""),
            ("puzzle_life = \"1s\"", "challenge.puzzle_life: must be between \"60s\" and \"3600s\""),
            ("solution_memory = \"1KiB\"", "challenge.solution_memory: must be at least"),
            ("without_scripts = false\nwithout_scripts_limit = 3", "challenge.without_scripts: is false"),
            ("without_scripts_limit = 0", "challenge.without_scripts_limit: must be between"),
            ("key_file = \"nowhere\"", "nowhere: No such file"),
            ("key_file = \"open.key\"", "open.key: others may read or write it"),
            ("dificulty = 16", "challenge.dificulty: unknown key; did you mean `difficulty`?"),
        ] {
            let error = read(&format!("[challenge]\n{text}"), folder.path()).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
