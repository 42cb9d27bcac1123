//! The meters of all routes, by name, and how a scrape shows them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::snapshot::meter::{BOUNDS_MICROS, Distribution, Meter, Reading};

#[derive(Clone, Debug, Default)]
pub struct Meters(Arc<Mutex<BTreeMap<String, Meter>>>);

impl Meters {
    pub fn meter(&self, route: &str) -> Meter {
        self.lock().entry(route.to_owned()).or_default().clone()
    }

    pub fn keep(&self, routes: &HashSet<&str>) {
        self.lock().retain(|name, _| routes.contains(name.as_str()));
    }

    pub fn readings(&self) -> Vec<(String, Reading)> {
        self.lock().iter().map(|(name, meter)| (name.clone(), meter.reading())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Meter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Readings = [(String, Reading)];
type Result = std::result::Result<(), std::fmt::Error>;

impl Collector for Meters {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result {
        let readings = self.readings();
        let counter = MetricType::Counter;
        requests(
            encoder.encode_descriptor("requests", "Requests by route and class of status", None, counter)?,
            &readings,
        )?;
        refusals(
            encoder.encode_descriptor("refusals", "Requests refused, by route and reason", None, counter)?,
            &readings,
        )?;
        let received = "Bytes of bodies that clients sent";
        let received = encoder.encode_descriptor("request_body", received, Some(&Unit::Bytes), counter)?;
        sums(received, &readings, |reading| reading.received)?;
        let sent = "Bytes of bodies that clients got";
        let sent = encoder.encode_descriptor("response_body", sent, Some(&Unit::Bytes), counter)?;
        sums(sent, &readings, |reading| reading.sent)?;
        let help = "From the request's head to the end of the answer";
        times(&mut encoder, "request_duration", help, &readings, |reading| &reading.duration)?;
        let help = "From the request's head to that of the upstream's answer";
        times(&mut encoder, "upstream_first_byte", help, &readings, |reading| &reading.first_byte)
    }
}

fn requests(mut encoder: MetricEncoder<'_>, readings: &Readings) -> Result {
    for (route, reading) in readings {
        for (status, count) in &reading.by_class {
            let labels = [("route", route.as_str()), ("status", status)];
            encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(count, None)?;
        }
    }
    Ok(())
}

fn refusals(mut encoder: MetricEncoder<'_>, readings: &Readings) -> Result {
    for (route, reading) in readings {
        for (reject, count) in &reading.refusals {
            let labels = [("route", route.as_str()), ("reason", reject.metric())];
            encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(count, None)?;
        }
    }
    Ok(())
}

fn sums(mut encoder: MetricEncoder<'_>, readings: &Readings, of: impl Fn(&Reading) -> u64) -> Result {
    for (route, reading) in readings {
        encoder
            .encode_family(&[("route", route.as_str())])?
            .encode_counter::<NoLabelSet, _, f64>(&of(reading), None)?;
    }
    Ok(())
}

fn times(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    readings: &Readings,
    of: impl Fn(&Reading) -> &Distribution,
) -> Result {
    let mut encoder = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    let bounds = BOUNDS_MICROS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
    for (route, reading) in readings {
        let times = of(reading);
        let buckets: Vec<(f64, u64)> = bounds.clone().zip(times.counts).collect();
        let sum = times.sum_micros as f64 / 1e6;
        let labels = [("route", route.as_str())];
        encoder.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, times.count(), &buckets, None)?;
    }
    Ok(())
}
