//! Repeating a piece of work and counting what it costs.

use std::time::{Duration, Instant};

use super::LimitError;
use crate::measure::thread_time_ns;

/// A sample lasts at least this long, and less than twice as long unless one operation does.
const STRETCH: Duration = Duration::from_millis(60);
/// The kernel adds to a running thread's count with its clock, every few milliseconds, and exactly when the thread leaves the processor.
const NAP: Duration = Duration::from_micros(50);

/// An operation, ready to be repeated.
pub trait Work {
    /// Does it once.
    ///
    /// # Errors
    /// When it does not do what it should.
    fn operate(&mut self) -> Result<(), LimitError>;

    /// Processor time used so far by whoever does the work, in nanoseconds; the calling thread by default.
    ///
    /// # Errors
    /// When `/proc` can't be read.
    fn cpu_ns(&self) -> Result<u64, LimitError> {
        thread_time_ns().map_err(LimitError::Accounting)
    }

    /// Ends the title: where it writes to.
    fn place(&self) -> String {
        String::new()
    }
}

impl<F: FnMut() -> Result<(), LimitError>> Work for F {
    fn operate(&mut self) -> Result<(), LimitError> {
        self()
    }
}

/// What an operation takes, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Of somebody who waits for it.
    pub wall_us: f64,
    /// On a processor.
    pub cpu_us: f64,
}

/// One sample. Repeats the work 1, 2, 4, 8, … times until the stretch is over, so that hardly any time goes into looking at the clock.
pub fn measure(work: &mut dyn Work) -> Result<Cost, LimitError> {
    work.operate()?;
    std::thread::sleep(NAP);
    let (cpu, begun) = (work.cpu_ns()?, Instant::now());
    let mut operations = 0_u64;
    let mut batch = 1_u64;
    while begun.elapsed() < STRETCH {
        for _ in 0..batch {
            work.operate()?;
        }
        operations += batch;
        batch *= 2;
    }
    let wall = begun.elapsed();
    std::thread::sleep(NAP);
    let cpu_ns = work.cpu_ns()?.saturating_sub(cpu);
    let each = |micros: f64| micros / operations as f64;
    Ok(Cost { wall_us: each(wall.as_secs_f64() * 1e6), cpu_us: each(cpu_ns as f64 / 1000.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a known time and claims a known processor time for it.
    struct Sleeper {
        done: u64,
    }

    impl Work for Sleeper {
        fn operate(&mut self) -> Result<(), LimitError> {
            self.done += 1;
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        }
        fn cpu_ns(&self) -> Result<u64, LimitError> {
            Ok(self.done * 7_000)
        }
    }

    #[test]
    fn a_sample_is_the_mean_of_its_operations() {
        let mut sleeper = Sleeper { done: 0 };
        let cost = measure(&mut sleeper).unwrap();
        assert_eq!((cost.cpu_us, sleeper.done), (7.0, 4), "one to warm, then 1 + 2");
        assert!(cost.wall_us >= 20_000.0, "{cost:?}");
    }

    #[test]
    fn failed_work_has_no_sample() {
        let mut failing = || Err(LimitError::Arithmetic("this"));
        assert!(matches!(measure(&mut failing), Err(LimitError::Arithmetic("this"))));
    }
}
