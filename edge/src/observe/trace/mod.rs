//! Distributed traces: W3C Trace Context in and out, one span a request that is sampled. Spans leave by a bounded queue; who takes them to a
//! collector is `app`'s exporter on the control thread. Where `[trace]` is not set there is no [`Tracer`], and requests pay nothing.

mod context;
mod otlp;
mod span;

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

pub use self::context::{Trace, hex};
pub use self::otlp::{Resource, document};
pub use self::span::Span;
use crate::observe::sampler::Sampler;

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Makes traces of requests.
#[derive(Debug)]
pub struct Tracer {
    sampler: Sampler,
    accept: Accept,
    ids: Ids,
    spans: mpsc::Sender<Span>,
    dropped: Counter,
}

/// Whose `traceparent` is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Every trace begins here.
    Nobody,
    /// Whoever comes by a proxy of the operator's.
    Trusted,
    Everybody,
}

impl Tracer {
    /// `ratio` is the share of the traces that begin here which is sampled; one that is accepted was decided on by its beginner. `seeds` are random.
    pub fn new(ratio: f64, accept: Accept, seeds: [u64; 3], spans: mpsc::Sender<Span>, dropped: Counter) -> Self {
        Self { sampler: Sampler::new(ratio), accept, ids: Ids { seeds, count: AtomicU64::new(0) }, spans, dropped }
    }

    /// The trace of a request with these headers. `trusted`: it comes by a proxy of the operator's.
    pub fn begin(&self, headers: &HeaderMap, trusted: bool) -> Trace {
        let believed = match self.accept {
            Accept::Nobody => false,
            Accept::Trusted => trusted,
            Accept::Everybody => true,
        };
        let parent = if believed { context::parent(headers) } else { None };
        let [high, low, span] = self.ids.next();
        match parent {
            Some(parent) => Trace { span, ..parent },
            None => {
                let mut id = [0; 16];
                id[..8].copy_from_slice(&high);
                id[8..].copy_from_slice(&low);
                Trace { id, span, parent: None, sampled: self.sampler.takes() }
            }
        }
    }

    /// Queues a span; never waits.
    pub fn end(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.dropped.inc();
        }
    }
}

/// Numbers that nobody else has: a count, mixed with random bits of this process.
#[derive(Debug)]
struct Ids {
    seeds: [u64; 3],
    count: AtomicU64,
}

impl Ids {
    fn next(&self) -> [[u8; 8]; 3] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // Never zero, which would mean that there is none.
        self.seeds.map(|seed| (mix(seed.wrapping_add(count.wrapping_mul(GOLDEN))) | 1).to_be_bytes())
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64 (Steele, Lea, Flood 2014): consecutive inputs give bits that look random, as samplers want them of trace ids.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::clock::UnixMillis;
    use http::HeaderValue;
    use std::collections::HashSet;
    use std::time::Duration;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn tracer(ratio: f64, accept: Accept) -> (Tracer, mpsc::Receiver<Span>) {
        let (spans, queue) = mpsc::channel(2);
        (Tracer::new(ratio, accept, [1, 2, 3], spans, Counter::default()), queue)
    }

    fn headers(parent: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(parent))])
    }

    #[test]
    fn a_parent_is_believed_only_where_the_operator_says_so() {
        for (accept, trusted, believed) in [
            (Accept::Nobody, true, false),
            (Accept::Trusted, false, false),
            (Accept::Trusted, true, true),
            (Accept::Everybody, false, true),
        ] {
            let trace = tracer(0.0, accept).0.begin(&headers(PARENT), trusted);
            assert_eq!(trace.parent.is_some(), believed, "{accept:?} {trusted}");
            assert_eq!(trace.header().to_str().unwrap().contains("0af7651916cd43dd8448eb211c80319c"), believed);
            assert_eq!(trace.sampled, believed, "the parent's decision stands, else the ratio's");
        }
    }

    #[test]
    fn no_two_ids_are_alike() {
        let (tracer, _queue) = tracer(1.0, Accept::Nobody);
        let traces: Vec<Trace> = (0..10_000).map(|_| tracer.begin(&HeaderMap::new(), false)).collect();
        assert_eq!(traces.iter().map(|trace| trace.id).collect::<HashSet<_>>().len(), traces.len());
        assert_eq!(traces.iter().map(|trace| trace.span).collect::<HashSet<_>>().len(), traces.len());
        assert!(traces.iter().all(|trace| trace.sampled));
    }

    #[test]
    fn spans_past_the_queue_are_dropped_and_counted() {
        let (tracer, _queue) = tracer(1.0, Accept::Nobody);
        for _ in 0..5 {
            let trace = tracer.begin(&HeaderMap::new(), false);
            tracer.end(Span::new(trace, "GET".to_owned(), UnixMillis(1), Duration::ZERO));
        }
        assert_eq!(tracer.dropped.get(), 3);
    }
}
