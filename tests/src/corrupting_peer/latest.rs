//! The newest value.

use std::convert::Infallible;
use std::os::fd::OwnedFd;

use ipcraft::channel::latest::{Channel, Reader, Writer};

use super::{Clock, Payload, Target, duplicate};

struct Ends<T: Payload> {
    channel: Channel<T>,
    writer: Option<Writer<T>>,
    reader: Option<Reader<T>>,
}

pub(super) fn make<T: Payload>() -> Box<dyn Target> {
    let channel = Channel::<T>::anonymous().expect("a channel");
    Box::new(Ends { channel, writer: None, reader: None })
}

impl<T: Payload> Target for Ends<T> {
    fn descriptor(&self) -> OwnedFd {
        duplicate(&self.channel)
    }

    fn operate(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => self.come_and_go(choice / 4, clock),
            1 => self.store(choice / 4, clock),
            _ => self.load(choice / 4, clock),
        }
    }
}

impl<T: Payload> Ends<T> {
    fn come_and_go(&mut self, choice: u8, clock: &mut Clock) {
        match choice % 4 {
            0 => {
                drop(self.writer.take());
                self.writer = clock.call("writer", |_| self.channel.writer());
            }
            1 => {
                drop(self.reader.take());
                self.reader = clock.call("reader", |_| self.channel.reader());
            }
            2 => {
                let fd = self.descriptor();
                if let Some(channel) = clock.call("from_received", |_| Channel::from_received(fd)) {
                    self.channel = channel;
                }
            }
            _ => {
                let fd = self.reader.take().and_then(|end| clock.call("into_fd", |_| end.into_fd()));
                self.reader = fd.and_then(|fd| clock.call("from_fd", |_| Reader::from_fd(fd)));
            }
        }
    }

    fn store(&mut self, choice: u8, clock: &mut Clock) {
        let Some(writer) = &mut self.writer else {
            self.writer = clock.call("writer", |_| self.channel.writer());
            return;
        };
        clock.call("store", |_| {
            if choice.is_multiple_of(2) {
                writer.store(T::some());
            } else {
                let mut place = writer.loan();
                place.set(&T::some());
                place.commit();
            }
            Ok::<u64, Infallible>(writer.version())
        });
    }

    fn load(&mut self, choice: u8, clock: &mut Clock) {
        let Some(reader) = &mut self.reader else {
            self.reader = clock.call("reader", |_| self.channel.reader());
            return;
        };
        match choice % 4 {
            0 => drop(clock.call("load", |_| reader.load())),
            1 => drop(clock.call("load_in_place", |_| {
                let value = reader.load_in_place()?;
                value.read_at(0, &mut [0])?;
                value.get()
            })),
            2 => drop(clock.call("try_changed", |_| reader.try_changed())),
            _ => drop(clock.call("changed_timeout", |timeout| reader.changed_timeout(timeout))),
        }
    }
}
