//! What a switch executes: instructions and system calls, counted under ptrace(2).

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use corosensei::Coroutine;
use ipcraft::futex;
use ipcraft_step::{overhead, system_calls, trace};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::coroutine::{BoxedFuture, Yielder, resume, suspend};

/// What one switch executes in the process that switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What is switched to, and back.
    pub switch: Switch,
    /// The instructions in user space; null if it blocks, so that it cannot be stepped.
    pub instructions: Option<u64>,
    /// The system calls.
    pub system_calls: u64,
}

/// Switching to something and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// A call of a function.
    Call,
    /// A poll of a future that suspends itself.
    Future,
    /// The resumption of a coroutine with a stack, which suspends itself.
    Coroutine,
    /// sched_yield(2).
    Yield,
    /// A hand-over to another thread by futex(2).
    Thread,
}

/// Counts every kind of switch, to something and back.
///
/// # Errors
///
/// [`Error::Refused`] where the system does not allow ptrace(2).
pub fn counts() -> Result<Vec<Count>, Error> {
    let mut future: BoxedFuture = Box::pin(async {
        loop {
            suspend().await;
        }
    });
    let mut coroutine = Coroutine::new(|yielder: &Yielder, ()| -> () {
        loop {
            yielder.suspend(());
        }
    });
    let mut partner = Partner::default();
    Ok(vec![
        stepped(Switch::Call, || black_box(nothing as fn())())?,
        stepped(Switch::Future, || _ = resume(&mut future))?,
        stepped(Switch::Coroutine, || _ = coroutine.resume(()))?,
        stepped(Switch::Yield, thread::yield_now)?,
        Count {
            switch: Switch::Thread,
            instructions: None,
            system_calls: system_calls(|| partner.hand_over()).map_err(Error::of_stepping)? as u64,
        },
    ])
}

fn stepped(switch: Switch, operation: impl FnMut()) -> Result<Count, Error> {
    let harness = overhead().map_err(Error::of_stepping)?;
    let trace = trace(operation).map_err(Error::of_stepping)?;
    Ok(Count {
        switch,
        instructions: Some(trace.instructions.saturating_sub(harness)),
        system_calls: trace.system_calls.len() as u64,
    })
}

#[inline(never)]
fn nothing() {
    black_box(());
}

/// Another thread that takes a turn when asked. It starts with the first turn, in the process that
/// asks, and ends with that process.
#[derive(Default)]
struct Partner {
    turn: Option<Arc<AtomicU32>>,
}

impl Partner {
    fn hand_over(&mut self) {
        let turn = self.turn.get_or_insert_with(|| {
            let turn = Arc::new(AtomicU32::new(0));
            let own = turn.clone();
            thread::spawn(move || take_turns(&own));
            turn
        });
        turn.store(1, SeqCst);
        let _ = futex::wake(turn, 1);
        await_value(turn, 0);
    }
}

fn take_turns(turn: &AtomicU32) {
    loop {
        await_value(turn, 1);
        turn.store(0, SeqCst);
        let _ = futex::wake(turn, 1);
    }
}

fn await_value(turn: &AtomicU32, wanted: u32) {
    while turn.load(SeqCst) != wanted {
        let _ = futex::wait(turn, 1 - wanted);
    }
}
