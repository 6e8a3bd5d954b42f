//! The limit that stops the creation of units, by name.

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{geteuid, getuid};
use serde::{Deserialize, Serialize};

use super::{Unit, creation, proc_file, room};
use crate::worker::Desk;

/// A limit on the number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Which one.
    pub name: LimitName,
    /// Its value, in its own unit.
    pub value: u64,
    /// How many more units it allows.
    pub room: u64,
}

/// The limits that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// `RLIMIT_NPROC`: the tasks of the user.
    UserTasks,
    /// `kernel.pid_max`.
    PidMax,
    /// `kernel.threads-max`.
    ThreadsMax,
    /// `pids.max` of a control group.
    PidsMax,
    /// `vm.max_map_count`: two mappings for each stack.
    MaxMapCount,
    /// `RLIMIT_AS`: the address space.
    AddressSpace,
    /// Half of the memory that is available; this program stops there.
    Memory,
    /// An error that none of them explains.
    Unknown,
}

impl LimitName {
    const ALL: [LimitName; 8] = [
        LimitName::UserTasks,
        LimitName::PidMax,
        LimitName::ThreadsMax,
        LimitName::PidsMax,
        LimitName::MaxMapCount,
        LimitName::AddressSpace,
        LimitName::Memory,
        LimitName::Unknown,
    ];

    /// Returns the documented name.
    pub fn text(self) -> &'static str {
        match self {
            LimitName::UserTasks => "RLIMIT_NPROC",
            LimitName::PidMax => "kernel.pid_max",
            LimitName::ThreadsMax => "kernel.threads-max",
            LimitName::PidsMax => "pids.max of the cgroup",
            LimitName::MaxMapCount => "vm.max_map_count",
            LimitName::AddressSpace => "RLIMIT_AS",
            LimitName::Memory => "half of the memory available",
            LimitName::Unknown => "error number",
        }
    }
}

/// Where a child reports the limit that stopped it: whether there is one, its name and value.
const REPORT: usize = 40;

impl Limit {
    /// Reports the limit that stopped this process.
    pub(super) fn report(&self, desk: Desk<'_>) {
        desk.report(REPORT + 1, self.name as u64);
        desk.report(REPORT + 2, self.value);
        desk.report(REPORT, 1);
    }

    /// Returns the limit that a child has reported.
    pub(super) fn reported(desk: Desk<'_>) -> Option<Limit> {
        let name = LimitName::ALL.into_iter().find(|known| *known as u64 == desk.figure(REPORT + 1));
        let value = desk.figure(REPORT + 2);
        (desk.figure(REPORT) == 1).then(|| Limit { name: name.unwrap_or(LimitName::Unknown), value, room: 0 })
    }
}

/// Below this room, a limit explains a failure: other processes come and go meanwhile.
const CLOSE: u64 = 400;

/// Returns the limit behind a failed creation.
pub(super) fn behind(unit: Unit, errno: nix::Error) -> Limit {
    let explains = |limit: &Limit| limit.room < CLOSE;
    nearest(unit).filter(explains).unwrap_or(Limit { name: LimitName::Unknown, value: errno as u64, room: 0 })
}

/// Returns the limit that allows the fewest further units.
pub(super) fn nearest(unit: Unit) -> Option<Limit> {
    let mut limits = vec![room::memory(unit)];
    if matches!(unit, Unit::Thread | Unit::Process) {
        limits.extend(of_tasks());
    }
    match unit {
        Unit::Coroutine => limits.extend(of_stacks(creation::STACK as u64)),
        Unit::Thread => limits.extend(of_stacks(THREAD_STACK)),
        Unit::Future | Unit::Process => {}
    }
    limits.into_iter().flatten().min_by_key(|limit| limit.room)
}

/// The stack of a thread of the standard library.
const THREAD_STACK: u64 = 2 << 20;
/// The kernel reserves the first process ids.
const RESERVED_IDS: u64 = 300;

fn of_tasks() -> Vec<Option<Limit>> {
    let tasks = proc_file::tasks();
    let system = |name, file: &str, reserved: u64| {
        let value = proc_file::number(file)?;
        Some(Limit { name, value, room: value.saturating_sub(reserved + tasks?) })
    };
    vec![
        user_tasks(),
        system(LimitName::PidMax, "/proc/sys/kernel/pid_max", RESERVED_IDS),
        system(LimitName::ThreadsMax, "/proc/sys/kernel/threads-max", 0),
        proc_file::groups("pids").iter().filter_map(|group| pids_max(group)).min_by_key(|limit| limit.room),
    ]
}

/// `RLIMIT_NPROC` does not apply to root.
fn user_tasks() -> Option<Limit> {
    let value = soft_limit(Resource::RLIMIT_NPROC).filter(|_| !geteuid().is_root())?;
    let room = value.saturating_sub(proc_file::tasks_of_user(getuid().as_raw()));
    Some(Limit { name: LimitName::UserTasks, value, room })
}

fn pids_max(group: &str) -> Option<Limit> {
    let value = proc_file::number(&format!("{group}/pids.max"))?;
    let current = proc_file::number(&format!("{group}/pids.current"))?;
    Some(Limit { name: LimitName::PidsMax, value, room: value.saturating_sub(current) })
}

/// The limits on mappings: a stack and its guard page are two.
fn of_stacks(stack: u64) -> Vec<Option<Limit>> {
    let mappings = std::fs::read_to_string("/proc/self/maps").map(|text| text.lines().count() as u64);
    let count = proc_file::number("/proc/sys/vm/max_map_count").zip(mappings.ok());
    let space = soft_limit(Resource::RLIMIT_AS).zip(proc_file::field("/proc/self/status", "VmSize"));
    vec![
        count.map(|(value, used)| Limit {
            name: LimitName::MaxMapCount,
            value,
            room: value.saturating_sub(used) / 2,
        }),
        space.map(|(value, used)| Limit {
            name: LimitName::AddressSpace,
            value,
            room: value.saturating_sub(used) / stack,
        }),
    ]
}

/// Returns a soft limit. `None` if it is unlimited.
fn soft_limit(resource: Resource) -> Option<u64> {
    let (soft, _) = getrlimit(resource).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}
