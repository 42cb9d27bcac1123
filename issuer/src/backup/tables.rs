//! Reads a backup into memory: for what is small and used again and again.

use std::path::Path;

use super::error::RestoreError;
use super::frame::{Kind, Manifest, Table};
use super::restore::open;
use super::rows;
use crate::envelope::RootKey;
use crate::store::Content;

/// A backup that was read to its end and found whole and unaltered.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Version and name of every migration that had made the schema.
    pub migrations: Vec<(u32, String)>,
    pub contents: Vec<Content>,
}

/// `root` must be the key that it was made under.
pub fn tables(file: &Path, root: &RootKey) -> Result<Tables, RestoreError> {
    let mut reader = open(file, root)?;
    let (mut migrations, mut contents) = (Vec::new(), Vec::<Content>::new());
    loop {
        let frame = reader.next()?;
        match (frame.kind, contents.last_mut()) {
            (Kind::Manifest, _) => migrations = reader.parse::<Manifest>(&frame.plain)?.migrations,
            (Kind::Table, _) => {
                let Table { name, columns } = reader.parse(&frame.plain)?;
                contents.push(Content { table: name, columns, rows: Vec::new() });
            }
            (Kind::Rows, Some(content)) => {
                let decoded = rows::decode(&frame.plain, content.columns.len(), frame.rows);
                content.rows.extend(decoded.ok_or_else(|| reader.damaged())?);
            }
            (Kind::Rows, None) => return Err(reader.damaged()),
            (Kind::End, _) => return Ok(Tables { migrations, contents }),
        }
    }
}
