//! A device: a process that answers requests for I/O after their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::event::EventFd;
use ipcraft::pipe;
use ipcraft::process::PidFd;
use ipcraft::signal::Signal;
use ipcraft_step::Child;

use super::RunError;
use super::board::{Board, Word};
use crate::schedule::job::{Burst, Job};
use crate::schedule::record::monotonic_ns;

/// The ends of a pipe for each job that has I/O.
pub(in super::super) type AnswerPipes = (Vec<Option<pipe::Reader>>, Vec<Option<pipe::Writer>>);

/// Makes the pipes by which the device answers.
pub(in super::super) fn answer_pipes(jobs: &[Job]) -> Result<AnswerPipes, RunError> {
    let mut pipes = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    for job in jobs {
        let has_io = job.bursts.iter().any(|burst| matches!(burst, Burst::Io(_)));
        let (reader, writer) = has_io.then(pipe::pipe).transpose()?.unzip();
        pipes.0.push(reader);
        pipes.1.push(writer);
    }
    Ok(pipes)
}

/// The device, and the pipe by which it takes requests.
#[derive(Debug)]
pub(in super::super) struct Device {
    requests: pipe::Writer,
    process: Child,
    pidfd: PidFd,
}

impl Device {
    /// Starts the process, which runs `setup` first.
    pub(in super::super) fn start(
        board: &Board,
        bell: &EventFd,
        answers: &[Option<pipe::Writer>],
        setup: impl FnOnce(),
    ) -> Result<Device, ipcraft::Error> {
        let (requests, writer) = pipe::pipe()?;
        let process = Child::start(|| {
            setup();
            serve(&requests, board, bell, answers);
        });
        let pidfd = PidFd::open(process.id())?;
        Ok(Device { requests: writer, process, pidfd })
    }

    /// Continues the device, if another process has stopped it.
    ///
    /// # Errors
    ///
    /// [`RunError::Failed`] if it was killed.
    pub(in super::super) fn check(&self) -> Result<(), RunError> {
        if self.process.has_ended() {
            return Err(RunError::Failed("the device process was killed".into()));
        }
        if self.pidfd.try_wait_stopped().is_ok() {
            self.pidfd.send_signal(Signal::CONT)?;
        }
        Ok(())
    }

    /// Requests an answer to a job at a point of the monotonic clock.
    pub(in super::super) fn answer_at(&self, job: usize, at_ns: u64) -> Result<(), RunError> {
        let mut request = [0; 16];
        request[..8].copy_from_slice(&(job as u64).to_ne_bytes());
        request[8..].copy_from_slice(&at_ns.to_ne_bytes());
        self.requests.write_all(&request).map_err(|error| RunError::Failed(format!("the device: {error}")))
    }
}

fn serve(requests: &pipe::Reader, board: &Board, bell: &EventFd, answers: &[Option<pipe::Writer>]) {
    let mut pending: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    loop {
        let now = monotonic_ns();
        while let Some(&Reverse((at, job))) = pending.peek().filter(|Reverse((at, _))| *at <= now) {
            let _ = at;
            pending.pop();
            answer(job, board, bell, answers);
        }
        let wait = pending.peek().map(|Reverse((at, _))| Duration::from_nanos(at.saturating_sub(now)));
        let mut request = [0; 16];
        let read = match wait {
            Some(wait) => requests.read_exact_timeout(&mut request, wait),
            None => requests.read_exact(&mut request),
        };
        match read {
            Ok(()) => pending.push(Reverse(parse(request))),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            // The dispatcher has ended.
            Err(_) => return,
        }
    }
}

fn parse(request: [u8; 16]) -> (u64, usize) {
    let number = |part: &[u8]| u64::from_ne_bytes(part.try_into().expect("eight bytes"));
    (number(&request[8..]), number(&request[..8]) as usize)
}

/// A job that was killed has no reader any more; the dispatcher knows of its end otherwise.
fn answer(job: usize, board: &Board, bell: &EventFd, answers: &[Option<pipe::Writer>]) {
    if let Some(writer) = &answers[job] {
        let _ = writer.write_all(b"!");
    }
    board.desk(job).set(Word::Answered, 1);
    let _ = bell.add(1);
}
