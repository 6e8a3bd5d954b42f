//! What the machine itself sets: cache lines between two cores, a futex between two processes, and copying.

use std::hint::black_box;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use ipcraft::futex;
use ipcraft::shm::Shared;
use ipcraft_bench::Role;

use super::LARGE_SLOTS;
use crate::message::{Page, Result, Words};
use crate::stage::Stage;
use crate::work::{Put, Take};

/// Words from one line to the next one used: apart also where lines are fetched in pairs.
const APART: usize = 16;

type Words64 = [AtomicU64; 4 * APART];

/// Two lines of shared memory.
struct Lines(Shared<Words64>);

impl Lines {
    fn between(stage: &mut Stage) -> Result<Lines> {
        let name = stage.scratch().name("lines");
        if stage.role() == Role::Client {
            let lines = Lines(Shared::create_new(&name, |_| Ok(()))?);
            stage.meet("created")?;
            stage.meet("")?;
            return Ok(lines);
        }
        stage.meet("")?;
        let lines = Lines(Shared::open(&name)?);
        stage.meet("opened")?;
        Ok(lines)
    }

    /// The words of a line, the first of them at the start of a cache line.
    fn line(&self, n: usize) -> &[AtomicU64] {
        let address = self.0.as_ptr().addr();
        let skipped = address.next_multiple_of(APART * size_of::<AtomicU64>()) - address;
        let start = skipped / size_of::<AtomicU64>() + n * APART;
        &self.0[start..start + APART]
    }
}

/// Sequence number and payload in one line, one line each way, by plain stores and loads.
pub(crate) fn store_load<const N: usize>(stage: &mut Stage) -> Result<()> {
    let lines = Lines::between(stage)?;
    let (out, back) = match stage.role() {
        Role::Client => (lines.line(0), lines.line(1)),
        Role::Server => (lines.line(1), lines.line(0)),
    };
    stage.round_trips::<N>(Line { words: out, turn: 0 }, Line { words: back, turn: 0 })
}

struct Line<'a> {
    words: &'a [AtomicU64],
    turn: u64,
}

impl<const N: usize> Put<N> for Line<'_> {
    #[inline]
    fn put(&mut self, message: &Words<N>) -> Result<()> {
        self.turn += 1;
        for (word, value) in self.words[1..].iter().zip(message) {
            word.store(*value, Relaxed);
        }
        self.words[0].store(self.turn, Release);
        Ok(())
    }
}

impl<const N: usize> Take<N> for Line<'_> {
    #[inline]
    fn take(&mut self) -> Result<Words<N>> {
        self.turn += 1;
        while self.words[0].load(Acquire) != self.turn {}
        Ok(std::array::from_fn(|i| self.words[1 + i].load(Relaxed)))
    }
}

/// One line handed over by compare-and-swap: the waiter polls with the exchange itself, so it always holds the line exclusively.
/// Nothing travels but the turn: the client takes it when it is 0, the server when it is 1, and gives it back by that.
pub(crate) fn compare_and_swap(stage: &mut Stage) -> Result<()> {
    let lines = Lines::between(stage)?;
    let turn = &lines.line(0)[0];
    let (from, to) = match stage.role() {
        Role::Client => (0, 1),
        Role::Server => (1, 0),
    };
    stage.turns(|| {
        while turn.compare_exchange_weak(from, to, AcqRel, Relaxed).is_err() {}
        Ok(())
    })
}

const EMPTY: u32 = 0;
const FULL: u32 = 1;

/// A futex and eight bytes each way: every message a wake, every wait a sleep unless the message is there.
pub(crate) fn futex(stage: &mut Stage) -> Result<()> {
    let name = stage.scratch().name("futexes");
    let shared: Shared<Mailboxes> = match stage.role() {
        Role::Client => {
            let shared = Shared::create_new(&name, |_| Ok(()))?;
            stage.meet("created")?;
            stage.meet("")?;
            shared
        }
        Role::Server => {
            stage.meet("")?;
            let shared = Shared::open(&name)?;
            stage.meet("opened")?;
            shared
        }
    };
    let (out, back) = match stage.role() {
        Role::Client => (&shared.there, &shared.back),
        Role::Server => (&shared.back, &shared.there),
    };
    stage.round_trips(out, back)
}

ipcraft::shared_struct! {
    /// One message.
    struct Mailbox {
        word: AtomicU32,
        payload: AtomicU64,
        apart: [AtomicU64; APART],
    }
}

ipcraft::shared_struct! {
    /// One message each way.
    struct Mailboxes {
        there: Mailbox,
        back: Mailbox,
    }
}

impl Put<1> for &Mailbox {
    #[inline]
    fn put(&mut self, message: &Words<1>) -> Result<()> {
        self.payload.store(message[0], Relaxed);
        self.word.store(FULL, Release);
        futex::wake(&self.word, 1)?;
        Ok(())
    }
}

impl Take<1> for &Mailbox {
    #[inline]
    fn take(&mut self) -> Result<Words<1>> {
        while self.word.load(Acquire) == EMPTY {
            futex::wait(&self.word, EMPTY)?;
        }
        let message = [self.payload.load(Relaxed)];
        self.word.store(EMPTY, Release);
        Ok(message)
    }
}

/// Copying a message within one process, always to the same place.
pub(crate) fn copy<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    copy_to(stage, SIZE, 1)
}

/// Copying a message within one process, to the slots of a ring in turns.
pub(crate) fn copy_round<const SIZE: usize>(stage: &mut Stage) -> Result<()> {
    copy_to(stage, SIZE, LARGE_SLOTS)
}

fn copy_to(stage: &mut Stage, size: usize, slots: usize) -> Result<()> {
    let (mut page, mut expected) = (Page::new(size), Page::new(size));
    let mut ring = vec![vec![0; size]; slots];
    stage.repeat(|number| {
        let target = &mut ring[number as usize % slots];
        black_box(&mut target[..]).copy_from_slice(page.numbered(number));
        expected.check(black_box(target), number, false)
    })
}
