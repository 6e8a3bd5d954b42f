//! Dekker's algorithm: flags, and a turn that decides which process yields.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

use super::{Algorithm, BASE, full_fence, no_fence};
use crate::variables::Variables;

pub(super) const SEQUENTIAL: Algorithm = Algorithm {
    announce: |variables, me| raise(variables, me, SeqCst, no_fence),
    may_enter: |variables, me| check(variables, me, [SeqCst, SeqCst], no_fence),
    leave: |variables, me| {
        variables.turn().store(1 - me as u64, SeqCst);
        variables.flag(me).store(0, SeqCst);
    },
    ..dekker("dekker", "Dekker's algorithm: flags, and a turn that decides which one yields")
};

pub(super) const RELAXED: Algorithm = Algorithm {
    unfenced: true,
    announce: |variables, me| raise(variables, me, Relaxed, no_fence),
    may_enter: |variables, me| check(variables, me, [Relaxed, Relaxed], no_fence),
    ..dekker("dekker-relaxed", "Dekker's algorithm with plain loads and stores")
};

pub(super) const FENCES: Algorithm = Algorithm {
    announce: |variables, me| raise(variables, me, Relaxed, full_fence),
    may_enter: |variables, me| check(variables, me, [Relaxed, Acquire], full_fence),
    ..dekker("dekker-fences", "relaxed, with a fence after each raising of a flag, and acquire loads")
};

const fn dekker(id: &'static str, summary: &'static str) -> Algorithm {
    Algorithm { id, summary, leave: give_turn_away, ..BASE }
}

fn give_turn_away(variables: Variables<'_>, me: usize) {
    variables.turn().store(1 - me as u64, Relaxed);
    variables.flag(me).store(0, Release);
}

#[inline(always)]
fn raise(variables: Variables<'_>, me: usize, store: Ordering, before_loads: impl Fn()) {
    variables.flag(me).store(1, store);
    before_loads();
}

/// One check of Dekker's loop. A process that has to yield lowers its flag until the turn is its
/// own.
#[inline(always)]
fn check(variables: Variables<'_>, me: usize, [store, load]: [Ordering; 2], before_loads: impl Fn()) -> bool {
    if variables.flag(me).load(Relaxed) == 0 {
        if variables.turn().load(load) == me as u64 {
            raise(variables, me, store, before_loads);
        }
        return false;
    }
    if variables.flag(1 - me).load(load) == 0 {
        return true;
    }
    if variables.turn().load(load) != me as u64 {
        variables.flag(me).store(0, store);
    }
    false
}
