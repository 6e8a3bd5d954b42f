//! The peer goes: it closes its end, or is killed while this side waits for it.

use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender, Subject, receive_exactly};
use nix::unistd::pause;

use crate::room::kind_of_receive;

/// The timeout of a wait in which the peer is killed.
const KILL_WINDOW: Duration = Duration::from_millis(200);

pub(crate) fn peer_closed(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let Ends { sender, receiver } = connect();
    sender.send(b"last words", Form::Wait).unwrap();
    drop(sender);
    assert_eq!(receive_exactly(&*receiver, 10), b"last words");
    expect_no_more_messages(subject, &*receiver);

    let Ends { sender, receiver } = connect();
    drop(receiver);
    for form in Form::ALL {
        let sent = sender.send(b"x", form).map_err(|e| e.kind());
        assert_eq!(sent, subject.gone.map_or(Ok(1), Err), "{form:?}");
    }
}

/// A stream ends, and stays ended. Without a connection there is nothing that could end.
fn expect_no_more_messages(subject: &Subject, receiver: &dyn Receiver) {
    if subject.ends {
        for form in Form::ALL {
            assert_eq!(receiver.receive(&mut [0; 16], form).unwrap(), None, "{form:?}");
        }
    } else {
        assert_eq!(kind_of_receive(receiver, Form::Try), ErrorKind::Empty);
        assert_eq!(kind_of_receive(receiver, Form::Within(Duration::from_millis(1))), ErrorKind::TimedOut);
    }
}

pub(crate) fn peer_killed_while_receiving(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let forms: &[Form] =
        if subject.ends { &[Form::Wait, Form::Within(Duration::MAX)] } else { &[Form::Within(KILL_WINDOW)] };
    for &form in forms {
        let (waiting, sender) =
            connect().receiving_peer(|receiver| recv_ends_once_sender_is_gone(subject, receiver, form));
        let victim = holder(sender);
        waiting.wait_asleep();
        victim.kill();
        waiting.join();
    }
}

fn recv_ends_once_sender_is_gone(subject: &Subject, receiver: &dyn Receiver, form: Form) {
    let received = receiver.receive(&mut [0; 16], form);
    if subject.ends {
        assert_eq!(received.unwrap(), None);
    } else {
        assert_eq!(received.unwrap_err().kind(), ErrorKind::TimedOut, "no connection, no news of the peer");
    }
}

pub(crate) fn peer_killed_while_sending(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let forms: &[Form] = match subject.gone {
        Some(_) => &[Form::Wait, Form::Within(Duration::MAX)],
        None => &[Form::Within(KILL_WINDOW)],
    };
    for &form in forms {
        let (waiting, receiver) =
            connect().sending_peer(|sender| send_fails_once_receiver_is_gone(subject, sender, form));
        let victim = holder(receiver);
        waiting.wait_asleep();
        victim.kill();
        waiting.join();
    }
}

fn send_fails_once_receiver_is_gone(subject: &Subject, sender: &dyn Sender, form: Form) {
    let error = loop {
        if let Err(error) = sender.send(&[1; 1000], form) {
            break error;
        }
    };
    // A sender that is not notified finds no room.
    assert_eq!(error.kind(), subject.gone.unwrap_or(ErrorKind::TimedOut), "{error}");
}

/// A process that has this end, does nothing with it, and is there to be killed.
fn holder<T>(end: T) -> Peer {
    Peer::start(move || {
        let _end = end;
        pause();
    })
}
