//! `bench load`: the command line of one load.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::{ArrivalError, Bearers, BenchError, LoadReport, Plan, PlanError, Protocol, RequestError, Same};
use bench::{Target, Trust, UrlError};
use common::settings::EXIT_CONFIG;

use super::values;

/// Time in which requests start, where neither a duration nor a number of requests is given.
const USUAL_DURATION: Duration = Duration::from_secs(10);
/// Hard limit of a run that is bounded by its number of requests only.
const COUNTED_LIMIT: Duration = Duration::from_secs(3600);
/// Beyond duration and time-out, for connecting and closing.
const GRACE: Duration = Duration::from_secs(1);
/// Most connections times streams.
const PLACES_LIMIT: usize = 20_000;

/// A server, what it is sent, when, and how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// http[s]://HOST[:PORT][/PATH]
    url: String,
    /// Requests a second, whether answers come or not; without it each connection sends as soon as it has its answer.
    #[arg(long, value_name = "R")]
    rate: Option<String>,
    /// constant or poisson (with --rate), ramp:FROM-TO or step:A,B,C (requests a second, over the duration).
    #[arg(long, value_name = "KIND")]
    arrival: Option<String>,
    /// Seed of poisson's arrivals.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: String,
    /// Connections that are kept open.
    #[arg(long, value_name = "N", default_value = "10")]
    connections: String,
    /// Requests under way at once on one connection; with --http2.
    #[arg(long, value_name = "N")]
    streams: Option<String>,
    /// HTTP/2: over TLS by agreement, without TLS from the first byte.
    #[arg(long)]
    http2: bool,
    /// Time in which requests start: 10s, 500ms, 2m. Default 10s, without --requests.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Time before latency counts; requests are sent and counted from the start.
    #[arg(long, value_name = "TIME")]
    warm_up: Option<String>,
    /// Requests in all.
    #[arg(long, value_name = "N")]
    requests: Option<String>,
    /// Close each connection after so many requests and open another one.
    #[arg(long, value_name = "N")]
    requests_per_connection: Option<String>,
    /// Default GET, with --body POST.
    #[arg(long, value_name = "M")]
    method: Option<String>,
    /// 'NAME: VALUE'; may be repeated.
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Body of every request.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Bearer tokens, one a line, sent in turn.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Authorities to trust, as PEM, instead of the public ones.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Accept any certificate. For test servers.
    #[arg(long)]
    insecure: bool,
    /// A status of success, default 200; may be repeated.
    #[arg(long, value_name = "STATUS")]
    expect: Vec<String>,
    /// Of one request, from its (intended) start.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: String,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{option} {text}: {wanted} is wanted")]
    Value { option: &'static str, text: String, wanted: &'static str },
    #[error("{0}")]
    Together(&'static str),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Arrival(#[from] ArrivalError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("no request has succeeded")]
    NoSuccess,
}

impl LoadError {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Bench(BenchError::Generator(PlanError::System(_)) | BenchError::Accounting { .. })
            | Self::NoSuccess => 1,
            _ => EXIT_CONFIG,
        }
    }
}

/// Sends everything, and returns what came of it.
pub fn run(options: &Options) -> Result<LoadReport, LoadError> {
    Ok(bench::load(&options.url, &mut plan(options)?)?)
}

fn plan(options: &Options) -> Result<Plan<Same>, LoadError> {
    let protocol = if options.http2 { Protocol::Http2 } else { Protocol::Http1 };
    let (target, path) = Target::of_url(&options.url, protocol, &trust(options)?)?;
    let timeout = values::time("--timeout", &options.timeout)?;
    let count = options.requests.as_deref().map(|text| values::positive("--requests", text)).transpose()?;
    let duration = match (&options.duration, count) {
        (Some(text), _) => Some(values::time("--duration", text)?),
        (None, None) => Some(USUAL_DURATION),
        (None, Some(_)) => None,
    };
    let arrival = values::arrival(options.rate.as_deref(), options.arrival.as_deref(), &options.seed)?;
    arrival.schedule(duration)?;
    let (connections, streams) = places(options)?;
    let churn = options.requests_per_connection.as_deref();
    Ok(Plan {
        arrival,
        connections,
        streams,
        requests_per_connection: churn.map(|text| values::positive("--requests-per-connection", text)).transpose()?,
        count,
        duration,
        warm_up: options.warm_up.as_deref().map_or(Ok(Duration::ZERO), |text| values::time("--warm-up", text))?,
        limit: duration.map_or(COUNTED_LIMIT, |duration| duration.saturating_add(timeout).saturating_add(GRACE)),
        timeout,
        expected: expected(options)?,
        ..Plan::new(target, requests(options, &path)?)
    })
}

fn trust(options: &Options) -> Result<Trust, LoadError> {
    match (&options.ca, options.insecure) {
        (Some(_), true) => Err(LoadError::Together("--ca and --insecure exclude each other")),
        (None, true) => Ok(Trust::Anyone),
        (Some(path), false) => read(path).map(Trust::Authorities),
        (None, false) => Ok(Trust::Public),
    }
}

fn requests(options: &Options, path: &str) -> Result<Same, LoadError> {
    let usual = if options.body.is_some() { "POST" } else { "GET" };
    let text = options.method.as_deref().unwrap_or(usual);
    let mut requests = Same::with_method(text, path)?;
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| RequestError::Header(header.clone()))?;
        requests = requests.header(name.trim(), value.trim())?;
    }
    if let Some(path) = &options.body {
        requests = requests.body(read(path)?);
    }
    if let Some(path) = &options.token_file {
        let text = std::fs::read_to_string(path).map_err(|source| LoadError::File { path: path.clone(), source })?;
        let tokens: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if tokens.is_empty() {
            let text = path.display().to_string();
            return Err(LoadError::Value { option: "--token-file", text, wanted: "a file with one token a line" });
        }
        requests = requests.bearers(Bearers::new(&tokens)?);
    }
    Ok(requests)
}

fn places(options: &Options) -> Result<(usize, usize), LoadError> {
    let connections = values::positive("--connections", &options.connections)? as usize;
    let streams = match &options.streams {
        Some(_) if !options.http2 => return Err(LoadError::Together("--streams needs --http2")),
        Some(text) => values::positive("--streams", text)? as usize,
        None => 1,
    };
    if connections.saturating_mul(streams) > PLACES_LIMIT {
        return Err(LoadError::Together("connections times streams are at most 20000"));
    }
    Ok((connections, streams))
}

fn expected(options: &Options) -> Result<Vec<u16>, LoadError> {
    if options.expect.is_empty() {
        return Ok(vec![200]);
    }
    let status = |text: &String| {
        let found = text.parse().ok().filter(|status| (200..600).contains(status));
        found.ok_or(LoadError::Value { option: "--expect", text: text.clone(), wanted: "a status from 200 to 599" })
    };
    options.expect.iter().map(status).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path).map_err(|source| LoadError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use bench::Arrival;
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn planned(arguments: &[&str]) -> Result<Plan<Same>, LoadError> {
        let line = ["load", "http://127.0.0.1:80/a"].iter().chain(arguments);
        plan(&Line::try_parse_from(line).unwrap().options)
    }

    #[test]
    fn arrivals_and_bounds() {
        let plan = planned(&[]).unwrap();
        assert_eq!((plan.arrival, plan.duration, plan.count), (Arrival::Closed, Some(USUAL_DURATION), None));
        assert_eq!((plan.connections, plan.streams, plan.expected), (10, 1, vec![200]));
        let arrival = |arguments: &[&str]| planned(arguments).unwrap().arrival;
        assert_eq!(arrival(&["--rate", "2.5"]), Arrival::Constant { rate: 2.5 });
        let poisson = ["--rate", "9", "--arrival", "poisson", "--seed", "7"];
        assert_eq!(arrival(&poisson), Arrival::Poisson { rate: 9.0, seed: 7 });
        assert_eq!(arrival(&["--arrival", "ramp:0-50"]), Arrival::Ramp { from: 0.0, to: 50.0 });
        assert_eq!(arrival(&["--arrival", "step:1,2,3"]), Arrival::Step { rates: vec![1.0, 2.0, 3.0] });
        let plan = planned(&["--requests", "5", "--timeout", "250ms", "--expect", "401", "--expect", "403"]).unwrap();
        assert_eq!((plan.count, plan.duration, plan.limit), (Some(5), None, COUNTED_LIMIT));
        assert_eq!((plan.timeout, plan.expected), (Duration::from_millis(250), vec![401, 403]));
        let plan = planned(&["--http2", "--streams", "8", "--duration", "2m"]).unwrap();
        assert_eq!((plan.target.protocol, plan.streams), (Protocol::Http2, 8));
        assert_eq!(plan.limit, Duration::from_secs(120 + 10) + GRACE);
    }

    #[test]
    fn what_makes_no_sense_is_one_line_and_a_configuration_error() {
        let bad: &[&[&str]] = &[
            &["--rate fast"],
            &["--rate -1"],
            &["--rate 0"],
            &["--arrival poisson"],
            &["--arrival burst"],
            &["--arrival ramp:1"],
            &["--arrival ramp:0-0"],
            &["--arrival step:1,x"],
            &["--arrival ramp:1-2", "--rate 1"],
            &["--arrival ramp:1-2", "--requests 5"],
            &["--connections 0"],
            &["--connections 20001"],
            &["--streams 2"],
            &["--duration soon"],
            &["--duration 0s"],
            &["--warm-up long"],
            &["--timeout 5h"],
            &["--requests 0"],
            &["--requests-per-connection -1"],
            &["--method A B"],
            &["--header no colon"],
            &["--header host: other"],
            &["--body /no/such/file"],
            &["--token-file /dev/null"],
            &["--ca /dev/null", "--insecure"],
            &["--expect 99"],
        ];
        for arguments in bad {
            // As --NAME=VALUE, so that a value may begin with a dash.
            let parts: Vec<_> = arguments.iter().map(|text| text.replacen(' ', "=", 1)).collect();
            let parts: Vec<_> = parts.iter().map(String::as_str).collect();
            let error = planned(&parts).err().unwrap_or_else(|| panic!("{parts:?} is accepted"));
            assert_eq!(error.exit_code(), EXIT_CONFIG, "{parts:?}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
}
