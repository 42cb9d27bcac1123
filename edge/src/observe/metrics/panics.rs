//! How often a thread of this process panicked. Panics are caught where they happen (a task, a thread) and told on standard error; this
//! makes them visible to whoever watches numbers only. Like all figures of a process, there is one of it.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

static PANICS: AtomicU64 = AtomicU64::new(0);
static WATCH: Once = Once::new();

#[derive(Debug)]
pub struct Panics;

impl Panics {
    /// Counts from now on, in front of the hook that was there.
    pub fn watch() -> Self {
        WATCH.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                PANICS.fetch_add(1, Ordering::Relaxed);
                before(panic);
            }));
        });
        Self
    }
}

impl Collector for Panics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let count = PANICS.load(Ordering::Relaxed);
        let mut encoder = encoder.encode_descriptor("panics", "Panics, each caught", None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, f64>(&count, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_counts() {
        let _watching = Panics::watch();
        let before = PANICS.load(Ordering::Relaxed);
        assert!(std::thread::spawn(|| panic!("on purpose, for the counter of panics")).join().is_err());
        assert!(PANICS.load(Ordering::Relaxed) > before);
    }
}
