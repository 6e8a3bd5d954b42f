//! The dispatcher: the same loop as the ideal one, over real processes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ipcraft::event::EventFd;
use ipcraft_bench::pin;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::board::{Board, State, Word};
use super::process::Process;
use super::start::{self, CHECK_INTERVAL, Crew};
use super::{Clock, CorePair, MAX_SILENCE, Options, Run, RunError, Scale, Way, priorities, report, signals};
use crate::schedule::job::Job;
use crate::schedule::policy::{Choice, Id, Policy, Stopped};
use crate::schedule::ready::ReadyList;
use crate::schedule::record::monotonic_ns;
use crate::schedule::time::{GRACE, Time};
use crate::schedule::timeline::{Dispatch, Segment, Timeline, What, Why};

/// Runs the jobs. The calling thread becomes the dispatcher.
pub(super) fn run(
    jobs: &[Job],
    policy: &mut dyn Policy,
    options: &Options,
    scale: Scale,
    cores: CorePair,
) -> Result<Run, RunError> {
    let board = Board::new(jobs.len())?;
    let bell = EventFd::new(0)?;
    let by_priority = options.way == Way::Priorities;
    let cores = CorePair { dispatcher: if by_priority { cores.jobs } else { cores.dispatcher }, ..cores };
    pin(cores.dispatcher);
    start::precise_timers();
    let crew = start::start(jobs, &board, &bell, options, scale, cores)?;
    if by_priority {
        priorities::become_dispatcher()?;
    }
    let mut engine = Engine::new(jobs, policy, options, scale, &bell, crew);
    while engine.step()? {}
    let outcome = engine.finish();
    Ok(report::report(jobs, outcome, &board, options, scale, cores))
}

/// What the dispatcher knows at the end.
pub(super) struct Outcome<'a> {
    pub(super) timeline: Timeline,
    pub(super) processes: Vec<Process<'a>>,
    pub(super) start_ns: u64,
    pub(super) interferences: u64,
}

struct Running {
    choice: Choice,
    /// What the job had used when it was picked.
    used: Time,
    is_resumed: bool,
    /// When its CPU time was last seen to have grown, and that time.
    seen: (Instant, u64),
}

struct Engine<'a> {
    list: ReadyList<'a>,
    crew: Crew<'a>,
    /// Arrivals, and under the service clock the ends of I/O, the earliest first.
    events: BinaryHeap<Reverse<(Time, Id)>>,
    /// When each job that is blocked began to be.
    blocked: Vec<Option<Time>>,
    running: Option<Running>,
    /// The time by which the policy decides.
    now: Time,
    /// The time on the timeline: under the service clock, as the CPU clocks measured it.
    measured: Time,
    start_ns: u64,
    timeline: Timeline,
    options: &'a Options,
    scale: Scale,
    bell: &'a EventFd,
    interferences: u64,
}

impl<'a> Engine<'a> {
    fn new(
        jobs: &[Job],
        policy: &'a mut dyn Policy,
        options: &'a Options,
        scale: Scale,
        bell: &'a EventFd,
        crew: Crew<'a>,
    ) -> Engine<'a> {
        for process in &crew.processes {
            process.desk.set(Word::Limit, u64::MAX);
        }
        Engine {
            list: ReadyList::new(jobs, policy),
            crew,
            events: jobs.iter().enumerate().map(|(id, job)| Reverse((job.arrival, id))).collect(),
            blocked: vec![None; jobs.len()],
            running: None,
            now: Time::ZERO,
            measured: Time::ZERO,
            start_ns: monotonic_ns(),
            timeline: Timeline::new(jobs.len()),
            options,
            scale,
            bell,
            interferences: 0,
        }
    }

    fn finish(self) -> Outcome<'a> {
        Outcome {
            timeline: self.timeline,
            processes: self.crew.processes,
            start_ns: self.start_ns,
            interferences: self.interferences,
        }
    }

    /// Handles this moment, then waits for the next. Returns whether there is one.
    fn step(&mut self) -> Result<bool, RunError> {
        self.deliver()?;
        self.stop()?;
        if self.running.is_none() {
            self.dispatch();
        }
        let is_over = self.running.is_none()
            && self.events.is_empty()
            && self.list.ready().is_empty()
            && self.blocked.iter().all(Option::is_none);
        if is_over {
            return Ok(false);
        }
        match (self.options.clock, &self.running) {
            (Clock::Service, Some(_)) => self.serve()?,
            (Clock::Service, None) => self.idle(),
            (Clock::Wall, _) => self.wait_on_wall_clock()?,
        }
        Ok(true)
    }

    /// Lets jobs arrive that are ready by now.
    fn deliver(&mut self) -> Result<(), RunError> {
        while let Some(&Reverse((at, job))) = self.events.peek() {
            if at > self.now {
                break;
            }
            self.events.pop();
            if self.blocked[job].is_some() {
                self.answer_now(job)?;
            } else {
                self.list.arrive(job, self.now);
            }
        }
        if self.options.clock == Clock::Wall {
            for job in 0..self.blocked.len() {
                if self.blocked[job].is_some() && self.crew.processes[job].desk.get(Word::Answered) == 1 {
                    self.end_io(job);
                }
            }
        }
        Ok(())
    }

    /// Lets the device answer at the end of an I/O under the service clock.
    fn answer_now(&mut self, job: Id) -> Result<(), RunError> {
        if let Some(device) = &self.crew.device {
            device.answer_at(job, 0)?;
        }
        let start = Instant::now();
        while self.crew.processes[job].desk.get(Word::Answered) == 0 {
            if start.elapsed() > MAX_SILENCE {
                return Err(self.crew.processes[job].silent("an answer of the device"));
            }
            self.poll(CHECK_INTERVAL)?;
        }
        self.end_io(job);
        Ok(())
    }

    fn end_io(&mut self, job: Id) {
        self.crew.processes[job].desk.set(Word::Answered, 0);
        if let Some(from) = self.blocked[job].take() {
            self.timeline.push(Segment { job, from, to: self.measured, what: What::Blocked });
        }
        self.list.arrive(job, self.now);
    }

    /// Stops the running job if it has to.
    fn stop(&mut self) -> Result<(), RunError> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let (job, before, at_most) = (running.choice.job, running.used, running.choice.at_most);
        let time = self.used(job) - before;
        let reported = self.reported(job);
        let why = match reported {
            Some(why) => why,
            None if at_most.is_some_and(|most| time >= most) && !self.is_nearly_done(job) => Stopped::Quantum,
            None if self.list.is_preempted(time) => Stopped::Preempted,
            None => return Ok(()),
        };
        self.suspend(job, why)?;
        // The job may have reported in the meantime.
        let why = self.reported(job).unwrap_or(why);
        self.running = None;
        if why == Stopped::Blocked {
            self.block(job)?;
        }
        if why == Stopped::Ended {
            self.end(job);
        }
        self.crew.processes[job].handle();
        self.list.stop(self.used(job) - before, why, self.now);
        Ok(())
    }

    /// Returns why the job cannot continue, if it has reported that or has ended.
    fn reported(&mut self, job: Id) -> Option<Stopped> {
        let process = &mut self.crew.processes[job];
        match process.state() {
            State::Ended => Some(Stopped::Ended),
            _ if process.has_ended() => Some(Stopped::Ended),
            State::Blocked => Some(Stopped::Blocked),
            State::Computing | State::Limit => None,
        }
    }

    fn suspend(&mut self, job: Id, why: Stopped) -> Result<(), RunError> {
        let process = &mut self.crew.processes[job];
        match (why, self.options.way) {
            (Stopped::Ended, _) => return Ok(()),
            (Stopped::Blocked, _) if !process.wait_blocked()? => return Ok(()),
            (_, Way::Priorities) => priorities::suspend(process),
            // Under the service clock it stops itself at its limit.
            (_, Way::Signals) if process.state() == State::Limit => signals::confirm(process)?,
            (_, Way::Signals) => signals::suspend(process)?,
        }
        Ok(())
    }

    /// Starts the I/O that a job asks for.
    fn block(&mut self, job: Id) -> Result<(), RunError> {
        let length = Time::from_ticks(self.crew.processes[job].desk.get(Word::Io));
        self.blocked[job] = Some(self.measured);
        match self.options.clock {
            Clock::Service => self.events.push(Reverse((self.now + length, job))),
            Clock::Wall => {
                if let Some(device) = &self.crew.device {
                    device.answer_at(job, self.start_ns + self.scale.ns(self.now + length))?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, job: Id) {
        let process = &mut self.crew.processes[job];
        if process.state() == State::Ended {
            process.finish();
            self.timeline.ends[job] = Some(self.measured);
        }
    }

    fn dispatch(&mut self) {
        while let Some(choice) = self.list.pick(self.now) {
            let job = choice.job;
            if self.crew.processes[job].has_ended() {
                // It was killed while it waited.
                self.list.stop(Time::ZERO, Stopped::Ended, self.now);
                continue;
            }
            let why = self.options.explained.then(|| Why::of(&self.list, job, self.now));
            self.timeline.dispatches.push(Dispatch { at: self.measured, job, why });
            self.running =
                Some(Running { choice, used: self.used(job), is_resumed: false, seen: (Instant::now(), 0) });
            return;
        }
    }

    /// What the job has used: under the service clock exact to its limits.
    fn used(&self, job: Id) -> Time {
        let process = &self.crew.processes[job];
        match self.options.clock {
            Clock::Service => self.scale.time(process.desk.get(Word::Reached)),
            Clock::Wall => self.scale.time(process.cpu_ns()),
        }
    }

    /// The grace: whether the end of the burst is too near to be dispatched again.
    fn is_nearly_done(&self, job: Id) -> bool {
        let process = &self.crew.processes[job];
        let left = process.desk.get(Word::BurstEnd).saturating_sub(process.cpu_ns());
        self.options.clock == Clock::Wall && left < self.scale.ns(GRACE)
    }

    /// Lets the running job continue until its quantum is over, another job becomes ready, or it
    /// reports: service clock.
    fn serve(&mut self) -> Result<(), RunError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let job = running.choice.job;
        let event = self.events.peek().map(|&Reverse((at, _))| at - self.now);
        // It may continue after a limit that was no end of its quantum.
        if self.crew.processes[job].state() == State::Limit {
            self.crew.processes[job].handle();
        }
        let process = &self.crew.processes[job];
        let (before, cpu_before) = (process.desk.get(Word::Reached), process.cpu_ns());
        let over = running.choice.at_most.map(|most| most - (self.scale.time(before) - running.used));
        let (limit, grace) = limit(event, over);
        let desk = process.desk;
        desk.set(Word::Grace, self.scale.ns(grace));
        desk.set(Word::Limit, limit.map_or(u64::MAX, |time| before + self.scale.ns(time)));
        self.resume(job);
        while self.crew.processes[job].state() == State::Computing && !self.crew.processes[job].has_ended() {
            self.poll(CHECK_INTERVAL)?;
            self.watch()?;
        }
        self.settle(job)?;
        let process = &self.crew.processes[job];
        self.now += self.scale.time(process.desk.get(Word::Reached) - before);
        let cpu = self.scale.time(process.cpu_ns().saturating_sub(cpu_before));
        let from = self.measured;
        self.measured += cpu;
        self.timeline.push(Segment { job, from, to: self.measured, what: What::Running });
        Ok(())
    }

    /// Confirms that a job which reported has left the core, so that its CPU clock stands. The time
    /// of a job that was killed is what its clock shows.
    fn settle(&mut self, job: Id) -> Result<(), RunError> {
        let process = &mut self.crew.processes[job];
        match process.state() {
            State::Limit if self.options.way == Way::Signals => signals::confirm(process)?,
            State::Computing => {
                let used = process.cpu_ns().max(process.desk.get(Word::Reached));
                process.desk.set(Word::Reached, used);
            }
            State::Ended => process.finish(),
            State::Limit | State::Blocked => {}
        }
        Ok(())
    }

    fn resume(&mut self, job: Id) {
        match self.options.way {
            Way::Signals => signals::resume(&self.crew.processes[job]),
            Way::Priorities => priorities::resume(&self.crew.processes[job]),
        }
        if let Some(running) = &mut self.running {
            running.is_resumed = true;
        }
    }

    /// Continues a running job that another process has stopped, and checks that it advances.
    fn watch(&mut self) -> Result<(), RunError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let process = &self.crew.processes[running.choice.job];
        if process.continue_if_stopped() {
            self.interferences += 1;
        }
        let cpu = process.cpu_ns();
        if cpu != running.seen.1 {
            running.seen = (Instant::now(), cpu);
        }
        if running.seen.0.elapsed() > MAX_SILENCE { Err(process.silent("to use its core")) } else { Ok(()) }
    }

    /// No job is ready: sleeps until one is, under the service clock.
    fn idle(&mut self) {
        if let Some(&Reverse((at, _))) = self.events.peek() {
            let pause = self.scale.ns(at - self.now);
            std::thread::sleep(Duration::from_nanos(pause));
            self.measured += at - self.now;
            self.now = at;
        }
    }

    /// Waits until an event, a report, or the end of the quantum.
    fn wait_on_wall_clock(&mut self) -> Result<(), RunError> {
        let mut timeout = CHECK_INTERVAL;
        if let Some(&Reverse((at, _))) = self.events.peek() {
            let due = self.start_ns + self.scale.ns(at);
            timeout = timeout.min(Duration::from_nanos(due.saturating_sub(monotonic_ns())));
        }
        let current = self.running.as_ref().map(|running| {
            let left =
                running.choice.at_most.map(|most| most - (self.used(running.choice.job) - running.used));
            (running.choice.job, running.is_resumed, left)
        });
        if let Some((job, is_resumed, left)) = current {
            if !is_resumed {
                self.resume(job);
            }
            if let Some(left) = left {
                timeout = timeout.min(Duration::from_nanos(self.scale.ns(left).max(MIN_WAIT_NS)));
            }
        }
        self.poll(timeout)?;
        self.watch()?;
        self.now = self.scale.time(monotonic_ns() - self.start_ns);
        self.measured = self.now;
        Ok(())
    }

    /// Blocks until a job reports or ends, the device answers, or the time is over.
    fn poll(&mut self, timeout: Duration) -> Result<(), RunError> {
        let living = self.crew.processes.iter().filter(|process| process.end().is_none());
        let fds = living.map(|process| process.pidfd.as_fd()).chain([self.bell.as_fd()]);
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match ppoll(&mut fds, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let _ = self.bell.try_take();
        if let Some(device) = &self.crew.device {
            device.check()?;
        }
        // Jobs that were killed while they waited.
        for process in &mut self.crew.processes {
            if process.desk.state() != State::Ended {
                process.has_ended();
            }
        }
        Ok(())
    }
}

/// The shortest wait for the end of a quantum, in nanoseconds. On one core the job runs only while
/// the dispatcher waits, so the time must exceed that of a wait by far.
const MIN_WAIT_NS: u64 = 100_000;

/// Returns for how long a job may run, and the grace at the end.
fn limit(event: Option<Time>, over: Option<Time>) -> (Option<Time>, Time) {
    match (event, over) {
        (Some(event), Some(over)) if event < over => (Some(event), Time::ZERO),
        (Some(event), Some(over)) => (Some(over), GRACE.min(event - over)),
        (None, Some(over)) => (Some(over), GRACE),
        (event, None) => (event, Time::ZERO),
    }
}
