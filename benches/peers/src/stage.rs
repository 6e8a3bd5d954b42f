//! A peer's process: what a contestant is given to make its ends with, and the loop that does slices.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use ipcraft::process;
use ipcraft_bench::{Role, pin};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::control::{Control, Order, Report, Slice, Word};
use crate::message::Result;
use crate::rows;
use crate::scratch::Scratch;
use crate::work::{self, Drain, Pour, Put, Take};

/// What a peer's process is told on its command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The process that started this one.
    pub(crate) parent: u32,
    pub(crate) row: String,
    pub(crate) contestant: String,
    pub(crate) scratch: Scratch,
    /// The roles that this process plays, two for threads, and the core of each.
    pub(crate) parts: Vec<Part>,
}

/// One side of a connection.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) is_client: bool,
    pub(crate) core: Option<usize>,
}

impl Part {
    /// The name of its control connection among what the process inherits.
    pub(crate) fn name(self) -> &'static str {
        if self.is_client { "client" } else { "server" }
    }

    fn role(self) -> Role {
        if self.is_client { Role::Client } else { Role::Server }
    }
}

/// The life of a peer's process. It ends with the process that started it, however that ends.
pub(crate) fn play(assignment: &Assignment) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if std::os::unix::process::parent_id() != assignment.parent {
        return Ok(());
    }
    let contestant = rows::contestant(&assignment.row, &assignment.contestant).ok_or("no such contestant")?;
    let stages = assignment.parts.iter().map(|&part| Stage::new(part, &assignment.scratch));
    let mut stages = stages.collect::<Result<Vec<_>>>()?;
    let mut first = stages.remove(0);
    first.other = stages.pop().map(Box::new);
    first.guarded(contestant.play);
    Ok(())
}

/// One side of a connection to be, or that stands.
pub(crate) struct Stage {
    part: Part,
    scratch: Scratch,
    control: Control,
    /// The other side, for contestants that run as threads.
    other: Option<Box<Stage>>,
    pinned: bool,
}

impl Stage {
    fn new(part: Part, scratch: &Scratch) -> Result<Stage> {
        let control = Control::of(process::take_inherited_fd(part.name())?);
        Ok(Stage { part, scratch: scratch.clone(), control, other: None, pinned: false })
    }

    /// Which side this is.
    pub(crate) fn role(&self) -> Role {
        self.part.role()
    }

    /// Where names are free.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Waits until both sides have come this far, and passes a text to the other side.
    pub(crate) fn meet(&mut self, tell: &str) -> Result<String> {
        self.control.say(&Word::Meet(tell.into()))?;
        match self.control.hear()? {
            Some(Order::Met(text)) => Ok(text),
            Some(Order::Work(_)) => Err("work before the connection stands".into()),
            None => Err("nobody is there to meet".into()),
        }
    }

    /// Asks and awaits answers, or answers, by role, until nobody wants more.
    pub(crate) fn round_trips<const N: usize>(
        &mut self,
        mut out: impl Put<N>,
        mut back: impl Take<N>,
    ) -> Result<()> {
        match self.role() {
            Role::Client => self.serve(|slice| work::ask(slice, &mut out, &mut back)),
            Role::Server => self.serve(|slice| work::answer(slice, &mut back, &mut out)),
        }
    }

    /// Sends streams until nobody wants more.
    pub(crate) fn send(&mut self, mut sender: impl Pour) -> Result<()> {
        self.serve(|slice| work::send(slice, &mut sender))
    }

    /// Receives streams until nobody wants more.
    pub(crate) fn receive(&mut self, mut receiver: impl Drain) -> Result<()> {
        self.serve(|slice| work::receive(slice, &mut receiver))
    }

    /// Repeats one operation, which is given numbers, until nobody wants more.
    pub(crate) fn repeat(&mut self, mut operation: impl FnMut(u64) -> Result<()>) -> Result<()> {
        self.serve(|slice| work::repeat(slice, &mut operation))
    }

    /// Makes something, which is given a number and is thrown away again, until nobody wants more.
    pub(crate) fn makes<T>(&mut self, mut making: impl FnMut(&Scratch, u64) -> Result<T>) -> Result<()> {
        let scratch = self.scratch.clone();
        self.serve(|slice| work::make(slice, |number| making(&scratch, number)))
    }

    /// Takes turns, by an operation that returns when it was this side's, until nobody wants more.
    pub(crate) fn turns(&mut self, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
        let times = self.role() == Role::Client;
        self.serve(|slice| {
            let report = work::repeat(slice, |_| turn())?;
            Ok(if times { report } else { Report { usage: report.usage, ..Report::default() } })
        })
    }

    /// Both sides in threads of this process, each bound to its core.
    pub(crate) fn threads(
        &mut self,
        client: impl FnOnce(&mut Stage) -> Result<()> + Send,
        server: impl FnOnce(&mut Stage) -> Result<()> + Send,
    ) -> Result<()> {
        let mut other = self.other.take().ok_or("the other thread's part is missing")?;
        thread::scope(|scope| {
            scope.spawn(|| other.guarded(server));
            scope.spawn(|| self.guarded(client));
        });
        Ok(())
    }

    /// Binds the thread to its core, does the task, and tells if it fails or panics.
    fn guarded(&mut self, task: impl FnOnce(&mut Stage) -> Result<()>) {
        self.pinned = self.part.core.is_some_and(pin);
        let outcome = catch_unwind(AssertUnwindSafe(|| task(self)));
        let told = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("it panicked: {}", text_of(&*panic)),
        };
        // If nobody hears it any more, nobody waits for it either.
        let _ = self.control.say(&Word::Failed(told));
    }

    fn serve(&mut self, mut work: impl FnMut(&Slice) -> Result<Report>) -> Result<()> {
        self.control.say(&Word::Ready { pinned: self.pinned })?;
        loop {
            match self.control.hear()? {
                Some(Order::Work(slice)) => self.control.say(&Word::Done(work(&slice)?))?,
                Some(Order::Met(_)) => return Err("a meeting while the connection stands".into()),
                None => return Ok(()),
            }
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
