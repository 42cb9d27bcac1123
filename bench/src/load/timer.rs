//! A timer of microseconds: the runtime's own wakes at whole milliseconds, which is too coarse for thousands of starts a second.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// timerfd(2) behind the runtime's poller.
pub struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// # Errors
    /// When the process has no descriptor left. Must be called within a runtime.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; an OwnedFd's doesn't"
    )]
    pub fn new() -> io::Result<Self> {
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        AsyncFd::with_interest(descriptor, Interest::READABLE).map(Self)
    }

    /// Returns at that time or as soon after as the processor is free; at once when it is past.
    ///
    /// # Errors
    /// When the kernel refuses the timer.
    pub async fn until(&self, time: Instant) -> io::Result<()> {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once(left)?)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut expirations = [0; 8];
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

/// `left` is not zero, which would disarm the timer.
fn once(left: Duration) -> io::Result<Itimerspec> {
    let none = Timespec { tv_sec: 0, tv_nsec: 0 };
    let seconds = left.as_secs().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(Itimerspec { it_interval: none, it_value: Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_returns_early_and_can_be_set_again() {
        let timer = Timer::new().unwrap();
        for micros in [0, 1, 300, 1_500] {
            let time = Instant::now() + Duration::from_micros(micros);
            timer.until(time).await.unwrap();
            assert!(Instant::now() >= time, "{micros} µs");
        }
    }
}
