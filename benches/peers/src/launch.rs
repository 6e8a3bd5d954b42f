//! The processes of one competitor, supervised from outside, so that no fault of it can block the
//! run.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::thread;

use ipcraft_bench::{CancelToken, CpuPair, Exec, Failure, Part, Role, Session};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::competitor::{Competitor, Layout, Scenario};
use crate::harness::Assignment;
use crate::scratch::{Owner, Scratch};
use crate::work::{Report, Slice, Task};

/// One competitor's processes. Dropping it ends them and removes their files.
pub(crate) struct Launch {
    session: Session,
    layout: Layout,
    /// Removed after all processes have ended.
    _scratch: Owner,
}

impl Launch {
    /// Starts the processes and waits until the connection is established.
    pub(crate) fn start(
        scenario: &Scenario,
        competitor: &Competitor,
        cpus: CpuPair,
        cancel: CancelToken<'_>,
    ) -> Result<Launch, Failure> {
        let scratch = Owner::new()?;
        let sides =
            [Part { role: Role::Client, core: cpus.client }, Part { role: Role::Server, core: cpus.server }];
        let groups: &[&[Part]] = match competitor.layout {
            Layout::Processes => &[&sides[..1], &sides[1..]],
            Layout::Threads => &[&sides],
            Layout::Single => &[&sides[..1]],
        };
        let mut exec = Exec::new(|parts| command(scenario, competitor, scratch.scratch(), parts));
        let session = Session::launch(&mut exec, groups, cancel)?;
        if let Task::PeerDeath { victim } = scenario.task {
            let ids = session.ids();
            reap(match victim {
                Role::Client => ids.first(),
                Role::Server => ids.last(),
            });
        }
        Ok(Launch { session, layout: competitor.layout, _scratch: scratch })
    }

    /// Returns whether every process is bound to its core.
    pub(crate) fn pinned(&self) -> bool {
        self.session.pinned()
    }

    /// Runs one slice. After a failure the launch is of no further use.
    pub(crate) fn run(&mut self, slice: &Slice, cancel: CancelToken<'_>) -> Result<Report, Failure> {
        let mut whole = Report::default();
        for report in self.session.run::<Slice, Report>(slice, cancel)? {
            if self.layout == Layout::Threads {
                // Both sides report the usage of the same process.
                whole.usage = report.usage;
            } else {
                whole.usage += report.usage;
            }
            whole.samples.extend(report.samples);
            whole.elapsed_ns = whole.elapsed_ns.max(report.elapsed_ns);
            whole.operations += report.operations;
        }
        // A lock that does not exclude loses increments, so that the sides need more of them.
        let expected = slice.warm_up + slice.messages;
        if whole.operations > expected {
            return Err(Failure::Failed(format!("{} increments instead of {expected}", whole.operations)));
        }
        Ok(whole)
    }
}

/// Reaps a process as soon as it is killed. Some competitors ask the kernel for the process, which
/// a zombie still is.
fn reap(victim: Option<&Pid>) {
    if let Some(&victim) = victim {
        thread::spawn(move || waitpid(victim, None));
    }
}

/// Returns the command that plays these parts: this program, with an assignment.
fn command(
    scenario: &Scenario,
    competitor: &Competitor,
    scratch: &Scratch,
    parts: &[Part],
) -> io::Result<Command> {
    let assignment = Assignment {
        parent: process::id(),
        scenario: scenario.id.into(),
        competitor: competitor.label(),
        scratch: scratch.clone(),
        parts: parts.into(),
    };
    let verbose = env::var_os("IPCRAFT_PEERS_VERBOSE").is_some();
    let mut command = Command::new(env::current_exe()?);
    command.arg("--peer").arg(serde_json::to_string(&assignment)?);
    // For competitors that create their own temporary files.
    command.env("TMPDIR", scratch.directory());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // A terminal sends its signals to a whole group, and a killed competitor would be a failure.
    command.process_group(0);
    if verbose {
        command.stderr(Stdio::inherit());
    } else {
        // An unread backtrace would only delay the report of a panic.
        command.stderr(Stdio::null()).env("RUST_BACKTRACE", "0");
    }
    Ok(command)
}
