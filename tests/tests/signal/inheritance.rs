//! The signal state that fork and exec preserve.

use std::ffi::CString;
use std::process::Command;

use ipcraft::Pid;
use ipcraft::signal::{Signal, SignalSet, block, pending, send};
use ipcraft_tests::suite::serial_test;
use nix::unistd::execvp;

use crate::in_child;

#[serial_test]
fn fork_inherits_mask_without_pending_signals() {
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

#[serial_test]
fn exec_inherits_mask_and_pending_signals() {
    let _blocked = block(Signal::USR1).unwrap();
    let status = Command::new("grep").args(["-q", "^SigBlk:.*200$", "/proc/self/status"]).status().unwrap();
    assert!(status.success(), "the mask goes over exec");
    in_child(|| {
        send(Pid::current(), Signal::USR1).unwrap();
        let words = ["grep", "-q", "^ShdPnd:.*200$", "/proc/self/status"].map(|w| CString::new(w).unwrap());
        execvp(&words[0], &words).unwrap();
    });
}
