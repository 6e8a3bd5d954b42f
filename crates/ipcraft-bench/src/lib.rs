//! The measuring engine: every mechanism between two real processes on this machine, beside its raw twin and the floors.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use std::time::Duration;
//!
//! use ipcraft_bench::{Effort, Implementation, Plan, find, run};
//!
//! let plan = Plan {
//!     mechanisms: find("tcp").into_iter().collect(),
//!     budget: Duration::from_millis(300),
//!     ..Plan::new(Effort::Quick)
//! };
//! let stop = AtomicBool::new(false);
//! let results = run(&plan, &stop, &mut |progress| println!("{}", progress.label));
//! for row in results.results.iter().filter(|row| row.implementation == Implementation::Ipcraft) {
//!     assert_eq!(row.mechanism, "tcp");
//!     assert!(row.messages_per_s > Some(0.0));
//! }
//! ```
//!
//! # How a figure comes about
//!
//! A **connection** of a mechanism is built in this process, which then forks two: the *client* asks or sends, the
//! *server* answers or receives. Each is bound to its core, each keeps its own end only. This process takes no part in
//! the traffic; it tells both what to do, waits for their reports, and kills both when one dies, falls silent, receives
//! something wrong, or when it is asked to stop.
//!
//! A **slice** is a few milliseconds of one workload at one size, after a warm-up. The library's implementation and the
//! **raw twin**, the same thing written straight on libc, do slices in turns, A B B A; the ratio of two neighbouring slices
//! is the ratio of the code, since the machine had no time to change. `ratio_to_raw` is the median of these ratios and
//! `ratio_spread` the distance between their quartiles. All of it is done in several **launches**, each with fresh
//! processes, and the launches go round all mechanisms, so that a drift of the machine meets all alike. When the medians of
//! the launches differ by more than half, the row is marked *disturbed*.
//!
//! Absolute times of different runs must not be compared: on shared machines they drift by a third.
//!
//! # What the words mean
//!
//! - `round_trip`: a message there and one of the same size back. Percentiles are over single round trips, or, below a
//!   microsecond, over batches of 100, with single ones beside them. One *message* in `messages_per_s`,
//!   `cpu_ns_per_message` and `switches_per_message` is one round trip.
//! - `stream`: one way, as fast as the receiver takes; timed at the receiver, in the middle of a longer flow, so that filling
//!   and emptying the kernel's buffers are not taken for speed (TCP and UDP are held back by acknowledgements). It has a rate but no percentiles.
//! - `rate`: 1000 messages a second; each is timed at the receiver from when it was due, so queueing shows.
//! - `uncontended`: one process takes a lock and gives it back; that is one *message*. It has no placement.
//! - `contended`: two processes do so with the same lock for the same time. The time is divided by what both did in it. It has
//!   a rate but no percentiles. Locks are held against the plain pthread mutex besides, in `ratio_to_plain`.
//! - `two_cores`, `same_core`: where the two processes run.
//! - `block`, `spin`: how a receiver waits.
//! - CPU time and context switches (voluntary and involuntary) are those of both processes together.
//! - System calls are counted under `ptrace(2)`, in processes of their own that nothing is timed in, as the difference
//!   between two slices of different length.
//! - `setup_us`: building both ends, directories for names not included.
//! - `memory_bytes`: what the kernel may hold for the connection, see [`Row::memory_bytes`].
//!
//! Every message carries its number at both ends and is checked; the first of each slice are checked in every byte. A
//! message lost, repeated or torn fails the row.
//!
//! # Floors
//!
//! `cacheline_cas` and `cacheline_store` (two cores handing over a cache line, spinning), `futex` (two processes putting
//! each other to sleep), `futex_awake` (the same while an idle-priority spinner on each core keeps it from sleeping: the
//! difference is the price of waking a core), `sched_yield` (switching between two processes), `null_syscall`, `memcpy`.
//!
//! `ratio_to_floor` holds a row against what it cannot beat in its own class: a blocking round trip against `futex` at the
//! same placement, a spinning one against the faster cache-line floor, a stream against one copy of the message (and, if it
//! blocks, one system call) on two cores and two of each on one. Other rows have none.
//!
//! # Adding a mechanism
//!
//! One more file in `mechanisms/` with its registration and two constructors, and its lines in `mechanisms/mod.rs`. What a
//! mechanism cannot do (sizes, workloads, placements) is stated in the registration, and the rest follows.
#![deny(unsafe_code)]

mod clock;
mod control;
mod count;
mod environment;
mod floors;
mod groups;
mod interleave;
mod link;
mod mechanisms;
mod memory;
mod payload;
mod peer;
mod pids;
mod placement;
mod plan;
mod raw;
mod registry;
mod results;
mod run;
mod summary;
mod supervise;
mod tally;
mod traced;
mod workload;

pub use environment::steal;
pub use link::{Ends, Link};
pub use peer::Role;
pub use placement::{Cores, Placement, Seats, pin};
pub use plan::{Effort, Plan};
pub use registry::{Connect, Implementation, Mechanism, Waiting, find, floors, mechanisms};
pub use results::{Environment, Percentiles, Results, Row, RowError};
pub use run::{Progress, run};
pub use supervise::{Failure, Pair, Watch, build};
pub use tally::{median, quantile, spread};
pub use workload::{Report, Slice, Usage, Workload};
