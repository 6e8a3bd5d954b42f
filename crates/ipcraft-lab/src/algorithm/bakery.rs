//! Lamport's bakery: a process takes a ticket with the next number, and the lowest number enters.
//!
//! Two processes may take the same number; then process 0 enters first. A flag is set while a
//! process takes its ticket, since its number is not known until then.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Algorithm, BASE, full_fence, no_fence};
use crate::variables::Variables;

pub(super) const FENCES: Algorithm = Algorithm {
    announce: |variables, me| take_ticket(variables, me, full_fence),
    ..bakery("bakery", "Lamport's bakery: the lowest ticket enters; fences between stores and loads")
};

pub(super) const ACQUIRE_RELEASE: Algorithm = Algorithm {
    unfenced: true,
    announce: |variables, me| take_ticket(variables, me, no_fence),
    ..bakery("bakery-acquire-release", "Lamport's bakery without fences")
};

const fn bakery(id: &'static str, summary: &'static str) -> Algorithm {
    Algorithm {
        id,
        summary,
        may_enter: has_lowest_ticket,
        leave: |variables, me| variables.ticket(me).store(0, Release),
        ..BASE
    }
}

#[inline(always)]
fn take_ticket(variables: Variables<'_>, me: usize, before_loads: impl Fn()) {
    variables.flag(me).store(1, Relaxed);
    before_loads();
    let other = variables.ticket(1 - me).load(Relaxed);
    variables.ticket(me).store(other + 1, Release);
    variables.flag(me).store(0, Release);
    before_loads();
}

fn has_lowest_ticket(variables: Variables<'_>, me: usize) -> bool {
    if variables.flag(1 - me).load(Acquire) != 0 {
        return false;
    }
    let other = variables.ticket(1 - me).load(Acquire);
    let mine = variables.ticket(me).load(Relaxed);
    other == 0 || (mine, me) < (other, 1 - me)
}
