//! The processes of one contestant, watched from outside, so that nothing that it does can block the run.

use std::env;
use std::io;
use std::os::fd::AsFd;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ipcraft::process::{CommandExt, Inherit};
use ipcraft_bench::{Failure, Seats, Watch};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::control::{Control, Order, Report, Slice, Word};
use crate::rows::{Contestant, Row, Seating};
use crate::scratch::Owner;
use crate::stage::{Assignment, Part};

/// How long one look for words waits before the caller looks at its other duties.
const TICK: Duration = Duration::from_millis(100);
/// How long a side may take to say why it failed after the other has: the one that is heard first is often the one that was left.
const GRACE: Duration = Duration::from_millis(300);
/// In the order of the control connections.
const SIDES: [&str; 2] = ["client", "server"];
/// How long processes may take to clean up after themselves.
const FAREWELL: Duration = Duration::from_secs(2);

/// A word, or why there is none.
type Answer = Result<Word, String>;

/// One contestant's processes. Dropping it ends them, and removes what they leave.
pub(crate) struct Launch {
    children: Vec<Child>,
    /// Client and server, or the only side.
    controls: Vec<Control>,
    /// The two sides are threads, whose usage is that of one process.
    threads: bool,
    pub(crate) pinned: bool,
    /// Removed when all processes have ended.
    scratch: Owner,
}

impl Launch {
    /// Starts the processes and waits until the connection stands.
    pub(crate) fn start(
        row: &Row,
        contestant: &Contestant,
        seats: Seats,
        watch: Watch<'_>,
    ) -> Result<Launch, Failure> {
        let scratch = Owner::new()?;
        let sides =
            [Part { is_client: true, core: seats.client }, Part { is_client: false, core: seats.server }];
        let casts: &[&[Part]] = match contestant.seating {
            Seating::Processes => &[&sides[..1], &sides[1..]],
            Seating::Threads => &[&sides],
            Seating::Alone => &[&sides[..1]],
        };
        let threads = contestant.seating == Seating::Threads;
        let mut launch =
            Launch { children: Vec::new(), controls: Vec::new(), threads, pinned: true, scratch };
        for parts in casts {
            launch.spawn(row, contestant, parts)?;
        }
        launch.introduce(watch)?;
        Ok(launch)
    }

    fn spawn(&mut self, row: &Row, contestant: &Contestant, parts: &[Part]) -> Result<(), Failure> {
        let assignment = Assignment {
            parent: process::id(),
            row: row.id.into(),
            contestant: contestant.id.into(),
            scratch: self.scratch.scratch().clone(),
            parts: parts.into(),
        };
        let mut descriptors = Inherit::new();
        for part in parts {
            let (ours, theirs) = Control::pair().map_err(in_words)?;
            self.controls.push(ours);
            descriptors = descriptors.named(part.name(), theirs);
        }
        let assignment = serde_json::to_string(&assignment).map_err(in_words)?;
        let child = Command::new(env::current_exe()?)
            .arg("--peer")
            .arg(assignment)
            // For contestants that make temporary files of their own.
            .env("TMPDIR", self.scratch.scratch().directory())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(if env::var_os("IPCRAFT_PEERS_VERBOSE").is_some() {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .spawn_inheriting(descriptors)
            .map_err(in_words)?;
        self.children.push(child);
        Ok(())
    }

    /// Lets the two sides meet as often as they want to, until both are ready.
    fn introduce(&mut self, watch: Watch<'_>) -> Result<(), Failure> {
        loop {
            match &self.hear(watch)?[..] {
                [Word::Meet(client), Word::Meet(server)] => {
                    self.controls[0].say(&Order::Met(server.clone())).map_err(in_words)?;
                    self.controls[1].say(&Order::Met(client.clone())).map_err(in_words)?;
                }
                ready => {
                    let pinned = |word: &Word| matches!(word, Word::Ready { pinned: true });
                    if !ready.iter().all(|word| matches!(word, Word::Ready { .. })) {
                        return Err(Failure::Failed(format!("it is out of step: {ready:?}")));
                    }
                    self.pinned = ready.iter().all(pinned);
                    return Ok(());
                }
            }
        }
    }

    /// Does one slice. After a failure the launch is of no further use.
    pub(crate) fn run(&mut self, slice: &Slice, watch: Watch<'_>) -> Result<Report, Failure> {
        // The server first: it only waits.
        for control in self.controls.iter_mut().rev() {
            control.say(&Order::Work(slice.clone())).map_err(in_words)?;
        }
        let mut whole = Report::default();
        for word in self.hear(watch)? {
            let Word::Done(report) = word else {
                return Err(Failure::Failed(format!("it is out of step: {word:?}")));
            };
            if self.threads {
                whole.usage = report.usage;
            } else {
                whole.usage += report.usage;
            }
            if report.elapsed_ns > 0 {
                (whole.samples, whole.elapsed_ns) = (report.samples, report.elapsed_ns);
            }
        }
        Ok(whole)
    }

    /// One word of each side.
    fn hear(&mut self, watch: Watch<'_>) -> Result<Vec<Word>, Failure> {
        let mut answers: Vec<Option<Answer>> = self.controls.iter().map(|_| None).collect();
        let mut deadline = Instant::now() + watch.patience;
        let mut has_failed = false;
        while answers.iter().any(Option::is_none) {
            if !has_failed {
                check(watch, deadline)?;
            } else if Instant::now() >= deadline {
                break;
            }
            for index in self.readable(&answers)? {
                let answer = self.hear_one(index)?;
                if answer.is_err() && !has_failed {
                    has_failed = true;
                    deadline = Instant::now() + GRACE;
                }
                answers[index] = Some(answer);
            }
        }
        let failures: Vec<_> = answers.iter().flatten().filter_map(|answer| answer.clone().err()).collect();
        if failures.is_empty() {
            return Ok(answers.into_iter().flatten().flatten().collect());
        }
        Err(Failure::Failed(failures.join("; ")))
    }

    /// Which of those whose word is missing can be heard.
    fn readable(&self, answers: &[Option<Answer>]) -> Result<Vec<usize>, Failure> {
        let missing: Vec<usize> = (0..answers.len()).filter(|&index| answers[index].is_none()).collect();
        let poll_fd = |&index: &usize| PollFd::new(self.controls[index].as_fd(), PollFlags::POLLIN);
        let mut descriptors: Vec<_> = missing.iter().map(poll_fd).collect();
        let tick = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO);
        match poll(&mut descriptors, tick) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Failure::Failed(format!("poll(2): {error}"))),
        }
        let heard = descriptors.iter().map(|descriptor| descriptor.any().unwrap_or(false));
        Ok(missing.iter().zip(heard).filter(|(_, heard)| *heard).map(|(&index, _)| index).collect())
    }

    fn hear_one(&mut self, index: usize) -> Result<Answer, Failure> {
        let side = SIDES[index];
        Ok(match self.controls[index].hear().map_err(in_words)? {
            Some(Word::Failed(why)) => Err(format!("{side}: {why}")),
            Some(word) => Ok(word),
            None => Err(format!("{side}: {}", self.obituary(index))),
        })
    }

    fn obituary(&mut self, index: usize) -> String {
        let child = if self.threads { 0 } else { index };
        match ended(&mut self.children[child]) {
            Ok(status) => format!("its process ended: {status}"),
            Err(error) => format!("its process ended: {error}"),
        }
    }
}

impl Drop for Launch {
    fn drop(&mut self) {
        // To hang up asks for an end in order, which a contestant that hangs does not hear.
        self.controls.clear();
        for child in &mut self.children {
            // There is nobody to tell.
            let _ = ended(child);
        }
    }
}

/// Waits for the end of a child, and brings it about if it takes too long.
fn ended(child: &mut Child) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + FAREWELL;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()
}

fn check(watch: Watch<'_>, deadline: Instant) -> Result<(), Failure> {
    if watch.stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(Failure::Stopped);
    }
    if Instant::now() >= deadline {
        return Err(Failure::Failed(format!("no answer within {} s", watch.patience.as_secs_f32())));
    }
    Ok(())
}

fn in_words(error: impl ToString) -> Failure {
    Failure::Failed(error.to_string())
}
