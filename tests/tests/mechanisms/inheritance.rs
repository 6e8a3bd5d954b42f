//! What a child gets: all ends by fork, none by exec.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft_tests::leak;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::{Ends, Form, Subject};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::pause;

use crate::room::kind_of_receive;

pub(crate) fn fork(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let Ends { sender, receiver } = connect();
    let child = Peer::start(|| {
        sender.send(b"child", Form::Wait).unwrap();
        pause();
    });
    let mut buffer = [0; 16];
    assert_eq!(receiver.receive(&mut buffer, Form::Wait).unwrap(), Some(5), "the child's handle works");
    assert_eq!(&buffer[..5], b"child");
    sender.send(b"parent", Form::Try).expect("and the parent's still does");
    assert_eq!(receiver.receive(&mut buffer, Form::Try).unwrap(), Some(6));
    assert_eq!(&buffer[..6], b"parent");

    drop(sender);
    assert_eq!(kind_of_receive(&*receiver, Form::Try), ErrorKind::Empty, "the child still could send");
    child.kill();
    if subject.ends {
        assert_eq!(receiver.receive(&mut buffer, Form::Wait).unwrap(), None, "no sender is left");
    } else {
        let soon = Form::Within(Duration::from_millis(1));
        assert_eq!(kind_of_receive(&*receiver, soon), ErrorKind::TimedOut);
    }
}

pub(crate) fn close_on_exec(_: &Subject, connect: &dyn Fn() -> Ends) {
    let before = leak::descriptors();
    let ends = connect();
    // Non-blocking calls may open descriptors of their own.
    assert_eq!(kind_of_receive(&*ends.receiver, Form::Try), ErrorKind::Empty);
    ends.sender.send(b"x", Form::Try).unwrap();

    let opened: Vec<(u32, PathBuf)> = leak::descriptors().difference(&before).cloned().collect();
    let (Some(sender), Some(receiver)) = (ends.sender.fd(), ends.receiver.fd()) else {
        return assert_eq!(opened, [], "nothing to inherit");
    };
    let fds = [sender, receiver].map(|fd| fd.as_raw_fd() as u32);
    assert!(fds.iter().all(|fd| opened.iter().any(|(number, _)| number == fd)), "{opened:?}");
    for (number, target) in &opened {
        assert!(is_close_on_exec(*number), "descriptor {number} -> {}", target.display());
    }
    let listed = descriptors_of_a_command();
    for (_, target) in &opened {
        assert!(!listed.contains(&*target.to_string_lossy()), "{} in\n{listed}", target.display());
    }
    an_inherited_descriptor_would_show(sender);
}

fn is_close_on_exec(number: u32) -> bool {
    // SAFETY: because the descriptor is one that this test's ends have open, and they outlive the
    // call.
    let fd = unsafe { BorrowedFd::borrow_raw(number as i32) };
    FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

/// What another program sees in its own descriptor table.
fn descriptors_of_a_command() -> String {
    let output = Command::new("ls").args(["-l", "/proc/self/fd/"]).output().expect("ls");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The check above can fail.
fn an_inherited_descriptor_would_show(fd: BorrowedFd<'_>) {
    let _copy = nix::unistd::dup(fd).unwrap();
    let target = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    let listed = descriptors_of_a_command();
    assert!(listed.contains(&*target.to_string_lossy()), "{} not in\n{listed}", target.display());
}
