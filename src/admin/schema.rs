//! `tollgate admin schema`

use std::io::{IsTerminal as _, Write as _};

use clap::{Subcommand, ValueEnum};
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value, json};

use super::{AdminError, Issuer};
use crate::wire::WireError;

/// Conflicts of a report that are printed.
const PRINTED: usize = 20;
/// Bytes of one line of the issuer's answer; a report has a hundred conflicts at most.
const LONGEST_LINE: usize = 1024 * 1024;

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Show the change that is under way, and the search indexes.
    Show {
        #[command(flatten)]
        of: Of,
    },
    /// Give a custom attribute another name.
    Rename {
        /// Such as custom:plan.
        attribute: String,
        to: String,
        #[command(flatten)]
        how: How,
    },
    /// Take a custom attribute away, with its values.
    Drop {
        attribute: String,
        #[command(flatten)]
        how: How,
    },
    /// Take more than before: wider bounds, a value that may be missing or may change.
    Relax {
        attribute: String,
        #[command(flatten)]
        bounds: Bounds,
        /// No longer required.
        #[arg(long)]
        optional: bool,
        #[arg(long)]
        mutable: bool,
        #[command(flatten)]
        how: How,
    },
    /// Give a custom attribute another type, or narrower bounds. Every value must fit.
    Retype {
        attribute: String,
        #[arg(value_enum)]
        to: Type,
        #[command(flatten)]
        bounds: Bounds,
        #[command(flatten)]
        how: How,
    },
    /// Change how people sign in. What is not given stays.
    SignIn {
        /// AliasAttributes, separated by commas; `none` for none.
        #[arg(long, value_name = "LIST")]
        alias_attributes: Option<String>,
        /// UsernameAttributes, separated by commas; `none` for none.
        #[arg(long, value_name = "LIST")]
        username_attributes: Option<String>,
        /// Names are compared without regard to case. There is no way back.
        #[arg(long)]
        case_insensitive: bool,
        #[command(flatten)]
        how: How,
    },
    /// Go on with a change that was left.
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Index an attribute so that `*=` and `$=` of ListUsers find within it at once, however many users there are. Writing it costs more then.
    Index {
        /// username, one that Cognito searches, or a custom attribute.
        attribute: String,
        #[command(flatten)]
        of: Of,
    },
    /// Drop that index.
    Unindex {
        attribute: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, clap::Args)]
pub struct Of {
    #[arg(long, value_name = "POOL")]
    pool: String,
    #[command(flatten)]
    issuer: Issuer,
}

#[derive(Debug, clap::Args)]
pub struct How {
    /// Look at all users, say what it would come to and what stands in the way, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    of: Of,
}

/// Lengths of texts, values of numbers.
#[derive(Debug, clap::Args)]
pub struct Bounds {
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    min: Option<i64>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max: Option<i64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Type {
    String,
    Number,
    Boolean,
    Datetime,
}

pub(super) async fn run(command: SchemaCommand) -> Result<(), AdminError> {
    let (of, ask) = match command {
        SchemaCommand::Show { of } => return show(&of).await,
        SchemaCommand::Resume { of } => (of, json!({ "do": "resume" })),
        SchemaCommand::Index { attribute, of } => (of, json!({ "do": "index", "attribute": attribute })),
        SchemaCommand::Unindex { attribute, of } => (of, json!({ "do": "unindex", "attribute": attribute })),
        SchemaCommand::Rename { attribute, to, how } => {
            how.change(json!({ "kind": "rename", "attribute": attribute, "to": to }))
        }
        SchemaCommand::Drop { attribute, how } => how.change(json!({ "kind": "drop", "attribute": attribute })),
        SchemaCommand::Relax { attribute, bounds, optional, mutable, how } => how.change(json!({
            "kind": "relax", "attribute": attribute, "min": bounds.min(), "max": bounds.max(), "optional": optional,
            "mutable": mutable,
        })),
        SchemaCommand::Retype { attribute, to, bounds, how } => how.change(json!({
            "kind": "retype", "attribute": attribute, "to": to.name(), "min": bounds.min(), "max": bounds.max(),
        })),
        SchemaCommand::SignIn { alias_attributes, username_attributes, case_insensitive, how } => how.change(json!({
            "kind": "sign-in", "alias_attributes": alias_attributes.as_deref().map(list),
            "username_attributes": username_attributes.as_deref().map(list), "case_insensitive": case_insensitive,
        })),
    };
    follow(&of, &ask).await
}

impl How {
    fn change(self, change: Value) -> (Of, Value) {
        (self.of, json!({ "do": "change", "change": change, "dry_run": self.dry_run }))
    }
}

impl Of {
    fn path(&self) -> String {
        format!("/v1/pools/{}/schema", self.pool)
    }
}

impl Bounds {
    fn min(&self) -> Option<String> {
        self.min.map(|bound| bound.to_string())
    }

    fn max(&self) -> Option<String> {
        self.max.map(|bound| bound.to_string())
    }
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Datetime => "datetime",
        }
    }
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none").collect()
}

async fn show(of: &Of) -> Result<(), AdminError> {
    let answer = of.issuer.wire()?.admin(&of.issuer.admin, Method::GET, &of.path(), &json!({})).await?;
    match answer.get("change").filter(|change| !change.is_null()) {
        Some(change) => println!("under way: {change}"),
        None => println!("no change is under way"),
    }
    for index in answer.get("search_indexes").and_then(Value::as_array).into_iter().flatten() {
        println!("search index {} {}", text(index, "attribute"), text(index, "state"));
    }
    Ok(())
}

/// Sends what is to be done and prints how it goes, to its end.
async fn follow(of: &Of, ask: &Value) -> Result<(), AdminError> {
    let mut answer = of.issuer.wire()?.admin_stream(&of.issuer.admin, &of.path(), ask).await?;
    let (mut rest, mut progress, mut outcome) = (Vec::new(), Progress::default(), None);
    while let Some(frame) = answer.frame().await {
        let frame = frame.map_err(|error| cut_off(of, &error.to_string()))?;
        rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).map_err(|error| cut_off(of, &error.to_string()))?;
            outcome = progress.tell(&event).or(outcome);
        }
        if rest.len() > LONGEST_LINE {
            return Err(cut_off(of, "an answer of another kind").into());
        }
    }
    progress.end();
    match outcome {
        Some(Ok(done)) => {
            if let Some(report) = done.get("report") {
                print(report);
            } else {
                println!("done");
            }
            Ok(())
        }
        Some(Err(error)) => Err(error.into()),
        None => Err(cut_off(of, "the answer ended early; go on with `tollgate admin schema resume`").into()),
    }
}

fn cut_off(of: &Of, why: &str) -> WireError {
    WireError::Unreachable { url: of.issuer.admin.clone(), why: why.to_owned() }
}

/// A line on standard error that is drawn over, where that is a terminal; else one line a phase.
#[derive(Default)]
struct Progress {
    phase: String,
    drawn: bool,
}

impl Progress {
    /// How it ended, if this is the last line.
    fn tell(&mut self, event: &Value) -> Option<Result<Value, WireError>> {
        if let Some(progress) = event.get("progress") {
            let count = |name: &str| progress.get(name).and_then(Value::as_u64).unwrap_or(0);
            self.draw(&text(progress, "phase"), count("done"), count("total"));
        }
        if let Some(report) = event.get("report") {
            self.end();
            print(report);
        }
        if let Some(done) = event.get("done") {
            return Some(Ok(done.clone()));
        }
        let error = event.get("error")?;
        let (operation, code, message) = ("schema".to_owned(), text(error, "type"), text(error, "message"));
        Some(Err(WireError::Refused { operation, code, message }))
    }

    fn draw(&mut self, phase: &str, done: u64, total: u64) {
        let mut out = std::io::stderr();
        if out.is_terminal() {
            let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
            let _shown = write!(out, "\r{phase}: {done} of {total} users ({percent} %)\x1b[K");
            let _flushed = out.flush();
            self.drawn = true;
        } else if self.phase != phase {
            let _shown = writeln!(out, "{phase}: {total} users");
        }
        phase.clone_into(&mut self.phase);
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            eprintln!();
        }
    }
}

fn print(report: &Value) {
    let count = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or(0);
    println!("{} users, {} affected, {} in the way", count("users"), count("affected"), count("conflicts"));
    let shown = report.get("shown").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for conflict in shown.iter().take(PRINTED) {
        let users = conflict.get("users").and_then(Value::as_array).into_iter().flatten();
        let users: Vec<&str> = users.filter_map(Value::as_str).collect();
        println!("  {:?}: {} ({})", text(conflict, "value"), text(conflict, "why"), users.join(", "));
    }
    let more = count("conflicts").saturating_sub(shown.len().min(PRINTED) as u64);
    if more > 0 {
        println!("  and {more} more");
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(list("email, phone_number"), ["email", "phone_number"]);
        assert_eq!(list("none"), [] as [&str; 0]);
        assert_eq!(list(""), [] as [&str; 0]);
    }

    #[test]
    fn the_last_line_says_how_it_ended() {
        let mut progress = Progress::default();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert!(progress.tell(&read(r#"{"progress":{"phase":"moving","done":1,"total":0}}"#)).is_none());
        assert!(matches!(progress.tell(&read(r#"{"done":{}}"#)), Some(Ok(_))));
        let refused = progress.tell(&read(r#"{"error":{"type":"X","message":"m"}}"#)).unwrap().unwrap_err();
        assert!(refused.to_string().contains("X: m"));
    }
}
