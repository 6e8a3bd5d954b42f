//! No room, nothing there, and messages that no room would suffice for.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft_tests::subject::{
    Ends, Form, LongRecord, Receiver, Sender, Subject, fill, pattern, receive_exactly, send_all,
};
use nix::fcntl::{FcntlArg, fcntl};

/// A timeout that allows no waiting.
const NO_TIME: Form = Form::Within(Duration::ZERO);

pub(crate) fn full(_: &Subject, connect: &dyn Fn() -> Ends) {
    let ends = connect();
    let flags = status_flags(ends.sender.fd());
    let sent = fill(&*ends.sender);
    assert_eq!(kind_of_send(&*ends.sender, Form::Try), ErrorKind::Full, "still");
    assert_eq!(kind_of_send(&*ends.sender, NO_TIME), ErrorKind::TimedOut);
    assert_eq!(status_flags(ends.sender.fd()), flags, "the shared description is unchanged");

    assert!(receive_exactly(&*ends.receiver, sent.len()) == sent, "what was refused has left no trace");
    assert_eq!(ends.sender.send(b"room", Form::Try).unwrap(), 4);
    assert_eq!(receive_exactly(&*ends.receiver, 4), b"room");

    a_sender_waits_for_room(connect(), Form::Wait);
    a_sender_waits_for_room(connect(), Form::Within(Duration::MAX));
}

fn a_sender_waits_for_room(ends: Ends, form: Form) {
    let sent = fill(&*ends.sender);
    let (peer, receiver) = ends.sending_peer(|sender| {
        assert_eq!(sender.send(b"late", form).unwrap(), 4);
    });
    peer.wait_asleep();
    assert!(receive_exactly(&*receiver, sent.len()) == sent);
    assert_eq!(receive_exactly(&*receiver, 4), b"late");
    peer.join();
}

pub(crate) fn empty(_: &Subject, connect: &dyn Fn() -> Ends) {
    let ends = connect();
    let flags = status_flags(ends.receiver.fd());
    assert_eq!(kind_of_receive(&*ends.receiver, Form::Try), ErrorKind::Empty);
    assert_eq!(kind_of_receive(&*ends.receiver, NO_TIME), ErrorKind::TimedOut);
    assert_eq!(status_flags(ends.receiver.fd()), flags, "the shared description is unchanged");

    for form in [Form::Wait, Form::Try, NO_TIME, Form::Within(Duration::MAX)] {
        ends.sender.send(b"there", Form::Wait).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(ends.receiver.receive(&mut buffer, form).unwrap(), Some(5), "{form:?}");
        assert_eq!(&buffer[..5], b"there");
    }
    a_receiver_waits(connect(), Form::Wait);
    a_receiver_waits(connect(), Form::Within(Duration::MAX));
}

fn a_receiver_waits(ends: Ends, form: Form) {
    let (peer, sender) = ends.receiving_peer(|receiver| {
        assert_eq!(receiver.receive(&mut [0; 16], form).unwrap(), Some(4));
    });
    peer.wait_asleep();
    sender.send(b"late", Form::Wait).unwrap();
    peer.join();
}

/// More than any buffer of the kernel holds without a privilege.
const HUGE: usize = 4 << 20;

pub(crate) fn too_large(subject: &Subject, connect: &dyn Fn() -> Ends) {
    if subject.records {
        a_huge_record_is_refused_whole(&connect());
        match subject.long_record {
            LongRecord::Cut => long_record_is_cut_with_an_error(&connect()),
            LongRecord::Stays => a_long_record_stays(&connect()),
            LongRecord::Impossible => {}
        }
    } else {
        a_huge_write_is_taken_in_part(&connect());
        a_huge_write_arrives_whole(connect());
    }
}

fn a_huge_record_is_refused_whole(ends: &Ends) {
    for form in Form::ALL {
        let error = ends.sender.send(&pattern(0, HUGE), form).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{form:?}: {error}");
        assert_eq!(
            kind_of_receive(&*ends.receiver, Form::Try),
            ErrorKind::Empty,
            "{form:?}: nothing was sent"
        );
    }
}

fn long_record_is_cut_with_an_error(ends: &Ends) {
    for form in Form::ALL {
        ends.sender.send(&[1; 100], Form::Wait).unwrap();
        ends.sender.send(b"next", Form::Wait).unwrap();
        let error = ends.receiver.receive(&mut [0; 10], form).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{form:?}: {error}");
        let limit = error.limit().expect("the two lengths");
        assert_eq!((limit.value(), limit.requested()), (10, Some(100)), "{form:?}");
        assert_eq!(receive_exactly(&*ends.receiver, 4), b"next", "{form:?}: the next record is not touched");
    }
}

fn a_long_record_stays(ends: &Ends) {
    for form in Form::ALL {
        ends.sender.send(&[1; 100], Form::Wait).unwrap();
        let error = ends.receiver.receive(&mut [0; 10], form).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{form:?}: {error}");
        assert_eq!(receive_exactly(&*ends.receiver, 100), [1; 100], "{form:?}");
    }
}

fn a_huge_write_is_taken_in_part(ends: &Ends) {
    let huge = pattern(0, HUGE);
    let taken = ends.sender.send(&huge, Form::Try).unwrap();
    assert!((1..HUGE).contains(&taken), "{taken}");
    assert!(receive_exactly(&*ends.receiver, taken) == huge[..taken]);
    assert_eq!(kind_of_receive(&*ends.receiver, Form::Try), ErrorKind::Empty, "no more than it returned");
}

fn a_huge_write_arrives_whole(ends: Ends) {
    let (peer, sender) = ends.receiving_peer(|receiver| {
        assert!(receive_exactly(receiver, HUGE) == pattern(0, HUGE));
    });
    send_all(&*sender, &pattern(0, HUGE)).unwrap();
    peer.join();
}

pub(crate) fn kind_of_send(sender: &dyn Sender, form: Form) -> ErrorKind {
    sender.send(b"x", form).expect_err("no room").kind()
}

pub(crate) fn kind_of_receive(receiver: &dyn Receiver, form: Form) -> ErrorKind {
    receiver.receive(&mut [0; 16], form).expect_err("nothing there").kind()
}

fn status_flags(fd: Option<BorrowedFd<'_>>) -> Option<i32> {
    fd.map(|fd| fcntl(fd, FcntlArg::F_GETFL).unwrap())
}
