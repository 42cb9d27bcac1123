//! JSON bodies as lists of keys and values.
//!
//! The reader is lenient where origins are, as AWS documents it of its own: a comma or a colon may be missing or stand twice. It takes one pass over the
//! bytes, in bounded depth, and stops at the first byte that it can't make sense of: what came before is inspected all the same. A body whose root is
//! neither an object nor an array, that ends early, or has a key twice in one object, is not complete.

use std::borrow::Cow;
use std::collections::HashSet;

use common::waf::model::{JsonPaths, Scope};

/// Deeper JSON is not read further.
const MAX_DEPTH: usize = 64;

/// What was read.
#[derive(Debug, Default)]
pub struct Read<'b> {
    pub values: Vec<Cow<'b, [u8]>>,
    /// To the end, and without a fault.
    pub complete: bool,
    /// What was not read, from the fault on.
    pub rest: &'b [u8],
}

/// Keys and values below the paths: texts without their quotes and escapes, everything else as it is written.
pub fn values<'b>(body: &'b [u8], paths: &JsonPaths, scope: Scope) -> Read<'b> {
    let mut reader = Reader { body, at: 0, paths: Paths::of(paths), scope, found: Vec::new(), pointer: Vec::new() };
    reader.space();
    let complete = matches!(reader.peek(), Some(b'{' | b'[')) && reader.value(0).is_some() && {
        reader.space();
        reader.at == body.len()
    };
    let rest = body.get(reader.at..).unwrap_or_default();
    Read { values: reader.found, complete, rest }
}

/// Which parts are taken.
enum Paths<'p> {
    All,
    /// Pointers, step by step.
    Only(Vec<Vec<Cow<'p, [u8]>>>),
}

struct Reader<'b, 'p> {
    body: &'b [u8],
    at: usize,
    paths: Paths<'p>,
    scope: Scope,
    found: Vec<Cow<'b, [u8]>>,
    /// Where the reader is, where that matters.
    pointer: Vec<Cow<'b, [u8]>>,
}

impl<'p> Paths<'p> {
    fn of(paths: &'p JsonPaths) -> Self {
        match paths {
            JsonPaths::All => Self::All,
            JsonPaths::Only(pointers) => Self::Only(
                pointers
                    .iter()
                    .map(|pointer| {
                        pointer
                            .split('/')
                            .skip(1)
                            .map(unescaped)
                            .filter(|step| pointer.len() > 1 || !step.is_empty())
                            .collect()
                    })
                    .collect(),
            ),
        }
    }
}

/// RFC 6901 §4.
fn unescaped(step: &str) -> Cow<'_, [u8]> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~").into_bytes())
    } else {
        Cow::Borrowed(step.as_bytes())
    }
}

impl<'b> Reader<'b, '_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Space and any number of such bytes.
    fn skip(&mut self, byte: u8) {
        loop {
            self.space();
            if self.peek() != Some(byte) {
                return;
            }
            self.at += 1;
        }
    }

    /// Whether what stands here, strictly below a path for keys, is taken.
    fn is_taken(&self, strictly: bool) -> bool {
        match &self.paths {
            Paths::All => true,
            Paths::Only(paths) => paths
                .iter()
                .any(|path| self.pointer.len() >= path.len() + usize::from(strictly) && self.pointer.starts_with(path)),
        }
    }

    fn follows_paths(&self) -> bool {
        matches!(self.paths, Paths::Only(_))
    }

    /// None: it can't be read on.
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => {
                let (text, whole) = self.text();
                self.take_value(text);
                whole.then_some(())
            }
            _ => self.word(),
        }
    }

    fn take_value(&mut self, value: Cow<'b, [u8]>) {
        if self.scope != Scope::Key && self.is_taken(false) {
            self.found.push(value);
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let mut keys = HashSet::new();
        loop {
            self.skip(b',');
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                b'"' => {}
                _ => return None,
            }
            let (key, whole) = self.text();
            let is_new = keys.insert(key.clone());
            if self.follows_paths() {
                self.pointer.push(key.clone());
            }
            if self.scope != Scope::Value && self.is_taken(true) {
                self.found.push(key);
            }
            if !whole {
                return None;
            }
            self.skip(b':');
            self.value(depth + 1)?;
            if self.follows_paths() {
                self.pointer.pop();
            }
            // Origins differ in which of the two they take; both have been inspected by now.
            if !is_new {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let mut index = 0_usize;
        loop {
            self.skip(b',');
            if self.peek()? == b']' {
                self.at += 1;
                return Some(());
            }
            if self.follows_paths() {
                self.pointer.push(Cow::Owned(index.to_string().into_bytes()));
            }
            self.value(depth + 1)?;
            if self.follows_paths() {
                self.pointer.pop();
            }
            index += 1;
        }
    }

    /// A number, `true`, `false`, `null`, or what somebody may take for one: any run of bytes up to the next that means something.
    fn word(&mut self) -> Option<()> {
        let rest = self.body.get(self.at..)?;
        let length = rest
            .iter()
            .position(|byte| {
                matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"' | b' ' | b'\t' | b'\n' | b'\r')
            })
            .unwrap_or(rest.len());
        let word = rest.get(..length)?;
        self.at += length;
        self.take_value(Cow::Borrowed(word));
        let is_word = matches!(word, b"true" | b"false" | b"null");
        let is_number = word.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
            && word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
        (is_word || is_number).then_some(())
    }

    /// The text that begins here, and whether it ends.
    fn text(&mut self) -> (Cow<'b, [u8]>, bool) {
        self.at += 1;
        let rest = self.body.get(self.at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(end) if rest.get(end) == Some(&b'"') => {
                self.at += end + 1;
                (Cow::Borrowed(rest.get(..end).unwrap_or_default()), true)
            }
            Some(_) => self.escaped(),
            None => {
                self.at = self.body.len();
                (Cow::Borrowed(rest), false)
            }
        }
    }

    fn escaped(&mut self) -> (Cow<'b, [u8]>, bool) {
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.peek() else { return (Cow::Owned(text), false) };
            self.at += 1;
            match byte {
                b'"' => return (Cow::Owned(text), true),
                b'\\' => {
                    let Some(escape) = self.peek() else { return (Cow::Owned(text), false) };
                    self.at += 1;
                    match escape {
                        b'n' => text.push(b'\n'),
                        b't' => text.push(b'\t'),
                        b'r' => text.push(b'\r'),
                        b'b' => text.push(8),
                        b'f' => text.push(12),
                        b'u' => self.unicode(&mut text),
                        other => text.push(other),
                    }
                }
                byte => text.push(byte),
            }
        }
    }

    /// After `\u`. What is no code point stays as it is written.
    fn unicode(&mut self, text: &mut Vec<u8>) {
        let Some(first) = self.four_digits() else {
            text.extend_from_slice(b"\\u");
            return;
        };
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.body.get(self.at..self.at + 2) == Some(b"\\u") {
            let before = self.at;
            self.at += 2;
            match self.four_digits() {
                Some(second @ 0xdc00..0xe000) => code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                _ => self.at = before,
            }
        }
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.body.get(self.at..self.at + 4)?).ok()?;
        let code =
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
        self.at += 4;
        Some(code)
    }
}
