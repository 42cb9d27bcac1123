//! What is counted: processor time, latency, and the machine that it was counted on.

mod cpu;
mod distance;
mod latency;
mod machine;
mod spread;

pub use cpu::{CpuTime, own_cpu_time, process_tree_time, thread_time_ns};
pub use distance::Distance;
pub use latency::Latency;
pub use machine::Machine;
pub use spread::Spread;
