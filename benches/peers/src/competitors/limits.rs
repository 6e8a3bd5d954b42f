//! The limits of the machine: cache lines between two cores, a futex between two processes, and
//! copying.

use std::hint::black_box;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use ipcraft::futex;
use ipcraft::shm::Shared;
use ipcraft_bench::Role;

use super::LARGE_SLOTS;
use crate::harness::Harness;
use crate::message::{Page, Result, Words};
use crate::work::{Put, Take};

/// Words between the lines in use, so that they are apart even if the CPU fetches lines in pairs.
const STRIDE: usize = 16;

type Words64 = [AtomicU64; 4 * STRIDE];

/// Two lines of shared memory.
struct Lines(Shared<Words64>);

impl Lines {
    fn connect(harness: &mut Harness) -> Result<Lines> {
        let name = harness.scratch().name("lines");
        if harness.role() == Role::Client {
            let lines = Lines(Shared::create_new(&name, |_| Ok(()))?);
            harness.exchange("created")?;
            harness.exchange("")?;
            return Ok(lines);
        }
        harness.exchange("")?;
        let lines = Lines(Shared::open(&name)?);
        harness.exchange("opened")?;
        Ok(lines)
    }

    /// Returns the words of a line, beginning at a cache line.
    fn line(&self, n: usize) -> &[AtomicU64] {
        let address = self.0.as_ptr().addr();
        let skipped = address.next_multiple_of(STRIDE * size_of::<AtomicU64>()) - address;
        let start = skipped / size_of::<AtomicU64>() + n * STRIDE;
        &self.0[start..start + STRIDE]
    }
}

/// Transfers sequence number and payload in one line each way, by plain stores and loads.
pub(crate) fn store_load<const N: usize>(harness: &mut Harness) -> Result<()> {
    let lines = Lines::connect(harness)?;
    let (out, back) = match harness.role() {
        Role::Client => (lines.line(0), lines.line(1)),
        Role::Server => (lines.line(1), lines.line(0)),
    };
    harness.round_trips::<N>(Line { words: out, turn: 0 }, Line { words: back, turn: 0 })
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

/// Hands over one line by compare-and-swap. The waiter polls with the exchange itself, so it always
/// holds the line exclusively. Only the turn is transferred: the client takes it when it is 0, the
/// server when it is 1, and the same operation returns it.
pub(crate) fn compare_and_swap(harness: &mut Harness) -> Result<()> {
    let lines = Lines::connect(harness)?;
    let turn = &lines.line(0)[0];
    let (from, to) = match harness.role() {
        Role::Client => (0, 1),
        Role::Server => (1, 0),
    };
    harness.take_turns(|| {
        while turn.compare_exchange_weak(from, to, AcqRel, Relaxed).is_err() {}
        Ok(())
    })
}

const EMPTY: u32 = 0;
const FULL: u32 = 1;

/// Transfers eight bytes each way through a futex. Every message wakes; every wait blocks unless a
/// message is available.
pub(crate) fn futex(harness: &mut Harness) -> Result<()> {
    let name = harness.scratch().name("futexes");
    let shared: Shared<Mailboxes> = match harness.role() {
        Role::Client => {
            let shared = Shared::create_new(&name, |_| Ok(()))?;
            harness.exchange("created")?;
            harness.exchange("")?;
            shared
        }
        Role::Server => {
            harness.exchange("")?;
            let shared = Shared::open(&name)?;
            harness.exchange("opened")?;
            shared
        }
    };
    let (out, back) = match harness.role() {
        Role::Client => (&shared.there, &shared.back),
        Role::Server => (&shared.back, &shared.there),
    };
    harness.round_trips(out, back)
}

ipcraft::shared_struct! {
    /// One message.
    struct Mailbox {
        word: AtomicU32,
        payload: AtomicU64,
        padding: [AtomicU64; STRIDE],
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

/// Copies a message within one process, always to the same buffer.
pub(crate) fn copy<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    copy_to(harness, SIZE, 1)
}

/// Copies a message within one process, to the slots of a ring in turns.
pub(crate) fn copy_to_ring<const SIZE: usize>(harness: &mut Harness) -> Result<()> {
    copy_to(harness, SIZE, LARGE_SLOTS)
}

fn copy_to(harness: &mut Harness, size: usize, slots: usize) -> Result<()> {
    let (mut page, mut expected) = (Page::new(size), Page::new(size));
    let mut ring = vec![vec![0; size]; slots];
    harness.repeat(|number| {
        let target = &mut ring[number as usize % slots];
        black_box(&mut target[..]).copy_from_slice(page.numbered(number));
        expected.check(black_box(target), number, false)
    })
}
