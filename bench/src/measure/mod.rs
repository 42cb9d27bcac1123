//! What is counted: processor time, memory, latency, and the machine and build that it was counted on.

mod build;
mod course;
mod cpu;
mod disk;
mod distance;
mod latency;
mod machine;
mod memory;
mod rank_sum;
mod spread;

pub use build::Build;
pub use course::Course;
pub use cpu::{CpuClock, CpuTime, own_cpu_clock, process_tree_clock, thread_time_ns};
pub use disk::Disk;
pub use distance::Distance;
pub use latency::{Latency, Quantiles};
pub use machine::Machine;
pub use memory::{process_tree_pss_bytes, slope};
pub use rank_sum::rank_sum_p;
pub use spread::Spread;
