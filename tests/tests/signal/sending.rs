//! Sending signals: destinations, delivered information, errors.

use std::sync::mpsc;
use std::thread;

use ipcraft::signal::{
    Code, Sender, Signal, block, check, queue, queue_thread, send, send_group, send_thread, thread_id,
};
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Uid, geteuid, getuid, pause, setpgid, setresuid};

use crate::{in_child, kind_of, rt};

#[serial_test]
fn queue_delivers_value_code_and_sender() {
    const VALUES: [i32; 5] = [0, 1, -1, i32::MAX, i32::MIN];
    in_child(|| {
        let answers = block(rt(0) | rt(1) | Signal::USR1).unwrap();
        let sender = Sender { pid: Pid::current(), uid: getuid().as_raw() };
        let receiver = Peer::start(|| {
            let blocked = block(rt(0) | Signal::USR1).unwrap();
            for expected in VALUES {
                let info = blocked.wait_timeout(LONG_TIMEOUT).unwrap();
                assert_eq!((info.signal(), info.code(), info.value()), (rt(0), Code::Queue, Some(expected)));
                assert_eq!(info.sender(), Some(sender));
                send(sender.pid, rt(1)).unwrap();
            }
            let info = blocked.wait_timeout(LONG_TIMEOUT).unwrap();
            assert_eq!((info.signal(), info.code(), info.value()), (Signal::USR1, Code::User, None));
            assert_eq!(info.sender(), Some(sender));
        });
        for value in VALUES {
            queue(receiver.id(), rt(0), value).unwrap();
            let answer = answers.wait_timeout(LONG_TIMEOUT).unwrap();
            assert_eq!((answer.signal(), answer.code(), answer.value()), (rt(1), Code::User, None));
            assert_eq!(answer.sender().unwrap().pid, receiver.id());
        }
        send(receiver.id(), Signal::USR1).unwrap();
        receiver.join();
    });
}

#[serial_test]
fn send_group_reaches_its_members_and_rejects_group_one() {
    let _blocked = block(rt(0)).unwrap();
    let role = || {
        let blocked = block(rt(0)).unwrap();
        assert_eq!(blocked.wait_timeout(LONG_TIMEOUT).unwrap().signal(), rt(0));
    };
    let leader = Peer::start(role);
    setpgid(leader.pid(), leader.pid()).unwrap();
    let member = Peer::start(role);
    setpgid(member.pid(), leader.pid()).unwrap();
    send_group(leader.id(), rt(0)).unwrap();
    leader.join();
    member.join();
    // To kill(2) the negative of 1 means every process; a Pid has no other number of that kind.
    let one = Pid::try_from(1).unwrap();
    assert_eq!(kind_of(send_group(one, Signal::WINCH)), ErrorKind::Invalid);
}

#[serial_test]
fn send_to_reaped_process_returns_not_found() {
    let child = Peer::start(|| ());
    let pid = child.id();
    // A zombie still has its id.
    let without_reaping = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(child.pid()), without_reaping).unwrap();
    check(pid).unwrap();
    queue(pid, rt(0), 1).unwrap();
    child.join();
    let parent = std::os::unix::process::parent_id().try_into().unwrap();
    let errors = [
        check(pid),
        send(pid, Signal::TERM),
        send_group(pid, Signal::TERM),
        send_thread(pid, pid, Signal::TERM),
        queue(pid, rt(0), 1),
        queue_thread(pid, pid, rt(0), 1),
        // The id is a thread of another process.
        send_thread(Pid::current(), parent, Signal::CONT),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert_eq!(
            (error.kind(), error.errno()),
            (ErrorKind::NotFound, Some(Errno::ESRCH as i32)),
            "{error}"
        );
    }
    assert_eq!(check(pid).unwrap_err().object(), Some(&*pid.to_string()));
}

#[serial_test]
fn send_to_process_of_another_user_returns_permission_denied() -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    let parent = Pid::current();
    in_child(|| {
        let nobody = Uid::from_raw(65_534);
        setresuid(nobody, nobody, nobody).unwrap();
        let errors = [
            check(parent),
            send(parent, Signal::WINCH),
            send_thread(parent, parent, Signal::WINCH),
            queue(parent, Signal::WINCH, 1),
            queue_thread(parent, parent, Signal::WINCH, 1),
        ];
        for error in errors.map(Result::unwrap_err) {
            let found = (error.kind(), error.errno());
            assert_eq!(found, (ErrorKind::PermissionDenied, Some(Errno::EPERM as i32)), "{error}");
        }
    });
    Outcome::Passed
}

#[serial_test]
fn queue_thread_reaches_only_that_thread() {
    in_child(|| {
        let blocked = block(rt(0) | Signal::USR1).unwrap();
        let (id_sender, id_receiver) = mpsc::channel();
        let (start, started) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let blocked = block(rt(0) | Signal::USR1).unwrap();
            id_sender.send(thread_id()).unwrap();
            started.recv().unwrap();
            let info = blocked.try_wait().unwrap();
            assert_eq!((info.signal(), info.code(), info.value()), (Signal::USR1, Code::Thread, None));
            let info = blocked.try_wait().unwrap();
            assert_eq!((info.signal(), info.code(), info.value()), (rt(0), Code::Queue, Some(5)));
            assert_eq!(info.sender().unwrap().pid, Pid::current());
        });
        let other_thread = id_receiver.recv().unwrap();
        assert_ne!(other_thread, thread_id());
        queue_thread(Pid::current(), other_thread, rt(0), 5).unwrap();
        send_thread(Pid::current(), other_thread, Signal::USR1).unwrap();
        assert_eq!(kind_of(blocked.try_wait()), ErrorKind::Empty);
        start.send(()).unwrap();
        thread.join().unwrap();
    });
}

/// Queues a signal with a forged sender, which the library does not offer.
fn forge(pid: Pid, code: i32, sender: i32) -> nix::Result<()> {
    let mut info = [0_i32; 32];
    assert_eq!(size_of_val(&info), size_of::<libc::siginfo_t>());
    (info[0], info[2], info[4]) = (rt(0).number(), code, sender);
    let pid = i32::from(pid);
    // SAFETY: because rt_sigqueueinfo(2) reads one siginfo_t, and the array has its size.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, rt(0).number(), info.as_ptr()) })
        .map(drop)
}

#[serial_test]
fn forged_sender_passes_as_process_but_not_as_kernel() {
    let _blocked = block(rt(0)).unwrap();
    let receiver = Peer::start(|| {
        let blocked = block(rt(0)).unwrap();
        let info = blocked.wait_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!(
            (info.code(), info.sender().map(|sender| i32::from(sender.pid))),
            (Code::Queue, Some(4242))
        );
    });
    for code in [libc::SI_USER, libc::SI_KERNEL, libc::CLD_EXITED, libc::SI_TKILL] {
        assert_eq!(forge(receiver.id(), code, 4242), Err(Errno::EPERM), "{code}");
    }
    forge(receiver.id(), libc::SI_QUEUE, 4242).unwrap();
    receiver.join();

    let victim = Peer::start(pause);
    let gone = victim.id();
    victim.kill();
    assert_eq!(forge(gone, libc::SI_QUEUE, 4242), Err(Errno::ESRCH));
}
