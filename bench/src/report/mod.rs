//! Reports over what a run has found: JSON for programs, a table for a terminal, a page for a browser, and the comparison of two runs.

mod attacks;
mod budgets;
mod compare;
mod html;
mod json;
mod load;
mod measures;
mod names;
mod oauth;
mod progress;
mod quick;
mod terminal;
mod users;
mod waf;

pub use self::attacks::AttacksReport;
pub use self::budgets::of as budgets;
pub use self::compare::{Comparison, NothingInCommon, compare};
pub use self::html::Page;
pub use self::json::{FileError, read, write, write_text};
pub use self::load::LoadReport;
pub use self::oauth::OauthReport;
pub use self::progress::OnStderr;
pub use self::quick::Quick;
pub use self::terminal::Table;
pub use self::users::UsersReport;
pub use self::waf::{List, WafReport};
