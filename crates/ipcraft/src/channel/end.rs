//! What every end of every channel does besides moving messages: be there, see who else is, and wait.

#![allow(unsafe_code)]

use std::hint::spin_loop;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Arc, Weak};
use std::thread::yield_now;
use std::time::Duration;

use super::WaitStrategy;
use super::bell::{Bed, Bell, Ringer, Sleepers, WANTS_COPIES};
use super::flow::{Flow, Side};
use super::readiness::Readiness;
use super::region::Region;
use super::seat::Seat;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::cpu;
use crate::time::{self, Deadline};

/// How often one who waits looks whether the others live.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// What a waiter who sees no sleep coming looks again for: about as long as to be woken on another processor takes.
const PATIENCE: Duration = Duration::from_micros(20);

/// The same, with the time in which others ran.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_millis(1);

/// Looks between two glances at the clock.
const POLLS: u32 = 64;

/// About how long these take.
const ROUND: Duration = Duration::from_micros(1);

/// Who has let so much time pass since he was asked whether anybody receives is in no hurry.
const LEISURE: Duration = Duration::from_millis(20);

/// Messages between two looks around.
const SENDS: u32 = 64;

/// The same for one whose last two looks were within a tick of the rough clock.
const SENDS_IN_A_HURRY: u32 = 256;

/// About a tick.
const TICK: Duration = Duration::from_millis(4);

/// A notice that nobody gives, so that the next message is a reason to look again; whether copies are wanted stays.
fn other_than(notice: u32) -> u32 {
    notice ^ !WANTS_COPIES
}

/// Something in shared memory is not what this library writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// What trying once comes to: `None` if it would have to wait.
pub(super) type Attempt<R> = Result<Option<R>, Corrupt>;

/// Which side of a flow an end is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Sender,
    Receiver,
}

/// Who can be at the ends of a flow.
#[derive(Clone, Debug)]
pub(super) struct Seating {
    pub(super) senders: Range<u32>,
    pub(super) receivers: Range<u32>,
}

/// One end of one flow.
#[derive(Debug)]
pub(super) struct End {
    /// Before the region is unmapped, the end leaves.
    seat: Option<Arc<Seat>>,
    region: Arc<Region>,
    /// Words that stay mapped for as long as `region` is kept.
    flow: NonNull<Flow>,
    /// Where the other side sleeps: a part of the flow.
    bell: NonNull<Bell>,
    role: Role,
    /// The seats of the other side.
    peers: Range<u32>,
    /// How many can sleep on the other side, and on this one.
    sleepers: (Sleepers, Sleepers),
    waiting: WaitStrategy,
    /// What is to be looked at again when it changes or gets old.
    notice: u32,
    next_look: Duration,
    /// When it was last asked whether anybody receives.
    last_check: Duration,
    /// Somebody was there and nobody is, as of the last look.
    gone: bool,
    /// How long it is worth to look again before sleeping.
    patience: Duration,
    ringer: Ringer,
    /// Where this end slept last, if it need not get up there.
    rested: Option<Bed>,
    /// How many messages may be sent without looking around.
    pace: u32,
    /// How many still may, where the ring does not tell.
    until_look: u32,
}

// SAFETY: because `flow` leads to words of `region`, which are atomics and not bound to a thread.
unsafe impl Send for End {}

impl End {
    /// Takes a place at a flow for one who has a seat.
    pub(super) fn new(
        region: Arc<Region>,
        number: usize,
        seat: Arc<Seat>,
        role: Role,
        seating: &Seating,
    ) -> Result<End> {
        let flow = region.flow(number);
        let many = |seats: &Range<u32>| if seats.len() > 1 { Sleepers::Many } else { Sleepers::One };
        let (own, peers) = match role {
            Role::Sender => (&seating.senders, &seating.receivers),
            Role::Receiver => (&seating.receivers, &seating.senders),
        };
        // SAFETY: because the region has the flow, and is kept.
        let words = unsafe { flow.as_ref() };
        let bell = match role {
            Role::Sender => &words.items,
            Role::Receiver => &words.room,
        };
        let end = End {
            flow,
            bell: NonNull::from(bell),
            role,
            peers: peers.clone(),
            sleepers: (many(peers), many(own)),
            waiting: WaitStrategy::default(),
            notice: 0,
            next_look: Duration::ZERO,
            last_check: Duration::ZERO,
            gone: false,
            patience: PATIENCE,
            ringer: Ringer::default(),
            rested: None,
            pace: SENDS,
            until_look: SENDS,
            seat: Some(seat),
            region,
        };
        end.region.used(end.seat_number())?.store(1, Relaxed);
        end.own_side().arrivals.fetch_add(1, Relaxed);
        end.say_where();
        // The last one here may have died after a change, and before it told of it.
        end.other_bell().ring_for_all();
        Ok(end)
    }

    /// The words of the flow.
    #[inline]
    pub(super) fn flow(&self) -> &Flow {
        // SAFETY: because `flow` leads to atomics that stay mapped with `region`.
        unsafe { self.flow.as_ref() }
    }

    pub(super) fn region(&self) -> &Arc<Region> {
        &self.region
    }

    pub(super) fn seat_number(&self) -> u32 {
        self.seat.as_ref().map_or(0, |seat| seat.number())
    }

    /// From now on each message is for all of the other side.
    pub(super) fn ring_wakes_all(&mut self) {
        if self.sleepers.0 == Sleepers::Many {
            self.sleepers.0 = Sleepers::All;
        }
    }

    pub(super) fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.waiting = waiting;
    }

    fn own_side(&self) -> &Side {
        match self.role {
            Role::Sender => &self.flow().senders,
            Role::Receiver => &self.flow().receivers,
        }
    }

    fn other_side(&self) -> &Side {
        match self.role {
            Role::Sender => &self.flow().receivers,
            Role::Receiver => &self.flow().senders,
        }
    }

    /// Where this end sleeps.
    fn own_bell(&self) -> &Bell {
        match self.role {
            Role::Sender => &self.flow().room,
            Role::Receiver => &self.flow().items,
        }
    }

    /// Where the other side sleeps.
    #[inline]
    pub(super) fn other_bell(&self) -> &Bell {
        // SAFETY: because of the same as in `flow`.
        unsafe { self.bell.as_ref() }
    }

    /// Whether the other side certainly needs no [`ring`](End::ring). To be asked after the change.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.other_bell().is_calm()
    }

    /// Wakes the other side, if it sleeps, after a change that it may wait for. Says whether there is time to look who is
    /// there before the next one: where somebody may sleep, nobody is in a hurry.
    #[inline]
    pub(super) fn ring(&mut self) -> bool {
        let is_calm = self.other_bell().is_calm();
        if !is_calm {
            self.ring_carefully();
        }
        !is_calm
    }

    /// What the other side said of itself when it was last looked at.
    #[inline]
    pub(super) fn wants_copies(&self) -> bool {
        self.notice & WANTS_COPIES != 0
    }

    #[inline(never)]
    fn ring_carefully(&mut self) {
        // SAFETY: because of the same as in `flow`.
        unsafe { self.bell.as_ref() }.ring(&mut self.ringer, self.sleepers.0);
    }

    /// Whether somebody of the other side may sleep, as of a moment ago.
    pub(super) fn has_sleepers(&self) -> bool {
        self.other_bell().has_sleepers()
    }

    /// Wakes all of the other side, after a change that each of them may wait for.
    #[inline]
    pub(super) fn ring_for_all(&mut self) {
        if !self.other_bell().is_calm() {
            self.other_bell().ring_for_all();
        }
    }

    /// Wakes another one of this side, after a wait that ended with more to be had than this end could take.
    pub(super) fn ring_own_side(&self) {
        self.own_bell().ring(&mut Ringer::default(), self.sleepers.1);
    }

    /// Whether the other side says other things of itself than at the last look.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.notice != self.other_bell().notice()
    }

    /// To be asked before each message is sent: fails if all receivers have gone. Most of the time it costs a load.
    #[inline]
    pub(super) fn check_receivers(&mut self, look: impl FnMut(&Seat)) -> Result<()> {
        if self.is_time() || self.has_news() {
            self.check_again(look)?;
        }
        Ok(())
    }

    /// To be called for each message by one who sends it whether somebody receives or not.
    #[inline]
    pub(super) fn need_no_receivers(&mut self) {
        if self.is_time() {
            self.say_where();
        }
    }

    /// How many messages may be sent without looking around.
    pub(super) fn pace(&self) -> u64 {
        self.pace.into()
    }

    /// Whether as many messages have been sent as may be without looking around.
    #[inline]
    fn is_time(&mut self) -> bool {
        self.until_look -= 1;
        let is_time = self.until_look == 0;
        if is_time {
            self.until_look = self.pace;
        }
        is_time
    }

    /// [`check_receivers`](End::check_receivers) where it is known that it is time.
    #[inline(never)]
    pub(super) fn check_again(&mut self, look: impl FnMut(&Seat)) -> Result<()> {
        self.say_where();
        let now = time::now_roughly();
        if self.is_gone(now, look)? {
            return Err(self.error(ErrorKind::Disconnected));
        }
        let passed = now.saturating_sub(self.last_check);
        self.pace = if passed < TICK { SENDS_IN_A_HURRY } else { SENDS };
        if passed >= LEISURE {
            // Who sends so seldom has the time to look before every message.
            self.notice = other_than(self.notice);
        }
        self.last_check = now;
        Ok(())
    }

    /// What trying without waiting comes to when there was nothing to do: why not.
    pub(super) fn refuse<R>(
        &mut self,
        mut attempt: impl FnMut() -> Attempt<R>,
        look: impl FnMut(&Seat),
    ) -> Result<R> {
        if !self.is_gone(time::now_roughly(), look)? {
            return Err(self.error(match self.role {
                Role::Sender => ErrorKind::Full,
                Role::Receiver => ErrorKind::Empty,
            }));
        }
        // Whoever left may have sent something before.
        match if self.role == Role::Receiver { attempt() } else { Ok(None) } {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(self.error(ErrorKind::Disconnected)),
            Err(Corrupt) => Err(self.corrupted()),
        }
    }

    /// Tries again until there is a result, the deadline has passed or the other side is gone, and then once more.
    /// `look` is called whenever it is time to see who is there.
    #[inline]
    pub(super) fn wait<R>(
        &mut self,
        deadline: Deadline,
        mut attempt: impl FnMut() -> Attempt<R>,
        mut look: impl FnMut(&Seat),
    ) -> Result<R> {
        // Some come here without having tried.
        if let Some(result) = attempt().map_err(|Corrupt| self.corrupted())? {
            return Ok(result);
        }
        let polls = match self.waiting {
            WaitStrategy::Spin => true,
            WaitStrategy::Block => false,
            WaitStrategy::Adaptive => self.patience >= PATIENCE && !self.shares_processor(),
        };
        if polls && let Some(result) = self.poll(&mut attempt)? {
            return Ok(result);
        }
        self.wait_longer(deadline, &mut attempt, &mut look)
    }

    #[inline(never)]
    fn wait_longer<R>(
        &mut self,
        deadline: Deadline,
        attempt: &mut impl FnMut() -> Attempt<R>,
        look: &mut impl FnMut(&Seat),
    ) -> Result<R> {
        let began = time::now();
        let (mut now, mut rounds, mut slept) = (began, 0, false);
        let is_crowded = self.is_crowded();
        self.say_where();
        loop {
            let last = self.is_gone(now, &mut *look)? || deadline.has_passed_at(now);
            if self.gone && self.role == Role::Sender {
                return Err(self.error(ErrorKind::Disconnected));
            }
            let spins = match self.waiting {
                WaitStrategy::Spin => true,
                WaitStrategy::Block => false,
                WaitStrategy::Adaptive if is_crowded => {
                    // Whoever gets the processor may keep it for longer than there is time.
                    ROUND * rounds <= self.patience
                        && now - began <= PATIENCE_WITH_OTHERS
                        && !deadline.has_passed_at(now + PATIENCE_WITH_OTHERS)
                }
                WaitStrategy::Adaptive => now - began <= self.patience && !self.shares_processor(),
            };
            let found = if last {
                self.poll(attempt)
            } else if spins {
                if is_crowded && self.waiting == WaitStrategy::Adaptive {
                    // Those who have to do something first may be waiting for this very processor.
                    yield_now();
                    rounds += 1;
                }
                self.poll(attempt)
            } else {
                slept = true;
                self.sleep(now, deadline, attempt)
            };
            match found? {
                Some(result) => {
                    self.learn(began, is_crowded && !slept);
                    return Ok(result);
                }
                None if !last => {}
                None if self.gone => return Err(self.error(ErrorKind::Disconnected)),
                None => return Err(self.error(ErrorKind::TimedOut)),
            }
            now = time::now();
        }
    }

    /// Whether there are more ends than processors, as far as is known. A hint: those who were killed said nothing, and forked
    /// children say that they leave without having come.
    fn is_crowded(&self) -> bool {
        if self.sleepers == (Sleepers::One, Sleepers::One) {
            return false;
        }
        let flow = self.flow();
        let there = |side: &Side, bell: &Bell| bell.remaining(side.arrivals.load(Relaxed));
        let ends = there(&flow.senders, &flow.room).saturating_add(there(&flow.receivers, &flow.items));
        ends > cpu::count()
    }

    #[inline]
    fn poll<R>(&self, attempt: &mut impl FnMut() -> Attempt<R>) -> Result<Option<R>> {
        for _ in 0..POLLS {
            // First, since there was nothing a moment ago, and to look takes the line away from who is about to write.
            spin_loop();
            match attempt() {
                Ok(Some(result)) => return Ok(Some(result)),
                Ok(None) => {}
                Err(Corrupt) => return Err(self.corrupted()),
            }
        }
        Ok(None)
    }

    /// Sleeps once, for no longer than until the next look.
    fn sleep<R>(
        &mut self,
        now: Duration,
        deadline: Deadline,
        attempt: &mut impl FnMut() -> Attempt<R>,
    ) -> Result<Option<R>> {
        let before = self.rested.take();
        let bell = self.own_bell();
        let bed = bell.lie_down(before);
        let mut rested = !bed.is_for_nap();
        let mut attempt = || attempt().map_err(|Corrupt| self.corrupted());
        let mut found = attempt()?;
        // Who left before this end lay down did not see it, and rang for nobody.
        if found.is_none() && !self.has_anybody_left(self.other_bell().notice()) {
            // A nap is to last from here on, and what came before it may have taken a while.
            let now = if rested { now } else { time::now() };
            let until = deadline.or_at(now + bed.most().min(LOOK));
            bell.sleep(bed, until).map_err(|e| self.failed(e))?;
            rested |= until != deadline;
            found = attempt()?;
        }
        if found.is_some() && self.sleepers.1 == Sleepers::One {
            bell.get_up(bed, rested);
        } else if rested {
            self.rested = Some(bed);
        }
        Ok(found)
    }

    /// What was waited for soon is worth to look for; what was not, is worth to sleep for.
    fn learn(&mut self, began: Duration, awake: bool) {
        if self.waiting != WaitStrategy::Adaptive {
            return;
        }
        let short = awake || time::now() - began <= PATIENCE;
        self.patience = if short { PATIENCE } else { self.patience / 2 };
    }

    /// Whether this notice tells of a departure since the last look.
    fn has_anybody_left(&self, notice: u32) -> bool {
        (notice ^ self.notice) & !WANTS_COPIES != 0
    }

    /// Whether nobody of the other side is left of those who were there. Looks when something has changed, and when the
    /// last look is old.
    fn is_gone(&mut self, now: Duration, mut look: impl FnMut(&Seat)) -> Result<bool> {
        let notice = self.other_bell().notice();
        let departed = self.has_anybody_left(notice);
        self.notice = notice;
        if self.gone || departed || now >= self.next_look {
            self.next_look = now + LOOK;
            let Some(seat) = &self.seat else { return Ok(false) };
            // Before that: who comes in between is not taken for one who has gone.
            let was_there = self.other_side().arrivals.load(Acquire) != 0;
            let taken = seat.are_taken(self.peers.clone()).map_err(|e| e.with_object(self.region.name()))?;
            // After that: of those who were found to be gone, nothing is left that `look` would find later.
            look(seat);
            self.gone = !taken && was_there;
            if self.gone {
                // Something that it is not, so that the next message is a reason to look again.
                self.notice = other_than(notice);
            }
        }
        Ok(self.gone)
    }

    /// Whether the other side has, as of its last word, the processor that this thread needs.
    fn shares_processor(&self) -> bool {
        cpu::current().is_some_and(|here| self.other_side().processor.load(Relaxed) == here + 1)
    }

    /// Says which processor this end runs on.
    fn say_where(&self) {
        let (said, here) = (&self.own_side().processor, cpu::current().map_or(0, |here| here + 1));
        if said.load(Relaxed) != here {
            said.store(here, Relaxed);
        }
    }

    #[cold]
    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        let operation = match self.role {
            Role::Sender => "send",
            Role::Receiver => "recv",
        };
        Error::new(operation, kind).with_object(self.region.name())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn corrupted(&self) -> Error {
        self.error(ErrorKind::Corrupted).with_hint("stop using the channel, and find out who writes to it")
    }

    fn failed(&self, errno: nix::errno::Errno) -> Error {
        Error::from_errno("futex(FUTEX_WAIT_BITSET)", errno).with_object(self.region.name())
    }

    /// A descriptor that tells when this end may have something to do.
    pub(super) fn readiness(&self) -> Result<Readiness> {
        let seat = self.seat.as_ref().map_or_else(Weak::new, Arc::downgrade);
        let bell = NonNull::from(self.own_bell());
        Readiness::new(self.region.clone(), seat, bell, self.peers.clone(), self.sleepers.1)
    }

    /// Leaves without telling: the seat is free if nobody else has it, but the others are told when `self` is dropped.
    pub(super) fn vacate(&mut self) -> Option<Arc<Seat>> {
        self.seat.take()
    }

    /// The descriptor that is this end, for another process to go on.
    pub(super) fn into_fd(mut self) -> Result<OwnedFd> {
        if self.region.name().is_some() {
            return Err(self.error(ErrorKind::Invalid).with_hint("open the channel by its name there"));
        }
        let seat = self.vacate().and_then(Seat::into_sole).map(Seat::into_fd);
        seat.ok_or_else(|| self.error(ErrorKind::InUse))
    }
}

impl Drop for End {
    /// Leaves first, and then tells the others, who look for themselves.
    fn drop(&mut self) {
        drop(self.seat.take());
        self.own_bell().depart();
        self.other_bell().ring_for_all();
    }
}
