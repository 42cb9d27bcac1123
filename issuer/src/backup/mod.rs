//! Backup and restore of the whole database (`tollgate admin backup`, `tollgate admin restore`).
//!
//! A backup is made by the running issuer from one consistent copy ([`crate::store::Dump`]); it does not stop writers, and its size does not
//! matter to memory. It does not know engines: what SQLite wrote, PostgreSQL can be filled from.
//!
//! ```text
//! magic │ length │ header (JSON: id, root key's id, instant) │ frame │ frame │ … │ end
//! frame = kind (1) │ rows (4) │ length (4) │ AES-256-GCM under a key of this backup, derived from the root key
//! ```
//!
//! Every frame is sealed together with the header's digest, its own number, kind and row count: nothing can be changed, left out, repeated,
//! cut off or appended unnoticed, and nobody reads users' data out of a stolen file. The root key is **not** in it: keep that apart.
//!
//! A restore reads the file twice: first it checks all of it, and only then fills the database, which must be empty. [`aftermath`] then makes
//! sure that nothing that died after the backup was made comes back to life.

mod aftermath;
mod error;
mod frame;
mod make;
mod restore;
mod rows;
#[cfg(test)]
mod suite;
mod tables;

pub use self::aftermath::{EdgeLeft, Kept, KeyLeft};
pub use self::error::{BackupError, RestoreError};
pub use self::frame::{Header, Outline, outline};
pub use self::make::{Made, stream};
pub use self::restore::{Ask, Checked, Progress, Report, check, restore};
pub use self::tables::{Tables, tables};
