//! What a child and a program that is started have of its parent's signals.

use std::ffi::CString;
use std::process::Command;

use ipcraft::Pid;
use ipcraft::signal::{Signal, SignalSet, block, pending, send};
use nix::unistd::execvp;

use crate::in_child;

pub(crate) fn of_the_mask_and_not_of_what_is_pending_by_a_child() {
    in_child(|| {
        let blocked = block(Signal::USR1).unwrap();
        send(Pid::current(), Signal::USR1).unwrap();
        in_child(|| {
            assert_eq!(pending().unwrap(), SignalSet::empty());
            send(Pid::current(), Signal::USR1).unwrap();
            assert_eq!(pending().unwrap(), Signal::USR1.into(), "blocked here too");
        });
        assert_eq!(blocked.try_wait().unwrap().signal(), Signal::USR1);
    });
}

pub(crate) fn of_what_is_pending_by_a_program() {
    let _blocked = block(Signal::USR1).unwrap();
    let status = Command::new("grep").args(["-q", "^SigBlk:.*200$", "/proc/self/status"]).status().unwrap();
    assert!(status.success(), "the mask goes over exec");
    in_child(|| {
        send(Pid::current(), Signal::USR1).unwrap();
        let words = ["grep", "-q", "^ShdPnd:.*200$", "/proc/self/status"].map(|w| CString::new(w).unwrap());
        execvp(&words[0], &words).unwrap();
    });
}
