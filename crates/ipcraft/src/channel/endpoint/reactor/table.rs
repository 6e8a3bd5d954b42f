//! The registrations of a reactor, and how events lead to them.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::Token;
use super::fallback::Reports;
use super::schedule::{Schedule, Task, Timer};
use super::slot::{Armed, Slot, Waiter};
use crate::channel::tuning::{CLOSE_REPEATS, LIVENESS_INTERVAL};
use crate::error::{Error, ErrorKind, Result};
use crate::support::process_identity::ProcessIdentity;
use crate::support::{limits, proc_fd};
use crate::sys::inotify::Inotify;
use crate::time;

/// The shared part of a reactor and its registrations.
#[derive(Debug)]
pub(super) struct Inner {
    /// In a forked child's copy, all descriptors are shared with the parent.
    owner: ProcessIdentity,
    /// Polls for all of the following.
    epoll: Epoll,
    /// None where the kernel refuses an instance.
    inotify: Option<Inotify>,
    timer: Timer,
    reports: Arc<Reports>,
    table: Mutex<Table>,
    /// Whether a check of all armed endpoints is scheduled.
    has_backstop: AtomicBool,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    slots: HashMap<u64, Arc<Slot>>,
    watches: HashMap<i32, Watch>,
    schedule: Schedule,
}

/// A watched inode: that of a channel.
#[derive(Debug, Default)]
struct Watch {
    slots: Vec<Arc<Slot>>,
    /// The next repetition of a report, if a description was closed a short time ago.
    repeats: Option<usize>,
}

impl Inner {
    pub(super) fn new(with_inotify: bool) -> Result<Inner> {
        let fails = |e| Error::from_errno("epoll_create1", e).with_limit(limits::descriptors(e));
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(fails)?;
        let timer = Timer::new()?;
        let inotify = with_inotify.then(Inotify::new).and_then(std::result::Result::ok);
        let inner = Inner {
            owner: ProcessIdentity::current(),
            epoll,
            inotify,
            timer,
            reports: Arc::default(),
            table: Mutex::default(),
            has_backstop: AtomicBool::new(false),
        };
        inner.poll_for(inner.timer.as_fd())?;
        if let Some(inotify) = &inner.inotify {
            inner.poll_for(inotify.as_fd())?;
        }
        Ok(inner)
    }

    fn poll_for(&self, fd: BorrowedFd<'_>) -> Result<()> {
        let added = self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0));
        added.map_err(|e| Error::from_errno("epoll_ctl", e))
    }

    /// Fails in a forked child.
    pub(super) fn check_owner(&self) -> Result<()> {
        if self.owner.is_current() {
            return Ok(());
        }
        Err(Error::new("use reactor", ErrorKind::Invalid).with_hint("create a new one after a fork"))
    }

    pub(super) fn is_own(&self) -> bool {
        self.owner.is_current()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.table().slots.len()
    }

    pub(super) fn reports(&self) -> Result<Arc<Reports>> {
        if let Some(event) = self.reports.start()? {
            self.poll_for(event)?;
        }
        Ok(self.reports.clone())
    }

    /// Adds an endpoint. The watch is `None` if it needs a thread.
    pub(super) fn insert(&self, waiter: Waiter) -> Result<(Arc<Slot>, Option<i32>)> {
        self.check_owner()?;
        let mut table = self.table();
        table.last += 1;
        // With the table locked, so that no event comes before the slot is there.
        let path = proc_fd::path(waiter.file());
        let watch = self.inotify.as_ref().and_then(|inotify| inotify.watch(&path, waiter.events()).ok());
        let slot = Arc::new(Slot::new(Token(table.last), waiter, watch.is_some()));
        table.slots.insert(slot.token.0, slot.clone());
        if let Some(watch) = watch {
            table.watches.entry(watch).or_default().slots.push(slot.clone());
        }
        Ok((slot, watch))
    }

    pub(super) fn remove(&self, slot: &Arc<Slot>, watch: Option<i32>) {
        let mut table = self.table();
        table.slots.remove(&slot.token.0);
        let Some(watch) = watch else { return };
        let Some(watched) = table.watches.get_mut(&watch) else { return };
        watched.slots.retain(|other| !Arc::ptr_eq(other, slot));
        if watched.slots.is_empty() {
            table.watches.remove(&watch);
            if let Some(inotify) = &self.inotify {
                inotify.unwatch(watch);
            }
        }
    }

    /// Does what follows from arming an endpoint.
    pub(super) fn armed(&self, slot: &Slot, armed: Armed) -> Result<()> {
        if let Armed::Until(until) = armed {
            self.add(until, Task::Bound(slot.token.0))?;
        }
        // After the slot was armed: a check that has not seen it has stored false before.
        if armed != Armed::Before && !self.has_backstop.load(SeqCst) && !self.has_backstop.swap(true, SeqCst)
        {
            self.add(time::now() + LIVENESS_INTERVAL, Task::Backstop)?;
        }
        Ok(())
    }

    fn add(&self, at: Duration, task: Task) -> Result<()> {
        self.table().schedule.add(&self.timer, at, task)
    }

    pub(super) fn make_readable(&self) -> Result<()> {
        self.add(Duration::ZERO, Task::Wake)
    }

    pub(super) fn drain(&self, woken: &mut Vec<Token>) -> Result<()> {
        self.check_owner()?;
        let mut table = self.table();
        let now = time::now();
        if let Some(inotify) = &self.inotify {
            table.read_events(inotify, now, woken)?;
        }
        self.reports.take(woken);
        if table.schedule.is_due(now) {
            self.run_tasks(&mut table, now, woken);
            table.schedule.reset(&self.timer)?;
        } else {
            table.schedule.set_if_earlier(&self.timer)?;
        }
        Ok(())
    }

    fn run_tasks(&self, table: &mut Table, now: Duration, woken: &mut Vec<Token>) {
        while let Some(task) = table.schedule.next(now) {
            match task {
                Task::Wake => {}
                Task::Bound(token) => table.end_bound(token, now, woken),
                Task::Closed(watch, repeat) => table.repeat_close(watch, repeat, now, woken),
                Task::Backstop => {
                    // Before the check: an endpoint that is armed during it schedules another.
                    self.has_backstop.store(false, SeqCst);
                    if table.check_all(woken) && !self.has_backstop.swap(true, SeqCst) {
                        table.schedule.defer(now + LIVENESS_INTERVAL, Task::Backstop);
                    }
                }
            }
        }
    }
}

impl AsFd for Inner {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl Table {
    fn read_events(&mut self, inotify: &Inotify, now: Duration, woken: &mut Vec<Token>) -> Result<()> {
        let mut lost = false;
        let read = inotify.for_each_event(|event| {
            lost |= event.mask & libc::IN_Q_OVERFLOW != 0;
            self.dispatch(event.watch, event.mask, now, woken);
        });
        if lost {
            // The lost events may have been of any kind and channel.
            self.slots.values().for_each(|slot| slot.note_closed());
            woken.extend(self.slots.values().filter(|slot| slot.report()).map(|slot| slot.token));
        }
        read.map_err(|e| Error::from_errno("read inotify", e))
    }

    fn dispatch(&mut self, number: i32, mask: u32, now: Duration, woken: &mut Vec<Token>) {
        let Some(watch) = self.watches.get_mut(&number) else { return };
        let is_closed = mask & libc::IN_CLOSE_WRITE != 0;
        for slot in &watch.slots {
            if is_closed {
                slot.note_closed();
            }
            let is_reported = if is_closed { slot.report() } else { slot.report_if_rung() };
            if is_reported {
                woken.push(slot.token);
            }
        }
        // The kernel reports a close before it releases the lease.
        if is_closed && watch.repeats.replace(0).is_none() {
            self.schedule.defer(now + CLOSE_REPEATS[0], Task::Closed(number, 0));
        }
    }

    fn repeat_close(&mut self, number: i32, repeat: usize, now: Duration, woken: &mut Vec<Token>) {
        let Some(watch) = self.watches.get_mut(&number) else { return };
        for slot in &watch.slots {
            slot.note_closed();
            if slot.report() {
                woken.push(slot.token);
            }
        }
        // It starts anew after another close.
        let next = if watch.repeats == Some(repeat) { repeat + 1 } else { 0 };
        watch.repeats = (next < CLOSE_REPEATS.len()).then_some(next);
        if watch.repeats.is_some() {
            self.schedule.defer(now + CLOSE_REPEATS[next], Task::Closed(number, next));
        }
    }

    fn end_bound(&mut self, token: u64, now: Duration, woken: &mut Vec<Token>) {
        let Some(slot) = self.slots.get(&token) else { return };
        let (later, is_over) = slot.expire(now);
        if let Some(later) = later {
            self.schedule.defer(later, Task::Bound(token));
        }
        if is_over {
            woken.push(slot.token);
        }
    }

    /// Reports the endpoints that wait without need. Returns whether any endpoint waits.
    fn check_all(&self, woken: &mut Vec<Token>) -> bool {
        let mut any_waits = false;
        for slot in self.slots.values() {
            let (waits, without_need) = slot.check();
            any_waits |= waits;
            if without_need && slot.report() {
                woken.push(slot.token);
            }
        }
        any_waits
    }
}
