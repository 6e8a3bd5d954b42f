//! The measuring engine: every mechanism between two real processes on this machine, beside its
//! baseline on libc and the limits of the machine.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use std::time::Duration;
//!
//! use ipcraft_bench::{Implementation, Plan, Preset, find, run};
//!
//! let plan = Plan {
//!     mechanisms: find("tcp").into_iter().collect(),
//!     budget: Duration::from_millis(300),
//!     ..Plan::new(Preset::Quick)
//! };
//! let stop = AtomicBool::new(false);
//! let results = run(&plan, &stop, &mut |progress| println!("{}", progress.label));
//! for row in results.results.iter().filter(|row| row.implementation == Implementation::Ipcraft) {
//!     assert_eq!(row.mechanism, "tcp");
//!     assert!(row.messages_per_s > Some(0.0));
//! }
//! ```
//!
//! # How a figure is measured
//!
//! The supervising process builds a **connection** of a mechanism and forks two peers. The *client*
//! sends requests or sends one way; the *server* replies or receives. Each is pinned to its core
//! and keeps only its own endpoint. The supervisor takes no part in the traffic. It requests work,
//! waits for reports, and kills both peers if one of them dies, is silent, receives a wrong
//! message, or if the run is cancelled.
//!
//! A **slice** is one or two milliseconds of one workload at one size, after a warm-up. The slices
//! of the library and of the **baseline** alternate, A B B A. The baseline is the same program
//! written directly on libc. Both meet the same machine, since it has no time to change. A channel
//! has no equal on libc: its baseline is a naive ring, which neither checks nor recovers, and
//! `equal_baseline` is false.
//!
//! All slices are repeated in several **launches** of fresh processes: 5 to 11, as the budget
//! allows, and at least 3 if the machine is too busy for more. Each launch runs all mechanisms, so
//! that a drift of the machine meets all of them alike, and each begins with another one. When a
//! run is stopped, the finished launches remain.
//!
//! # Estimates
//!
//! Disturbances lengthen slices or whole launches. A time (`time_ns`) is therefore the **lower
//! quartile** over the slices of each launch, and over the launches the lower quartile of these. It
//! stays the same as long as a quarter of the launches, and in them a quarter of the slices, is
//! undisturbed. A ratio (`ratio_to_baseline`, `ratio_to_plain`) is the **median** over the
//! launches. In each launch it is the ratio of the two lower quartiles.
//!
//! Each estimate has an **interval**, in which another run under the same conditions finds it in
//! nine of ten cases. Its ends are launches: the innermost ones beyond which the estimate of
//! another run of as many launches lies with a probability of at most 5 % each. The probability
//! does not depend on the distribution of the times. If there are too few launches for that, the
//! interval extends as far again beyond the outermost one. It reaches at least 2 % to either side,
//! and nothing follows from fewer than 3 launches: there it is wide. If the ends of the
//! interval of `time_ns` differ by more than 50 %, the row is *noisy*.
//!
//! # Distance
//!
//! The time of a round trip between two cores depends on what they share. A hypervisor may even
//! move virtual cores between launches. So the hand-over of a cache line is measured before and
//! after each launch on two cores. Above 400 ns there and back the cores are *apart*, and otherwise
//! *near*. Threads of one core take 120 to 150 ns, cores with a common cache 240 to 300 ns, and
//! cores without one 520 ns and more.
//!
//! Launches of different distances are in different rows. A launch in which the distance changed is
//! repeated once, and dropped with a note if it changed again. `ratio_to_limit` refers to the limit
//! at the same distance. [`heat_maps`] measures every pair of cores.
//!
//! Absolute times of different runs must not be compared: on shared machines they drift by a third.
//!
//! # Terms
//!
//! - `round_trip`: a message there and one of the same size back. Percentiles are over single round
//!   trips. Below a microsecond they are over batches of 100, with single round trips beside them.
//!   In `messages_per_s`, `cpu_ns_per_message` and `switches_per_message` one *message* is one
//!   round trip.
//! - `stream`: one way, as fast as the receiver accepts. It is timed at the receiver, in the middle
//!   of a longer stream, so that filling and draining the kernel's buffers does not count.
//!   Acknowledgements limit TCP and UDP. A stream has a rate but no percentiles.
//! - `rate`: 1000 messages a second. The receiver times each one from when it was due, so queueing
//!   is included.
//! - `uncontended`: one process locks and unlocks; that is one *message*. It has no placement.
//! - `contended`: two processes do so with the same lock for the same time. The time is divided by
//!   the operations of both. It has a rate but no percentiles. Locks are also compared to a plain
//!   pthread mutex, in `ratio_to_plain`.
//! - `two_cores`, `same_core`: where the two processes run.
//! - `block`, `spin`, `adaptive`: how a receiver waits.
//! - CPU time and context switches (voluntary and involuntary) are those of both processes
//!   together.
//! - System calls are counted under `ptrace(2)`, in processes in which nothing is timed, as the
//!   difference between two slices of different length.
//! - `setup_us`: building both endpoints, without the directories for names.
//! - `memory_bytes`: what the kernel may hold for the connection, see [`Row::memory_bytes`].
//!
//! Every message carries its number at both ends and is checked. The first ones of each slice are
//! checked in every byte. A lost, repeated or torn message fails the row.
//!
//! # Limits
//!
//! `cacheline_cas` and `cacheline_store` hand over a cache line between two spinning cores. In
//! `futex` two processes block and wake each other. `futex_awake` is the same while an
//! idle-priority spinner keeps each core awake: the difference is the price of waking a core.
//! `sched_yield` switches between two processes. `null_syscall` and `memcpy` are what their names
//! mean. In `memcpy_two_cores` one process copies into shared memory and another one out of it,
//! with two buffers in turns: the work of a channel that copies, without the channel.
//!
//! `ratio_to_limit` compares a row with the limit of its class. That is `futex` at the same
//! placement for a blocking round trip, and the faster cache-line limit for a spinning one. For a
//! stream on two cores it is one copy of the message and, if it blocks, one system call. On one
//! core it is two of each. Other rows have none.
//!
//! # Structure
//!
//! [`run`] goes down once and up once: a [`Plan`] is expanded into scenarios, the scenarios are
//! scheduled by launch, samples are taken from a [`Pair`] of processes, and the samples are
//! summarised as [`Row`]s. A program that measures something else starts its own processes by a
//! [`Launcher`] and shares the [`Session`].
//!
//! # Adding a mechanism
//!
//! Add a file to `mechanisms/` with the registration and two constructors, and its line in
//! `catalog.rs`. The registration states the sizes, workloads and placements that the mechanism
//! supports.
#![deny(unsafe_code)]

#[cfg(test)]
mod alone;
mod baseline;
mod catalog;
mod clock;
mod engine;
mod environment;
mod heat_map;
mod limits;
mod link;
mod mechanism;
mod mechanisms;
mod placement;
mod probe;
mod process;
mod results;
mod workload;

pub use catalog::{find, limits, mechanisms};
pub use engine::{LaunchTimes, Plan, Preset, Progress, median, median_over_launches, quantile, run};
pub use environment::steal;
pub use heat_map::heat_maps;
pub use link::{Endpoints, Link, Resources, Role};
pub use mechanism::{Connect, Implementation, Mechanism, Promise, Waiting};
pub use placement::{Cores, CpuPair, Placement, pin};
pub use probe::Probe;
pub use process::{
    CancelToken, Control, Exec, Failure, Launcher, Pair, Part, Process, Session, build, catch_failure,
    exit_with_parent,
};
pub use results::{
    Description, Distance, Environment, Estimate, HandOver, HeatMap, Launch, LaunchFigures, Percentiles,
    Results, Row, RowError, SCHEMA, Topology,
};
pub use workload::{Report, Slice, Usage, Workload};
