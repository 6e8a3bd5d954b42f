//! The creation and the end of a unit.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use corosensei::Coroutine;
use corosensei::stack::DefaultStack;
use ipcraft_step::Child;
use serde::{Deserialize, Serialize};

use super::{Unit, errno};
use crate::coroutine::{BoxedFuture, Yielder, resume, suspend};

/// The memory reserved for the stack of a coroutine, as the crate has it by default.
pub(super) const STACK: usize = 1 << 20;

/// How a unit is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Creation {
    /// A future in a box.
    Future,
    /// A coroutine whose stack is mapped.
    Coroutine,
    /// A coroutine that uses the stack of one that has ended.
    PooledCoroutine,
    /// A thread.
    Thread,
    /// A process by fork(2).
    Process,
    /// A process that executes another program.
    Program,
}

impl Creation {
    /// All ways.
    pub const ALL: [Creation; 6] = [
        Creation::Future,
        Creation::Coroutine,
        Creation::PooledCoroutine,
        Creation::Thread,
        Creation::Process,
        Creation::Program,
    ];

    /// Returns what is created.
    pub fn unit(self) -> Unit {
        match self {
            Creation::Future => Unit::Future,
            Creation::Coroutine | Creation::PooledCoroutine => Unit::Coroutine,
            Creation::Thread => Unit::Thread,
            Creation::Process | Creation::Program => Unit::Process,
        }
    }

    /// How many are created for one sample.
    fn count(self) -> usize {
        match self {
            Creation::Future | Creation::PooledCoroutine => 50_000,
            Creation::Coroutine => 1000,
            Creation::Thread => 200,
            Creation::Process => 40,
            Creation::Program => 10,
        }
    }
}

/// Returns the nanoseconds from the creation to the end. Each unit suspends itself or returns once.
pub(super) fn time(creation: Creation) -> nix::Result<f64> {
    let mut pool = None;
    let mut one = || -> nix::Result<()> {
        match creation {
            Creation::Future => future(),
            Creation::Coroutine => drop(coroutine(stack()?)),
            Creation::PooledCoroutine => {
                let unused = pool.take().map_or_else(stack, Ok)?;
                pool = Some(coroutine(unused));
            }
            Creation::Thread => thread()?,
            Creation::Process => drop(Child::try_start(|| ())?.wait()?),
            Creation::Program => {
                Command::new("true").stdin(Stdio::null()).status().map_err(|error| errno(&error))?;
            }
        }
        Ok(())
    };
    one()?;
    let start = Instant::now();
    for _ in 0..creation.count() {
        one()?;
    }
    Ok(start.elapsed().as_nanos() as f64 / creation.count() as f64)
}

fn future() {
    let mut future: BoxedFuture = Box::pin(suspend());
    while !resume(&mut future) {}
}

fn coroutine(stack: DefaultStack) -> DefaultStack {
    let mut coroutine = Coroutine::with_stack(stack, |yielder: &Yielder, ()| yielder.suspend(()));
    while coroutine.resume(()).as_yield().is_some() {}
    coroutine.into_stack()
}

fn thread() -> nix::Result<()> {
    let thread = thread::Builder::new().spawn(|| ()).map_err(|error| errno(&error))?;
    thread.join().map_err(|_| nix::Error::ECHILD)
}

/// Maps a stack.
pub(super) fn stack() -> nix::Result<DefaultStack> {
    DefaultStack::new(STACK).map_err(|error| errno(&error))
}
