//! Handles: attributes and descriptors.

use std::os::fd::{AsFd, OwnedFd};

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{Options, Queue};
use ipcraft_tests::suite::serial_test;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{fresh_name, kind_of, small, small_queue};

#[serial_test]
fn descriptors_are_close_on_exec() {
    let (queue, name) = small_queue();
    let notification = queue.notify_descriptor().unwrap();
    let opened = Queue::open(&name).unwrap();
    for fd in [queue.as_fd(), opened.as_fd(), notification.as_fd()] {
        let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap());
        assert!(flags.contains(FdFlag::FD_CLOEXEC));
    }
}

#[serial_test]
fn attributes_return_the_requested_or_default_sizes() {
    let (queue, _) = small_queue();
    queue.send(b"1", 0).unwrap();
    queue.send(b"2", 0).unwrap();
    let found = queue.attributes().unwrap();
    assert_eq!((found.capacity, found.message_size, found.messages), (4, 64, 2));
    assert!(!found.nonblocking);
    assert_eq!(queue.message_size(), 64);

    let default = |file: &str| -> usize {
        let text = std::fs::read_to_string(format!("/proc/sys/fs/mqueue/{file}")).unwrap();
        text.trim().parse().unwrap()
    };
    let queue = Options::new().remove_on_drop(true).create_new(fresh_name()).unwrap();
    let found = queue.attributes().unwrap();
    assert_eq!((found.capacity, found.message_size), (default("msg_default"), default("msgsize_default")));
    let half = Options::new().message_size(100).remove_on_drop(true).create_new(fresh_name()).unwrap();
    let found = half.attributes().unwrap();
    assert_eq!((found.capacity, found.message_size), (default("msg_default"), 100));
}

#[serial_test]
fn one_direction_handle_rejects_the_other_direction() {
    let (_queue, name) = small_queue();
    let receiver = small().recv_only().open(&name).unwrap();
    let sender = small().send_only().open(&name).unwrap();
    let error = receiver.send(b"x", 0).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EBADF)));
    assert_eq!(kind_of(sender.recv(&mut [0; 64])), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(sender.try_recv(&mut [0; 64])), ErrorKind::PermissionDenied);
    sender.send(b"x", 0).unwrap();
    assert_eq!(receiver.recv(&mut [0; 64]).unwrap(), (1, 0));
}

#[serial_test]
fn queue_converts_to_descriptor_and_back() {
    let (queue, name) = small_queue();
    let fd = OwnedFd::from(queue);
    drop(Queue::open(&name).expect("extracting the descriptor removes nothing"));
    let queue = Queue::try_from(fd).unwrap();
    queue.send(b"x", 3).unwrap();
    assert_eq!(queue.message_size(), 64);
    Queue::unlink(&name).unwrap();
    let (reader, _writer) = std::io::pipe().unwrap();
    assert_eq!(kind_of(Queue::try_from(OwnedFd::from(reader))), ErrorKind::WrongType);
}

#[serial_test]
fn poll_reports_room_and_messages() {
    let (queue, _) = small_queue();
    assert_eq!(ready(&queue), PollFlags::POLLOUT);
    queue.send(b"1", 0).unwrap();
    assert_eq!(ready(&queue), PollFlags::POLLIN | PollFlags::POLLOUT);
    while queue.try_send(b"more", 0).is_ok() {}
    assert_eq!(ready(&queue), PollFlags::POLLIN);
    assert_eq!(queue.drain().count(), 4);
    assert_eq!(ready(&queue), PollFlags::POLLOUT);
}

fn ready(queue: &Queue) -> PollFlags {
    let mut fds = [PollFd::new(queue.as_fd(), PollFlags::POLLIN | PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).unwrap();
    fds[0].revents().unwrap()
}

#[serial_test]
fn read_of_the_descriptor_returns_the_queue_size() {
    let (queue, _) = small_queue();
    queue.send(b"12345", 0).unwrap();
    let mut text = [0; 256];
    let length = nix::unistd::read(&queue, &mut text).unwrap();
    let text = String::from_utf8_lossy(&text[..length]).into_owned();
    assert!(text.starts_with("QSIZE:5 "), "{text}");
}
