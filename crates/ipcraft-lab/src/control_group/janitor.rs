//! A process that removes a control group when its user has finished or has died.

use std::os::fd::AsFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, io};

use ipcraft::Pid;
use ipcraft::pipe;
use ipcraft::process::PidFd;
use ipcraft::signal::Signal;
use ipcraft_step::Child;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::SigSet;
use nix::unistd::setsid;

use super::{CONTROL, write};
use crate::machine::{failed, io_failed};

/// The time for a process that was killed to leave its group.
const MAX_TIME: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);
/// The time for an answer of the janitor on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The janitor. When this is dropped, it removes the group and ends.
#[derive(Debug)]
pub(super) struct Janitor {
    process: Child,
    requests: pipe::Writer,
    answers: pipe::Reader,
}

impl Janitor {
    /// Starts the process, which makes the group. If the group above has to pass a controller on,
    /// `above` names both; the janitor takes that back.
    pub(super) fn start(group: &Path, above: Option<(&Path, &str)>) -> Result<Janitor, String> {
        Janitor::try_start(group, above).map_err(|error| format!("janitor of a control group: {error}"))?
    }

    fn try_start(
        group: &Path,
        above: Option<(&Path, &str)>,
    ) -> Result<Result<Janitor, String>, ipcraft::Error> {
        let user = PidFd::current()?;
        let (request, requests) = pipe::pipe()?;
        let (answers, answer) = pipe::pipe()?;
        let process = Child::try_start(|| {
            let work = Work { group, above };
            work.serve(&user, &request, &answer);
        });
        let process = match process {
            Ok(process) => process,
            Err(errno) => return Ok(Err(failed("fork(2)", errno))),
        };
        // The end of the janitor ends the answers.
        drop(answer);
        let mut errno = [0; 4];
        answers.read_exact_timeout(&mut errno, PATIENCE)?;
        Ok(match i32::from_ne_bytes(errno) {
            0 => Ok(Janitor { process, requests, answers }),
            errno => {
                let error = io::Error::from_raw_os_error(errno);
                Err(io_failed(&format!("mkdir(2): {}", group.display()), &error))
            }
        })
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // It ends when the group is removed. If it was killed, the pipe reports that.
        if !self.process.has_ended() && self.requests.write_all_timeout(b"!", PATIENCE).is_ok() {
            let _ = self.answers.read_exact_timeout(&mut [0], MAX_TIME + PATIENCE);
        }
    }
}

/// What the janitor process does.
struct Work<'a> {
    group: &'a Path,
    above: Option<(&'a Path, &'a str)>,
}

impl Work<'_> {
    fn serve(&self, user: &PidFd, request: &pipe::Reader, answer: &pipe::Writer) {
        // It must outlive its parent, and what ends a whole terminal or group of processes.
        let detached = prctl::set_pdeathsig(None).and_then(|()| SigSet::all().thread_block());
        let _ = setsid();
        let made = match detached {
            Ok(()) => fs::create_dir(self.group).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO)),
            Err(errno) => Err(errno as i32),
        };
        let _ = answer.write_all(&made.err().unwrap_or(0).to_ne_bytes());
        if made.is_ok() {
            wait_for_end(user, request);
            remove(self.group);
            if let Some((above, controller)) = self.above {
                // Refused while the group of another process needs it.
                let _ = write(above, CONTROL, &format!("-{controller}"));
            }
        }
    }
}

/// Blocks until the user has died, or has finished with the group.
fn wait_for_end(user: &PidFd, request: &pipe::Reader) {
    let mut fds =
        [PollFd::new(user.as_fd(), PollFlags::POLLIN), PollFd::new(request.as_fd(), PollFlags::POLLIN)];
    while poll(&mut fds, PollTimeout::NONE).is_err_and(|errno| errno == nix::Error::EINTR) {}
}

/// Kills what is left in the group, and removes it.
fn remove(group: &Path) {
    let deadline = Instant::now() + MAX_TIME;
    while !try_remove(group) && Instant::now() < deadline {
        sleep(POLL);
    }
}

/// Returns whether the group is gone.
fn try_remove(group: &Path) -> bool {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    for entry in below {
        try_remove(&entry.path());
    }
    for (file, text) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
        let path = group.join(file);
        // A process of a frozen group of version 1 does not die.
        if path.exists() {
            let _ = fs::write(path, text);
        }
    }
    kill_members(group);
    match fs::remove_dir(group) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn kill_members(group: &Path) {
    for pid in members(group) {
        let Ok(process) = PidFd::open(pid) else { continue };
        // An id that was free in between can belong to another process by now.
        if members(group).contains(&pid) {
            let _ = process.send_signal(Signal::KILL);
        }
    }
}

/// Returns the processes of a group. A threaded group lists its threads only.
fn members(group: &Path) -> Vec<Pid> {
    let read = |file: &str| fs::read_to_string(group.join(file));
    let list = read(super::PROCESSES).or_else(|_| read("cgroup.threads")).unwrap_or_default();
    list.lines().filter_map(|line| line.parse::<i32>().ok()?.try_into().ok()).collect()
}
