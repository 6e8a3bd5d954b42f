//! The first attempts of the text, each of which lacks something.

use std::sync::atomic::Ordering::SeqCst;

use super::{Algorithm, BASE};
use crate::variables::Variables;

pub(super) const NONE: Algorithm = Algorithm {
    id: "none",
    summary: "nothing: a process enters when it likes",
    may_enter: |_, _| true,
    ..BASE
};

pub(super) const LOCK_VARIABLE: Algorithm = Algorithm {
    id: "lock-variable",
    summary: "a variable that is 1 while the section is taken; test, then set",
    may_enter: lock_variable,
    leave: |variables, _| variables.lock().store(0, SeqCst),
    ..BASE
};

pub(super) const ALTERNATION: Algorithm = Algorithm {
    id: "alternation",
    summary: "strict alternation: a process may enter when the turn is its own",
    may_enter: |variables, me| variables.turn().load(SeqCst) == me as u64,
    leave: |variables, me| variables.turn().store(1 - me as u64, SeqCst),
    ..BASE
};

pub(super) const FLAGS: Algorithm = Algorithm {
    id: "flags",
    summary: "each process sets its flag, then waits for the other flag (Dekker's first try)",
    announce: |variables, me| variables.flag(me).store(1, SeqCst),
    may_enter: |variables, me| variables.flag(1 - me).load(SeqCst) == 0,
    leave: |variables, me| variables.flag(me).store(0, SeqCst),
    ..BASE
};

fn lock_variable(variables: Variables<'_>, _: usize) -> bool {
    let free = variables.lock().load(SeqCst) == 0;
    if free {
        variables.lock().store(1, SeqCst);
    }
    free
}
