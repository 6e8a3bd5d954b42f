//! Taking over what the dead had in their hands.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::ring::bury;
use crate::channel::flow::Flow;
use crate::channel::region::{Region, SEATS};
use crate::channel::seat::Seat;
use crate::channel::slots::Slots;
use crate::error::Result;

/// What an end needs to bury others.
#[derive(Debug)]
pub(super) struct Undertaker {
    slots: Slots,
    /// Words that stay mapped for as long as `region` is kept.
    flow: NonNull<Flow>,
    region: Arc<Region>,
}

// SAFETY: because `slots` and `flow` lead to memory of `region`, which is not bound to a thread.
unsafe impl Send for Undertaker {}

impl Undertaker {
    pub(super) fn new(region: &Arc<Region>, slots: Slots) -> Undertaker {
        Undertaker { slots, flow: region.flow(0), region: region.clone() }
    }

    /// Buries whoever had this seat before the caller, who has it now and has not used it yet.
    pub(super) fn bury_predecessor(&self, seat: &Seat) -> Result<()> {
        if self.region.used(seat.number())?.load(Acquire) != 0 {
            self.bury(seat.number())?;
        }
        Ok(())
    }

    /// Buries all whose seats were used and are free now. One for whom that fails has to wait for the next look.
    pub(super) fn look_round(&self, own: &Seat) {
        let mut buried = false;
        for seat in 0..SEATS as u32 {
            if self.region.used(seat).is_ok_and(|used| used.load(Acquire) != 0) {
                buried |= own.with_seat_of_dead(seat, || drop(self.bury(seat))).unwrap_or(false);
            }
        }
        if buried {
            self.announce();
        }
    }

    /// Lets all look again: meanwhile a seat that was being cleared seemed to be taken.
    fn announce(&self) {
        // SAFETY: because `flow` leads to atomics that stay mapped with `region`.
        let flow = unsafe { self.flow.as_ref() };
        for bell in [&flow.items, &flow.room] {
            bell.depart();
            bell.ring_for_all();
        }
    }

    /// The seat counts as used until all is done: who dies half way leaves it so.
    fn bury(&self, seat: u32) -> Result<()> {
        // SAFETY: because `flow` leads to atomics that stay mapped with `region`.
        bury(&self.slots, unsafe { self.flow.as_ref() }, seat);
        self.region.used(seat)?.store(0, Release);
        Ok(())
    }
}
