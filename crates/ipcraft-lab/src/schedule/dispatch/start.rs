//! Starting the job processes and the device.

use std::time::Duration;

use ipcraft::event::EventFd;
use ipcraft::pipe;
use ipcraft_bench::pin;
use ipcraft_step::Child;

use super::board::Board;
use super::device::{Device, answer_pipes};
use super::job::{self, Role};
use super::process::Process;
use super::{CorePair, Options, RunError, Scale, Way, priorities};
use crate::schedule::job::Job;
use crate::sys::LinuxPolicy;

/// On one core the dispatcher must come before its jobs: they run at the lowest weight.
const SAME_CORE: LinuxPolicy = LinuxPolicy::Other { nice: 19, slice: None };

/// The processes of a run. They are killed when this is dropped.
pub(super) struct Crew<'a> {
    pub(super) processes: Vec<Process<'a>>,
    pub(super) device: Option<Device>,
}

/// Starts all processes. Each job is stopped when this returns.
pub(super) fn start<'a>(
    jobs: &[Job],
    board: &'a Board,
    bell: &EventFd,
    options: &Options,
    scale: Scale,
    cores: CorePair,
) -> Result<Crew<'a>, RunError> {
    let mut processes = Vec::with_capacity(jobs.len());
    let (readers, answers) = answer_pipes(jobs)?;
    for ((id, job), answers) in jobs.iter().enumerate().zip(readers) {
        let desk = board.desk(id);
        let role = Role { desk, bursts: &job.bursts, scale, way: options.way, bell, answers, device: None };
        let child = Child::try_start(|| {
            pin(cores.jobs);
            if options.way == Way::Signals && cores.jobs == cores.dispatcher {
                let _ = SAME_CORE.set_own();
            }
            job::play(&role);
        })?;
        processes.push(Process::new(id, child, desk)?);
    }
    let device = start_device(board, bell, &answers, options, cores)?;
    for process in &processes {
        process.pidfd.wait_stopped().map_err(|error| RunError::Failed(format!("a job: {error}")))?;
        if options.way == Way::Priorities {
            priorities::suspend(process);
        }
    }
    Ok(Crew { processes, device })
}

fn start_device(
    board: &Board,
    bell: &EventFd,
    answers: &[Option<pipe::Writer>],
    options: &Options,
    cores: CorePair,
) -> Result<Option<Device>, RunError> {
    if answers.iter().all(Option::is_none) {
        return Ok(None);
    }
    let setup = || {
        pin(cores.dispatcher);
        precise_timers();
        if options.way == Way::Priorities {
            let _ = priorities::become_dispatcher();
        }
    };
    Ok(Some(Device::start(board, bell, answers, setup)?))
}

/// Timers of the calling thread end on time, and not up to 50 us later.
pub(crate) fn precise_timers() {
    let _ = nix::sys::prctl::set_timerslack(1);
}

/// The pause of a dispatcher that has nothing to wait for but a process that was stopped by others.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(20);
