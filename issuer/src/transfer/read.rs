//! The command's side of an import: reads a file as often as it is needed, and finds out whether it is whole and fits.

#[cfg(test)]
mod tests;

use std::io::{Read, Write};

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use serde_json::Value;

use super::check::Together;
use super::error::FileError;
use super::frame::{Beginning, Reader, next_digest};
use super::lines::{CONTENTS, Counts, EndLine, Line, PoolLine, settings as settings_of, split};
use super::sealed::ExportKey;
use super::{from_hex, hex};
use crate::pools::Pool;
use crate::pools::model::Settings;

/// Problems that are told one by one.
const TOLD: usize = 100;
/// Bytes of lines that travel together.
const PART: usize = 768 * 1024;
/// Lines that travel together.
const PART_LINES: usize = 500;

/// A file that was read to its end and found whole.
#[derive(Debug)]
pub struct Checked {
    pub beginning: Beginning,
    pub pool: PoolLine,
    pub counts: Counts,
    /// App clients, and their settings.
    pub clients: Vec<(ClientId, Value)>,
    /// Of the file, in hexadecimal.
    pub digest: String,
    /// The first of what does not fit.
    pub problems: Vec<Problem>,
    /// How many lines do not fit.
    pub refused: u64,
}

/// A line that does not fit into the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The first line, of the pool, is 1.
    pub line: u64,
    pub what: String,
    pub why: String,
}

/// Reads all of a file. `target` tells the pool, once the first line has told which one was exported.
///
/// # Errors
/// What is wrong with the file itself. What does not fit into the pool is in [`Checked::problems`].
pub fn check<R: Read>(
    input: R,
    key: &ExportKey,
    target: impl FnOnce(&PoolLine) -> Option<(PoolId, Value)>,
    progress: &mut dyn FnMut(u64),
) -> Result<Checked, FileError> {
    let mut lines = Lines::open(input, key)?;
    let pool_line = lines.pool.clone();
    let pool = target(&pool_line).map(|(id, settings)| as_pool(id, &settings)).transpose()?;
    let keeps_srp = pool.as_ref().is_some_and(|pool| pool.id.suffix() == pool_line.pool.suffix());
    let mut together = pool.as_ref().map(|pool| Together::new(pool, keeps_srp));
    let (mut problems, mut refused, mut counts) = (Vec::new(), 0, Counts::default());
    let mut clients = Vec::new();
    while let Some((number, line, _)) = lines.read_next()? {
        match &line {
            Line::Group(_) => counts.groups += 1,
            Line::Client(client) => {
                counts.clients += 1;
                clients.push((client.client.clone(), client.settings.clone()));
            }
            Line::User(_) => counts.users += 1,
            Line::Pool(_) | Line::End(_) => {}
        }
        progress(number);
        let what = line.label();
        if let Some(Err(why)) = together.as_mut().map(|together| together.check(line)) {
            refused += 1;
            if problems.len() < TOLD {
                problems.push(Problem { line: number, what, why });
            }
        }
    }
    lines.compare(counts)?;
    let (beginning, digest) = (lines.reader.scan.beginning, hex(&lines.reader.scan.digest));
    Ok(Checked { beginning, pool: pool_line, counts, clients, digest, problems, refused })
}

/// The lines from the one after `done` on, in parts: the count of lines before each, and its text.
pub fn parts<R: Read>(input: R, key: &ExportKey, done: u64) -> Result<Parts<R>, FileError> {
    Ok(Parts { lines: Lines::open(input, key)?, done, waiting: None })
}

/// Lines that travel together.
pub struct Parts<R> {
    lines: Lines<R>,
    done: u64,
    waiting: Option<Vec<u8>>,
}

impl<R: Read> Parts<R> {
    /// The count of lines before it, and the text of the next part.
    pub fn read_next(&mut self) -> Result<Option<(u64, Vec<u8>)>, FileError> {
        let (mut text, mut count) = (Vec::new(), 0);
        if let Some(line) = self.waiting.take() {
            text = line;
            count = 1;
        }
        while count < PART_LINES {
            let Some((number, _, line)) = self.lines.read_next()? else { break };
            // The first line is the pool's, and counts as none.
            if number < self.done + 2 {
                continue;
            }
            if count > 0 && text.len() + line.len() > PART {
                self.waiting = Some(line);
                break;
            }
            text.extend_from_slice(&line);
            count += 1;
        }
        if count == 0 {
            return Ok(None);
        }
        let before = self.done;
        self.done += count as u64;
        Ok(Some((before, text)))
    }
}

/// Writes all lines, in clear.
pub fn print<R: Read>(input: R, key: &ExportKey, out: &mut impl Write) -> Result<(), FileError> {
    let mut lines = Lines::open(input, key)?;
    out.write_all(&lines.first).map_err(FileError::Unreadable)?;
    let mut counts = Counts::default();
    while let Some((_, line, text)) = lines.read_next()? {
        match line {
            Line::Group(_) => counts.groups += 1,
            Line::Client(_) => counts.clients += 1,
            Line::User(_) => counts.users += 1,
            Line::Pool(_) | Line::End(_) => {}
        }
        out.write_all(&text).map_err(FileError::Unreadable)?;
    }
    let counts = lines.compare(counts)?;
    out.write_all(&Line::End(counts).encode()).map_err(FileError::Unreadable)
}

/// The pool that lines are checked against.
fn as_pool(id: PoolId, settings: &Value) -> Result<Pool, FileError> {
    let settings: Settings = settings_of(settings).map_err(|why| FileError::Line { line: 1, why })?;
    let at = UnixMillis(0);
    Ok(Pool { id, name: String::new(), iss: String::new(), settings, created: at, modified: at })
}

/// The lines of a file, one by one.
struct Lines<R> {
    reader: Reader<R>,
    pool: PoolLine,
    first: Vec<u8>,
    chain: [u8; 32],
    /// Of what was in the frames.
    digest: [u8; 32],
    /// The lines of a frame, the last first.
    frame: Vec<Vec<u8>>,
    number: u64,
    end: Option<EndLine>,
}

impl<R: Read> Lines<R> {
    fn open(input: R, key: &ExportKey) -> Result<Self, FileError> {
        let mut reader = Reader::open(input, key.clone())?;
        let opened = reader.read_next(None)?.ok_or(FileError::NoExport)?;
        let mut frame = whole_lines(opened.plain.expose(), opened.head.lines, 1)?;
        let first = frame.pop().unwrap_or_default();
        let at = |why: &str| FileError::Line { line: 1, why: why.to_owned() };
        let Line::Pool(pool) = Line::parse(&first).map_err(|why| at(&why))? else {
            return Err(at("the first line is not the pool's"));
        };
        if let Some(unknown) = pool.contents.iter().find(|what| !CONTENTS.contains(&what.as_str())) {
            return Err(FileError::Contents(unknown.clone()));
        }
        let chain = from_hex(&pool.chain).ok_or_else(|| at("without a chain"))?;
        let digest = next_digest(&[0; 32], opened.plain.expose());
        let first = [first.as_slice(), b"\n"].concat();
        Ok(Self { reader, pool: *pool, first, chain, digest, frame, number: 1, end: None })
    }

    /// Its number, the line, and its text with its end. The last line is not among them ([`Lines::compare`]).
    fn read_next(&mut self) -> Result<Option<(u64, Line, Vec<u8>)>, FileError> {
        loop {
            if let Some(mut text) = self.frame.pop() {
                self.number += 1;
                let at = |why: &str| FileError::Line { line: self.number, why: why.to_owned() };
                let line = Line::parse(&text).map_err(|why| at(&why))?;
                if self.end.is_some() {
                    return Err(at("it stands behind the last line"));
                }
                match line {
                    Line::End(end) => self.end = Some(end),
                    line => {
                        text.push(b'\n');
                        return Ok(Some((self.number, line, text)));
                    }
                }
                continue;
            }
            let Some(opened) = self.reader.read_next(Some(&self.chain))? else { return Ok(None) };
            self.frame = whole_lines(opened.plain.expose(), opened.head.lines, self.number + 1)?;
            if !opened.head.last {
                self.digest = next_digest(&self.digest, opened.plain.expose());
            }
        }
    }

    /// What the last line tells must be so.
    fn compare(&self, found: Counts) -> Result<EndLine, FileError> {
        let at = |why: &str| FileError::Line { line: self.number, why: why.to_owned() };
        let end = self.end.clone().ok_or_else(|| at("the last line is missing"))?;
        let counts = [
            ("groups", end.counts.groups, found.groups),
            ("clients", end.counts.clients, found.clients),
            ("users", end.counts.users, found.users),
        ];
        for (what, told, found) in counts {
            if told != found {
                return Err(FileError::Count { what, told, found });
            }
        }
        if end.digest != hex(&self.digest) {
            return Err(at("its digest is not that of the lines before it"));
        }
        Ok(end)
    }
}

/// The lines of a frame, the last first.
fn whole_lines(text: &[u8], told: u32, line: u64) -> Result<Vec<Vec<u8>>, FileError> {
    let mut lines: Vec<_> = split(text).map(<[u8]>::to_vec).collect();
    if lines.len() != usize::try_from(told).unwrap_or(usize::MAX) {
        return Err(FileError::Line {
            line,
            why: "the frame has another number of lines than its head tells".to_owned(),
        });
    }
    lines.reverse();
    Ok(lines)
}
