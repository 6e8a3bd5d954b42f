//! Peterson's algorithm: a flag for each process, and a turn that is given away.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use super::{Algorithm, BASE, full_fence, no_fence};
use crate::variables::Variables;

pub(super) const SEQUENTIAL: Algorithm = Algorithm {
    announce: sequential::announce,
    may_enter: sequential::may_enter,
    ..peterson("peterson", "Peterson's algorithm, sequentially consistent")
};

pub(super) const RELAXED: Algorithm = Algorithm {
    unfenced: true,
    announce: relaxed::announce,
    may_enter: relaxed::may_enter,
    ..peterson("peterson-relaxed", "Peterson's algorithm with plain loads and stores")
};

pub(super) const ACQUIRE_RELEASE: Algorithm = Algorithm {
    unfenced: true,
    announce: acquire_release::announce,
    may_enter: acquire_release::may_enter,
    ..peterson("peterson-acquire-release", "Peterson's algorithm with acquire loads and release stores")
};

pub(super) const FENCE_STORES: Algorithm = Algorithm {
    unfenced: true,
    announce: fence_stores::announce,
    may_enter: fence_stores::may_enter,
    ..peterson("peterson-fence-stores", "relaxed, with a fence between the two stores only")
};

/// Right on x86-64, whose cores store in order. The language lets the two stores change places,
/// and a model checker finds that.
pub(super) const FENCE_LOADS: Algorithm = Algorithm {
    announce: fence_loads::announce,
    may_enter: fence_loads::may_enter,
    ..peterson("peterson-fence-loads", "relaxed, with a fence between the stores and the loads only")
};

pub(super) const FENCES: Algorithm = Algorithm {
    announce: fences::announce,
    may_enter: fences::may_enter,
    ..peterson("peterson-fences", "relaxed, with both fences, and acquire loads")
};

pub(super) const SWAP: Algorithm = Algorithm {
    announce: |variables, me| {
        variables.flag(me).store(1, Relaxed);
        variables.turn().swap(1 - me as u64, AcqRel);
    },
    may_enter: acquire_release::may_enter,
    ..peterson("peterson-swap", "the turn is set by an atomic exchange, and needs no fence")
};

pub(super) const TURN_FIRST: Algorithm = Algorithm {
    announce: |variables, me| {
        variables.turn().store(1 - me as u64, SeqCst);
        variables.flag(me).store(1, SeqCst);
    },
    may_enter: sequential::may_enter,
    ..peterson("peterson-turn-first", "the two stores in the wrong order: wrong on every machine")
};

/// What the variants have in common.
const fn peterson(id: &'static str, summary: &'static str) -> Algorithm {
    Algorithm { id, summary, leave: |variables, me| variables.flag(me).store(0, Release), ..BASE }
}

/// Peterson's algorithm with given orderings, and fences between its steps.
macro_rules! peterson {
    ($name:ident, store: $store:expr, load: $load:expr, between_stores: $between:ident, before_loads: $before:ident) => {
        mod $name {
            use super::*;

            pub(super) fn announce(variables: Variables<'_>, me: usize) {
                variables.flag(me).store(1, $store);
                $between();
                variables.turn().store(1 - me as u64, $store);
                $before();
            }

            pub(super) fn may_enter(variables: Variables<'_>, me: usize) -> bool {
                variables.flag(1 - me).load($load) == 0 || variables.turn().load($load) == me as u64
            }
        }
    };
}

peterson!(sequential, store: SeqCst, load: SeqCst, between_stores: no_fence, before_loads: no_fence);
peterson!(relaxed, store: Relaxed, load: Relaxed, between_stores: no_fence, before_loads: no_fence);
peterson!(acquire_release, store: Release, load: Acquire, between_stores: no_fence, before_loads: no_fence);
peterson!(fence_stores, store: Relaxed, load: Relaxed, between_stores: full_fence, before_loads: no_fence);
peterson!(fence_loads, store: Relaxed, load: Relaxed, between_stores: no_fence, before_loads: full_fence);
peterson!(fences, store: Relaxed, load: Acquire, between_stores: full_fence, before_loads: full_fence);
