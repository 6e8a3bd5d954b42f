//! Records of any length.

use std::io::IoSlice;
use std::os::fd::OwnedFd;

use ipcraft::channel::spsc::bytes::{Channel, Options, Receiver, Sender};

use super::{CAPACITY, Clock, Target, duplicate};

struct Ends {
    channel: Channel,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
}

pub(super) fn make() -> Box<dyn Target> {
    let channel = Options::new().capacity(CAPACITY * 64).anonymous().expect("a channel");
    Box::new(Ends { channel, sender: None, receiver: None })
}

impl Target for Ends {
    fn descriptor(&self) -> OwnedFd {
        duplicate(&self.channel)
    }

    fn operate(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => self.come_and_go(choice / 4, clock),
            1 | 2 => self.send(choice / 4, clock),
            _ => self.receive(choice / 4, clock),
        }
    }
}

impl Ends {
    fn come_and_go(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => {
                drop(self.sender.take());
                self.sender = clock.call("sender", |_| self.channel.sender());
            }
            1 => {
                drop(self.receiver.take());
                self.receiver = clock.call("receiver", |_| self.channel.receiver());
            }
            2 => {
                let fd = self.descriptor();
                if let Some(channel) = clock.call("from_received", |_| Channel::from_received(fd)) {
                    self.channel = channel;
                }
            }
            _ => {
                let fd = self.receiver.take().and_then(|end| clock.call("into_fd", |_| end.into_fd()));
                self.receiver = fd.and_then(|fd| clock.call("from_fd", |_| Receiver::from_fd(fd)));
            }
        }
    }

    fn send(&mut self, choice: u8, clock: &mut Clock) {
        let Some(sender) = &mut self.sender else {
            self.sender = clock.call("sender", |_| self.channel.sender());
            return;
        };
        // Among them one that is too long.
        let length = usize::from(choice) * 5;
        let record = vec![choice; length];
        match choice % 6 {
            0 => drop(clock.call("send_timeout", |timeout| sender.send_timeout(&record, timeout))),
            1 => drop(clock.call("try_send", |_| sender.try_send(&record))),
            2 => drop(clock.call("send_vectored_timeout", |timeout| {
                sender.send_vectored_timeout(&[IoSlice::new(b"head"), IoSlice::new(&record)], timeout)
            })),
            3 => drop(clock.call("send_all_timeout", |timeout| {
                sender.send_all_timeout(&[&record[..], b"", b"tail"], timeout)
            })),
            4 => drop(clock.call("loan_timeout", |timeout| {
                let mut place = sender.loan_timeout(length, timeout)?;
                place.write_at(0, &record)?;
                place.commit_len(length / 2)
            })),
            _ => drop(clock.call("try_loan", |_| sender.try_loan(length).map(drop))),
        }
    }

    fn receive(&mut self, choice: u8, clock: &mut Clock) {
        let Some(receiver) = &mut self.receiver else {
            self.receiver = clock.call("receiver", |_| self.channel.receiver());
            return;
        };
        let mut buffer = Vec::new();
        let mut short = [0; 16];
        match choice % 5 {
            0 => drop(clock.call("recv_timeout", |timeout| receiver.recv_timeout(&mut buffer, timeout))),
            1 => drop(clock.call("try_recv", |_| receiver.try_recv(&mut buffer))),
            2 => drop(clock.call("recv_into_timeout", |t| receiver.recv_into_timeout(&mut short, t))),
            3 => drop(clock.call("recv_in_place_timeout", |timeout| {
                let record = receiver.recv_in_place_timeout(timeout)?;
                buffer.resize(record.len(), 0);
                record.read_at(0, &mut buffer)
            })),
            _ => drop(clock.call("drain", |_| {
                receiver.for_each_available(|record| {
                    buffer.resize(record.len(), 0);
                    record.read_at(0, &mut buffer).expect("within the record");
                })
            })),
        }
    }
}
