//! One thread of three keeps the CPU or blocks: what the others do meanwhile.

use std::io::{ErrorKind, PipeReader, Read, Write, pipe};
use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft_step::Shared;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::{Level, Turn, one_core, run};
use crate::Error;
use crate::worker::Team;

const THREADS: usize = 3;
/// The time for which nothing arrives in the pipe.
const SILENCE: Duration = Duration::from_millis(50);
/// The CPU time that the thread which never yields takes: many time slices.
const HOG: Duration = Duration::from_millis(60);
const MAX_TIME: Duration = Duration::from_secs(30);

// Words of shared memory.
const TURNS: usize = 0;
const STARTED: usize = 1;
const BLOCKED: usize = 2;
const STOP: usize = 3;
const RESULT: usize = 4;

/// How a thread waits for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A user-level thread calls read(2), which blocks.
    UserBlocking,
    /// A user-level thread calls read(2) without blocking, and suspends itself while there is no
    /// data.
    UserNonBlocking,
    /// A kernel-level thread calls read(2), which blocks.
    KernelBlocking,
}

impl Way {
    /// All ways.
    pub const ALL: [Way; 3] = [Way::UserBlocking, Way::UserNonBlocking, Way::KernelBlocking];

    fn level(self) -> Level {
        if self == Way::KernelBlocking { Level::Kernel } else { Level::User }
    }
}

/// What two threads did while the third one blocked or computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// What ran the threads.
    pub level: Level,
    /// How the third one waited; null if it computed.
    pub way: Option<Way>,
    /// How long, in microseconds.
    pub us: u64,
    /// The turns of the two others meanwhile.
    pub turns_of_others: u64,
}

/// Lets one of three threads read from a pipe that stays empty for 50 ms.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn blocked(way: Way) -> Result<Blocked, Error> {
    let shared = Shared::new()?;
    let (reader, mut writer) = pipe().map_err(errno)?;
    let team = Team::start(&shared, one_core()?, &[0], &|_, desk| {
        let Ok(reader) = reader.try_clone() else { return };
        let words = shared.clone();
        run(way.level(), THREADS, move |thread, turn| {
            beside(&words, thread, turn, || read(&reader, way, turn, &words));
        });
        desk.report(0, 1);
    })?;
    let is_blocked = || shared.words()[BLOCKED].load(SeqCst) == 1;
    let deadline = Instant::now() + MAX_TIME;
    team.wait(|_| is_blocked() || Instant::now() > deadline);
    thread::sleep(SILENCE);
    writer.write_all(b"x").map_err(errno)?;
    finish(&team, &shared, way.level(), Some(way))
}

/// Lets one of three threads compute for 60 ms without suspending itself.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn hogged(level: Level) -> Result<Blocked, Error> {
    let shared = Shared::new()?;
    let team = Team::start(&shared, one_core()?, &[0], &|_, desk| {
        let words = shared.clone();
        run(level, THREADS, move |thread, turn| {
            beside(&words, thread, turn, || {
                let start = cpu_time();
                while cpu_time() - start < HOG {
                    std::hint::spin_loop();
                }
            });
        });
        desk.report(0, 1);
    })?;
    finish(&team, &shared, level, None)
}

/// Runs the first thread's part, and counts the turns of the others meanwhile.
fn beside(shared: &Shared, thread: usize, turn: &Turn<'_>, part: impl Fn()) {
    let word = |index: usize| -> &AtomicU64 { &shared.words()[index] };
    word(STARTED).fetch_add(1, Relaxed);
    if thread == 0 {
        turn.wait(|| word(STARTED).load(Relaxed) == THREADS as u64);
        let (before, start) = (word(TURNS).load(Relaxed), Instant::now());
        part();
        word(RESULT).store(word(TURNS).load(Relaxed) - before, Relaxed);
        word(RESULT + 1).store(start.elapsed().as_micros() as u64, Relaxed);
        word(STOP).store(1, SeqCst);
    }
    while word(STOP).load(SeqCst) == 0 {
        word(TURNS).fetch_add(1, Relaxed);
        turn.end();
    }
}

fn read(mut reader: &PipeReader, way: Way, turn: &Turn<'_>, shared: &Shared) {
    if way == Way::UserNonBlocking {
        let _ = fcntl(reader.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    }
    shared.words()[BLOCKED].store(1, SeqCst);
    while reader.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
        turn.end();
    }
}

fn finish(team: &Team, shared: &Shared, level: Level, way: Option<Way>) -> Result<Blocked, Error> {
    if !team.ends_within(MAX_TIME) || team.desk(0).figure(0) != 1 {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let figure = |index: usize| shared.words()[index].load(SeqCst);
    Ok(Blocked { level, way, us: figure(RESULT + 1), turns_of_others: figure(RESULT) })
}

/// The CPU time of the calling kernel thread.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(HOG, Duration::from)
}

fn errno(error: std::io::Error) -> Error {
    Error::Failed(nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}
