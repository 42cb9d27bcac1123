//! Takes spans to the collector: OTLP over HTTP, in batches, from the control thread. Whatever the collector does, requests never wait for it: the queue is
//! bounded, and what finds it full is dropped and counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::TraceSettings;
use crate::observe::Metrics;
use crate::observe::trace::{Resource, Span, document};
use crate::outbound::{Address, Bounds, Client, OutboundError, Question};

/// Spans that may wait for the exporter.
pub const QUEUE: usize = 4_096;
/// Spans that go in one request, and how long the first of them waits for others.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_secs(2);
/// A batch that the collector could not take is sent again after these pauses, then dropped. Meanwhile the queue fills.
const PAUSES: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];
/// For one attempt. Answers say little.
const BOUNDS: Bounds = Bounds { bytes: 64 * 1024, time: Duration::from_secs(5) };

/// The running task.
pub struct Exporter {
    finish: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Starts on the current runtime.
    pub fn start(
        settings: &TraceSettings,
        instance: String,
        spans: mpsc::Receiver<Span>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (finish, finished) = oneshot::channel();
        let content_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let work = Work {
            client: Client::new(&settings.authorities, 1),
            collector: settings.endpoint.clone(),
            headers: std::iter::once(content_type).chain(settings.headers.iter().cloned()).collect(),
            resource: Resource { service: settings.service.clone(), instance },
            metrics,
        };
        Self { finish, task: tokio::spawn(work.run(spans, finished)) }
    }

    /// Sends what waits, once, and ends.
    pub async fn stop(self) {
        let _ = self.finish.send(()); // no receiver: it has ended
        let _ = self.task.await;
    }
}

struct Work {
    client: Client,
    collector: Address,
    headers: Vec<(HeaderName, HeaderValue)>,
    resource: Resource,
    metrics: Arc<Metrics>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("HTTP status {0}")]
    Status(StatusCode),
}

impl ExportError {
    /// Whether the same batch may succeed later (OTLP/HTTP, "Failures").
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Outbound(OutboundError::Redirect) => false,
            Self::Outbound(_) => true,
        }
    }
}

impl Work {
    async fn run(self, mut spans: mpsc::Receiver<Span>, mut finished: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let ends = tokio::select! {
                biased;
                _ = &mut finished => true,
                () = gather(&mut spans, &mut batch) => false,
            };
            if ends {
                return self.last(spans, batch).await;
            }
            if batch.is_empty() {
                return; // nobody makes spans any more
            }
            tokio::select! {
                biased;
                () = self.deliver(&mut batch) => {}
                _ = &mut finished => return self.last(spans, batch).await,
            }
        }
    }

    /// What is left gets one attempt each.
    async fn last(&self, mut spans: mpsc::Receiver<Span>, mut batch: Vec<Span>) {
        loop {
            while batch.len() < BATCH
                && let Ok(span) = spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            let sent = self.send(&batch).await;
            self.count(&mut batch, sent);
        }
    }

    async fn deliver(&self, batch: &mut Vec<Span>) {
        let mut sent = self.send(batch).await;
        for pause in PAUSES {
            match &sent {
                Err(error) if error.may_pass() => sleep(pause).await,
                _ => break,
            }
            sent = self.send(batch).await;
        }
        self.count(batch, sent);
    }

    fn count(&self, batch: &mut Vec<Span>, sent: Result<(), ExportError>) {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        match sent {
            Ok(()) => self.metrics.spans_exported.inc_by(spans),
            Err(error) => {
                tracing::warn!(%error, spans, "the collector did not take spans");
                self.metrics.spans_dropped.inc_by(spans)
            }
        };
        batch.clear();
    }

    async fn send(&self, batch: &[Span]) -> Result<(), ExportError> {
        let body = Bytes::from(document(&self.resource, batch));
        let question = Question { headers: self.headers.clone(), form: Some(body) };
        let answer = self.client.ask(&self.collector, question, BOUNDS).await?;
        if answer.status.is_success() { Ok(()) } else { Err(ExportError::Status(answer.status)) }
    }
}

/// Fills the batch: the first span is waited for, others for a while. Dropped in between, it loses nothing.
async fn gather(spans: &mut mpsc::Receiver<Span>, batch: &mut Vec<Span>) {
    if batch.is_empty() && spans.recv_many(batch, BATCH).await == 0 {
        return;
    }
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        match timeout_at(until, spans.recv_many(batch, BATCH - batch.len())).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
