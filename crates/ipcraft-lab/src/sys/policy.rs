//! Linux's scheduling policies: sched_setattr(2), sched_getattr(2), sched_rr_get_interval(2).
#![allow(unsafe_code)]

use std::fmt;
use std::time::Duration;

use nix::Error as Errno;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// sched_setattr(2): the calling thread.
const SELF: Pid = Pid::from_raw(0);

/// The policy by which Linux schedules one thread, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinuxPolicy {
    /// `SCHED_OTHER`: a share of the core by weight.
    Other {
        /// The nice value, from -20 to 19.
        nice: i32,
        /// The time for which it may run before another gets its turn. `None` is the kernel's.
        slice: Option<Duration>,
    },
    /// `SCHED_BATCH`: as `SCHED_OTHER`, but a thread that wakes does not preempt.
    Batch {
        /// The nice value, from -20 to 19.
        nice: i32,
        /// The time for which it may run before another gets its turn. `None` is the kernel's.
        slice: Option<Duration>,
    },
    /// `SCHED_IDLE`: the smallest weight. Without a right there is no way back.
    Idle,
    /// `SCHED_FIFO`: runs until it blocks, or until a thread of higher priority is ready.
    Fifo {
        /// From 1 to 99, where 99 runs first.
        priority: u32,
    },
    /// `SCHED_RR`: as `SCHED_FIFO`, with a quantum among equal priorities.
    RoundRobin {
        /// From 1 to 99, where 99 runs first.
        priority: u32,
    },
    /// `SCHED_DEADLINE`: the earliest deadline first, within a reserved run time.
    Deadline {
        /// The CPU time reserved in each period.
        runtime: Duration,
        /// The time from the begin of a period to its deadline.
        deadline: Duration,
        /// The length of a period.
        period: Duration,
    },
}

impl LinuxPolicy {
    /// `SCHED_OTHER` with nice 0 and the kernel's slice, as every process begins.
    pub const DEFAULT: LinuxPolicy = LinuxPolicy::Other { nice: 0, slice: None };

    /// Returns the name in sched(7).
    pub fn name(self) -> &'static str {
        match self {
            LinuxPolicy::Other { .. } => "SCHED_OTHER",
            LinuxPolicy::Batch { .. } => "SCHED_BATCH",
            LinuxPolicy::Idle => "SCHED_IDLE",
            LinuxPolicy::Fifo { .. } => "SCHED_FIFO",
            LinuxPolicy::RoundRobin { .. } => "SCHED_RR",
            LinuxPolicy::Deadline { .. } => "SCHED_DEADLINE",
        }
    }

    /// sched_setattr(2): gives the calling thread this policy. Its later children inherit it.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], which names the missing right or the wrong parameter.
    pub fn set_own(self) -> Result<(), PolicyError> {
        self.set(SELF)
    }

    /// sched_setattr(2): gives the first thread of a process this policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], which names the missing right or the wrong parameter.
    pub fn set(self, pid: Pid) -> Result<(), PolicyError> {
        let attributes = self.attributes();
        // SAFETY: because the structure is valid for a read and states its own size.
        let done = unsafe { libc::syscall(libc::SYS_sched_setattr, pid.as_raw(), &raw const attributes, 0) };
        Errno::result(done).map_err(|errno| PolicyError { policy: self, errno })?;
        self.check_slice(pid)
    }

    /// sched_getattr(2): returns the policy of the calling thread.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the policy is none of these, such as `SCHED_EXT`.
    pub fn own() -> Result<LinuxPolicy, Errno> {
        LinuxPolicy::of(SELF)
    }

    /// sched_getattr(2): returns the policy of the first thread of a process.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process; `EINVAL` if the policy is none of these.
    pub fn of(pid: Pid) -> Result<LinuxPolicy, Errno> {
        let found = attributes_of(pid)?;
        let (nice, priority) = (found.sched_nice, found.sched_priority);
        let slice = (found.sched_runtime > 0).then(|| Duration::from_nanos(found.sched_runtime));
        match found.sched_policy as libc::c_int {
            libc::SCHED_OTHER => Ok(LinuxPolicy::Other { nice, slice }),
            libc::SCHED_BATCH => Ok(LinuxPolicy::Batch { nice, slice }),
            libc::SCHED_IDLE => Ok(LinuxPolicy::Idle),
            libc::SCHED_FIFO => Ok(LinuxPolicy::Fifo { priority }),
            libc::SCHED_RR => Ok(LinuxPolicy::RoundRobin { priority }),
            libc::SCHED_DEADLINE => Ok(LinuxPolicy::Deadline {
                runtime: Duration::from_nanos(found.sched_runtime),
                deadline: Duration::from_nanos(found.sched_deadline),
                period: Duration::from_nanos(found.sched_period),
            }),
            _ => Err(Errno::EINVAL),
        }
    }

    fn attributes(self) -> libc::sched_attr {
        let mut attributes = empty_attributes();
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (policy, nice, priority) = match self {
            LinuxPolicy::Other { nice, .. } => (libc::SCHED_OTHER, nice, 0),
            LinuxPolicy::Batch { nice, .. } => (libc::SCHED_BATCH, nice, 0),
            LinuxPolicy::Idle => (libc::SCHED_IDLE, 0, 0),
            LinuxPolicy::Fifo { priority } => (libc::SCHED_FIFO, 0, priority),
            LinuxPolicy::RoundRobin { priority } => (libc::SCHED_RR, 0, priority),
            LinuxPolicy::Deadline { deadline, period, .. } => {
                attributes.sched_deadline = ns(deadline);
                attributes.sched_period = ns(period);
                (libc::SCHED_DEADLINE, 0, 0)
            }
        };
        attributes.sched_policy = policy as u32;
        attributes.sched_nice = nice;
        attributes.sched_priority = priority;
        attributes.sched_runtime = self.runtime().map_or(0, ns);
        attributes
    }

    /// The field that holds the slice of a normal thread, and the run time of a periodic one.
    fn runtime(self) -> Option<Duration> {
        match self {
            LinuxPolicy::Other { slice, .. } | LinuxPolicy::Batch { slice, .. } => slice,
            LinuxPolicy::Deadline { runtime, .. } => Some(runtime),
            LinuxPolicy::Idle | LinuxPolicy::Fifo { .. } | LinuxPolicy::RoundRobin { .. } => None,
        }
    }

    /// Kernels before 6.12 ignore a slice and report none.
    fn check_slice(self, pid: Pid) -> Result<(), PolicyError> {
        let wanted = !matches!(self, LinuxPolicy::Deadline { .. }) && self.runtime().is_some();
        if wanted && attributes_of(pid).is_ok_and(|found| found.sched_runtime == 0) {
            return Err(PolicyError { policy: self, errno: Errno::ENOSYS });
        }
        Ok(())
    }
}

/// Why the kernel refused a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    policy: LinuxPolicy,
    errno: Errno,
}

impl PolicyError {
    /// Returns the errno of sched_setattr(2). It is `ENOSYS` if the kernel ignores slices.
    pub fn errno(self) -> Errno {
        self.errno
    }

    /// Returns what must be given or changed.
    pub fn needs(self) -> &'static str {
        match (self.errno, self.policy) {
            (Errno::ENOSYS, _) => "Linux 6.12 or later for a slice of one's own",
            (Errno::ESRCH, _) => "a process that has not ended",
            (Errno::EBUSY, _) => "fewer reserved CPUs: run times may take 95 % of their periods",
            (Errno::EPERM, LinuxPolicy::Fifo { .. } | LinuxPolicy::RoundRobin { .. }) => {
                "CAP_SYS_NICE or RLIMIT_RTPRIO, and the root CPU group under CONFIG_RT_GROUP_SCHED"
            }
            (Errno::EPERM, LinuxPolicy::Deadline { .. }) => "CAP_SYS_NICE, and an affinity mask of all CPUs",
            (Errno::EPERM, _) => "CAP_SYS_NICE or RLIMIT_NICE",
            (Errno::EINVAL, LinuxPolicy::Fifo { .. } | LinuxPolicy::RoundRobin { .. }) => {
                "a priority from 1 to 99"
            }
            (Errno::EINVAL, LinuxPolicy::Deadline { .. }) => "1 us <= run time <= deadline <= period",
            _ => "a kernel that has this policy",
        }
    }
}

/// `sched_setattr(2): SCHED_FIFO: EPERM: needs CAP_SYS_NICE or RLIMIT_RTPRIO, …`
impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sched_setattr(2): {}: {:?}: needs {}", self.policy.name(), self.errno, self.needs())
    }
}

impl std::error::Error for PolicyError {}

/// sched_rr_get_interval(2): returns the quantum of a `SCHED_RR` process.
///
/// # Errors
///
/// `ESRCH` if there is no such process.
pub fn round_robin_interval(pid: Pid) -> Result<Duration, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: because the structure is valid for a write.
    Errno::result(unsafe { libc::sched_rr_get_interval(pid.as_raw(), &raw mut time) })?;
    Ok(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
}

fn attributes_of(pid: Pid) -> Result<libc::sched_attr, Errno> {
    let mut found = empty_attributes();
    let size = size_of::<libc::sched_attr>();
    // SAFETY: because the structure is valid for a write of the size that is passed.
    let done = unsafe { libc::syscall(libc::SYS_sched_getattr, pid.as_raw(), &raw mut found, size, 0) };
    Errno::result(done).map(|_| found)
}

fn empty_attributes() -> libc::sched_attr {
    libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    }
}

#[cfg(test)]
mod tests {
    use ipcraft_step::Child;

    use super::*;

    const SLICE: Duration = Duration::from_millis(3);

    /// Runs a check in a child, whose policy is its own.
    fn in_child(check: impl FnOnce()) {
        Child::start(check).join();
    }

    #[test]
    fn set_own_of_permitted_policy_is_what_own_returns() {
        in_child(|| {
            for nice in [0, 5, 19] {
                LinuxPolicy::Other { nice, slice: None }.set_own().unwrap();
                assert!(matches!(LinuxPolicy::own(), Ok(LinuxPolicy::Other { nice: n, .. }) if n == nice));
                LinuxPolicy::Batch { nice, slice: None }.set_own().unwrap();
                assert!(matches!(LinuxPolicy::own(), Ok(LinuxPolicy::Batch { nice: n, .. }) if n == nice));
            }
            LinuxPolicy::Idle.set_own().unwrap();
            assert_eq!(LinuxPolicy::own(), Ok(LinuxPolicy::Idle));
        });
    }

    #[test]
    fn set_of_slice_is_reported_or_names_the_kernel_that_has_it() {
        in_child(|| {
            let wanted = LinuxPolicy::Other { nice: 0, slice: Some(SLICE) };
            match wanted.set_own() {
                Ok(()) => assert_eq!(LinuxPolicy::own(), Ok(wanted)),
                Err(error) => assert!(error.to_string().contains("6.12"), "{error}"),
            }
        });
    }

    #[test]
    fn set_of_real_time_policy_works_or_names_the_right() {
        let realtime = [LinuxPolicy::Fifo { priority: 3 }, LinuxPolicy::RoundRobin { priority: 4 }];
        for wanted in realtime {
            in_child(|| match wanted.set_own() {
                Ok(()) => {
                    assert_eq!(LinuxPolicy::own(), Ok(wanted));
                    LinuxPolicy::DEFAULT.set_own().unwrap();
                }
                Err(error) => {
                    assert_eq!(error.errno(), Errno::EPERM);
                    assert!(error.to_string().contains("CAP_SYS_NICE"), "{error}");
                }
            });
        }
    }

    #[test]
    fn set_without_rights_names_the_right() {
        in_child(|| {
            let nobody = nix::unistd::Uid::from_raw(65534);
            if nix::unistd::Uid::effective().is_root() {
                nix::unistd::setuid(nobody).unwrap();
            }
            let zero = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_RTPRIO, 0, 0);
            zero.unwrap();
            let period = Duration::from_millis(10);
            let deadline = LinuxPolicy::Deadline { runtime: SLICE, deadline: period, period };
            for refused in [LinuxPolicy::Fifo { priority: 1 }, deadline] {
                let error = refused.set_own().unwrap_err();
                assert_eq!(error.errno(), Errno::EPERM);
                assert!(error.needs().contains("CAP_SYS_NICE"), "{error}");
            }
        });
    }

    #[test]
    fn set_with_wrong_parameters_names_the_range() {
        let priority = LinuxPolicy::Fifo { priority: 100 }.set_own().unwrap_err();
        assert!(priority.to_string().contains("1 to 99"), "{priority}");
        let (runtime, period) = (Duration::from_millis(20), Duration::from_millis(10));
        let late = LinuxPolicy::Deadline { runtime, deadline: period, period }.set_own().unwrap_err();
        assert!(late.to_string().contains("run time <= deadline"), "{late}");
    }
}
