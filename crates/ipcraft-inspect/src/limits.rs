//! The limits of every mechanism, and how much of them is used.

use std::collections::HashMap;
use std::os::fd::AsFd;

use ipcraft::{queue::sysv as queues, semaphore::sysv as semaphores, shm::sysv as segments};
use nix::sys::statvfs::statvfs;
use serde::Serialize;

use crate::error::Result;
use crate::list::list;
use crate::name::Kind;
use crate::object::Object;
use crate::process::{ProcessFiles, ids, numbered, open_proc};

/// A limit of the system, of a user or of a process.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Limit {
    /// What is limited.
    pub name: &'static str,
    /// How much is used, if that can be found out.
    pub used: Option<u64>,
    /// The limit.
    pub limit: u64,
    /// What uses most: a user or a process.
    pub most: Option<Most>,
    /// What raises the limit.
    pub setting: &'static str,
    /// The error that the limit causes.
    pub errno: &'static str,
}

/// What uses most of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Most {
    /// This user uses this amount of it.
    User(u32, u64),
    /// This process, by id and name.
    Process(u32, String),
}

impl Limit {
    /// Returns which part of the limit is used, from 0 to 1 or above.
    pub fn share(&self) -> Option<f64> {
        self.used.map(|used| if self.limit == 0 { 1.0 } else { used as f64 / self.limit as f64 })
    }

    fn new(name: &'static str, limit: u64, setting: &'static str, errno: &'static str) -> Limit {
        Limit { name, used: None, limit, most: None, setting, errno }
    }

    fn used(mut self, used: Option<u64>) -> Limit {
        self.used = used;
        self
    }

    fn most(mut self, most: Option<Most>) -> Limit {
        self.most = most;
        self
    }
}

/// Returns all limits that this system has.
///
/// # Errors
///
/// Fails if the kernel's tables cannot be read.
pub fn limits() -> Result<Vec<Limit>> {
    let mut found = sysv()?;
    found.extend(posix());
    found.extend(descriptors());
    found.extend(users());
    Ok(found)
}

/// The numbers in a file below `/proc`.
fn numbers(path: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn number(path: &str) -> Option<u64> {
    numbers(path).first().copied()
}

/// The user with the greatest sum.
fn top_user(amounts: impl Iterator<Item = (u32, u64)>) -> Option<Most> {
    let mut sums: HashMap<u32, u64> = HashMap::new();
    for (uid, amount) in amounts {
        let sum = sums.entry(uid).or_default();
        *sum = sum.saturating_add(amount);
    }
    let most = sums.into_iter().filter(|(_, sum)| *sum > 0).max_by_key(|(_, sum)| *sum);
    most.map(|(uid, sum)| Most::User(uid, sum))
}

fn sysv() -> Result<Vec<Limit>> {
    let mut found = Vec::new();
    let (queues, segments, sets) = (queues::list()?, segments::list()?, semaphores::list()?);
    if let Some(limit) = number("/proc/sys/kernel/msgmni") {
        let most = top_user(queues.iter().map(|entry| (entry.statistics.permissions.uid, 1)));
        let limit = Limit::new("System V queues", limit, "sysctl kernel.msgmni", "ENOSPC from msgget");
        found.push(limit.used(Some(queues.len() as u64)).most(most));
    }
    if let Some(limit) = number("/proc/sys/kernel/msgmnb") {
        let fullest = queues.iter().map(|entry| entry.statistics.bytes).max();
        let limit = Limit::new(
            "bytes in the fullest System V queue",
            limit,
            "sysctl kernel.msgmnb",
            "EAGAIN from msgsnd",
        );
        found.push(limit.used(Some(fullest.unwrap_or(0))));
    }
    if let Some(limit) = number("/proc/sys/kernel/msgmax") {
        found.push(Limit::new(
            "bytes of a System V message",
            limit,
            "sysctl kernel.msgmax",
            "EINVAL from msgsnd",
        ));
    }
    if let Some(limit) = number("/proc/sys/kernel/shmmni") {
        let most = top_user(segments.iter().map(|entry| (entry.statistics.permissions.uid, 1)));
        let limit = Limit::new("System V segments", limit, "sysctl kernel.shmmni", "ENOSPC from shmget");
        found.push(limit.used(Some(segments.len() as u64)).most(most));
    }
    if let Some(limit) = number("/proc/sys/kernel/shmall") {
        let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
        let pages = |bytes: usize| (bytes as u64).div_ceil(page.unsigned_abs());
        let used = segments.iter().map(|entry| pages(entry.statistics.size)).sum();
        let sizes =
            segments.iter().map(|entry| (entry.statistics.permissions.uid, pages(entry.statistics.size)));
        let limit =
            Limit::new("pages of System V segments", limit, "sysctl kernel.shmall", "ENOSPC from shmget");
        found.push(limit.used(Some(used)).most(top_user(sizes)));
    }
    if let Some(limit) = number("/proc/sys/kernel/shmmax") {
        found.push(Limit::new(
            "bytes of a System V segment",
            limit,
            "sysctl kernel.shmmax",
            "EINVAL from shmget",
        ));
    }
    if let [per_set, all, operations, most_sets] = numbers("/proc/sys/kernel/sem")[..] {
        let setting = "sysctl kernel.sem";
        let count = |entry: &ipcraft::sysv::TableEntry<semaphores::Statistics>| entry.statistics.count as u64;
        let uid =
            |entry: &ipcraft::sysv::TableEntry<semaphores::Statistics>| entry.statistics.permissions.uid;
        let top_sets = top_user(sets.iter().map(|entry| (uid(entry), 1)));
        let top_all = top_user(sets.iter().map(|entry| (uid(entry), count(entry))));
        let limit = Limit::new("System V sets of semaphores", most_sets, setting, "ENOSPC from semget");
        found.push(limit.used(Some(sets.len() as u64)).most(top_sets));
        let limit = Limit::new("System V semaphores", all, setting, "ENOSPC from semget");
        found.push(limit.used(Some(sets.iter().map(count).sum())).most(top_all));
        let limit =
            Limit::new("semaphores in the largest System V set", per_set, setting, "EINVAL from semget");
        found.push(limit.used(Some(sets.iter().map(count).max().unwrap_or(0))));
        found.push(Limit::new("operations of a semop call", operations, setting, "E2BIG from semop"));
    }
    Ok(found)
}

fn posix() -> Vec<Limit> {
    let mut found = Vec::new();
    let listing = list(&[Kind::Queue]).ok();
    let complete = listing.as_ref().filter(|listing| !listing.queues_incomplete);
    let queues: &[Object] = complete.map_or(&[], |listing| &listing.objects);
    if let Some(limit) = number("/proc/sys/fs/mqueue/queues_max") {
        let most = top_user(queues.iter().map(|queue| (queue.uid, 1)));
        let limit = Limit::new("POSIX queues", limit, "sysctl fs.mqueue.queues_max", "ENOSPC from mq_open");
        found.push(limit.used(complete.map(|listing| listing.objects.len() as u64)).most(most));
    }
    let setting = "sysctl fs.mqueue.msg_max";
    found.extend(number("/proc/sys/fs/mqueue/msg_max").map(|limit| {
        Limit::new(
            "messages in a POSIX queue, without CAP_SYS_RESOURCE",
            limit,
            setting,
            "EINVAL from mq_open",
        )
    }));
    let setting = "sysctl fs.mqueue.msgsize_max";
    found.extend(number("/proc/sys/fs/mqueue/msgsize_max").map(|limit| {
        Limit::new(
            "bytes of a POSIX message, without CAP_SYS_RESOURCE",
            limit,
            setting,
            "EINVAL from mq_open",
        )
    }));
    if let Some((limit, _)) = own_limit("Max msgqueue size") {
        let bytes = |queue: &Object| queue_bytes(queue);
        let user = nix::unistd::getuid().as_raw();
        let own = queues.iter().filter(|queue| queue.uid == user).map(bytes).sum();
        let most = top_user(queues.iter().map(|queue| (queue.uid, bytes(queue))));
        let limit = Limit::new(
            "bytes of this user's POSIX queues",
            limit,
            "ulimit -q (RLIMIT_MSGQUEUE)",
            "EMFILE from mq_open",
        );
        found.push(limit.used(complete.map(|_| own)).most(most));
    }
    if let Ok(space) = statvfs("/dev/shm") {
        let files =
            list(&[Kind::Channel, Kind::SharedMemory, Kind::Semaphore]).map(|listing| listing.objects);
        let files = files.unwrap_or_default();
        let size = |object: &Object| object.size.unwrap_or(0);
        let most = top_user(files.iter().map(|file| (file.uid, size(file))));
        let (blocks, free) = (space.blocks(), space.blocks_free());
        let limit = Limit::new(
            "bytes in /dev/shm",
            blocks * space.fragment_size(),
            "mount -o remount,size=… /dev/shm",
            "ENOSPC from fallocate, SIGBUS",
        );
        found.push(limit.used(Some(blocks.saturating_sub(free) * space.fragment_size())).most(most));
        let limit = Limit::new(
            "files in /dev/shm",
            space.files(),
            "mount -o remount,nr_inodes=… /dev/shm",
            "ENOSPC from shm_open",
        );
        let used = Some(space.files().saturating_sub(space.files_free()));
        found.push(limit.used(used).most(top_user(files.iter().map(|file| (file.uid, 1)))));
    }
    found
}

/// What a queue counts against `RLIMIT_MSGQUEUE` (getrlimit(2)).
fn queue_bytes(queue: &Object) -> u64 {
    const MESSAGE: u64 = 48;
    const TREE_NODE: u64 = 48;
    const PRIORITIES: u64 = 32_768;
    let capacity = queue.queued.and_then(|queued| queued.capacity).unwrap_or(0);
    queue.size.unwrap_or(0) + capacity * MESSAGE + capacity.min(PRIORITIES) * TREE_NODE
}

/// The soft limit of this process, and its unit, from proc_pid_limits(5).
fn own_limit(label: &str) -> Option<(u64, String)> {
    parse_limit(&std::fs::read_to_string("/proc/self/limits").ok()?, label)
}

fn parse_limit(text: &str, label: &str) -> Option<(u64, String)> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let mut fields = line.split_ascii_whitespace();
    let soft = fields.next()?;
    let number = if soft == "unlimited" { u64::MAX } else { soft.parse().ok()? };
    Some((number, fields.nth(1).unwrap_or_default().to_owned()))
}

fn descriptors() -> Vec<Limit> {
    let mut found = Vec::new();
    if let [allocated, free, max] = numbers("/proc/sys/fs/file-nr")[..] {
        let limit = Limit::new("open files of the system", max, "sysctl fs.file-max", "ENFILE");
        found.push(limit.used(Some(allocated.saturating_sub(free))));
    }
    if let Some((used, limit, pid, name)) = fullest_table() {
        let setting = "ulimit -n (RLIMIT_NOFILE)";
        let fullest = Limit::new("descriptors of the process nearest to its limit", limit, setting, "EMFILE");
        found.push(fullest.used(Some(used)).most(Some(Most::Process(pid, name))));
    }
    let setting = "sysctl fs.pipe-max-size";
    found.extend(number("/proc/sys/fs/pipe-max-size").map(|limit| {
        Limit::new(
            "bytes of a pipe, without CAP_SYS_RESOURCE",
            limit,
            setting,
            "EPERM from fcntl(F_SETPIPE_SZ)",
        )
    }));
    let setting = "sysctl fs.pipe-user-pages-soft";
    found.extend(number("/proc/sys/fs/pipe-user-pages-soft").map(|limit| {
        Limit::new(
            "pages of a user's pipes, before new ones get one page",
            limit,
            setting,
            "none: smaller pipes",
        )
    }));
    let setting = "sysctl net.unix.max_dgram_qlen";
    found.extend(
        number("/proc/sys/net/unix/max_dgram_qlen").map(|limit| {
            Limit::new("datagrams that wait at a Unix socket", limit, setting, "EAGAIN from send")
        }),
    );
    found
}

/// The process that uses most of its descriptor table: use, limit, id, name.
fn fullest_table() -> Option<(u64, u64, u32, String)> {
    let proc = open_proc().ok()?;
    let mut fullest: Option<(u64, u64, u32, String)> = None;
    for pid in ids(proc.as_fd()).ok()? {
        let Ok(files) = ProcessFiles::open(proc.as_fd(), pid) else { continue };
        if files.is_kernel || files.has_ended() {
            continue;
        }
        let mut text = Vec::new();
        let Ok(used) = numbered(files.directory(), c"fd").map(|fds| fds.len() as u64) else { continue };
        if files.read("limits", &mut text).is_err() {
            continue;
        }
        let Some((limit, _)) = parse_limit(&String::from_utf8_lossy(&text), "Max open files") else {
            continue;
        };
        let share = |used: u64, limit: u64| used as f64 / limit.max(1) as f64;
        if fullest.as_ref().is_none_or(|(most, of, ..)| share(used, limit) > share(*most, *of)) {
            fullest = Some((used, limit, pid, files.process.name));
        }
    }
    fullest
}

/// Limits of the calling user.
fn users() -> Vec<Limit> {
    let mut found = Vec::new();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let queue = status.lines().find_map(|line| line.strip_prefix("SigQ:")?.trim().split_once('/'));
    if let Some((Ok(used), Ok(limit))) = queue.map(|(used, limit)| (used.parse(), limit.parse())) {
        let limit = Limit::new(
            "queued signals of this user",
            limit,
            "ulimit -i (RLIMIT_SIGPENDING)",
            "EAGAIN from sigqueue",
        );
        found.push(limit.used(Some(used)));
    }
    let instances = inotify_instances();
    if let Some(limit) = number("/proc/sys/fs/inotify/max_user_instances") {
        let user = nix::unistd::geteuid().as_raw();
        let used = instances.iter().filter(|(uid, _)| *uid == user).map(|(_, count)| count).sum();
        let limit = Limit::new(
            "inotify instances of this user",
            limit,
            "sysctl fs.inotify.max_user_instances",
            "EMFILE from inotify_init",
        );
        found.push(limit.used(Some(used)).most(top_user(instances.into_iter())));
    }
    let setting = "sysctl fs.inotify.max_user_watches";
    found.extend(number("/proc/sys/fs/inotify/max_user_watches").map(|limit| {
        Limit::new("inotify watches of a user", limit, setting, "ENOSPC from inotify_add_watch")
    }));
    let setting = "sysctl fs.epoll.max_user_watches";
    found.extend(
        number("/proc/sys/fs/epoll/max_user_watches").map(|limit| {
            Limit::new("descriptors in a user's epolls", limit, setting, "ENOSPC from epoll_ctl")
        }),
    );
    found
}

/// The inotify descriptors of each process that can be read, with its user.
fn inotify_instances() -> Vec<(u32, u64)> {
    let Ok(proc) = open_proc() else { return Vec::new() };
    let count = |pid: u32| {
        let files = ProcessFiles::open(proc.as_fd(), pid).ok()?;
        let folder = format!("/proc/{pid}/fd");
        let links = std::fs::read_dir(folder).ok()?.flatten();
        let instances = links.filter(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == "anon_inode:inotify")
        });
        Some((files.process.uid, instances.count() as u64))
    };
    ids(proc.as_fd()).unwrap_or_default().into_iter().filter_map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_this_system_are_numbers_with_a_setting() {
        let found = limits().unwrap();
        assert!(found.len() > 5, "{found:?}");
        for limit in found {
            assert!(!limit.setting.is_empty() && !limit.errno.is_empty(), "{limit:?}");
        }
    }

    #[test]
    fn parse_of_limits_finds_the_soft_one() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 4096                 files     \n\
                    Max msgqueue size         unlimited            819200               bytes     \n";
        assert_eq!(parse_limit(text, "Max open files"), Some((1024, "files".to_owned())));
        assert_eq!(parse_limit(text, "Max msgqueue size").unwrap().0, u64::MAX);
        assert_eq!(parse_limit(text, "Max other"), None);
    }

    #[test]
    fn share_of_a_limit_without_room_is_all() {
        let limit = Limit::new("x", 10, "s", "e");
        assert_eq!(limit.share(), None);
        assert_eq!(limit.clone().used(Some(5)).share(), Some(0.5));
        assert_eq!(Limit::new("x", 0, "s", "e").used(Some(0)).share(), Some(1.0));
    }
}
