//! Lost updates: two processes add to one counter.
//!
//! On one core an update is lost only if a process is preempted between its load and its store. On
//! two cores an addition that is one instruction loses updates, too: an instruction is not
//! interrupted in the middle, yet another core can act in the middle of it. That is why disabling
//! interrupts excludes nothing on several cores, and why the bus or the cache line has to be
//! locked.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use ipcraft_bench::Placement;
use ipcraft_step::Shared;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::Mode;
use nix::sys::uio::{pread, pwrite};
use serde::{Deserialize, Serialize};

use crate::instruction::Width;
use crate::variables::{Layout, Variables};
use crate::worker::{self, Team};
use crate::{Error, Skipped};

/// The additions of each process, on memory.
const ADDITIONS: u64 = 20_000_000;
/// The additions of each process, on a file: each is two system calls.
const FILE_ADDITIONS: u64 = 50_000;
/// A measurement takes milliseconds; a machine may be busy.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What two processes did to one counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Race {
    /// What they added to, and how.
    pub how: How,
    /// Where they ran.
    pub placement: Placement,
    /// The number of additions.
    pub expected: u64,
    /// The counter at the end.
    pub found: u64,
    /// How often a process was preempted.
    pub preemptions: u64,
    /// Where the file is, if they added to one.
    pub file: Option<String>,
}

impl Race {
    /// Returns the number of updates that were lost.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.found)
    }
}

/// How a process adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// To a word of shared memory.
    Memory(Width),
    /// To a number in a file: read it, write the next one.
    File,
    /// The same with a record lock around both.
    LockedFile,
}

impl How {
    /// All ways that this CPU has.
    pub fn all() -> Vec<How> {
        Width::ALL.iter().map(|&width| How::Memory(width)).chain([How::File, How::LockedFile]).collect()
    }

    /// Whether no update may be lost anywhere.
    pub fn is_exclusive(self) -> bool {
        matches!(self, How::Memory(Width::Locked) | How::LockedFile)
    }
}

/// Runs every way at every placement that this machine has.
///
/// # Errors
///
/// [`Error::Failed`] if processes cannot be started.
pub fn races() -> Result<(Vec<Race>, Vec<Skipped>), Error> {
    let (mut races, mut skipped) = (Vec::new(), Vec::new());
    for &placement in Placement::ALL {
        if worker::cpus(placement).is_none() {
            skipped.push(Skipped::new(format!("race on {}", placement.name()), "a second core"));
            continue;
        }
        for how in How::all() {
            races.push(race(how, placement)?);
        }
    }
    Ok((races, skipped))
}

/// Lets two processes add to one counter.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn race(how: How, placement: Placement) -> Result<Race, Error> {
    let cpus = worker::cpus(placement).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let (file, place) = unnamed_file()?;
    let additions = if let How::Memory(_) = how { ADDITIONS } else { FILE_ADDITIONS };
    let team = Team::start(&shared, cpus, &[0, 1], &|_, desk| {
        let done = match how {
            How::Memory(width) => add_to_memory(&shared, width, additions),
            How::File => add_to_file(&file, additions, false),
            How::LockedFile => add_to_file(&file, additions, true),
        };
        desk.report(0, done);
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let variables = Variables::new(&shared, Layout::OneLine);
    let found = match how {
        How::Memory(_) => variables.counter().load(std::sync::atomic::Ordering::Relaxed),
        How::File | How::LockedFile => read_number(&file)?,
    };
    Ok(Race {
        how,
        placement,
        expected: team.desk(0).figure(0) + team.desk(1).figure(0),
        found,
        preemptions: team.usage(0).1 + team.usage(1).1,
        file: (!matches!(how, How::Memory(_))).then_some(place),
    })
}

/// Returns a file without a name, and where it is. It ends with its last descriptor, so a kill
/// leaves nothing behind. It is in the directory for temporary files; in memory if that has no such
/// files.
fn unnamed_file() -> nix::Result<(OwnedFd, String)> {
    let directory = std::env::temp_dir();
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    match open(&directory, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(file) => Ok((file, format!("{} (O_TMPFILE)", directory.display()))),
        Err(_) => Ok((memfd_create(c"ipcraft-lab", MFdFlags::MFD_CLOEXEC)?, "memory (memfd)".into())),
    }
}

fn add_to_memory(shared: &Shared, width: Width, additions: u64) -> u64 {
    let counter = Variables::new(shared, Layout::OneLine).counter();
    for _ in 0..additions {
        width.add(counter);
    }
    additions
}

/// Returns the number of additions until the first error.
fn add_to_file(file: &impl AsFd, additions: u64, lock: bool) -> u64 {
    let add = || {
        if lock {
            record_lock(file, libc::F_WRLCK)?;
        }
        let number = read_number(file)?;
        pwrite(file, format!("{:>20}", number + 1).as_bytes(), 0)?;
        if lock {
            record_lock(file, libc::F_UNLCK)?;
        }
        nix::Result::Ok(())
    };
    (0..additions).take_while(|_| add().is_ok()).count() as u64
}

fn read_number(file: &impl AsFd) -> nix::Result<u64> {
    let mut digits = [0; 20];
    let count = pread(file, &mut digits, 0)?;
    let text = str::from_utf8(&digits[..count]).unwrap_or_default();
    Ok(text.trim().parse().unwrap_or(0))
}

/// Locks or unlocks the whole file for this process. The lock belongs to the process, so it works
/// although both processes share one open file.
fn record_lock(file: &impl AsFd, kind: libc::c_int) -> nix::Result<()> {
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_SETLKW(&lock)).map(drop)
}
