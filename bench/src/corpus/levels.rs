//! The paranoia level of each rule of CRS, from the tags of the installed rules.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// How a rule of CRS is guarded: rules of level 2 and above are off at level 1, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    One,
    Two,
    Three,
    Four,
    /// The rule has no level: it decides or prepares.
    Unmarked,
    /// The installed CRS has no such rule: it came with a later version.
    Absent,
}

impl Level {
    pub fn words(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
            Self::Four => "4",
            Self::Unmarked => "none",
            Self::Absent => "absent",
        }
    }

    fn of_tag(digit: char) -> Option<Self> {
        match digit {
            '1' => Some(Self::One),
            '2' => Some(Self::Two),
            '3' => Some(Self::Three),
            '4' => Some(Self::Four),
            _ => None,
        }
    }
}

/// Levels by rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(BTreeMap<u64, Level>);

impl Levels {
    /// Of every `.conf` file in a folder.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut levels = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "conf") {
                let text = fs::read(&path)?;
                parse(&String::from_utf8_lossy(&text), &mut levels);
            }
        }
        Ok(Self(levels))
    }

    pub fn of(&self, rule: u64) -> Level {
        self.0.get(&rule).copied().unwrap_or(Level::Absent)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A directive may go over several lines, each of which but the last ends in a backslash.
fn parse(text: &str, into: &mut BTreeMap<u64, Level>) {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines().filter(|line| line.starts_with("SecRule") || line.starts_with("SecAction")) {
        let Some(id) = number_after(line, "id:") else { continue };
        let tag = line.split("paranoia-level/").nth(1).and_then(|rest| rest.chars().next());
        into.insert(id, tag.and_then(Level::of_tag).unwrap_or(Level::Unmarked));
    }
}

/// The number behind a word that begins an action, in quotes or not.
fn number_after(line: &str, word: &str) -> Option<u64> {
    let starts = line.match_indices(word).filter(|(at, _)| {
        let before = line.get(..*at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| matches!(before, '"' | ',' | ' ' | '\t'))
    });
    starts.into_iter().find_map(|(at, _)| {
        let rest = line.get(at + word.len()..)?.trim_start_matches('\'');
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_from_tags() {
        let folder = tempfile::tempdir().unwrap();
        let rules = "# SecRule ARGS \"@rx x\" \"id:1,tag:'paranoia-level/1'\"\n\
            SecRule ARGS \"@rx void: 7\" \\\n    \"id:942100,\\\n    phase:2,\\\n    tag:'paranoia-level/2',\\\n    chain\"\n    SecRule X \"@rx id:3\" \"t:none\"\n\
            SecAction \"id:'900001',phase:1\"\n";
        fs::write(folder.path().join("a.conf"), rules).unwrap();
        fs::write(folder.path().join("a.data"), "SecRule X \"id:5\"").unwrap();
        let levels = Levels::read(folder.path()).unwrap();
        assert_eq!(levels.of(942_100), Level::Two);
        assert_eq!(levels.of(900_001), Level::Unmarked);
        assert_eq!((levels.of(1), levels.of(5), levels.of(3)), (Level::Absent, Level::Absent, Level::Absent));
        assert!(!levels.is_empty());
    }
}
