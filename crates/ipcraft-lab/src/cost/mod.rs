//! What processes, threads and coroutines cost: to create, to switch between, in memory; and how
//! many of them a machine permits.
//!
//! All cases are measured in turns, as `ipcraft bench` does it: a machine that becomes slower meets
//! all of them alike. A time is the lower quartile over the rounds, since a disturbance only
//! lengthens a sample. Its interval is the one in which another run finds it in nine of ten cases.
//! Every sample is taken in processes of its own, which end with this one.

mod capacity;
mod case;
mod creation;
mod limit;
mod memory;
mod proc_file;
mod ring;
mod room;

use std::thread;
use std::time::Duration;

use ipcraft_bench::{Estimate, LaunchTimes, Placement, median_over_launches};
use serde::{Deserialize, Serialize};

use crate::{Error, Skipped};

pub use capacity::{Capacity, MAX_UNITS, capacity};
pub use case::{Case, What, cases};
pub use creation::Creation;
pub use limit::{Limit, LimitName};
pub use memory::{Memory, memory};
pub(crate) use ring::KERNEL_SWITCHES;

/// What runs code: the four units that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A coroutine without a stack.
    Future,
    /// A coroutine with a stack: a user-level thread.
    Coroutine,
    /// A kernel-level thread.
    Thread,
    /// A process.
    Process,
}

impl Unit {
    /// All units, from the lightest one.
    pub const ALL: [Unit; 4] = [Unit::Future, Unit::Coroutine, Unit::Thread, Unit::Process];
}

/// The time of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub case: Case,
    /// Nanoseconds: the lower quartile of the samples. Null if none could be taken.
    pub ns: Option<Estimate>,
    /// The median of the samples, with its interval.
    pub median_ns: Option<Estimate>,
    /// The number of samples.
    pub samples: usize,
    /// The limit that kept the case from being measured.
    pub stopped_by: Option<Limit>,
}

/// What everything costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Switches and creations.
    pub times: Vec<Measured>,
    /// The memory of one unit.
    pub memory: Vec<Memory>,
    /// How many units there can be.
    pub capacity: Vec<Capacity>,
}

/// The rounds in which every case is measured once.
const ROUNDS: usize = 7;
/// The rounds of a case that takes seconds.
const ROUNDS_OF_LARGE: usize = 3;
/// A ring of more members takes seconds.
const LARGE: usize = 1000;

/// Measures everything. Calls `progress` before each part, with its name.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes a minute.
pub fn costs(progress: &mut dyn FnMut(&str)) -> Result<(Costs, Vec<Skipped>), Error> {
    let two_cores = crate::worker::cpus(Placement::TwoCores).is_some();
    progress("switches and creations");
    let times = measure(&cases(two_cores), ROUNDS)?;
    progress("memory");
    let (mut of_units, mut skipped) = (Vec::new(), Vec::new());
    for unit in Unit::ALL {
        match memory(unit)? {
            Ok(memory) => of_units.push(memory),
            Err(limit) => {
                let needs = format!("a higher {} than {}", limit.name.text(), limit.value);
                skipped.push(Skipped::new(format!("memory of a {unit:?}").to_lowercase(), needs));
            }
        }
    }
    progress("how many");
    let capacity = Unit::ALL.into_iter().map(capacity).collect::<Result<_, _>>()?;
    Ok((Costs { times, memory: of_units, capacity }, skipped))
}

/// Measures the cases in turns. Each round begins with another one.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes a minute.
pub fn measure(cases: &[Case], rounds: usize) -> Result<Vec<Measured>, Error> {
    let mut times = vec![LaunchTimes::default(); cases.len()];
    let mut stopped = vec![None; cases.len()];
    for round in 0..rounds {
        for turn in 0..cases.len() {
            let index = (turn + round) % cases.len();
            let case = &cases[index];
            if stopped[index].is_some() || (case.members > LARGE && round >= ROUNDS_OF_LARGE) {
                continue;
            }
            let mut sample = case.sample()?;
            if sample.is_err() {
                // The tasks of the sample before may still be ending.
                thread::sleep(Duration::from_millis(200));
                sample = case.sample()?;
            }
            match sample {
                Ok(ns) => {
                    times[index].begin_launch();
                    times[index].record(ns);
                }
                Err(limit) => stopped[index] = Some(limit),
            }
        }
    }
    let all = cases.iter().zip(times).zip(stopped);
    Ok(all
        .map(|((&case, times), stopped_by)| Measured {
            case,
            ns: times.time(),
            median_ns: median_over_launches(times.launch_medians()),
            samples: times.slices(),
            stopped_by,
        })
        .collect())
}

/// Returns the error number of a failed call of the standard library.
fn errno(error: &std::io::Error) -> nix::Error {
    nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}
