//! Numbers, times and arrivals as they are written on the command line.

use std::time::Duration;

use bench::Arrival;

use super::load::LoadError;

/// From `--rate`, `--arrival` and `--seed`.
pub fn arrival(rate: Option<&str>, kind: Option<&str>, seed: &str) -> Result<Arrival, LoadError> {
    let rate = rate.map(|text| per_second("--rate", text)).transpose()?;
    let wrong = |text: &str| LoadError::Value {
        option: "--arrival",
        text: text.to_owned(),
        wanted: "constant, poisson, ramp:FROM-TO or step:A,B,C",
    };
    match (kind, rate) {
        (None, None) => Ok(Arrival::Closed),
        (None | Some("constant"), Some(rate)) => Ok(Arrival::Constant { rate }),
        (Some("poisson"), Some(rate)) => Ok(Arrival::Poisson { rate, seed: number("--seed", seed)? }),
        (Some("constant" | "poisson"), None) => Err(LoadError::Together("--arrival constant and poisson need --rate")),
        (Some(text), None) => match text.split_once(':') {
            Some(("ramp", range)) => {
                let (from, to) = range.split_once('-').ok_or_else(|| wrong(text))?;
                Ok(Arrival::Ramp { from: per_second("--arrival ramp", from)?, to: per_second("--arrival ramp", to)? })
            }
            Some(("step", rates)) => {
                let rates = rates.split(',').map(|text| per_second("--arrival step", text));
                Ok(Arrival::Step { rates: rates.collect::<Result<_, _>>()? })
            }
            _ => Err(wrong(text)),
        },
        (Some(text), Some(_)) if text.starts_with("ramp:") || text.starts_with("step:") => {
            Err(LoadError::Together("--arrival ramp and step have rates of their own, without --rate"))
        }
        (Some(text), Some(_)) => Err(wrong(text)),
    }
}

fn number(option: &'static str, text: &str) -> Result<u64, LoadError> {
    text.parse().map_err(|_| LoadError::Value { option, text: text.to_owned(), wanted: "a whole number" })
}

pub fn positive(option: &'static str, text: &str) -> Result<u64, LoadError> {
    let found = number(option, text).ok().filter(|number| *number > 0);
    found.ok_or(LoadError::Value { option, text: text.to_owned(), wanted: "a whole number from 1" })
}

fn per_second(option: &'static str, text: &str) -> Result<f64, LoadError> {
    let found = text.trim().parse().ok().filter(|rate| (0.0..=Arrival::RATE_LIMIT).contains(rate));
    found.ok_or(LoadError::Value { option, text: text.to_owned(), wanted: "a number of requests a second" })
}

/// `10s`, `500ms`, `2m`, at most a day; a number without a unit is seconds.
pub fn time(option: &'static str, text: &str) -> Result<Duration, LoadError> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let scale = match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" => Some(60.0),
        _ => None,
    };
    let seconds = digits.parse::<f64>().ok().zip(scale).map(|(number, scale)| number * scale);
    let found = seconds.filter(|seconds| (0.001..=86_400.0).contains(seconds)).map(Duration::from_secs_f64);
    found.ok_or(LoadError::Value { option, text: text.to_owned(), wanted: "a time like 500ms, 10s or 2m" })
}
