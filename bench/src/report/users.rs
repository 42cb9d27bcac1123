//! The report of what users cost an issuer: one JSON object for programs, a table for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::measure::{Build, Machine};
use crate::scenario::users::{Cost, Engine, FEW, Findings};

/// Shape of the JSON; it grows, and never renames.
const SCHEMA: u32 = 1;
/// What all rows of users have in common.
const NOTE: &str = "users were written into the database with one ready password hash and without SRP verifiers";

/// What `tollgate bench users` prints.
#[derive(Debug, Serialize)]
pub struct UsersReport {
    schema: u32,
    tollgate: Build,
    machine: Machine,
    note: &'static str,
    few: u64,
    many: u64,
    seconds: f64,
    engines: BTreeMap<&'static str, EngineReport>,
}

#[derive(Debug, Serialize)]
struct EngineReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    not_measured: Option<String>,
    /// How long the users took to be written, in seconds.
    filled_s: f64,
    operations: BTreeMap<&'static str, Operation>,
}

#[derive(Debug, Serialize)]
struct Operation {
    #[serde(skip_serializing_if = "Option::is_none")]
    few: Option<Cost>,
    many: Cost,
    /// Processor time with many users over that with few, the database's included.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

impl UsersReport {
    pub(crate) fn new(findings: Findings) -> Self {
        let engines = findings.engines.into_iter().map(|(name, engine)| (name, EngineReport::new(engine)));
        Self {
            schema: SCHEMA,
            tollgate: Build::this(),
            machine: findings.machine,
            note: NOTE,
            few: FEW,
            many: findings.users,
            seconds: findings.elapsed.as_secs_f64(),
            engines: engines.collect(),
        }
    }

    /// The whole report as one JSON object on one line.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Whether anything was measured.
    pub fn measured(&self) -> bool {
        self.engines.values().any(|engine| !engine.operations.is_empty())
    }
}

impl EngineReport {
    fn new(engine: Result<Engine, String>) -> Self {
        let engine = match engine {
            Ok(engine) => engine,
            Err(why) => return Self { not_measured: Some(why), filled_s: 0.0, operations: BTreeMap::new() },
        };
        let total = |cost: &Cost| cost.cpu_us + cost.database_cpu_us.unwrap_or(0.0);
        let operation = |(name, many): (&'static str, Cost)| {
            let few = engine.few.get(name).cloned();
            let ratio = few.as_ref().map(|few| total(&many) / total(few).max(0.001));
            (name, Operation { few, many, ratio })
        };
        let operations = engine.many.clone().into_iter().map(operation).collect();
        Self { not_measured: None, filled_s: engine.filled.as_secs_f64(), operations }
    }
}

impl fmt::Display for UsersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, machine) = (&self.tollgate, &self.machine);
        let commit = build.commit.as_deref().unwrap_or("unknown commit");
        let load = machine.load_average.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
        writeln!(f, "tollgate bench {} ({commit}, {} build)", build.version, build.profile)?;
        writeln!(f, "{}, {} processors, {}, load {load} before", machine.cpu, machine.processors, machine.kernel)?;
        writeln!(f, "{NOTE}")?;
        for (name, engine) in &self.engines {
            writeln!(
                f,
                "\n{name}: processor time of the issuer (and of the database) a request, with {} users",
                self.many
            )?;
            if let Some(why) = &engine.not_measured {
                writeln!(f, "  not measured: {why}")?;
            }
            for (operation, found) in &engine.operations {
                let Cost { cpu_us, database_cpu_us, per_second, p99_ms, failed, .. } = &found.many;
                let database = database_cpu_us.map(|us| format!(" (+ {us:.0})")).unwrap_or_default();
                write!(
                    f,
                    "  {operation:<20} {cpu_us:>7.0} µs{database:<10} {per_second:>8.0}/s  p99 {p99_ms:>6.1} ms"
                )?;
                if let Some(ratio) = found.ratio {
                    write!(f, "  {ratio:.2} × that with {}", self.few)?;
                }
                writeln!(f, "{}", if *failed > 0 { format!("  {failed} failed") } else { String::new() })?;
            }
        }
        Ok(())
    }
}
